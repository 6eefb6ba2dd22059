"""How well does each loss draw in the same time, with and without labels? Trains each with the real commands.

    python benchmarks/losses.py                                   # 36 runs of five minutes: four hours on two CPU cores
    python benchmarks/losses.py --side-by-side 2                  # the same results, sooner
    python benchmarks/losses.py --seconds 75 --side-by-side 2     # a first look: a good hour

A run has the number of epochs that takes nearest to --seconds at its loss's training speed, which is measured first,
with nothing beside it. Speeds and runs are kept in models/losses/, and what is there is not repeated: an interrupted
benchmark goes on where it was. When all are done, writes benchmarks/losses.json and docs/losses.png, and prints the
README's table.
"""

import itertools
import json
import sys
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import train
import utils
from benchmarks.common import cell, in_process, machine, own_cores, run_script, side_by_side
from benchmarks.contenders import Ours, speed
from support import commands, files, model_files
from support.commands import ROOT, Range

RESULTS = ROOT / "benchmarks" / "losses.json"
PICTURE = ROOT / "docs" / "losses.png"
RUNS = ROOT / "models" / "losses"
LOSSES = typing.get_args(typing.get_type_hints(train.Config)["loss"])
COUNT = 5000  # digits that each run is measured by
KINDS = {"labelled": [], "unlabelled": ["--no-conditional"]}
COLUMNS = {  # key, heading, form; of each kind
    "labelled": [
        ("frechet_distance", "distance", ".3f"),
        ("precision", "precision", ".3f"),
        ("recall", "recall", ".3f"),
        ("label_accuracy", "digit read", ".3f"),
    ],
    "unlabelled": [
        ("frechet_distance", "unlabelled: distance", ".2f"),
        ("precision", "precision", ".3f"),
        ("recall", "recall", ".3f"),
        ("class_balance", "balance, KL", ".3f"),
    ],
}


@dataclass
class Config:
    seconds: Annotated[float, Range(1, 100_000)] = 290.0  # of training, per run
    seeds: Annotated[int, Range(2, 100)] = 3  # how many runs of each loss and kind
    side_by_side: Annotated[int, Range(1, 64)] = 1  # runs at a time, one core each: the same epochs, sooner


def rate(loss, labelled):
    """Training images per second, without compilation, in a process that does nothing else."""
    flags = {"loss": loss, "conditional": labelled}
    data, _ = train.load(train.Config(**flags))
    return speed(Ours(flags, data), data, seconds=10)[1]


def measure(loss, kind, seed, epochs):
    """Train and evaluate one run, unless that was done before; returns its numbers and those of real digits."""
    directory = RUNS / f"{loss}_{kind}_{epochs}_{seed}"
    numbers = directory / "evaluation.json"
    if not numbers.exists():
        places = ["--models-dir", directory, "--samples-dir", directory / "samples"]
        if not (directory / "run.json").exists():
            flags = ["--loss", loss, *KINDS[kind], "--epochs", epochs, "--seed", seed, "--no-evaluate"]
            run_script("train.py", "--resume", *flags, *places)
        run_script("evaluate.py", "--models-dir", directory, "--json", numbers, "--count", COUNT)
    run, evaluation = (json.loads((directory / file).read_text()) for file in ("run.json", "evaluation.json"))
    about = {"seed": seed, "epochs": epochs, "seconds": run["training_seconds"], "directory": directory.name}
    keys = [key for key, *_ in (*COLUMNS["labelled"], *COLUMNS["unlabelled"])]
    return about | {key: evaluation["digits"][key] for key in keys}, evaluation["training"]


def table(results):
    """The README's table, in Markdown: mean and standard deviation over the seeds; real training digits below."""
    heads = [heading for columns in COLUMNS.values() for _, heading, _ in columns]
    lines = ["| loss | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for loss, kinds in results["runs"].items():
        cells = []
        for kind, columns in COLUMNS.items():
            for key, _, form in columns:
                cells.append(cell([run[key] for run in kinds[kind]], form))
        lines.append(f"| {loss} | " + " | ".join(cells) + " |")
    real = [f"{results['real'][kind][key]:{form}}" for kind, columns in COLUMNS.items() for key, _, form in columns]
    return "\n".join([*lines, "| real training digits | " + " | ".join(real) + " |"])


def picture(results):
    """Lay out a sheet of each loss's first seed, labelled above unlabelled, with its name."""
    tiles = []
    for kind in KINDS:
        for loss, kinds in results["runs"].items():
            directory = RUNS / kinds[kind][0]["directory"]
            generator, _, latent_dim, num_classes = model_files.load_models(directory)
            noise = np.random.default_rng(0).standard_normal((100, latent_dim), "float32")
            images = utils.draw(generator, noise, np.arange(100) % num_classes)
            tiles.append(utils.with_caption(utils.to_picture(utils.sheet(images, 10), 1), [f"{loss}, {kind}"], 16))
    width, height = (max(getattr(tile, side) for tile in tiles) for side in ("width", "height"))
    whole = Image.new("L", (width * len(results["runs"]), height * len(KINDS)))
    for number, tile in enumerate(tiles):
        row, column = divmod(number, len(results["runs"]))
        whole.paste(tile, (column * width, row * height))
    utils.save_png(PICTURE, whole)


def benchmark(config):
    """Run everything, write RESULTS and PICTURE, and print the table."""
    if config.side_by_side > 1:
        own_cores(config.side_by_side)  # refuses before anything is timed
    known = RUNS / "rates.json"
    rates = json.loads(known.read_text()) if known.exists() else {}
    for loss, kind in tqdm(list(itertools.product(LOSSES, KINDS)), unit=" rates"):
        if (name := f"{loss}, {kind}") not in rates:
            rates[name] = in_process(rate, loss, kind == "labelled")
            files.write_json(known, rates)

    def job(seed, loss, kind):
        return measure(loss, kind, seed, max(1, round(config.seconds * rates[f"{loss}, {kind}"] / 60_000)))

    runs = {loss: {kind: [] for kind in KINDS} for loss in LOSSES}
    results = {"seconds": config.seconds, "rates": rates, "runs": runs, "real": {}, "machine": machine()}
    jobs = list(itertools.product(range(config.seeds), LOSSES, KINDS))
    for (_, loss, kind), done in zip(jobs, side_by_side(config.side_by_side, job, jobs), strict=True):
        numbers, results["real"][kind] = done  # those beside labelled digits have their class shares
        runs[loss][kind].append(numbers)
    files.write_json(RESULTS, results)
    picture(results)
    print(table(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
