"""The game: what a train step changes and what it leaves alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from games import make_gan, play

from gan import LOSSES


@pytest.fixture(scope="module")
def batch(mnist):
    return tf.constant(mnist.x_train[:16]), tf.constant(mnist.y_train[:16])


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
    assert float(LOSSES["relativistic"].generator(zero)) == pytest.approx(np.log(2))


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


def test_layers_regularizers_count(batch):
    """They pull the kernels of either network towards 0."""
    plain, pulled = make_gan(), make_gan()
    for gan, weight in ((plain, 0.0), (pulled, 10.0)):
        for network in (gan.generator, gan.discriminator):
            network.layers[0].kernel.regularizer = keras.regularizers.L2(weight)
        play(gan, batch, 10)
    for name in ("generator", "discriminator"):
        short, long = (np.linalg.norm(getattr(gan, name).layers[0].kernel) for gan in (pulled, plain))
        assert short < 0.95 * long


def test_images_that_were_scaled_are_refused(batch):
    images, labels = batch
    with pytest.raises(TypeError, match="0 to 255"):
        make_gan().train_step((tf.cast(images, "float32") / 127.5 - 1, labels))


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


def test_the_generator_is_judged_after_the_discriminators_step(batch):
    """Its fakes and the real images both, where they are judged beside each other."""
    gan = make_gan(0.0, 1e-2, loss="relativistic", mismatch=0.0)
    shown = gan.train_step(batch)
    one_hot, noise = tf.one_hot(batch[1], 10), tf.random.stateless_normal((16, 8), [gan.seed, 0])
    fakes = gan.generator(tf.concat([noise, one_hot], axis=1), training=True)
    images = tf.cast(batch[0], "float32") / 127.5 - 1
    real, fake = (tf.reduce_sum(gan.discriminator(each) * one_hot, axis=1) for each in (images, fakes))
    loss = tf.reduce_mean(LOSSES["relativistic"].generator(fake - real))
    assert float(shown["generator_loss"]) == pytest.approx(float(loss), rel=1e-4)
