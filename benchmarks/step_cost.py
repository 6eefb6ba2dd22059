"""What does a training step cost, and which of its parts? Batch sizes, threads, and the parts one by one.

    python benchmarks/step_cost.py                         # seven minutes on two CPU cores
    python benchmarks/step_cost.py --batch-sizes 16 --threads 2

Each row is a process of its own that trains as train.py does. GFLOP are counted over the convolutions and matrix
products of the step's graph, a multiplication and an addition being two. "convolutions alone" is the rate of the same
convolutions, one kind at a time, each in as many copies as there are cores, so that all are busy. "reached" is the
whole step's share of that rate, including Muon's products, a third of the arithmetic at a batch of 8. "product" is the
rate of large matrix products in the same process. Both rates are about the bounds of what better execution could give.
Last come the dearest parts of the step at the default batch size, and thirty short epochs in one process, whose speed
and memory must not change.

Writes benchmarks/step_cost.json and prints the tables of benchmarks/README.md.
"""

import os
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


import train
from benchmarks.common import in_process, machine, own_cores
from benchmarks.operations import CONVOLUTIONS, alone, arithmetic, dearest, needed, shapes, time_copies
from support import commands, files
from support.commands import ROOT, Range
from support.datasets import load_dataset

RESULTS = ROOT / "benchmarks" / "step_cost.json"
EPOCHS, EPOCH_IMAGES = 30, 6000


@dataclass
class Config:
    batch_sizes: tuple[Annotated[int, Range(2, 8192)], ...] = (8, 16, 32, 64, 128, 256, 512)  # images per step
    threads: tuple[Annotated[int, Range(1, 1024)], ...] = (1, 2)  # cores to train on
    seconds: Annotated[float, Range(0.1, 1000)] = 5.0  # of training, per row


def pin(threads):
    """Limit this process, and what it starts, TensorFlow's threads included, to so many cores."""
    os.sched_setaffinity(0, own_cores(threads))


def measure(batch_size, threads, seconds, parts=False):
    """One row, in a process that does nothing else; with `parts`, also the dearest parts of the step."""
    started = time.perf_counter()
    pin(threads)
    dataset = load_dataset("mnist")
    gan = train.build_gan(train.Config(batch_size=batch_size), dataset)
    import tensorflow as tf

    from training.batches import training_batches

    batches = iter(training_batches(dataset.x_train, dataset.y_train, batch_size, seed=0))
    gan.make_train_function()
    images = batch_size * gan.steps_per_execution
    gan.train_function(batches)
    first = time.perf_counter() - started
    rates, end = [], time.perf_counter() + seconds
    while len(rates) < 3 or time.perf_counter() < end:
        call = time.perf_counter()
        gan.train_function(batches)
        rates.append(images / (time.perf_counter() - call))
    rate = float(np.median(rates))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    signature = [tf.TensorSpec((batch_size, 28, 28, 1), tf.uint8), tf.TensorSpec((batch_size,), tf.int32)]
    graph = tf.function(lambda *batch: gan.train_step(batch), autograph=False).get_concrete_function(*signature).graph
    operations = needed(graph)
    total = sum(map(arithmetic, operations))
    convolutions = Counter(
        (op.type, *shapes(op), tuple(op.get_attr("strides"))) for op in operations if op.type in CONVOLUTIONS
    )
    times = {convolution: alone(threads, *convolution) for convolution in convolutions}
    seconds_alone = sum(count * times[each] for each, count in convolutions.items())
    arithmetic_alone = sum(arithmetic(op) for op in operations if op.type in CONVOLUTIONS)
    product = time_copies(lambda square: square @ square, [tf.random.normal((1024, 1024)) for _ in range(threads)])
    row = {
        "batch_size": batch_size,
        "threads": threads,
        "images_per_second": rate,
        "mflop_per_image": total / batch_size / 1e6,
        "gflops": rate * total / batch_size / 1e9,
        "gflops_alone": arithmetic_alone / seconds_alone / 1e9,
        "gflops_product": 2 * 1024**3 / product / 1e9,
        "peak_megabytes": memory,
        "seconds_to_first_step": first,
    }
    if parts:
        row["parts"] = dearest(gan, convolutions, times, batch_size / rate)
    return row


def steady():
    """Train EPOCHS short epochs as train.py does; images/s and resident megabytes of each."""
    dataset = load_dataset("mnist")
    dataset = dataset._replace(x_train=dataset.x_train[:EPOCH_IMAGES], y_train=dataset.y_train[:EPOCH_IMAGES])
    config = train.Config(epochs=EPOCHS)
    gan = train.build_gan(config, dataset)
    import keras

    from training.batches import training_batches

    rows, ended = [], [time.perf_counter()]

    def end(epoch, logs):
        ended.append(time.perf_counter())
        rows.append({"images_per_second": EPOCH_IMAGES / (ended[-1] - ended[-2]), "megabytes": resident()})

    gan.fit(
        training_batches(dataset.x_train, dataset.y_train, config.batch_size, config.seed),
        epochs=EPOCHS,
        steps_per_epoch=EPOCH_IMAGES // config.batch_size,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=end)],
        shuffle=False,
        verbose=0,
    )
    return rows


def resident():
    """Megabytes of memory held now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def table(results):
    """The tables of benchmarks/README.md, in Markdown."""
    lines = [
        "| batch | threads | images/s | GFLOP/s | convolutions alone | reached | product | peak MB | first step, s |",
        "|---" * 9 + "|",
    ]
    for row in results["rows"]:
        lines.append(
            f"| {row['batch_size']} | {row['threads']} | {row['images_per_second']:.0f} | {row['gflops']:.0f} "
            f"| {row['gflops_alone']:.0f} | {row['gflops'] / row['gflops_alone']:.0%} | {row['gflops_product']:.0f} "
            f"| {row['peak_megabytes']:.0f} | {row['seconds_to_first_step']:.1f} |"
        )
    parts = results["parts"]
    lines += ["", "| part of a step, by itself | ms |", "|---|---|"]
    lines += [f"| {name} | {milliseconds:.2f} |" for name, milliseconds in list(parts.items())[:12]]
    first, last = results["epochs"][1:11], results["epochs"][-10:]
    speeds, memories = (
        [np.mean([row[key] for row in rows]) for rows in (first, last)] for key in ("images_per_second", "megabytes")
    )
    lines += ["", f"Of {EPOCHS} epochs, the last ten beside the second to eleventh: {speeds[1] / speeds[0]:.2f} of the"]
    lines += [f"speed, {memories[1] - memories[0]:+.0f} MB of {memories[0]:.0f} MB."]
    return "\n".join(lines)


def benchmark(config):
    """Run everything, write RESULTS and print the tables."""
    own_cores(max(config.threads))  # refuses before anything is timed
    results = {"mflop_per_image": None, "rows": []}
    with tqdm(total=len(config.batch_sizes) * len(config.threads) + 2, unit=" runs") as bar:
        for threads in config.threads:
            for batch_size in config.batch_sizes:
                results["rows"].append(in_process(measure, batch_size, threads, config.seconds))
                bar.update()
        default = in_process(measure, train.Config.batch_size, max(config.threads), config.seconds, True)
        bar.update()
        results["epochs"] = in_process(steady)
        bar.update()
    results["parts"] = default.pop("parts")
    results["mflop_per_image"] = default["mflop_per_image"]
    results["machine"] = machine()
    files.write_json(RESULTS, results)
    print(table(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
