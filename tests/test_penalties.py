"""What gan.py asks of the discriminator beside its loss: flat slopes, and labels told apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from games import make_gan, play

from gan import GAN, MISMATCH_STEPS
from generator import build_generator


@pytest.fixture(scope="module")
def batch(mnist):
    return tf.constant(mnist.x_train[:16]), tf.constant(mnist.y_train[:16])


def slopes(gan, images, labels):
    """The length of d logit / d image of each image, float (B,)."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = tf.gather(gan.discriminator(images, training=False), labels, axis=1, batch_dims=1)
    return tf.norm(tf.reshape(tape.gradient(logits, images), (len(images), -1)), axis=1).numpy()


def test_penalties_flatten_the_discriminator_and_mismatch_tells_labels_apart(batch):
    """Beside one that is free of them, of the same game: R1 on real images, R2 on fakes."""
    real = tf.cast(batch[0], "float32") / 127.5 - 1
    noise = tf.random.stateless_normal((16, 8), [1, 2])

    def on_real(gan):
        return slopes(gan, real, batch[1]).mean()

    def on_fakes(gan):
        fakes = gan.generator(tf.concat([noise, tf.one_hot(batch[1], 10)], axis=1), training=True)
        return slopes(gan, fakes, batch[1]).mean()

    def wrong_logit(gan):
        logits = gan.discriminator(real, training=False)
        return float(tf.reduce_mean(tf.boolean_mask(logits, tf.one_hot(batch[1], 10) == 0)))

    none = {"r1_gamma": 0.0, "r2_gamma": 0.0, "mismatch": 0.0}
    free, r1, r2, taught = (
        make_gan(0.0, **none | rule) for rule in ({}, {"r1_gamma": 100.0}, {"r2_gamma": 100.0}, {"mismatch": 10.0})
    )
    for gan in (free, r1, r2, taught):
        play(gan, batch)
    assert on_real(r1) < 0.7 * on_real(free) and on_fakes(r2) < 0.7 * on_fakes(free)
    assert wrong_logit(taught) < -0.9 < wrong_logit(free)


def learn(batch, step=0, **rules):
    """One step of a linear discriminator that sees fours, whose weights (784, 10) move by its gradient.

    Returns them before and after.
    """
    keras.utils.set_random_seed(0)
    linear = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, use_bias=False)]
    gan = GAN(build_generator(8, 10, width=8), keras.Sequential(linear), seed=3)
    before = gan.discriminator.get_weights()[0]
    optimizers = [keras.optimizers.SGD(rate) for rate in (0.0, 1.0)]
    gan.compile(*optimizers, **{"r1_gamma": 0.0, "mismatch": 0.0} | rules)
    gan.generator_optimizer.iterations.assign(step)
    gan.train_step((batch[0], tf.fill([16], 4)))
    return before, gan.discriminator.get_weights()[0]


def test_penalties_pull_by_gamma_times_the_slope(batch):
    """Half of gamma times the squared slope (Mescheder et al., 2018); that of a linear network is its weights."""
    before, free = learn(batch)
    for name in ("r1_gamma", "r2_gamma"):
        _, pulled = learn(batch, **{name: 3.0})
        np.testing.assert_allclose(pulled[:, 4] - free[:, 4], -3 * before[:, 4], rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(pulled[:, 5], free[:, 5])


def test_wrong_labels_weigh_as_their_mean_and_fade_out(batch):
    """Kept on, they cost styles."""
    mean = (np.asarray(batch[0], "float32") / 127.5 - 1).mean(axis=0).ravel()
    for step, left in ((0, 1.0), (MISMATCH_STEPS // 2, 0.5), (MISMATCH_STEPS, 0.0), (2 * MISMATCH_STEPS, 0.0)):
        (_, free), (_, taught) = (learn(batch, step, loss="wasserstein", mismatch=weight) for weight in (0.0, 0.9))
        np.testing.assert_allclose(taught[:, 5] - free[:, 5], -0.1 * left * mean, atol=1e-6)
        np.testing.assert_array_equal(taught[:, 4], free[:, 4])
    (_, free), (_, taught) = (learn(batch, loss="relativistic", mismatch=weight) for weight in (0.0, 0.9))
    np.testing.assert_allclose((taught - free).sum(axis=1), 0, atol=1e-6)  # beside the logit of the label
    assert np.abs(taught - free)[:, 4].max() > 1e-3


def test_wassersteins_penalty_has_slopes_of_one_between_real_and_fake_images(batch):
    """Those beyond pay for themselves up to 1 + d / (2 weight), d the distance of the pairs, here about 30."""
    gan = make_gan(0.0, 5e-3, loss="wasserstein", r1_gamma=0.0, slope_penalty=100.0, mismatch=0.0)

    def slope():
        real = tf.cast(batch[0], "float32") / 127.5 - 1
        noise = tf.random.stateless_normal((16, 8), [1, 2])
        fakes = gan.generator(tf.concat([noise, tf.one_hot(batch[1], 10)], axis=1), training=True)
        return slopes(gan, (real + fakes) / 2, batch[1]).mean()

    before = slope()
    play(gan, batch, 60)
    assert before < 0.5 and 0.9 < slope() < 1.3
