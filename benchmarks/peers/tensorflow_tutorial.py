"""TensorFlow's DCGAN tutorial."""

import keras
import tensorflow as tf
from keras import layers, ops

from benchmarks.peers.peer import Peer, apply, binary_cross_entropy


class TensorFlowTutorial(Peer):
    """TensorFlow's DCGAN tutorial, tensorflow.org/tutorials/generative/dcgan: batch 256, Adam 1e-4, 50 epochs."""

    batch_size, steps = 256, 50 * 234

    def build_optimizers(self):
        return keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4)

    def build_generator(self):
        block = [layers.BatchNormalization, lambda: layers.LeakyReLU(0.3)]
        return keras.Sequential(
            [
                keras.Input((100,)),
                layers.Dense(7 * 7 * 256, use_bias=False),
                *(make() for make in block),
                layers.Reshape((7, 7, 256)),
                layers.Conv2DTranspose(128, 5, strides=1, padding="same", use_bias=False),
                *(make() for make in block),
                layers.Conv2DTranspose(64, 5, strides=2, padding="same", use_bias=False),
                *(make() for make in block),
                layers.Conv2DTranspose(1, 5, strides=2, padding="same", use_bias=False, activation="tanh"),
            ]
        )

    def build_discriminator(self):
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(64, 5, strides=2, padding="same"),
                layers.LeakyReLU(0.3),
                layers.Dropout(0.3),
                layers.Conv2D(128, 5, strides=2, padding="same"),
                layers.LeakyReLU(0.3),
                layers.Dropout(0.3),
                layers.Flatten(),
                layers.Dense(1),
            ]
        )

    def step(self, images, labels):
        real = ops.cast(images, "float32") / 127.5 - 1
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fake = self.generator(self.noise(len(images)), training=True)
            real_logits = self.discriminator(real, training=True)
            fake_logits = self.discriminator(fake, training=True)
            generator_loss = binary_cross_entropy(fake_logits, 1)
            discriminator_loss = binary_cross_entropy(real_logits, 1) + binary_cross_entropy(fake_logits, 0)
        apply(self.generator_optimizer, generator_tape, generator_loss, self.generator)
        apply(self.discriminator_optimizer, discriminator_tape, discriminator_loss, self.discriminator)
