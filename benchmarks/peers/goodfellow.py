"""The first GAN."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from benchmarks.peers.peer import Peer, apply, binary_cross_entropy


class Maxout(layers.Layer):
    """The largest of `pieces` linear maps (Goodfellow et al., 2013)."""

    def __init__(self, units, pieces, **kwargs):
        super().__init__()
        self.units, self.dense = units, layers.Dense(units * pieces, **kwargs)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, inputs):
        return ops.max(ops.reshape(self.dense(inputs), (ops.shape(inputs)[0], self.units, -1)), axis=-1)


class Goodfellow(Peer):
    """The first GAN (Goodfellow et al., 2014), github.com/goodfeli/adversarial, mnist.yaml: batch 100, no end given.

    SGD from a rate of 0.1 that falls by 4e-6 a step, momentum 0.5 rising to 0.7 over 250 epochs, on the first 50,000
    digits there and on all here; maxout discriminator with dropout.
    """

    batch_size = 100
    output_scale = (255, 0)

    def build_optimizers(self):
        class FallingSGD(keras.optimizers.SGD):
            """SGD whose momentum rises, as Keras' own cannot."""

            def update_step(self, gradient, variable, learning_rate):
                done = ops.cast(self.iterations, "float32")
                momentum = 0.5 + 0.2 * ops.minimum(done / (250 * 500), 1.0)
                velocity = self.momentums[self._get_variable_index(variable)]
                rate = ops.maximum(0.1 / 1.000004**done, 1e-6)
                velocity.assign(momentum * velocity - rate * gradient)
                variable.assign_add(velocity)

        return FallingSGD(momentum=0.5), FallingSGD(momentum=0.5)

    def build_generator(self):
        def start():  # one of its own for each layer: Keras' initializers repeat themselves
            return keras.initializers.RandomUniform(-0.05, 0.05)

        return keras.Sequential(
            [
                keras.Input((100,)),
                layers.Dense(1200, activation="relu", kernel_initializer=start()),
                layers.Dense(1200, activation="relu", kernel_initializer=start()),
                layers.Dense(784, activation="sigmoid", kernel_initializer=start()),
            ]
        )

    def build_discriminator(self):
        def start():
            return keras.initializers.RandomUniform(-0.005, 0.005)

        return keras.Sequential(
            [
                keras.Input((784,)),
                layers.Dropout(0.2),
                Maxout(240, 5, kernel_initializer=start()),
                layers.Dropout(0.5),
                Maxout(240, 5, kernel_initializer=start()),
                layers.Dropout(0.5),
                layers.Dense(1, kernel_initializer=start()),
            ]
        )

    def start(self, images):
        """The generator's last bias starts as the logit of each pixel's mean."""
        mean = np.clip(images.reshape(-1, 784).mean(axis=0) / 255, 1e-7, 1 - 1e-7)
        self.generator.layers[-1].bias.assign(np.log(mean / (1 - mean)))

    def step(self, images, labels):
        real = ops.reshape(ops.cast(images, "float32") / 255, (-1, 784))
        with tf.GradientTape(persistent=True) as tape:
            fake = self.generator(self.noise(len(images)), training=True)
            real_logits = self.discriminator(real, training=True)
            fake_logits = self.discriminator(fake, training=True)
            discriminator_loss = (binary_cross_entropy(real_logits, 1) + binary_cross_entropy(fake_logits, 0)) / 2
            generator_loss = binary_cross_entropy(fake_logits, 1)
        gradients = tape.gradient(generator_loss, self.generator.trainable_variables)
        apply(self.discriminator_optimizer, tape, discriminator_loss, self.discriminator)
        self.generator_optimizer.apply(gradients, self.generator.trainable_variables)
