"""What the operations of a training step cost one by one: counted, and timed with nothing beside them."""

import time
from collections import Counter

import numpy as np

CONVOLUTIONS = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")


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


def time_copies(once, copies):
    """Seconds per call of `once(copy)`, repeated for all `copies` side by side: the total, divided by all calls."""
    import tensorflow as tf

    def repeat(copy):
        start = (0, once(copy))
        return tf.while_loop(lambda i, _: i < 10, lambda i, _: (i + 1, once(copy)), start, parallel_iterations=1)[1]

    together = tf.function(lambda: [repeat(copy) for copy in copies])
    return seconds_per_call(together) / (11 * len(copies))


def alone(threads, kind, large, kernel, small, strides):
    """Seconds of one convolution, in as many copies as threads, with nothing beside them."""
    import tensorflow as tf

    def once(copy):
        image, weights, result = copy
        options = {"strides": strides, "padding": "SAME"}
        if kind == "Conv2D":
            return tf.raw_ops.Conv2D(input=image, filter=weights, **options)
        if kind == "Conv2DBackpropInput":
            return tf.raw_ops.Conv2DBackpropInput(input_sizes=large, filter=weights, out_backprop=result, **options)
        return tf.raw_ops.Conv2DBackpropFilter(input=image, filter_sizes=kernel, out_backprop=result, **options)

    return time_copies(once, [[tf.random.normal(shape) for shape in (large, kernel, small)] for _ in range(threads)])


def dearest(gan, convolutions, times, step):
    """Milliseconds of each part of a step, dearest first: convolutions at the rate of all cores, the rest alone."""
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
        parts[f"{type(optimizer).__name__}, {network.name}"] = 1000 * seconds

    def average():
        gan._update_average(tf.distribute.get_strategy())
        return tf.constant(0)

    parts["averaging the generator"] = 1000 * seconds_per_call(tf.function(average))
    return {"the whole step": 1000 * step} | dict(parts.most_common())
