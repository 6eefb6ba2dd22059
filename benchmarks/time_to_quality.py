"""How good are the digits, how soon? Ours and the peers' recipes, on the same machine, to the ends of their schedules.

    python benchmarks/time_to_quality.py --only-speed            # read the speeds: five minutes, with nothing beside it
    nice -n 19 python benchmarks/time_to_quality.py              # train them, two hours each at most, beside other work
    python benchmarks/time_to_quality.py --contender Keras-GAN   # one of them

After 7,500, 15,000, 30,000, ... images and at the end, 10,000 digits are drawn and measured as in evaluate.py. How good
they are after so many images does not depend on how busy the machine is; how long that takes follows from the speed,
which is read with nothing beside it: seconds = those of the first call, with its tracing, + images / speed. The state
is saved every 60,000 images in models/time_to_quality/: an interrupted benchmark goes on from there, and so does one
with more minutes. Ours is what train.py builds, at its default and with --epochs 2, with the threads that train.py
sets; the peers leave them to TensorFlow, as their sources do.

Writes benchmarks/time_to_quality.json and docs/time_to_quality.png.
"""

import json
import math
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import utils
from benchmarks.common import machine
from benchmarks.contenders import OURS, PEERS, SEED, build, speed
from evaluation import metrics
from evaluation.measure import reference
from support import commands, files
from support.commands import ROOT, Range, UserError
from support.datasets import load_dataset

RESULTS = ROOT / "benchmarks" / "time_to_quality.json"
PICTURE = ROOT / "docs" / "time_to_quality.png"
STATES = ROOT / "models" / "time_to_quality"
MARKS = [7500 * 2**n for n in range(12)]  # images; the last is 15 million
SAVE = 60_000  # images between two states
SPEED_SECONDS = 20  # over which the speed is read
COUNT = 10_000  # digits drawn to be measured


@dataclass
class Config:
    contender: Literal["all", *OURS, *PEERS] = "all"  # which to train
    minutes: Annotated[float, Range(0.01, 6000)] = 120.0  # of training at most, at the speed that was read
    only_speed: bool = False  # read the speed, even if it is known, and do not train


class Ruler:
    """Measures digits by the features of the judge, against the training digits."""

    def __init__(self, dataset):
        from evaluation.judge import load_judge

        self.judge = load_judge()
        features, rng = self.look(dataset.x_train), np.random.default_rng(SEED)
        self.real = reference(dataset.x_train, dataset.y_train, features, COUNT, rng)
        self.floor = self.measure(dataset.x_test)

    def look(self, images):
        return utils.look(self.judge, images)[0]

    def measure(self, images):
        features = self.look(images)
        distance = metrics.frechet_distance(self.real.moments, metrics.moments(features))
        return {"frechet_distance": distance, **metrics.neighbour_scores(self.real.features, features)}


def read_results():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {"contenders": {}}


def states(name):
    """Where the states of a contender go; the place is missing if its numbers are from another machine."""
    return STATES / name.replace(" ", "_")


def record(name, numbers, **common):
    """Put a contender's numbers into RESULTS, along with those common to all."""
    results = read_results()
    results["contenders"][name] = {"points": []} | results["contenders"].get(name, {}) | numbers
    files.write_json(RESULTS, results | common)


def read_speed(name):
    """Time a contender's first call, and then how many images a second it trains on."""
    with commands.quiet():
        import keras
        import tensorflow as tf

    dataset = load_dataset("mnist")
    contender = build(name, dataset)
    first, rate = speed(contender, dataset, SPEED_SECONDS)
    schedule = contender.steps and contender.steps * contender.batch_size
    numbers = {"seed": SEED, "schedule": schedule, "first_call": first, "images_per_second": rate}
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__, "system": platform.platform()}
    record(name, numbers | {"machine": machine() | versions})
    states(name).mkdir(parents=True, exist_ok=True)
    print(f"{name}: {rate:.0f} images/s after {first:.1f} s")


def run(name, minutes):
    """Train a contender for `minutes` at its speed, or to its schedule's end; measure it at the marks and the end."""
    with commands.quiet():
        import keras
        import tensorflow as tf

    from training.batches import training_batches

    known = read_results()["contenders"][name]
    dataset = load_dataset("mnist")
    contender = build(name, dataset)
    state = tf.train.CheckpointManager(tf.train.Checkpoint(**contender.parts), states(name), max_to_keep=2)
    step, batch = 0, contender.batch_size
    if state.latest_checkpoint:
        step = int(state.latest_checkpoint.rpartition("-")[2])
        state.checkpoint.restore(state.latest_checkpoint).assert_existing_objects_matched()
        keras.utils.set_random_seed(SEED + step)
    points = [point for point in known["points"] if point["images"] <= step * batch]
    ruler = Ruler(dataset)
    noise = np.random.default_rng([SEED, 1]).standard_normal((COUNT, contender.latent_dim), "float32")
    labels = dataset.labels_in_share(COUNT, np.random.default_rng([SEED, 2]))
    batches = iter(training_batches(dataset.x_train, dataset.y_train, batch, SEED, step))
    end = min(round(60 * minutes * known["images_per_second"]), known["schedule"] or math.inf)
    with tqdm(total=end, initial=step * batch, unit=" images", unit_scale=True, desc=name) as bar:
        for mark in [mark for mark in (*(mark for mark in MARKS if mark < end), end) if mark > step * batch]:
            while step * batch < mark:
                saves = step * batch // SAVE
                step += contender.advance(batches)
                bar.update(step * batch - bar.n)
                if step * batch // SAVE > saves and step * batch < mark:  # at a mark it is measured first
                    state.save(checkpoint_number=step)
            if points and points[-1]["images"] == step * batch:
                continue  # its first call took it past two marks
            points.append({"images": step * batch} | ruler.measure(contender.draw(noise, labels)))
            bar.set_postfix(distance=f"{points[-1]['frechet_distance']:.2f}")
            record(name, {"points": points}, floor=ruler.floor)
            state.save(checkpoint_number=step)


