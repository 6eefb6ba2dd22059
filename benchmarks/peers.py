"""The recipes that people start from, re-implemented from their published code and papers, to be timed beside ours.

Layers, losses, optimisers, batch sizes and the order of updates are those of the source that each class names; only
the loop around the step is ours: batches come from `datasets.training_batches`, so the last, incomplete batch of an
epoch is left out. Each step is one `tf.function`, as in the newer of the sources, which helps the older ones.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops


def binary_cross_entropy(logits, target):
    """Mean cross entropy of sigmoid(logits) with a constant target, 0 or 1."""
    return ops.mean(ops.softplus(-logits if target else logits))


def apply(optimizer, tape, loss, network):
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)


class Peer:
    """A recipe: `parts` is its state, `step` one step of its training, on uint8 (B, 28, 28, 1) and int (B,)."""

    latent_dim = 100
    output_scale = (127.5, 127.5)  # of tanh to 0..255: (x * first + second)
    steps = None  # of its whole schedule; None: it has no end

    def __init__(self):
        self.generator, self.discriminator = self.build_generator(), self.build_discriminator()
        self.generator_optimizer, self.discriminator_optimizer = self.build_optimizers()
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.step = tf.function(self.step)

    @property
    def parts(self):
        names = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer")
        return {name: getattr(self, name) for name in names}

    def advance(self, batches):
        """Train on the next batch; returns how many steps that were."""
        self.step(*next(batches))
        return 1

    def noise(self, count):
        return tf.random.normal((count, self.latent_dim))

    def draw(self, noise, labels):
        """Draw digits of noise float32 (N, latent_dim), for recipes with labels of labels int (N,); uint8 images."""
        scale, shift = self.output_scale
        batches = (self.inputs(noise[i : i + 500], labels[i : i + 500]) for i in range(0, len(noise), 500))
        images = np.concatenate([self.generator.predict_on_batch(batch) for batch in batches])
        return np.round(images.reshape(-1, 28, 28, 1) * scale + shift).astype("uint8")

    def inputs(self, noise, labels):
        return noise


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


class KerasGAN(Peer):
    """Keras-GAN's DCGAN, github.com/eriklindernoren/Keras-GAN, dcgan/dcgan.py: batch 32, Adam 2e-4, 4,000 steps.

    The discriminator is updated for real and for fake images one after the other, and its fakes are drawn with the
    generator's moving statistics (`predict`). The one Adam object that the original hands to both networks keeps
    moments for each weight, so two are the same but for the bias correction of the first steps.
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


class KerasDocumentation(Peer):
    """The Keras documentation's conditional GAN, keras.io/examples/generative/conditional_gan: batch 64, Adam 3e-4.

    20 epochs; it trains on the test digits too, which this re-telling does not.
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
        # In the source, too, the ones are not a plane of the label's own but a stripe over all ten, as high as it is.
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
            """Momentum that rises, which Keras' own does not."""

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
    Adam 1e-3 for the generator and 1e-4, both updated at once.
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


PEERS = {
    "TensorFlow tutorial": TensorFlowTutorial,
    "Keras-GAN": KerasGAN,
    "Keras documentation": KerasDocumentation,
    "Goodfellow": Goodfellow,
    "TF-GAN": TFGAN,
}
