"""The Keras documentation's conditional GAN."""

import keras
import tensorflow as tf
from keras import layers, ops

from benchmarks.peers.peer import Peer, apply, binary_cross_entropy


class KerasDocumentation(Peer):
    """The Keras documentation's conditional GAN, keras.io/examples/generative/conditional_gan: batch 64, Adam 3e-4.

    20 epochs; the original trains on the test digits, too, which this re-implementation does not.
    """

    batch_size, steps, latent_dim = 64, 20 * 937, 128
    output_scale = (255, 0)

    def build_optimizers(self):
        return keras.optimizers.Adam(3e-4), keras.optimizers.Adam(3e-4)

    def build_generator(self):
        return keras.Sequential(
            [
                keras.Input((138,)),
                layers.Dense(7 * 7 * 138),
                layers.LeakyReLU(0.2),
                layers.Reshape((7, 7, 138)),
                layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
                layers.LeakyReLU(0.2),
                layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
                layers.LeakyReLU(0.2),
                layers.Conv2D(1, 7, padding="same", activation="sigmoid"),
            ]
        )

    def build_discriminator(self):
        return keras.Sequential(
            [
                keras.Input((28, 28, 11)),
                layers.Conv2D(64, 3, strides=2, padding="same"),
                layers.LeakyReLU(0.2),
                layers.Conv2D(128, 3, strides=2, padding="same"),
                layers.LeakyReLU(0.2),
                layers.GlobalMaxPooling2D(),
                layers.Dense(1),
            ]
        )

    def inputs(self, noise, labels):
        return ops.concatenate([noise, ops.one_hot(labels, 10)], axis=-1)

    def step(self, images, labels):
        # As in the source, the ones fill not the label's own plane but a stripe across all ten, placed by the label.
        planes = ops.reshape(ops.repeat(ops.one_hot(labels, 10), 28 * 28), (-1, 28, 28, 10))

        def logits(images):
            return self.discriminator(ops.concatenate([images, planes], axis=-1), training=True)

        def fakes():
            return self.generator(self.inputs(self.noise(len(images)), labels), training=True)

        real, fake = ops.cast(images, "float32") / 255, fakes()
        with tf.GradientTape() as tape:  # the mean over both halves of one batch
            loss = (binary_cross_entropy(logits(fake), 0) + binary_cross_entropy(logits(real), 1)) / 2
        apply(self.discriminator_optimizer, tape, loss, self.discriminator)
        with tf.GradientTape() as tape:
            loss = binary_cross_entropy(logits(fakes()), 1)
        apply(self.generator_optimizer, tape, loss, self.generator)
