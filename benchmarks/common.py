"""What several benchmarks share: starting processes, on which cores; the cells of tables."""

import concurrent.futures
import multiprocessing
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from support.commands import ROOT, UserError


def run_script(*words):
    """Run one of the scripts as a user would."""
    done = subprocess.run([sys.executable, *map(str, words)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        raise UserError(f"{words[0]} failed with exit code {done.returncode}: see to what it says above")


def in_process(function, *arguments):
    """Call a function in a fresh process: threads are set once in a process, and its peak memory is its own."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def own_cores(count):
    """The numbers of `count` cores; raises UserError if there are too few that processes can be pinned to."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < count:
        raise UserError(f"this needs {count} cores that processes can be pinned to: run it on Linux, with so many")
    return sorted(os.sched_getaffinity(0))[:count]


def side_by_side(count, job, jobs):
    """Do jobs, tuples of `job`'s arguments, `count` at a time, each on a core of its own; yields results in order."""
    cores = iter(own_cores(count) if count > 1 else ())  # alone, a job has all cores

    def pin():  # the processes that a thread starts share its core
        os.sched_setaffinity(0, {next(cores)})

    with concurrent.futures.ThreadPoolExecutor(count, initializer=pin if count > 1 else None) as pool:
        yield from tqdm(pool.map(job, *zip(*jobs, strict=True)), total=len(jobs), unit=" runs")


def cell(values, form):
    """Mean and standard deviation of the values that there are, in Markdown."""
    values = [value for value in values if value is not None]
    if len(values) < 2:
        return f"{values[0]:{form}}" if values else ""
    return f"{np.mean(values):{form}} ± {np.std(values, ddof=1):{form}}"


def machine():
    """What the numbers were measured on; the processor's name and vector width only if Linux tells them."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    known = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    vectors = next((name for name in ("avx512f", "avx2") if name in known.get("flags", "").split()), None)
    processor = known.get("model name", platform.machine())
    python = platform.python_version()
    return {"processor": processor, "vectors": vectors, "cores": os.cpu_count(), "python": python}
