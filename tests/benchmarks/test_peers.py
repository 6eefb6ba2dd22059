"""The peers are the published ones."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import contenders
from benchmarks.peers import PEERS


def test_all_peers_can_be_named():
    assert set(contenders.PEERS) == set(PEERS)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_takes_steps_with_both_networks_and_draws(name, mnist):
    """While its discriminator stands still, its generator learns to please it."""
    keras.utils.set_random_seed(0)
    peer, share = PEERS[name](), tf.Variable(0.0)
    optimizer = peer.discriminator_optimizer

    def apply(gradients, variables):
        optimizer.apply([share * gradient for gradient in gradients], variables)

    peer.discriminator_optimizer = SimpleNamespace(apply=apply)
    images, labels = tf.constant(mnist.x_train[:32]), tf.constant(mnist.y_train[:32])
    noise = np.random.default_rng(0).standard_normal((32, peer.latent_dim), "float32")

    def opinion():
        fakes = peer.generator(peer.inputs(noise, mnist.y_train[:32]), training=True)
        if name == "Keras documentation":  # it sees the label beside each pixel
            planes = np.broadcast_to(np.eye(10, dtype="float32")[mnist.y_train[:32], None, None], (32, 28, 28, 10))
            fakes = np.concatenate([fakes, planes], axis=-1)
        return float(np.mean(peer.discriminator(np.reshape(fakes, (-1, *peer.discriminator.input_shape[1:])))))

    before, still = opinion(), peer.discriminator.get_weights()  # with the statistics of a normalisation
    for _ in range(5):
        peer.step(images, labels)
    peer.discriminator.set_weights(still)
    assert opinion() > before
    share.assign(1.0)
    networks = peer.generator, peer.discriminator
    before = [[weight.numpy() for weight in network.trainable_variables] for network in networks]
    peer.step(images, labels)
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
