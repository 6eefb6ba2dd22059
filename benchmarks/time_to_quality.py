"""How soon are the digits how good? Ours and the peers' recipes, one after the other on the same machine.

    python benchmarks/time_to_quality.py                              # all, 16 minutes of training each: two hours
    python benchmarks/time_to_quality.py --minutes 64                 # go on to 64 minutes each
    python benchmarks/time_to_quality.py --contender Goodfellow       # one of them

Each trains in a process of its own, nothing beside it. At 3.75, 7.5, 15, 30, ... seconds of training the clock stops,
10,000 digits are drawn and measured as evaluate.py does it, and the state is saved in models/time_to_quality/: a
benchmark that was interrupted goes on from there, and one with more minutes goes on to those. The clock counts each
step, its tracing and compiling too, but no imports. Ours is what train.py builds, at its default and with --epochs 2,
with the threads that train.py sets; the peers leave them to TensorFlow, as their sources do.

Writes benchmarks/time_to_quality.json and docs/time_to_quality.png.
"""

import json
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import train  # noqa: E402
import utils  # noqa: E402
from benchmarks.seeds import machine  # noqa: E402
from evaluation import metrics  # noqa: E402
from support import commands, files  # noqa: E402
from support.commands import Range, UserError  # noqa: E402
from support.datasets import load_dataset  # noqa: E402

RESULTS = ROOT / "benchmarks" / "time_to_quality.json"
PICTURE = ROOT / "docs" / "time_to_quality.png"
STATES = ROOT / "models" / "time_to_quality"
MARKS = [3.75 * 2**n for n in range(14)]  # seconds of training; the last is 8.5 hours
OURS = {"train.py --epochs 2": {"epochs": 2}, "train.py": {}}
PEERS = ("TensorFlow tutorial", "Keras-GAN", "Keras documentation", "Goodfellow", "TF-GAN")
SEED = 0
COUNT = 10_000  # digits drawn to be measured


@dataclass
class Config:
    contender: Literal["all", *OURS, *PEERS] = "all"  # whom to train
    minutes: Annotated[float, Range(0.1, 600)] = 16.0  # of training, for each


class Ours:
    """The `gan.GAN` that train.py builds, with a peer's interface."""

    def __init__(self, flags, dataset):
        config = train.Config(**flags)
        self.batch_size = config.batch_size
        self.gan = train.build_gan(config, dataset)
        self.gan.make_train_function()
        self.steps = config.epochs * (len(dataset.x_train) // self.batch_size)
        self.latent_dim = self.gan.latent_dim
        self.parts = {"gan": self.gan}

    def advance(self, batches):
        self.gan.train_function(batches)
        return self.gan.steps_per_execution

    def draw(self, noise, labels):
        return utils.draw(self.gan.averaged_generator, noise, labels)


def build(name, dataset):
    """Build a contender; the peer's first bias may depend on the data."""
    import keras

    keras.utils.set_random_seed(SEED)
    if name in OURS:
        return Ours(OURS[name], dataset)
    from benchmarks.peers import PEERS as RECIPES

    peer = RECIPES[name]()
    if hasattr(peer, "start"):
        peer.start(dataset.x_train)
    return peer


class Ruler:
    """Measures digits by the features of the judge, against the training digits."""

    def __init__(self, dataset):
        from evaluation.judge import load_judge

        self.judge = load_judge()
        rng = np.random.default_rng(SEED)
        features = self.look(dataset.x_train)
        self.moments = metrics.moments(features)
        self.some = features[rng.permutation(len(features))[:COUNT]]
        self.floor = self.measure(dataset.x_test)

    def look(self, images):
        return utils.look(self.judge, images)[0]

    def measure(self, images):
        features = self.look(images)
        distance = metrics.frechet_distance(self.moments, metrics.moments(features))
        return {"frechet_distance": distance, **metrics.neighbour_scores(self.some, features)}


def run(name, seconds):
    """Train a contender to `seconds`, or its schedule's end, and measure it at the marks on the way."""
    with commands.quiet():
        import keras
        import tensorflow as tf

    from training.batches import training_batches

    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"contenders": {}}
    points = results["contenders"].get(name, {"points": []})["points"]
    dataset = load_dataset("mnist")
    contender = build(name, dataset)
    state = tf.train.CheckpointManager(
        tf.train.Checkpoint(**contender.parts), STATES / name.replace(" ", "_"), max_to_keep=3
    )
    clock, step = 0.0, 0
    if points and not Path(f"{state.directory}/ckpt-{points[-1]['step']}.index").exists():
        points = []  # measured elsewhere
    if points:
        clock, step = points[-1]["seconds"], points[-1]["step"]
        state.checkpoint.restore(f"{state.directory}/ckpt-{step}").assert_existing_objects_matched()
        keras.utils.set_random_seed(SEED + step)
    ruler = Ruler(dataset)
    noise = np.random.default_rng([SEED, 1]).standard_normal((COUNT, contender.latent_dim), "float32")
    labels = dataset.labels_in_share(COUNT, np.random.default_rng([SEED, 2]))
    batches = iter(training_batches(dataset.x_train, dataset.y_train, contender.batch_size, SEED, step))
    with tqdm(total=round(seconds), initial=round(clock), unit="s", desc=name) as bar:
        for mark in [mark for mark in MARKS if clock < mark <= seconds]:
            while clock < mark and (contender.steps is None or step < contender.steps):
                started = time.perf_counter()
                step += contender.advance(batches)
                clock += time.perf_counter() - started
                bar.update(int(clock) - bar.n)
            if points and points[-1]["step"] == step:
                continue  # its schedule is over, or its first call took it past two marks
            point = {"seconds": clock, "step": step, "images": step * contender.batch_size}
            points.append(point | ruler.measure(contender.draw(noise, labels)))
            bar.set_postfix(distance=f"{points[-1]['frechet_distance']:.2f}")
            state.save(checkpoint_number=step)
            finished = step == contender.steps
            results["contenders"][name] = {"seed": SEED, "finished": finished, "points": points}
            results["floor"] = ruler.floor
            results["machine"] = machine() | {"tensorflow": tf.__version__, "keras": keras.__version__}
            results["machine"]["system"] = platform.platform()
            files.write_json(RESULTS, results)


