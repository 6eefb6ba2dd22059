"""TF-GAN's MNIST example."""

import keras
import tensorflow as tf
from keras import layers, ops

from benchmarks.peers.peer import Peer, apply


class SpectralNormalized(layers.Layer):
    """A Conv2D or Dense layer whose kernel is divided by its spectral norm (Miyato et al., 2018), kernel kept."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def build(self, shape):
        self.layer.build(shape)
        outputs = self.layer.kernel.shape[-1]
        self.vector = self.add_weight(shape=(outputs, 1), initializer="random_normal", trainable=False)

    def call(self, inputs):
        kernel = self.layer.kernel.value
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        left = ops.normalize(tf.stop_gradient(matrix @ self.vector.value), axis=0)
        right = ops.normalize(tf.stop_gradient(ops.transpose(matrix) @ left), axis=0)
        self.vector.assign(right)
        kernel = kernel / (ops.transpose(left) @ matrix @ right)
        if isinstance(self.layer, layers.Dense):
            return inputs @ kernel
        return self.layer.convolution_op(inputs, kernel) + self.layer.bias


class TFGAN(Peer):
    """TF-GAN's unconditional MNIST example, github.com/tensorflow/gan, examples/mnist: batch 32, 20,000 steps.

    Wasserstein losses, spectral normalisation, weight decay 2.5e-5 (here of the kernels before they are normalised),
    Adam 1e-3 for the generator and 1e-4 for the discriminator, both updated at once.
    """

    batch_size, steps, latent_dim = 32, 20_000, 64

    def build_optimizers(self):
        return keras.optimizers.Adam(1e-3, beta_1=0.5), keras.optimizers.Adam(1e-4, beta_1=0.5)

    def build_generator(self):
        def block(layer):
            return [layer, layers.BatchNormalization(momentum=0.999), layers.ReLU()]

        decay = keras.regularizers.L2(2.5e-5)
        return keras.Sequential(
            [
                keras.Input((64,)),
                *block(layers.Dense(1024, use_bias=False, kernel_regularizer=decay)),
                *block(layers.Dense(7 * 7 * 128, use_bias=False, kernel_regularizer=decay)),
                layers.Reshape((7, 7, 128)),
                *block(layers.Conv2DTranspose(64, 4, strides=2, padding="same", kernel_regularizer=decay)),
                *block(layers.Conv2DTranspose(32, 4, strides=2, padding="same", kernel_regularizer=decay)),
                layers.Conv2D(1, 4, padding="same", activation="tanh", kernel_regularizer=decay),
            ]
        )

    def build_discriminator(self):
        decay = keras.regularizers.L2(2.5e-5)
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                SpectralNormalized(layers.Conv2D(64, 4, strides=2, padding="same", kernel_regularizer=decay)),
                layers.LeakyReLU(0.01),
                SpectralNormalized(layers.Conv2D(128, 4, strides=2, padding="same", kernel_regularizer=decay)),
                layers.LeakyReLU(0.01),
                layers.Flatten(),
                SpectralNormalized(layers.Dense(1024, use_bias=False, kernel_regularizer=decay)),
                layers.BatchNormalization(momentum=0.999),
                layers.LeakyReLU(0.01),
                layers.Dense(1, kernel_regularizer=decay),
            ]
        )

    def step(self, images, labels):
        real = ops.cast(images, "float32") / 127.5 - 1
        with tf.GradientTape(persistent=True) as tape:
            fake = self.generator(self.noise(len(images)), training=True)
            real_mean = ops.mean(self.discriminator(real, training=True))
            fake_mean = ops.mean(self.discriminator(fake, training=True))
            generator_loss = sum(self.generator.losses) - fake_mean
            discriminator_loss = fake_mean - real_mean + sum(self.discriminator.losses)
        gradients = tape.gradient(generator_loss, self.generator.trainable_variables)
        apply(self.discriminator_optimizer, tape, discriminator_loss, self.discriminator)
        self.generator_optimizer.apply(gradients, self.generator.trainable_variables)
