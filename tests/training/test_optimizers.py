"""How weights move: Muon's matrices turn all their directions alike, and the rest is Adam's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import train
from discriminator import build_discriminator
from gan import LOSSES
from support.datasets import load_dataset
from training.optimizers import HoldThenFall, Muon


def test_learning_rate_holds_then_falls_to_zero():
    schedule = HoldThenFall(peak=2.0, fall=0.25, total_steps=100)
    rates = [float(schedule(step)) for step in (0, 75, 80, 100)]
    assert rates == pytest.approx([2.0, 2.0, 1.6, 0.0])
    assert float(HoldThenFall(peak=2.0, fall=0.0, total_steps=100)(100)) == 2.0


def test_what_the_flags_say_is_what_is_played(small_npz):
    rules = {"r1_gamma": 0.1, "r2_gamma": 0.2, "slope_penalty": 0.3, "mismatch": 0.4, "ema_decay": 0.9}
    rates = {"generator_lr": 3e-3, "discriminator_lr": 1e-3, "beta_1": 0.25, "lr_fall": 0.5}
    config = train.Config(epochs=2, loss="minimax", generator_width=8, discriminator_width=8, **rules, **rates)
    gan = train.build_gan(config, load_dataset(str(small_npz)))
    assert {name: getattr(gan, name) for name in rules} == rules and gan.loss_functions == LOSSES["minimax"]
    adam, muon = gan.generator_optimizer, gan.discriminator_optimizer
    assert isinstance(adam, keras.optimizers.Adam) and isinstance(muon, Muon)
    assert adam.beta_1 == muon.adam_beta_1 == muon.momentum == 0.25
    for optimizer, peak in ((adam, 3e-3), (muon, 1e-3)):
        for step, share in ((0, 1), (42, 1), (63, 0.5), (84, 0)):  # of two epochs of 42
            optimizer.iterations.assign(step)
            assert float(optimizer.learning_rate) == pytest.approx(share * peak)


def moves(network, make, gradients):
    """What an optimizer adds to the weights in its first step, by the same gradients."""
    before = [weight.numpy() for weight in network.trainable_variables]
    make().apply(gradients, network.trainable_variables)
    moved = [weight.numpy() - old for weight, old in zip(network.trainable_variables, before, strict=True)]
    for weight, old in zip(network.trainable_variables, before, strict=True):
        weight.assign(old)
    return moved


@pytest.mark.parametrize("kind", ["convolutional", "supersampled", "dense"])
def test_hidden_kernels_learn_in_all_directions_alike(kind):
    network = build_discriminator(10, width=12, network=kind)
    rng = np.random.default_rng(0)
    gradients = [tf.constant(rng.standard_normal(weight.shape), "float32") for weight in network.trainable_variables]
    muon = moves(network, lambda: Muon(network, 0.01), gradients)
    adam = moves(network, lambda: keras.optimizers.Adam(0.01, beta_1=0.5), gradients)
    kernels = [number for number, move in enumerate(muon) if move.ndim > 1]
    for number, (ours, theirs) in enumerate(zip(muon, adam, strict=True)):
        if number in kernels[1:-1]:
            matrix = ours.reshape(-1, ours.shape[-1])
            stretches = np.linalg.svd(matrix, compute_uv=False) / np.sqrt(max(matrix.shape)) / 0.004
            assert np.all(stretches < 1.3) and np.mean(stretches > 0.5) > 0.95  # all but what the gradient hardly has
            assert np.vdot(ours, gradients[number]) < 0
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_louder_gradient_moves_no_farther():
    network = build_discriminator(10, width=12)
    gradients = [tf.random.stateless_normal(weight.shape, [1, 2]) for weight in network.trainable_variables]
    quiet = moves(network, lambda: Muon(network, 0.01), gradients)
    loud = moves(network, lambda: Muon(network, 0.01), [100 * gradient for gradient in gradients])
    for one, other in zip(quiet, loud, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_momentum_is_plain_and_nothing_decays():
    """After g and -0.4 g it is 0.1 g, and still moves weights along -g; looking ahead, as Nesterov's, it would not."""
    network = build_discriminator(10, width=12)
    muon = Muon(network, 0.01)
    kernel = next(weight for weight in network.trainable_variables if weight.path in muon.matrices)
    gradient = tf.random.stateless_normal(kernel.shape, [1, 2])
    zeros = [tf.zeros(weight.shape) for weight in network.trainable_variables]

    def step(share):
        before = [weight.numpy() for weight in network.trainable_variables]
        gradients = [
            share * gradient if w.path == kernel.path else zero
            for w, zero in zip(network.trainable_variables, zeros, strict=True)
        ]
        muon.apply(gradients, network.trainable_variables)
        return {w.path: w.numpy() - old for w, old in zip(network.trainable_variables, before, strict=True)}

    assert not any(move.any() for move in step(0.0).values())
    for share in (1.0, -0.4):
        moved = step(share)
        assert np.vdot(moved.pop(kernel.path), gradient) < 0
        assert not any(move.any() for move in moved.values())
