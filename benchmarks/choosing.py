"""What is gained and lost by choosing digits, with --best-of and --truncation, in the numbers of evaluate.py?

    python benchmarks/choosing.py                                # the first three default runs of benchmarks/seeds.py
    python benchmarks/choosing.py --models-dirs models/pretrained --seeds 3 --count 5000     # as in the READMEs

Draws 10,000 digits, or --count, for each choice, pair of models and seed, always with the same labels: eight minutes
for three pairs on two CPU cores. Writes benchmarks/choosing.json and prints what the READMEs say of it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import utils
from benchmarks.common import cell, machine
from drawing import hands
from evaluation import metrics
from evaluation.judge import load_judge
from evaluation.measure import reference
from support import commands, files, model_files
from support.commands import ROOT, Range, UserError
from support.datasets import load_dataset

RESULTS = ROOT / "benchmarks" / "choosing.json"
RUNS = tuple(ROOT / "models" / "seeds" / f"default_{seed}" for seed in range(3))
CHOICES = {
    "as they come": {},
    "`--best-of 2`": {"best_of": 2},
    "`--best-of 10`": {"best_of": 10},
    "`--truncation 0.8`": {"truncation": 0.8},
    "`--truncation 0.6`": {"truncation": 0.6},
}
COLUMNS = {
    "precision": ("precision", ".3f"),
    "recall": ("recall", ".3f"),
    "label_accuracy": ("the digit asked for is read", ".4f"),
    "frechet_distance": ("Fréchet distance", ".3f"),
}


@dataclass
class Config:
    models_dirs: tuple[Path, ...] = RUNS  # directories of trained pairs that differ in their seeds
    seeds: Annotated[int, Range(1, 100)] = 1  # how often to draw with each pair
    count: Annotated[int, Range(200, 60_000)] = 10_000  # digits per measurement


def measure(models, choice, seed, count, mnist, judge, real):
    """Draw with a choice, in MNIST's class shares, and measure as evaluate.py does; returns a dict.

    Args:
        real: an `evaluation.measure.Real`.
    """
    rng = np.random.default_rng(seed)
    labels = mnist.labels_in_share(count, rng)
    images = np.concatenate(list(hands.write(models, labels[:, None], rng, **choice)))
    features, logits = utils.look(judge, images)
    return {
        **metrics.neighbour_scores(real.features, features),
        "label_accuracy": float((logits.argmax(axis=1) == labels).mean()),
        "frechet_distance": metrics.frechet_distance(real.moments, metrics.moments(features)),
    }


def table(results):
    """The table of benchmarks/README.md, in Markdown: means and standard deviations over models and seeds."""
    lines = ["| | " + " | ".join(name for name, _ in COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for choice, rows in results["choices"].items():
        cells = (cell([row[key] for row in rows], form) for key, (_, form) in COLUMNS.items())
        lines.append(f"| {choice} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def sentence(results):
    """What the README says of the results: means."""

    def numbers(choice):
        rows = results["choices"][choice]
        precision, recall, read = (
            np.mean([row[key] for row in rows]) for key in ("precision", "recall", "label_accuracy")
        )
        return f"{precision:.2f}, {recall:.2f} and {read:.1%}".replace("%", " %")

    come, *chosen = (numbers(choice) for choice in ("as they come", "`--best-of 10`", "`--truncation 0.8`"))
    return (
        "Precision, recall and the share that is read as the digit asked for are "
        f"{come} as the digits come, {chosen[0]} with `--best-of 10`, {chosen[1]} with `--truncation 0.8`"
    )


def benchmark(config):
    """Run everything, write RESULTS, print the table of benchmarks/README.md and the sentence of the README."""
    pairs = {str(path): model_files.load_models(path) for path in config.models_dirs}
    judge, mnist = load_judge(), load_dataset("mnist")
    for path, (generator, _, _, num_classes) in pairs.items():
        names = model_files.class_names(model_files.read_run(Path(path)), num_classes)
        if names or (num_classes, generator.output_shape[1:]) != (10, judge.input_shape[1:]):
            raise UserError(f"the models in {path} do not draw MNIST's ten digits: leave them out")
    features, _ = utils.look(judge, mnist.x_train)
    real = reference(mnist.x_train, mnist.y_train, features, 10_000, np.random.default_rng(0))
    results = {"choices": {name: [] for name in CHOICES}}
    with tqdm(total=len(pairs) * config.seeds * len(CHOICES), unit=" measurements") as bar:
        for name, models in pairs.items():
            for seed in range(12345, 12345 + config.seeds):
                for choice, options in CHOICES.items():
                    numbers = measure(models, options, seed, config.count, mnist, judge, real)
                    results["choices"][choice].append({"models": name, "seed": seed} | numbers)
                    bar.update()
    results["machine"] = machine()
    files.write_json(RESULTS, results)
    print(table(results), sentence(results), sep="\n\n")


if __name__ == "__main__":
    commands.run(benchmark, Config)
