"""What does a training step cost, and what of it? Batch sizes, threads, and the parts of a step one by one.

    python benchmarks/step_cost.py                         # five minutes on two CPU cores
    python benchmarks/step_cost.py --batch-sizes 16 --threads 2

Each row is a process of its own that trains as train.py does. GFLOP are counted over the convolutions and matrix
products of the step's graph, a multiplication and an addition being two. "alone" is the rate that the same
convolutions reach one kind after the other, each in as many copies as there are cores, so that all are busy, and
"product" that of large matrix products, in the same process: the bounds of what a better execution could give. Last
come the dearest parts of the step at the default batch size, and thirty short epochs in one process: their speed and
its memory must not change.

Writes benchmarks/step_cost.json and prints the tables of benchmarks/README.md.
"""

import concurrent.futures
import multiprocessing
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

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import train  # noqa: E402
import utils  # noqa: E402
from benchmarks.seeds import machine  # noqa: E402
from datasets import load_dataset, training_batches  # noqa: E402
from utils import Range  # noqa: E402

RESULTS = ROOT / "benchmarks" / "step_cost.json"
CONVOLUTIONS = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
EPOCHS, EPOCH_IMAGES = 30, 6000


@dataclass
class Config:
    batch_sizes: tuple[Annotated[int, Range(2, 8192)], ...] = (8, 16, 32, 64, 128, 256, 512)
    threads: tuple[Annotated[int, Range(1, 1024)], ...] = (1, 2)
    seconds: Annotated[float, Range(0.1, 1000)] = 5.0  # of training, for each row


def pin(threads):
    """Let this process have so many cores: what it starts, TensorFlow's threads too, share them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def seconds_per_call(function, *arguments, repeats=5, minimum=0.05):
    """Median of `repeats` timings, each of as many calls as take `minimum` seconds."""
    function(*arguments)
    calls, times = 1, []
    while len(times) < repeats:
        started = time.perf_counter()
        for _ in range(calls):
            result = function(*arguments)
        np.asarray(result[0] if isinstance(result, list) else result)  # wait for it
        spent = time.perf_counter() - started
        if not times and spent < minimum:
            calls *= 2
        else:
            times.append(spent / calls)
    return float(np.median(times))


def arithmetic(operation):
    """Floating-point operations of a convolution or matrix product in a graph; 0 for anything else."""
    if operation.type == "MatMul":
        inner = operation.inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]
        return 2 * inner * operation.outputs[0].shape.num_elements()
    if operation.type not in CONVOLUTIONS:
        return 0
    # Each element at the smaller, strided side meets a whole kernel of the other side's channels.
    kernel, small = shapes(operation)[1:]
    return 2 * np.prod(small) * np.prod(kernel[:3])


def shapes(operation):
    """The shapes of the image side, the kernel and the strided side of one of CONVOLUTIONS."""
    inputs, (output,) = operation.inputs, operation.outputs
    large, kernel, small = {
        "Conv2D": lambda: (inputs[0].shape, inputs[1].shape, output.shape),
        "Conv2DBackpropInput": lambda: (output.shape, inputs[1].shape, inputs[2].shape),
        "Conv2DBackpropFilter": lambda: (inputs[0].shape, output.shape, inputs[2].shape),
    }[operation.type]()
    return tuple(large), tuple(kernel), tuple(small)


def needed(graph):
    """The operations of a function's graph that its results or effects need; TensorFlow leaves the others out too."""
    left, seen = [output.op for output in graph.outputs] + list(graph.control_outputs), set()
    while left:
        operation = left.pop()
        if operation not in seen:
            seen.add(operation)
            left += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return seen


def side_by_side(once, copies):
    """Seconds of `once(copy)` for each of `copies`, whose repetitions run side by side; all divided by their number."""
    import tensorflow as tf

    def repeat(copy):
        start = (0, once(copy))
        return tf.while_loop(lambda i, _: i < 10, lambda i, _: (i + 1, once(copy)), start, parallel_iterations=1)[1]

    together = tf.function(lambda: [repeat(copy) for copy in copies])
    return seconds_per_call(together) / (11 * len(copies))


