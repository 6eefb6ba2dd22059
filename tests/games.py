"""Small games, for the tests of gan.py."""

import keras
import tensorflow as tf

from discriminator import build_discriminator
from gan import GAN
from generator import build_generator


def make_gan(generator_lr=1e-3, discriminator_lr=1e-3, **rules):
    keras.utils.set_random_seed(0)
    gan = GAN(build_generator(8, 10, width=8), build_discriminator(10, width=8), seed=3)
    gan.compile(keras.optimizers.Adam(generator_lr), keras.optimizers.Adam(discriminator_lr), **rules)
    return gan


def play(gan, batch, steps=40):
    step = tf.function(gan.train_step)
    for _ in range(steps):
        step(batch)