def seconds(contender, point):
    """When a contender, alone on the machine, would reach the point where it was measured."""
    return contender["first_call"] + point["images"] / contender["images_per_second"]


def trained(results):
    """The contenders that have been measured, by name; of the others, only the speed is known.

    Ours make the same step: their speed on a machine is the lower of both readings.
    """
    found = {name: dict(contender) for name, contender in results["contenders"].items() if contender["points"]}
    ours = [found[name] for name in OURS if name in found]
    for one in ours:
        same = [other["images_per_second"] for other in ours if other.get("machine") == one.get("machine")]
        one["images_per_second"] = min(same)
    return found


def plot(results):
    """Draw distance over time, both logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    for name, contender in trained(results).items():
        times = [seconds(contender, point) for point in contender["points"]]
        distances = [point["frechet_distance"] for point in contender["points"]]
        axes.loglog(times, distances, "o-" if name in OURS else "o--", label=name)
    axes.axhline(results["floor"]["frechet_distance"], color="black", lw=1)
    axes.annotate(
        "real test digits", (axes.get_xlim()[1], results["floor"]["frechet_distance"]), ha="right", va="bottom"
    )
    ticks = [tick for tick in (3.75 * 2**n for n in range(20)) if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [f"{tick:g} s" if tick < 60 else f"{tick / 60:g} min" for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.set(xlabel="training time on two CPU cores", ylabel="Fréchet distance, of the judge's features")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper")
    with files.whole_file(PICTURE) as temporary:
        figure.savefig(temporary, dpi=120)


def table(results):
    """The README's table, in Markdown: each contender at its end, and when ours was as good as its best.

    The latter is left out for one without an end, and if the two speeds are known to come from different machines.
    """
    contenders, floor = trained(results), results["floor"]["frechet_distance"]
    ours = contenders.get("train.py", {"points": []})
    lines = ["| | trained | images | distance / test digits' | at best | precision | recall | `train.py` as good by |"]
    lines.append("|---" * 8 + "|")
    for name, contender in contenders.items():
        last, best = contender["points"][-1], min(contender["points"], key=lambda point: point["frechet_distance"])
        spent, schedule, sooner = seconds(contender, last), contender["schedule"], ""
        share = f"{last['images'] / schedule:.0%} of " if schedule else ""
        if name not in OURS and schedule and contender.get("machine") == ours.get("machine"):
            there = [seconds(ours, p) for p in ours["points"] if p["frechet_distance"] <= best["frechet_distance"]]
            times = float(f"{seconds(contender, best) / there[0]:.1g}") if there else 0  # a speed varies by a tenth
            sooner = f"{there[0]:.1f} s, {times:.0f} times sooner" if there else "not yet"
        lines.append(
            f"| {name} | {f'{spent:.0f} s' if spent < 600 else f'{spent / 60:.0f} min'} "
            f"| {share}{(schedule or last['images']) / 1e6:.2f} million "
            f"| {last['frechet_distance'] / floor:.1f} | {best['frechet_distance'] / floor:.1f} "
            f"| {last['precision']:.2f} | {last['recall']:.2f} | {sooner} |"
        )
    return "\n".join(lines)


def benchmark(config):
    """Read the speeds of those that `config` names, or train them, write RESULTS and PICTURE, and print the table."""
    if config.contender == "all":
        for name in [*OURS, *PEERS]:  # each in a process of its own: threads are set once in a process
            words = [__file__, *commands.flags(config), "--contender", name]
            if subprocess.run([sys.executable, *words]).returncode:
                raise UserError(f"{name} did not get to its end: see above, and run this again to go on")
        return
    if config.only_speed:
        read_speed(config.contender)
    elif not (config.contender in read_results()["contenders"] and states(config.contender).exists()):
        raise UserError(f"the speed of {config.contender} is not known: read it with --only-speed, nothing beside it")
    else:
        run(config.contender, config.minutes)
        results = read_results()
        plot(results)
        print(table(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
