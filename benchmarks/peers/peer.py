"""What all recipes share: two networks, two optimizers, one step of training, and drawing."""

import numpy as np
import tensorflow as tf
from keras import ops


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

    def start(self, images):
        """Set what depends on the training images, uint8 (N, 28, 28, 1), before the first step."""

    @property
    def parts(self):
        names = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer")
        return {name: getattr(self, name) for name in names}

    def advance(self, batches):
        """Train on the next batch; returns how many steps that was."""
        self.step(*next(batches))
        return 1

    def noise(self, count):
        return tf.random.normal((count, self.latent_dim))

    def draw(self, noise, labels):
        """Draw digits from noise float32 (N, latent_dim), and labels int (N,) if the recipe has any; uint8 images."""
        scale, shift = self.output_scale
        batches = (self.inputs(noise[i : i + 500], labels[i : i + 500]) for i in range(0, len(noise), 500))
        images = np.concatenate([self.generator.predict_on_batch(batch) for batch in batches])
        return np.round(images.reshape(-1, 28, 28, 1) * scale + shift).astype("uint8")

    def inputs(self, noise, labels):
        return noise
