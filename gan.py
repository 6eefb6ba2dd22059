"""The game: adversarial losses, and a Keras model whose train step plays one round of it."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf
from keras import ops


class Loss(NamedTuple):
    """An adversarial loss: functions of logits float32 (...), whose means are what each network minimises."""

    real: Callable  # the discriminator's, for real images
    fake: Callable  # the discriminator's, for fake ones
    generator: Callable  # the generator's, for its fakes
    relative: bool = False  # of each logit minus that of its pair's other image: pairs are a real and a fake, one label


LOSSES = {
    # max_D E log D(x) + E log(1 - D(G(z))), D = sigmoid(logit), which the generator minimises: the paper's game, in
    # which the generator hardly learns where D is sure (Goodfellow et al., 2014).
    "minimax": Loss(
        lambda logits: ops.softplus(-logits), ops.softplus, lambda logits: ops.negative(ops.softplus(logits))
    ),
    # The same, except for the generator, max_G E log D(G(z)): the paper's remedy.
    "non-saturating": Loss(lambda logits: ops.softplus(-logits), ops.softplus, lambda logits: ops.softplus(-logits)),
    # Real logits to 1, fake ones to 0 (Mao et al., 2017).
    "least-squares": Loss(lambda logits: ops.square(logits - 1), ops.square, lambda logits: ops.square(logits - 1)),
    # Real logits above 1, fake ones below -1 (Lim and Ye, 2017; Miyato et al., 2018).
    "hinge": Loss(lambda logits: ops.relu(1 - logits), lambda logits: ops.relu(1 + logits), ops.negative),
    # max_D E D(x) - E D(G(z)), which is Wasserstein's distance if D has slope 1 (Arjovsky et al., 2017); a penalty on
    # the slope at interpolates, weight 10, holds it there (Gulrajani et al., 2017).
    "wasserstein": Loss(ops.negative, lambda logits: logits, ops.negative),
    # max_D E f(D(x) - D(G(z))), max_G E f(D(G(z)) - D(x)), f(t) = -log(1 + exp(-t)): each image against another
    # (Jolicoeur-Martineau, 2019). With R1 and R2 it converges (Huang et al., 2024). The two halves count a pair once.
    "relativistic": Loss(
        lambda difference: ops.softplus(-difference) / 2,
        lambda difference: ops.softplus(difference) / 2,
        lambda difference: ops.softplus(-difference),
        relative=True,
    ),
}

# Telling labels apart gives a head start. Kept on, it costs styles: digits that can be read in two ways are not drawn.
MISMATCH_STEPS = 7500


class GAN(keras.Model):
    """A generator and a discriminator at play (Goodfellow et al., 2014).

    Args:
        generator: float32 (B, latent_dim + num_classes) -> float32 (B, S, S, C) in -1..1; (B, 28, 28, 1) of MNIST.
        discriminator: float32 (B, S, S, C) -> float32 (B, num_classes) logits.
        seed: the noise of a step is a function of (seed, step) alone, so a run can be repeated, or resumed at any step.

    `fit` takes batches of images, uint8 (B, S, S, C), and labels, int (B,). Draw with `averaged_generator`.
    """

    def __init__(self, generator, discriminator, seed=0):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        # Samples of the last iterate jump from step to step; those of the average of many iterates are far better
        # (Yazici et al., 2019), so this is the generator that draws and is saved.
        self.averaged_generator = keras.models.clone_model(generator)
        self.averaged_generator.set_weights(generator.get_weights())
        self.num_classes = discriminator.output_shape[-1]
        self.latent_dim = generator.input_shape[-1] - self.num_classes
        self.seed = seed
        self.discriminator_loss = keras.metrics.Mean("discriminator_loss")
        self.generator_loss = keras.metrics.Mean("generator_loss")
        self.real_output = keras.metrics.Mean("real_output")  # the discriminator's, before its step
        self.fake_output = keras.metrics.Mean("fake_output")
        self.built = True  # its parts are; otherwise Keras would save nothing before it has been called

    def compile(
        self,
        generator_optimizer,
        discriminator_optimizer,
        loss="hinge",
        ema_decay=0.999,
        r1_gamma=1.0,
        mismatch=0.1,
        r2_gamma=0.0,
        slope_penalty=0.0,
        **kwargs,
    ):
        """Set the rules of the game.

        Args:
            generator_optimizer, discriminator_optimizer: `keras.optimizers`, one each, not yet built.
            loss: a key of LOSSES.
            ema_decay: how slowly the averaged generator follows, 0 (at once) to below 1.
            r1_gamma: weight of the R1 gradient penalty on real images (Mescheder et al., 2018); 0 leaves it out.
            mismatch: initial weight of real images with wrong labels, which the discriminator should take for fakes
                (Reed et al., 2016); it falls to 0 over MISMATCH_STEPS. 0 leaves it out.
            r2_gamma: the same as r1_gamma on fake images.
            slope_penalty: weight of a penalty on slopes other than 1 between real and fake images (Gulrajani et al.,
                2017); 0 leaves it out.
            **kwargs: `keras.Model.compile`'s own, such as steps_per_execution and jit_compile.
        """
        super().compile(optimizer=None, **kwargs)  # without None, Keras would attach an RMSprop
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.loss_functions = LOSSES[loss]
        self.ema_decay = ema_decay
        self.r1_gamma, self.r2_gamma, self.slope_penalty = r1_gamma, r2_gamma, slope_penalty
        self.mismatch = mismatch if self.num_classes > 1 else 0

    @property
    def step(self):
        """How many steps it has been trained."""
        return int(self.generator_optimizer.iterations.numpy())

    @property
    def metrics(self):
        return [self.discriminator_loss, self.generator_loss, self.real_output, self.fake_output]

    def train_step(self, batch):
        images, labels = batch
        tf.debugging.assert_type(images, tf.uint8, "images should be 0 to 255")  # scaled ones would all look black
        real = ops.cast(images, "float32") / 127.5 - 1
        one_hot = ops.one_hot(labels, self.num_classes)
        step = self.generator_optimizer.iterations
        seed = ops.stack([ops.cast(self.seed, step.dtype), step.value])
        replica = tf.distribute.get_replica_context()
        if replica.num_replicas_in_sync > 1:  # each gets its own noise
            seed = tf.random.experimental.stateless_fold_in(seed, replica.replica_id_in_sync_group)
        noise = tf.random.stateless_normal((ops.shape(real)[0], self.latent_dim), seed)

        loss = self.loss_functions

        def own(logits):  # (B, num_classes) -> (B,): each image is judged by its label's logit
            return ops.sum(logits * one_hot, axis=-1)

        def beside(logits, others):  # the loss is a function of this
            return logits - others if loss.relative else logits

        def squared_slope(tape, logit, images):  # (B,): the squared norm of d logit / d image
            return ops.sum(ops.square(tape.gradient(logit, images)), axis=(1, 2, 3))

        with tf.GradientTape() as generator_tape:
            fake = self.generator(ops.concatenate([noise, one_hot], axis=-1), training=True)
            # Both steps use these fakes, which saves a forward pass. stop_gradient and the separate tapes keep each
            # step to its own weights. (Toggling `trainable` would switch BatchNormalization to inference.)
            still = tf.stop_gradient(fake)
            with tf.GradientTape() as discriminator_tape:
                with tf.GradientTape(persistent=True, watch_accessed_variables=False) as image_tape:
                    image_tape.watch([real, still])
                    real_logits = self.discriminator(real, training=True)
                    real_logit = own(real_logits)
                    fake_logit = own(self.discriminator(still, training=True))
                discriminator_loss = ops.mean(loss.real(beside(real_logit, fake_logit)))
                discriminator_loss += ops.mean(loss.fake(beside(fake_logit, real_logit)))
                objective = sum(self.discriminator.losses, discriminator_loss)  # with its layers' regularizers
                if self.mismatch:
                    # These logits have been computed anyway, so this costs nothing.
                    wrong = loss.fake(beside(real_logits, real_logit[:, None])) * (1 - one_hot)
                    wrong = ops.sum(wrong, axis=-1) / (self.num_classes - 1)
                    left = ops.maximum(0.0, 1 - ops.cast(step, "float32") / MISMATCH_STEPS)
                    objective += self.mismatch * left * ops.mean(wrong)
                if self.r1_gamma:
                    objective += self.r1_gamma / 2 * ops.mean(squared_slope(image_tape, real_logit, real))
                if self.r2_gamma:
                    objective += self.r2_gamma / 2 * ops.mean(squared_slope(image_tape, fake_logit, still))
                if self.slope_penalty:
                    places = tf.random.stateless_uniform((ops.shape(real)[0], 1, 1, 1), seed=seed + 1)
                    with tf.GradientTape(watch_accessed_variables=False) as between_tape:
                        between_tape.watch(between := places * real + (1 - places) * still)
                        between_logit = own(self.discriminator(between, training=True))
                    length = ops.sqrt(squared_slope(between_tape, between_logit, between) + 1e-12)
                    objective += self.slope_penalty * ops.mean(ops.square(length - 1))
            gradients = discriminator_tape.gradient(objective, self.discriminator.trainable_variables)
            self.discriminator_optimizer.apply(gradients, self.discriminator.trainable_variables)

            real_logit_now = own(self.discriminator(real, training=True)) if loss.relative else None
            fake_logit_now = own(self.discriminator(fake, training=True))
            generator_loss = ops.mean(loss.generator(beside(fake_logit_now, real_logit_now)))
            objective = sum(self.generator.losses, generator_loss)
        gradients = generator_tape.gradient(objective, self.generator.trainable_variables)
        self.generator_optimizer.apply(gradients, self.generator.trainable_variables)

        # Once for all replicas of this process: they have the same weights, and there is one average.
        replica.merge_call(self._update_average)
        self.discriminator_loss.update_state(discriminator_loss)
        self.generator_loss.update_state(generator_loss)
        self.real_output.update_state(real_logit)
        self.fake_output.update_state(fake_logit)
        return self.get_metrics_result()

    def _update_average(self, strategy):
        step = ops.cast(self.generator_optimizer.iterations, "float32")
        # The warm-up keeps the random first weights from lingering in the average.
        decay = ops.minimum(self.ema_decay, (1 + step) / (10 + step))
        for average, weight in zip(self.averaged_generator.weights, self.generator.weights, strict=True):
            average.assign(weight + decay * (average - weight))
