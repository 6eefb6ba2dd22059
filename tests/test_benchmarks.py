"""The benchmarks: the peers are the published ones, costs are counted right, an interrupted comparison goes on."""

import json

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import step_cost, time_to_quality
from benchmarks.peers import PEERS
from datasets import load_dataset


@pytest.mark.parametrize("name", PEERS)
def test_peer_takes_a_step_with_both_networks_and_draws(name, mnist):
    peer = PEERS[name]()
    networks = peer.generator, peer.discriminator
    before = [[weight.numpy() for weight in network.trainable_variables] for network in networks]
    peer.step(tf.constant(mnist.x_train[:4]), tf.constant(mnist.y_train[:4]))
    for network, weights in zip(networks, before, strict=True):
        if name == "TF-GAN" and network is peer.discriminator:
            weights[-1] = np.nan  # its loss is the same whatever the last bias
        assert all(np.any(new.numpy() != old) for new, old in zip(network.trainable_variables, weights, strict=True)), (
            "a weight was left out"
        )
    images = peer.draw(np.zeros((3, peer.latent_dim), "float32"), np.arange(3))
    assert images.shape == (3, 28, 28, 1) and images.dtype == "uint8" and images.max() > 0


@pytest.mark.parametrize(
    ("name", "generator", "discriminator"),
    [("TensorFlow tutorial", 2_330_944, 212_865), ("Keras-GAN", 856_193, 393_729)],
)
def test_peer_is_as_large_as_its_source_says(name, generator, discriminator):
    """Both sources print the summaries of their networks."""
    peer = PEERS[name]()
    assert (peer.generator.count_params(), peer.discriminator.count_params()) == (generator, discriminator)


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
    counted = [step_cost.arithmetic(operation) for operation in step_cost.needed(graph)]
    one = 2 * 2 * 7 * 7 * 4 * 4 * 3 * 5
    assert sorted(filter(None, counted)) == [2 * 10**3, one, one, one]  # the convolution and both its gradients


def test_comparison_goes_on_where_it_was(monkeypatch, tmp_path, small_npz, mnist):
    small = load_dataset(str(small_npz))._replace(x_test=mnist.x_test[:1000], y_test=mnist.y_test[:1000])
    monkeypatch.setattr(time_to_quality, "load_dataset", lambda name: small)
    monkeypatch.setattr(time_to_quality, "MARKS", [1e-3, 2e-3, 1e9])
    for name, path in (("RESULTS", "results.json"), ("PICTURE", "picture.png"), ("STATES", "states")):
        monkeypatch.setattr(time_to_quality, name, tmp_path / path)
    monkeypatch.setattr(PEERS["Goodfellow"], "steps", 3)
    for seconds in (1e-3, 1e9, 1e9):  # interrupted after the first mark; to the end of its schedule; nothing left to do
        time_to_quality.run("Goodfellow", seconds)
        results = json.loads((tmp_path / "results.json").read_text())
        points = results["contenders"]["Goodfellow"]["points"]
        assert [point["step"] for point in points] == ([1] if seconds < 1 else [1, 3])
    assert points[1]["seconds"] > points[0]["seconds"] and results["contenders"]["Goodfellow"]["finished"]
    results["contenders"]["train.py"] = {"points": points, "finished": True}
    time_to_quality.plot(results)
    assert "Goodfellow" in time_to_quality.table(results)
