"""Do several workers pay off? Starts them on this machine as a user would, one core each, and times them.

    python benchmarks/scaling.py                      # fifteen minutes on two CPU cores

Each worker is a process with a TF_CONFIG of its own, on the loopback interface, pinned to a core; it trains on real
MNIST with the same batch whether it is alone or not. Images per second are counted from the sheet after 4,000 images to
that at the epoch's end. All workers must have the same weights after every epoch. Beside them stands one process on all
cores, as `train.py` is by default. Whether the digits are as good is measured by benchmarks/replicas.py.

Writes benchmarks/scaling.json and prints the tables of benchmarks/README.md, the last of which is a model of other
machines: a step takes Muon's work, which every worker does in full, that of the images, which they share, and the
exchange of gradients around a ring of N workers, 2 (N - 1) / N of their bytes through each link and, for each network,
2 (N - 1) delays (Patarasu and Yuan, 2009). Links and GPUs are assumed, not measured.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import machine, own_cores
from support import commands, files
from support.commands import ROOT, Range, UserError
from support.datasets import load_dataset

RESULTS = ROOT / "benchmarks" / "scaling.json"
LINKS = {"1 Gbit/s": (1.25e8, 50e-6), "100 Gbit/s": (1.25e10, 10e-6)}  # bytes/s, seconds from host to host
# Of a data-centre GPU: the FLOP/s that it reaches in networks like these, and the least time of a step's kernels.
GPU_FLOPS, GPU_STEP = 1e13, 3e-3
# As step_cost.py counts them at the default widths. The latter are Muon's matrix products, which grow with the cube of
# the width; the former grow with its square.
FLOP_AN_IMAGE, FLOP_A_STEP = 73e6, 298e6


@dataclass
class Config:
    batch_sizes: tuple[Annotated[int, Range(2, 8192)], ...] = (32, 128)  # images per step and worker
    rounds: Annotated[int, Range(1, 100)] = 3  # how often each is run, in turn with the others
    images: Annotated[int, Range(8000, 60_000)] = 24_000  # digits in the epoch that is timed


def ports(count):
    """Free addresses on the loopback interface."""
    with contextlib.ExitStack() as doors:
        opened = [doors.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{door.getsockname()[1]}" for door in opened]


def train(directory, workers, cores, *flags):
    """Train with `workers` processes, the n-th on the n-th of `cores`, or one on all; returns the notes on each epoch.

    None of them outlives this. Raises UserError if one fails, or their notes, with hashes of the weights, differ.
    """
    addresses, processes = ports(workers), []
    with contextlib.ExitStack() as stack:
        for index in range(workers):
            place = directory / f"worker{index}"
            place.mkdir()
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            own = {cores[index % len(cores)]} if workers > 1 or len(cores) == 1 else set(cores)
            # tests/worker.py is train.py, and notes what the weights are after each epoch.
            command = [sys.executable, "tests/worker.py", "1", place / "notes", *flags]
            command += [f"--models-dir={place / 'models'}", f"--samples-dir={place / 'samples'}"]
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=ROOT,
                env=os.environ | {"TF_CONFIG": json.dumps(task)},
                stdout=subprocess.DEVNULL,
                stderr=(place / "errors").open("w"),
                start_new_session=True,  # Ctrl-C is for this process, which then stops them
                preexec_fn=lambda own=own: os.sched_setaffinity(0, own),
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        running = True
        while running:
            running = any(process.poll() is None for process in processes)
            for index, process in enumerate(processes):
                if process.returncode:
                    error = (directory / f"worker{index}" / "errors").read_text().strip().splitlines()[-1:]
                    raise UserError(f"worker {index} failed with exit code {process.returncode}: see to this: {error}")
            time.sleep(0.1)
    notes = [(directory / f"worker{index}" / "notes").read_text().splitlines() for index in range(workers)]
    epochs = [[line for line in map(json.loads, lines) if "epoch" in line] for lines in notes]
    if any(other != epochs[0] for other in epochs):
        raise UserError("workers differ in their weights: this is a fault, of the code or of the machine")
    return epochs[0]


def rate(samples_dir):
    """Images per second, from the captions of a run's sheets."""
    about = [
        json.loads(Image.open(path).text["about"]) for path in sorted(samples_dir.glob("*.png")) if path.stem[0] == "e"
    ]
    some, last = next(each for each in about if each["images"] > 3000), about[-1]
    if some == last:
        raise UserError(f"{last['images']} images are too few for batches so large: give more --images")
    return (last["images"] - some["images"]) / (last["seconds"] - some["seconds"])


