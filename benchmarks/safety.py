"""What do resumable and repeatable runs cost? Trains with the real command, with determinism and without.

    python benchmarks/safety.py            # twelve pairs of short runs: six minutes on two CPU cores

Other work on the machine can slow a run by a tenth, so short runs with and without are compared in pairs, one right
after the other, and the errors given are those of the means.

Writes benchmarks/safety.json and prints the sentence of the README.
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import machine, run_script
from support import commands, files
from support.commands import ROOT, Range
from support.datasets import load_dataset

RESULTS = ROOT / "benchmarks" / "safety.json"


@dataclass
class Config:
    pairs: Annotated[int, Range(2, 1000)] = 12  # how many runs of each kind


def sentence(results):
    """What the README says of the results: means over the pairs, and their standard errors."""
    saving = [100 * run["checkpoint_seconds"] / run["training_seconds"] for run in results["deterministic"]]
    rates = [[run["images_per_second"] for run in results[kind]] for kind in ("deterministic", "free")]
    slower = 100 * (1 - np.divide(*rates))
    saved, slowed = (
        f"{np.mean(costs):{form}} ± {np.std(costs, ddof=1) / len(costs) ** 0.5:{form}} %"
        for costs, form in ((saving, ".2f"), (slower, ".1f"))
    )
    return f"Saving the state takes {saved} of the training time of a short run, determinism {slowed}"


def benchmark(config):
    """Run everything, write RESULTS and print the sentence."""
    results = {"deterministic": [], "free": []}
    mnist = load_dataset("mnist")
    with tqdm(total=2 * config.pairs, unit=" runs") as bar, tempfile.TemporaryDirectory() as directory:
        digits = Path(directory) / "digits.npz"
        np.savez(digits, images=mnist.x_train[:24_000], labels=mnist.y_train[:24_000])  # 750 steps
        flags = ["--dataset", digits, "--epochs", 1, "--no-evaluate"]
        flags += ["--models-dir", directory, "--samples-dir", directory]
        for number in range(config.pairs):
            for kind in sorted(results, reverse=number % 2):  # each is the first in every other pair
                run_script("train.py", *flags, "--deterministic" if kind == "deterministic" else "--no-deterministic")
                run = json.loads((Path(directory) / "run.json").read_text())
                keys = ("training_seconds", "checkpoint_seconds", "images_per_second")
                results[kind].append({key: run[key] for key in keys})
                bar.update()
    results["machine"] = machine()
    files.write_json(RESULTS, results)
    print(sentence(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
