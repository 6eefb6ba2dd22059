"""Keras-GAN's DCGAN."""

import keras
import tensorflow as tf
from keras import layers, ops

from benchmarks.peers.peer import Peer, apply, binary_cross_entropy


class KerasGAN(Peer):
    """Keras-GAN's DCGAN, github.com/eriklindernoren/Keras-GAN, dcgan/dcgan.py: batch 32, Adam 2e-4, 4,000 steps.

    The discriminator is updated for real and for fake images one after the other, and its fakes are drawn with the
    generator's moving statistics (`predict`). The one Adam object that the original hands to both networks keeps
    moments for each weight, so two differ from it only in the bias correction of the first steps.
    """

    batch_size, steps = 32, 4000

    def build_optimizers(self):
        return keras.optimizers.Adam(2e-4, beta_1=0.5), keras.optimizers.Adam(2e-4, beta_1=0.5)

    def build_generator(self):
        return keras.Sequential(
            [
                keras.Input((100,)),
                layers.Dense(7 * 7 * 128, activation="relu"),
                layers.Reshape((7, 7, 128)),
                layers.UpSampling2D(),
                layers.Conv2D(128, 3, padding="same"),
                layers.BatchNormalization(momentum=0.8),
                layers.ReLU(),
                layers.UpSampling2D(),
                layers.Conv2D(64, 3, padding="same"),
                layers.BatchNormalization(momentum=0.8),
                layers.ReLU(),
                layers.Conv2D(1, 3, padding="same", activation="tanh"),
            ]
        )

    def build_discriminator(self):
        def block(filters, strides, *between):
            return [
                layers.Conv2D(filters, 3, strides=strides, padding="same"),
                *between,
                layers.LeakyReLU(0.2),
                layers.Dropout(0.25),
            ]

        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                *block(32, 2),
                *block(64, 2, layers.ZeroPadding2D(((0, 1), (0, 1))), layers.BatchNormalization(momentum=0.8)),
                *block(128, 2, layers.BatchNormalization(momentum=0.8)),
                *block(256, 1, layers.BatchNormalization(momentum=0.8)),
                layers.Flatten(),
                layers.Dense(1),
            ]
        )

    def step(self, images, labels):
        real = ops.cast(images, "float32") / 127.5 - 1
        noise = self.noise(len(images))
        for shown, target in ((real, 1), (self.generator(noise, training=False), 0)):
            with tf.GradientTape() as tape:
                loss = binary_cross_entropy(self.discriminator(shown, training=True), target)
            apply(self.discriminator_optimizer, tape, loss, self.discriminator)
        with tf.GradientTape() as tape:
            fake = self.generator(noise, training=True)
            loss = binary_cross_entropy(self.discriminator(fake, training=True), 1)
        apply(self.generator_optimizer, tape, loss, self.generator)
