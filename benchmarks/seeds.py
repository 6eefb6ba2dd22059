"""How good are the digits, over seeds? Trains with the real commands, evaluates, and writes the README's table.

    python benchmarks/seeds.py                                # five seeds of each kind, three of the long ones: a night
    python benchmarks/seeds.py --kinds default --seeds 3 --classifiers 0 --side-by-side 2     # twenty minutes

Runs are kept in models/seeds/, and a run that is there is not repeated: an interrupted benchmark goes on where it was.
Remove runs if the networks, the steps or RUNS have changed, their evaluation.json if only the measures have.
Writes benchmarks/seeds.json (all numbers; those of other --kinds stay) and prints the table. Each run is evaluated with
10,000 digits of a seed that its training never saw.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import cell, machine, run_script, side_by_side
from support import commands, files
from support.commands import ROOT, Range

RESULTS = ROOT / "benchmarks" / "seeds.json"
LONG = ["--batch-size", "64", "--lr-fall", "0.9"]
LONG += ["--network", "supersampled", "--generator-width", "128", "--discriminator-width", "64"]
RUNS = {  # name: its flags, and how many seeds at most
    "two epochs": (["--epochs", "2"], 100),
    "default": ([], 100),
    "long": (["--epochs", "40", *LONG, "--r1-gamma", "0.5"], 3),
    "longer": (["--epochs", "60", *LONG], 3),
    "without labels": (["--no-conditional"], 100),
}
FLOORS = {"training": "real training digits", "floor": "real test digits"}
ROWS = {
    "seconds": ("seconds from start to saved models", ".0f"),
    "frechet_distance": ("Fréchet distance", ".3f"),
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
    "tstr": ("test accuracy of a classifier trained on them", ".4f"),
    "two_sample": ("accuracy of telling them from training digits", ".3f"),
}


@dataclass
class Config:
    kinds: tuple[Literal[*RUNS], ...] = tuple(RUNS)  # kinds of run, one column each
    seeds: Annotated[int, Range(1, 100)] = 5  # how many runs of each kind, the long ones at most three
    classifiers: Annotated[int, Range(0, 100)] = 5  # for how many of them to fill the last two rows
    side_by_side: Annotated[int, Range(1, 64)] = 1  # runs at a time, one core each: sooner, but not timed


def measure(name, seed, classifiers, alone):
    """Train and evaluate one run, unless that was done before; returns its numbers and those of real digits."""
    directory = ROOT / "models" / "seeds" / f"{name.replace(' ', '_')}_{seed}"
    numbers, marker = directory / "evaluation.json", directory / "alone"
    if not (directory / "run.json").exists():
        if not alone:
            marker.unlink(missing_ok=True)
        elif not directory.exists():  # else an earlier sitting says whether it was alone
            directory.mkdir(parents=True)
            marker.touch()
        places = ["--models-dir", directory, "--samples-dir", directory / "samples"]
        run_script("train.py", "--resume", *RUNS[name][0], "--seed", seed, *places)
    evaluation = json.loads(numbers.read_text()) if numbers.exists() else {"digits": {}}
    teaches = "--no-conditional" not in RUNS[name][0]  # without labels there is nothing to learn from
    if ("two_sample" if classifiers else "frechet_distance") not in evaluation["digits"]:
        words = ["--two-sample", *(["--tstr"] if teaches else [])] if classifiers else []
        run_script("evaluate.py", "--models-dir", directory, "--json", numbers, *words)
        evaluation = json.loads(numbers.read_text())
    seconds = json.loads((directory / "run.json").read_text())["seconds"]
    run = {"seed": seed, "seconds": seconds if marker.exists() else None} | evaluation["digits"]
    # Beside unlabelled digits, the training digits have other shares: the table's come from the labelled runs.
    return run, {key: evaluation[key] for key in FLOORS if teaches or key != "training"}


def table(results):
    """The README's table, in Markdown: mean and standard deviation over the seeds, and real digits."""
    runs = results["runs"]
    counts = {name: len(runs[name]) for name in RUNS if name in runs}
    columns = {f"{name}, {count} seed{'s' if count > 1 else ''}": runs[name] for name, count in counts.items()}
    columns |= {FLOORS[name]: [floor] for name, floor in results["floors"].items()}
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for key, (name, form) in ROWS.items():
        cells = [cell([run.get(key) for run in column], form) for column in columns.values()]
        if any(cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def benchmark(config):
    """Run everything, write RESULTS and print the table."""
    seeds = {name: range(min(config.seeds, RUNS[name][1])) for name in config.kinds}
    jobs = [(name, seed) for name in seeds for seed in seeds[name]]
    done = {name: [] for name in seeds}

    def job(name, seed):
        return measure(name, seed, seed < config.classifiers, alone=config.side_by_side == 1)

    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": {}, "floors": {}, "machines": {}}
    for (name, _), (numbers, floors) in zip(jobs, side_by_side(config.side_by_side, job, jobs), strict=True):
        done[name].append(numbers)
        if len(done[name]) == len(seeds[name]):  # until then, what an earlier benchmark found stays
            results["runs"][name], results["machines"][name] = done[name], machine()
        for column, floor in floors.items():  # with the classifiers' numbers, if a run has them
            results["floors"].setdefault(column, {}).update(floor)
        files.write_json(RESULTS, results)
    print(table(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
