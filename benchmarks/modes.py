"""How soon are all of stacked MNIST's 1,000 modes reached, and how evenly? Three seeds.

    python benchmarks/modes.py                                # twelve epochs each: half an hour to an hour
    python benchmarks/modes.py --epochs 36                    # three times as long

After each minute of training the clock stops, and 26,000 images are read as evaluate.py reads them. A seed that is
done is not repeated. Writes benchmarks/modes.json and docs/modes.png, and prints a table.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import machine
from benchmarks.contenders import Ours
from evaluation import modes
from support import commands, files
from support.commands import ROOT, Range, UserError
from support.datasets import STACKED, load_dataset, stack_digits

RESULTS = ROOT / "benchmarks" / "modes.json"
PICTURE = ROOT / "docs" / "modes.png"
MARK = 60.0  # seconds of training between two measurements
PUBLISHED = {  # modes, KL: as Huang et al. (2024) and Lin et al. (2018) list them
    "DCGAN": (99, 3.40),
    "VEEGAN": (150, 2.95),
    "StyleGAN2": (940, 0.42),
    "PacGAN": (1000, 0.06),
    "R3GAN": (1000, 0.029),
}


@dataclass
class Config:
    epochs: Annotated[int, Range(1, 10_000)] = 12  # of each run: after six, some modes are still rare
    seeds: Annotated[int, Range(1, 100)] = 3  # how many runs
    seed: Annotated[int | None, Range(0, 2**31 - 1)] = None  # run this seed alone, in this process


def run(config, dataset, count=modes.COUNT):
    """Train one seed to its end; returns a list of points: seconds, images, modes, mode_divergence."""
    from evaluation.judge import load_judge
    from training.batches import training_batches

    flags = {"dataset": STACKED, "epochs": config.epochs, "seed": config.seed}
    contender, judge, points, clock, step = Ours(flags, dataset), load_judge(), [], 0.0, 0
    batches = iter(training_batches(dataset.x_train, dataset.y_train, contender.batch_size, config.seed))
    noise = np.random.default_rng([config.seed, 1]).standard_normal((count, contender.latent_dim), "float32")
    with tqdm(total=contender.steps, unit=" steps", desc=f"seed {config.seed}") as bar:
        while step < contender.steps:
            mark = clock + MARK
            while step < contender.steps and clock < mark:
                started = time.perf_counter()
                step += contender.advance(batches)
                clock += time.perf_counter() - started
                bar.update(step - bar.n)
            images = contender.draw(noise, np.zeros(count, int))
            points.append({"seconds": clock, "images": step * contender.batch_size} | modes.score_modes(judge, images))
            bar.set_postfix(modes=points[-1]["modes"], divergence=f"{points[-1]['mode_divergence']:.3f}")
    return points


def table(results):
    """What each run reached at the end of its training, beside what was published, in Markdown."""
    lines = ["| | modes of 1,000 | KL | training |", "|---|---|---|---|"]
    lines += [f"| {name} | {count} | {divergence} | |" for name, (count, divergence) in PUBLISHED.items()]
    for name, seeds in results["runs"].items():
        ends = [points[-1] for points in seeds.values()]
        counts, divergences = ([end[key] for end in ends] for key in ("modes", "mode_divergence"))
        minutes = np.mean([end["seconds"] for end in ends]) / 60
        lines.append(
            f"| `train.py --dataset stacked_mnist {name}` | {', '.join(map(str, counts))} "
            f"| {', '.join(f'{each:.3f}' for each in divergences)} | {minutes:.0f} minutes |"
        )
    real = results["real"]
    return "\n".join([*lines, f"| real digits | {real['modes']} | {real['mode_divergence']:.3f} | |"])


def plot(results):
    """Draw the divergence of all runs over time, both logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for number, (name, seeds) in enumerate(results["runs"].items()):
        for seed, points in seeds.items():
            seconds, divergences = ([point[key] for point in points] for key in ("seconds", "mode_divergence"))
            label = name if seed == min(seeds) else None
            axes.loglog(np.array(seconds) / 60, divergences, ".-", color=f"C{number}", label=label)
    lines = {name: divergence for name, (_, divergence) in PUBLISHED.items()}
    for name, height in {**lines, "real digits": results["real"]["mode_divergence"]}.items():
        axes.axhline(height, color="black", lw=0.5)
        axes.annotate(name, (1, height), va="bottom", fontsize=8)
    axes.set(xlabel="minutes of training on two CPU cores", ylabel="KL of the modes")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.legend()
    with files.whole_file(PICTURE) as temporary:
        figure.savefig(temporary, dpi=120)


def benchmark(config):
    """Run what is missing, write RESULTS and PICTURE, and print the table."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": {}}
    name = f"--epochs {config.epochs}"
    seeds = results["runs"].setdefault(name, {})
    if config.seed is not None:
        dataset = load_dataset(STACKED)
        seeds[str(config.seed)] = run(config, dataset)
        if "real" not in results:
            from evaluation.judge import load_judge

            real = stack_digits(load_dataset("mnist").x_train, modes.COUNT, np.random.default_rng(0))
            results["real"] = modes.score_modes(load_judge(), real)
        files.write_json(RESULTS, results | {"machine": machine()})
        return
    for seed in range(config.seeds):  # each in a process of its own: threads are set once in a process
        if str(seed) not in seeds:
            words = [__file__, "--seed", seed, *commands.flags(config, "seed", "seeds")]
            if subprocess.run([sys.executable, *map(str, words)]).returncode:
                raise UserError(f"seed {seed} was interrupted: run this again to go on")
    results = json.loads(RESULTS.read_text())
    plot(results)
    print(table(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
