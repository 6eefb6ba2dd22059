"""What does it cost that a run can be picked up and repeated? Train with the real command, with and without.

    python benchmarks/safety.py            # four rounds of two runs of one epoch: seven minutes on two CPU cores

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

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import utils  # noqa: E402
from benchmarks.seeds import command, machine  # noqa: E402
from utils import Range  # noqa: E402

RESULTS = ROOT / "benchmarks" / "safety.json"


@dataclass
class Config:
    rounds: Annotated[int, Range(2, 100)] = 4  # how many runs of each kind, one after the other in turns


def sentence(results):
    """What the README says of the results: means and standard deviations over the rounds."""
    saving = [100 * run["checkpoint_seconds"] / run["training_seconds"] for run in results["deterministic"]]
    rates = [[run["images_per_second"] for run in results[kind]] for kind in ("deterministic", "free")]
    slower = 100 * (1 - np.divide(*rates))
    return (
        f"Saving the state takes {np.mean(saving):.1f} ± {np.std(saving, ddof=1):.1f} % of the training time, "
        f"determinism {np.mean(slower):.1f} ± {np.std(slower, ddof=1):.1f} %"
    )


def benchmark(config):
    """Run everything, write RESULTS and print the sentence."""
    results = {"deterministic": [], "free": []}
    with tqdm(total=2 * config.rounds, unit=" runs") as bar, tempfile.TemporaryDirectory() as directory:
        for number in range(config.rounds):
            # Each kind is the first in every other round: the machine may grow slower or faster.
            for kind in sorted(results, reverse=number % 2):
                places = ["--models-dir", directory, "--samples-dir", directory]
                flag = "--deterministic" if kind == "deterministic" else "--no-deterministic"
                command("train.py", "--epochs", 1, "--no-evaluate", flag, *places)
                run = json.loads((Path(directory) / "run.json").read_text())
                keys = ("training_seconds", "checkpoint_seconds", "images_per_second")
                results[kind].append({key: run[key] for key in keys})
                bar.update()
    results["machine"] = machine()
    utils.write_json(RESULTS, results)
    print(sentence(results))


if __name__ == "__main__":
    utils.run(benchmark, Config)
