"""How good are the digits, over seeds? Train with the real commands, evaluate, and write the table of the README.

    python benchmarks/seeds.py        # five seeds of the default run, of two epochs, and without labels: 70 minutes

Runs are kept in models/seeds/, and a run that is there is not repeated: an interrupted benchmark goes on where it was.
Writes benchmarks/seeds.json (all numbers) and prints the table. Each run is evaluated with 10,000 digits of a seed that
its training never saw.
"""

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from support import commands, files  # noqa: E402
from support.commands import Range, UserError  # noqa: E402

RESULTS = ROOT / "benchmarks" / "seeds.json"
RUNS = {"two epochs": ["--epochs", "2"], "default": [], "without labels": ["--no-conditional"]}
FLOORS = {"training": "real training digits", "floor": "real test digits"}
ROWS = {
    "seconds": ("seconds from start to saved models", ".0f"),
    "frechet_distance": ("Fréchet distance", ".2f"),
    "kernel_distance": ("kernel distance x 1000", ".2f"),
    "classifier_score": ("classifier score", ".2f"),
    "confidence": ("confidence", ".4f"),
    "label_accuracy": ("the digit asked for is read", ".4f"),
    "class_balance": ("class balance, KL", ".4f"),
    "precision": ("precision", ".3f"),
    "recall": ("recall", ".3f"),
    "density": ("density", ".3f"),
    "coverage": ("coverage", ".3f"),
    "share_nearer": ("nearer to a training digit than a test digit is", ".3f"),
}


@dataclass
class Config:
    seeds: Annotated[int, Range(2, 100)] = 5  # how many runs of each kind


def command(*words):
    """Run one of the scripts as a user would."""
    done = subprocess.run([sys.executable, *map(str, words)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{words[0]} failed with exit code {done.returncode}: see to this\n{done.stderr[-2000:]}")


def measure(name, seed):
    """Train and evaluate one run, unless that was done before; returns its numbers and those of real digits."""
    directory = ROOT / "models" / "seeds" / f"{name.replace(' ', '_')}_{seed}"
    numbers = directory / "evaluation.json"
    if not numbers.exists():
        places = ["--models-dir", directory, "--samples-dir", directory / "samples"]
        if not (directory / "run.json").exists():
            command("train.py", "--resume", *RUNS[name], "--seed", seed, *places)
        command("evaluate.py", "--models-dir", directory, "--json", numbers)
    run, evaluation = (json.loads((directory / file).read_text()) for file in ("run.json", "evaluation.json"))
    return evaluation["digits"] | {"seconds": run["seconds"]}, {key: evaluation[key] for key in FLOORS}


def table(results):
    """The README's table, in Markdown: mean and standard deviation over the seeds, and real digits."""
    names = [*results["runs"], *FLOORS.values()]
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for key, (name, form) in ROWS.items():
        cells = []
        for runs in results["runs"].values():
            values = [run[key] for run in runs if run[key] is not None]  # nothing was asked for without labels
            cells.append(f"{np.mean(values):{form}} ± {np.std(values, ddof=1):{form}}" if values else "")
        cells += [f"{floor[key]:{form}}" if key in floor else "" for floor in results["floors"].values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def benchmark(config):
    """Run everything, write RESULTS and print the table."""
    results = {"runs": {name: [] for name in RUNS}}
    with tqdm(total=len(RUNS) * config.seeds, unit=" runs") as bar:
        for name in RUNS:
            for seed in range(config.seeds):
                numbers, results["floors"] = measure(name, seed)
                results["runs"][name].append({"seed": seed} | numbers)
                bar.update()
    results["machine"] = machine()
    files.write_json(RESULTS, results)
    print(table(results))


def machine():
    """What the numbers were measured on; the processor's name where Linux tells it."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    processor = names[0].partition(": ")[2] if names else platform.machine()
    return {"processor": processor, "cores": os.cpu_count(), "python": platform.python_version()}


if __name__ == "__main__":
    commands.run(benchmark, Config)