def plot(results):
    """Draw distance over time, both logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name, contender in results["contenders"].items():
        seconds, distances = ([point[key] for point in contender["points"]] for key in ("seconds", "frechet_distance"))
        axes.loglog(seconds, distances, "o-" if name in OURS else "o--", label=name)
    axes.axhline(results["floor"]["frechet_distance"], color="black", lw=1)
    axes.annotate("real test digits", (MARKS[0], results["floor"]["frechet_distance"]), va="bottom")
    ticks = [mark for mark in MARKS if mark <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [f"{mark:g} s" if mark < 60 else f"{mark / 60:g} min" for mark in ticks], minor=False)
    axes.minorticks_off()
    axes.set(xlabel="training time on two CPU cores", ylabel="Fréchet distance, of the judge's features")
    axes.grid(alpha=0.3)
    axes.legend()
    with files.whole_file(PICTURE) as temporary:
        figure.savefig(temporary, dpi=120)


def table(results):
    """The README's table, in Markdown: each contender where its training ended, and when ours was as good."""
    contenders, floor = results["contenders"], results["floor"]["frechet_distance"]
    ours = contenders.get("train.py", {"points": []})["points"]
    lines = ["| | trained | distance / floor | at its best | precision | recall | `train.py` is there after |"]
    lines.append("|---" * 7 + "|")
    for name, contender in contenders.items():
        last, best = contender["points"][-1], min(point["frechet_distance"] for point in contender["points"])
        there = [point["seconds"] for point in ours if point["frechet_distance"] <= last["frechet_distance"]]
        sooner = ""
        if name not in OURS:
            sooner = f"{there[0]:.1f} s, {last['seconds'] / there[0]:.0f} times sooner" if there else "not yet"
        lines.append(
            f"| {name} | {last['seconds']:.0f} s{', all of it' * contender['finished']} "
            f"| {last['frechet_distance'] / floor:.1f} | {best / floor:.1f} "
            f"| {last['precision']:.2f} | {last['recall']:.2f} | {sooner} |"
        )
    return "\n".join(lines)


def benchmark(config):
    """Run whom `config` names, write RESULTS and PICTURE, and print the table."""
    if config.contender != "all":
        run(config.contender, 60 * config.minutes)
    else:
        for name in [*OURS, *PEERS]:  # each in a process of its own: threads are set once in a process
            words = [__file__, "--contender", name, "--minutes", str(config.minutes)]
            if subprocess.run([sys.executable, *words]).returncode:
                raise UserError(f"{name} was interrupted: run this again to go on")
    results = json.loads(RESULTS.read_text())
    plot(results)
    print(table(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
