"""The costs of a step are counted right."""

import tensorflow as tf

from benchmarks import operations


def test_copies_side_by_side_share_the_time(monkeypatch):
    monkeypatch.setattr(operations, "seconds_per_call", lambda together: 22.0)
    assert operations.time_copies(None, [0, 0]) == 1


def test_arithmetic_is_counted():
    """A 4x4 convolution of 3 to 5 features at 7x7 places multiplies and adds 7 * 7 * 4 * 4 * 3 * 5 times an image."""

    @tf.function
    def step(image, kernel, matrix):
        with tf.GradientTape() as tape:
            tape.watch([image, kernel])
            result = tf.nn.conv2d(image, kernel, 2, "SAME")
        _unused = tf.nn.conv2d(image, kernel, 1, "SAME")
        return tape.gradient(result, [image, kernel]), result, matrix @ matrix

    arguments = tf.zeros((2, 14, 14, 3)), tf.zeros((4, 4, 3, 5)), tf.zeros((10, 10))
    graph = step.get_concrete_function(*arguments).graph
    counted = [operations.arithmetic(operation) for operation in operations.needed(graph)]
    one = 2 * 2 * 7 * 7 * 4 * 4 * 3 * 5
    assert sorted(filter(None, counted)) == [2 * 10**3, one, one, one]  # the convolution and both its gradients