def speed(config, cores):
    """Rows (what trains, its batch per worker, its images/s in each round), and how many numbers the gradients have."""
    kinds = {"one worker, one core": (1, cores[:1]), f"{len(cores)} workers, a core each": (len(cores), cores)}
    kinds["one process, all cores"] = 1, cores
    rows = [{"kind": kind, "batch_size": size, "rates": []} for size in config.batch_sizes for kind in kinds]
    mnist = load_dataset("mnist")
    bar = tqdm(total=len(rows) * config.rounds, unit=" runs")
    with bar, tempfile.TemporaryDirectory() as directory:
        digits = Path(directory) / "digits.npz"
        np.savez(digits, images=mnist.x_train[: config.images], labels=mnist.y_train[: config.images])
        for number in range(config.rounds):
            for row in rows:
                place = Path(directory) / f"{number} {row['kind']} {row['batch_size']}"
                place.mkdir()
                workers, own = kinds[row["kind"]]
                flags = [f"--dataset={digits}", "--epochs=1", "--no-evaluate", "--checkpoint-every=1000000"]
                notes = train(place, workers, own, *flags, f"--batch-size={workers * row['batch_size']}")
                row["rates"].append(rate(place / "worker0" / "samples"))
                bar.update()
    return rows, notes[0]["parameters"]


def exchange(workers, size, link):
    """Seconds for a ring of workers to sum gradients of `size` bytes, in two parts as the two networks have them."""
    bandwidth, delay = LINKS[link]
    return 2 * (workers - 1) / workers * size / bandwidth + 2 * 2 * (workers - 1) * delay


def best_number(divided, size, link):
    """The number of workers beyond which another makes a step of a fixed global batch longer, up to 1024.

    Args:
        divided: seconds of a step that workers can share.
    """
    times = [divided / workers + exchange(workers, size, link) for workers in range(1, 1025)]
    return 1 + int(np.argmin(times))


def speed_table(results):
    """Images per second, slowest and fastest round; the mean relative to one worker on one core with the same batch."""
    lines = ["| | batch a worker | images/s | beside one worker on one core |", "|---|---|---|---|"]
    for row in results["speed"]:
        alone = next(other for other in results["speed"] if other["batch_size"] == row["batch_size"])
        times = np.divide(row["rates"], alone["rates"])
        spread = f"{min(row['rates']):,.0f} to {max(row['rates']):,.0f}"
        lines.append(f"| {row['kind']} | {row['batch_size']} | {spread} | {np.mean(times):.2f} |")
    return "\n".join(lines)


def model_table(results):
    """What the model says about links and numbers of workers, with this machine's core and with a GPU."""
    size, lines = 4 * results["parameters"], []
    lines.append(
        "| worker | global batch | link | step alone, ms | exchange of 2; 8, ms | 8 workers gain | best number |"
    )
    lines.append("|---|---|---|---|---|---|---|")
    cores = [row for row in results["speed"] if row["kind"] == "one worker, one core"]
    work = [("this core", 1, row["batch_size"], row["batch_size"] / np.mean(row["rates"])) for row in cores]
    for times, batch in ((1, 256), (4, 256), (4, 2048), (8, 2048)):
        flop = batch * FLOP_AN_IMAGE * times**2 + FLOP_A_STEP * times**3
        work.append((f"a GPU, widths x {times}", times, batch, GPU_STEP + flop / GPU_FLOPS))
    for name, times, batch, seconds in work:
        least = GPU_STEP if "GPU" in name else 0
        of_step, of_images = FLOP_A_STEP * times**3, batch * FLOP_AN_IMAGE * times**2
        fixed = least + (seconds - least) * of_step / (of_step + of_images)  # which even a share of the batch takes
        for link in LINKS:
            two, eight = (exchange(workers, size * times**2, link) for workers in (2, 8))
            gain = seconds / (fixed + (seconds - fixed) / 8 + eight)
            best = best_number(seconds - fixed, size * times**2, link)
            cells = f"{1000 * seconds:.1f} | {1000 * two:.1f}; {1000 * eight:.1f} | {gain:.1f} | {best}"
            lines.append(f"| {name} | {batch} | {link} | {cells} |")
    return "\n".join(lines)


def benchmark(config):
    """Run everything, write RESULTS and print the tables."""
    rows, parameters = speed(config, own_cores(2))
    results = {"speed": rows, "parameters": parameters, "machine": machine()}
    files.write_json(RESULTS, results)
    print(speed_table(results), model_table(results), sep="\n\n")


if __name__ == "__main__":
    commands.run(benchmark, Config)
