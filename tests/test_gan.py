"""The game: what a train step changes and what it leaves alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from discriminator import build_discriminator
from gan import GAN, LOSSES, MISMATCH_STEPS
from generator import build_generator


def make_gan(generator_lr=1e-3, discriminator_lr=1e-3, **rules):
    keras.utils.set_random_seed(0)
    gan = GAN(build_generator(8, 10, width=8), build_discriminator(10, width=8), seed=3)
    gan.compile(keras.optimizers.Adam(generator_lr), keras.optimizers.Adam(discriminator_lr), **rules)
    return gan


@pytest.fixture(scope="module")
def batch(mnist):
    return tf.constant(mnist.x_train[:16]), tf.constant(mnist.y_train[:16])


def play(gan, batch, steps=40):
    step = tf.function(gan.train_step)
    for _ in range(steps):
        step(batch)


def changed(weights, before):
    return [not np.array_equal(weight, old) for weight, old in zip(weights, before, strict=True)]


def values(weights):
    return [weight.numpy() for weight in weights]


@pytest.mark.parametrize("loss", LOSSES)
def test_each_step_touches_only_its_own_weights_and_pulls_its_own_way(batch, loss):
    for generator_lr, discriminator_lr in ((1e-3, 0.0), (0.0, 1e-3)):
        gan = make_gan(generator_lr, discriminator_lr, loss=loss)
        before = values(gan.generator.trainable_variables), values(gan.discriminator.trainable_variables)
        first = {name: float(value) for name, value in gan.train_step(batch).items()}
        assert any(changed(gan.generator.trainable_variables, before[0])) == (generator_lr > 0)
        assert any(changed(gan.discriminator.trainable_variables, before[1])) == (discriminator_lr > 0)
        for _ in range(3):
            gan.reset_metrics()
            last = gan.train_step(batch)
        if generator_lr:
            assert last["fake_output"] > first["fake_output"]
        else:
            assert last["real_output"] - last["fake_output"] > first["real_output"] - first["fake_output"]


def test_noise_is_a_function_of_the_seed_and_the_step(batch, monkeypatch):
    seeds, normal = [], tf.random.stateless_normal
    monkeypatch.setattr(tf.random, "stateless_normal", lambda *args: seeds.append(tuple(args[1])) or normal(*args))
    gan = make_gan()
    gan.train_step(batch)
    gan.train_step(batch)
    assert seeds == [(gan.seed, 0), (gan.seed, 1)]


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_pull_the_two_apart(loss):
    real, fake, generator, _ = LOSSES[loss]
    low, high = tf.constant([-1.5, -1.0]), tf.constant([1.0, 0.5])
    least = 0 * low if loss == "least-squares" else low  # what a fake should have
    assert all(fake(least) < fake(high)) and all(fake(least) <= fake(low))
    assert all(real(high) < real(low))
    assert all(generator(high) < generator(low))


def test_losses_at_known_points():
    """Hinge is satisfied beyond the margins; Goodfellow's discriminator that knows nothing pays 2 log 2."""
    margin, zero = tf.constant(1.0), tf.constant(0.0)
    hinge, saturated = LOSSES["hinge"], LOSSES["non-saturating"]
    assert hinge.real(margin) == hinge.fake(-margin) == 0 and hinge.real(zero) == hinge.fake(zero) == 1
    squares = LOSSES["least-squares"]
    assert squares.real(margin) == squares.generator(margin) == squares.fake(zero) == 0
    for part in saturated[:3]:
        assert float(part(zero)) == pytest.approx(np.log(2))


def test_only_the_logit_of_the_label_is_judged(batch):
    gan = make_gan(mismatch=0.0)
    images, _ = batch
    before = values(gan.discriminator.layers[-1].weights)
    gan.train_step((images, tf.fill([16], 7)))
    kernel_changed = np.any(gan.discriminator.layers[-1].kernel.numpy() != before[0], axis=0)
    assert kernel_changed.tolist() == [label == 7 for label in range(10)]


def test_outputs_are_those_before_the_step(batch):
    """With logits within the margins, hinge is 2 - real + fake."""
    gan = make_gan(loss="hinge")
    logits = gan.discriminator(tf.cast(batch[0], "float32") / 127.5 - 1, training=False)
    shown = gan.train_step(batch)
    real = np.mean([logits[image, label] for image, label in enumerate(batch[1].numpy())])
    assert float(shown["real_output"]) == pytest.approx(real, abs=1e-5)
    assert float(shown["fake_output"]) == pytest.approx(float(shown["discriminator_loss"]) - 2 + real, abs=1e-5)


def test_average_starts_close_and_then_lags(batch):
    gan = make_gan(ema_decay=0.999)
    for step in range(3):
        before = values(gan.averaged_generator.weights)
        gan.train_step(batch)
        decay = (1 + step + 1) / (10 + step + 1)
        for average, old, weight in zip(gan.averaged_generator.weights, before, gan.generator.weights, strict=True):
            np.testing.assert_allclose(average.numpy(), decay * old + (1 - decay) * weight.numpy(), atol=1e-6)
    assert gan.averaged_generator.weights[0] is not gan.generator.weights[0]


def test_average_without_inertia_is_the_generator(batch):
    gan = make_gan(ema_decay=0.0)
    gan.train_step(batch)
    for average, weight in zip(gan.averaged_generator.weights, gan.generator.weights, strict=True):
        np.testing.assert_array_equal(average.numpy(), weight.numpy())


def test_batch_normalisation_learns_in_training_and_rests_in_drawing(batch):
    gan = make_gan()
    before = values(gan.generator.non_trainable_variables)
    gan.train_step(batch)
    assert all(changed(gan.generator.non_trainable_variables, before))
    noise = np.random.default_rng(0).standard_normal((4, 18), "float32")
    after = values(gan.averaged_generator.weights)
    alone = gan.averaged_generator.predict(noise[:1], verbose=0)
    together = gan.averaged_generator.predict(noise, verbose=0)[:1]
    np.testing.assert_allclose(alone, together, atol=1e-5)  # a digit does not depend on its neighbours
    assert not any(changed(gan.averaged_generator.weights, after))


def test_relative_logits_alone_count(batch):
    """Raising every logit changes nothing for pairs of images; a discriminator that knows nothing pays log 2."""
    gan = make_gan(0.0, 0.0, loss="relativistic", mismatch=0.0)
    before = gan.train_step(batch)
    gan.discriminator.layers[-1].bias.assign_add([5.0] * 10)
    gan.generator_optimizer.iterations.assign(0)  # the same noise
    gan.reset_metrics()
    after = gan.train_step(batch)
    for name in ("discriminator_loss", "generator_loss"):
        assert float(after[name]) == pytest.approx(float(before[name]), rel=1e-4)
    real, fake, *_ = LOSSES["relativistic"]
    assert float(real(tf.constant(0.0)) + fake(tf.constant(0.0))) == pytest.approx(np.log(2))


def test_minimax_starves_where_the_discriminator_is_sure_and_its_remedy_does_not():
    def pull(loss):
        logit = tf.Variable(-10.0)
        with tf.GradientTape() as tape:
            value = LOSSES[loss].generator(logit)
        return float(tape.gradient(value, logit))

    assert -1e-4 < pull("minimax") < 0 and pull("non-saturating") < -0.99


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
