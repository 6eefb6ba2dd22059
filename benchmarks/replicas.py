"""Are several replicas' digits as good as one's, with which batch statistics, and at which learning rate?

    python benchmarks/replicas.py                         # an hour on two CPU cores, two runs at a time
    python benchmarks/replicas.py --kinds "one process" "2 replicas" --seeds 5

Each run is one epoch of MNIST, measured by train.py itself. Replicas are virtual processors of one process, whose step
is that of as many workers; rows that say "workers" are processes on the loopback interface, whose weights must agree
bit for bit. A run that is done is not repeated. Writes benchmarks/replicas.json and prints the table of
benchmarks/README.md.
"""

import json
import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import train
from benchmarks import scaling
from benchmarks.common import cell, in_process, machine, side_by_side
from support import commands, files
from support.commands import ROOT, Range

RESULTS = ROOT / "benchmarks" / "replicas.json"
SYNCHRONISED = "statistics of the whole batch"
RUNS = {  # name: replicas, workers, what batch normalisation takes its statistics of, flags
    "one process": (1, 1, SYNCHRONISED, {}),
    "2 replicas": (2, 1, "of each share", {}),
    "4 replicas": (4, 1, "of each share", {}),
    "2 replicas, synchronised": (2, 1, SYNCHRONISED, {}),
    "4 replicas, synchronised": (4, 1, SYNCHRONISED, {}),
    "2 workers": (2, 2, "of each share", {}),
    "4 workers": (4, 4, "of each share", {}),
} | {
    f"4 replicas, batch 128, rates {rate}": (
        4, 1, "of each share", {"batch_size": 128, "generator_lr": rate, "discriminator_lr": rate},
    )
    for rate in (2e-3, 4e-3, 8e-3)
}  # fmt: skip


@dataclass
class Config:
    kinds: tuple[Literal[*RUNS], ...] = tuple(RUNS)  # kinds of run, one row each
    seeds: Annotated[int, Range(1, 100)] = 3  # how many runs of each kind


def distance(name, seed):
    """Train one run for an epoch in a fresh process; returns the Fréchet distance of its digits."""
    replicas, workers, statistics, flags = RUNS[name]
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        if workers > 1:
            words = commands.flags(train.Config(epochs=1, seed=seed, **flags), "models_dir", "samples_dir")
            scaling.train(directory, workers, sorted(os.sched_getaffinity(0)), *words)
            models = directory / "worker0" / "models"
        else:
            models = directory
            config = train.Config(epochs=1, seed=seed, models_dir=models, samples_dir=directory / "samples", **flags)
            in_process(train_replicas, replicas, statistics == SYNCHRONISED, config)
        return json.loads((models / "run.json").read_text())["quality"]["frechet_distance"]


def train_replicas(replicas, synchronised, config):
    """Train in this process, split into several virtual processors."""
    with commands.quiet():
        import keras
        import tensorflow as tf

    if replicas > 1:
        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * replicas)
        keras.layers.BatchNormalization = partial(keras.layers.BatchNormalization, synchronized=synchronised)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        train.train(config)  # the lines of two runs at a time would mix


def table(results):
    """Distances by kind of run, in Markdown: mean and standard deviation over seeds."""
    lines = ["| | batch normalisation | Fréchet distance after an epoch |", "|---|---|---|"]
    for name, seeds in results["runs"].items():
        number = "one seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
        lines.append(f"| {name}, {number} | {RUNS[name][2]} | {cell(seeds.values(), '.2f')} |")
    return "\n".join(lines)


def benchmark(config):
    """Run what is missing, write RESULTS after each run, and print the table."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": {}}
    jobs = [(name, seed) for seed in range(config.seeds) for name in config.kinds]
    jobs = [(name, seed) for name, seed in jobs if str(seed) not in results["runs"].get(name, {})]
    for (name, seed), value in zip(jobs, side_by_side(2, distance, jobs), strict=True):
        results["runs"].setdefault(name, {})[str(seed)] = value
        results["runs"] = {kind: results["runs"][kind] for kind in RUNS if kind in results["runs"]}
        files.write_json(RESULTS, results | {"machine": machine()})
    print(table(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