def alone(threads, kind, large, kernel, small, strides):
    """Seconds of one convolution where nothing else is done."""
    import tensorflow as tf

    def once(copy):
        image, weights, result = copy
        options = {"strides": strides, "padding": "SAME"}
        if kind == "Conv2D":
            return tf.raw_ops.Conv2D(input=image, filter=weights, **options)
        if kind == "Conv2DBackpropInput":
            return tf.raw_ops.Conv2DBackpropInput(input_sizes=large, filter=weights, out_backprop=result, **options)
        return tf.raw_ops.Conv2DBackpropFilter(input=image, filter_sizes=kernel, out_backprop=result, **options)

    return side_by_side(once, [[tf.random.normal(shape) for shape in (large, kernel, small)] for _ in range(threads)])


def measure(batch_size, threads, seconds, parts=False):
    """One row, in a process that does nothing else; with `parts`, also the dearest parts of the step."""
    started = time.perf_counter()
    pin(threads)
    with utils.quiet():
        import tensorflow as tf

    config = train.Config(batch_size=batch_size)
    train.use_threads()
    tf.config.experimental.enable_op_determinism()
    dataset = load_dataset("mnist")
    gan = train.build_gan(config, dataset)
    batches = iter(training_batches(dataset, batch_size, seed=0))
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
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)

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
    product = side_by_side(lambda square: square @ square, [tf.random.normal((1024, 1024)) for _ in range(threads)])
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


def dearest(gan, convolutions, times, step):
    """Milliseconds of each part of a step, the dearest first: convolutions at all cores' rate, the rest by itself."""
    import tensorflow as tf

    names = {"Conv2D": "convolution", "Conv2DBackpropInput": "its transpose", "Conv2DBackpropFilter": "kernel gradient"}
    parts = Counter()
    for (kind, large, kernel, small, strides), count in convolutions.items():
        where = f"{large[1]}x{large[1]}x{large[3]} - {small[1]}x{small[1]}x{small[3]}"
        parts[f"{names[kind]} {where}, {count} times"] += 1000 * count * times[kind, large, kernel, small, strides]

    def update(network, optimizer):
        optimizer.apply([tf.zeros(weight.shape) for weight in network.trainable_variables], network.trainable_variables)
        return optimizer.iterations

    for network, optimizer in (
        (gan.generator, gan.generator_optimizer),
        (gan.discriminator, gan.discriminator_optimizer),
    ):
        seconds = seconds_per_call(tf.function(lambda n=network, o=optimizer: update(n, o).value + 0))
        parts[f"Adam, {network.name}"] = 1000 * seconds

    def average():
        gan._update_average(tf.constant(1000.0))
        return tf.constant(0)

    parts["averaging the generator"] = 1000 * seconds_per_call(tf.function(average))
    return {"the whole step": 1000 * step} | dict(parts.most_common())


def steady():
    """Train EPOCHS short epochs by gan.fit, one call an epoch as train.py; images/s and resident megabytes of each."""
    with utils.quiet():
        import tensorflow as tf

    train.use_threads()
    tf.config.experimental.enable_op_determinism()
    dataset = load_dataset("mnist")
    dataset = dataset._replace(x_train=dataset.x_train[:EPOCH_IMAGES], y_train=dataset.y_train[:EPOCH_IMAGES])
    config = train.Config(epochs=EPOCHS)
    gan = train.build_gan(config, dataset)
    dataset = dataset.with_tensors()
    steps = EPOCH_IMAGES // config.batch_size
    rows = []
    for epoch in range(EPOCHS):
        started = time.perf_counter()
        gan.fit(
            training_batches(dataset, config.batch_size, 0, gan.step),
            initial_epoch=epoch,
            epochs=epoch + 1,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
        )
        spent = time.perf_counter() - started
        rows.append({"images_per_second": EPOCH_IMAGES / spent, "megabytes": resident()})
    return rows


def resident():
    """Megabytes of memory held now (Linux), or at most until now."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def in_process(function, *arguments):
    """Call a function in a fresh process: threads are set once in a process, and its peak memory is its own."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


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
    utils.write_json(RESULTS, results)
    print(table(results))


if __name__ == "__main__":
    utils.run(benchmark, Config)
