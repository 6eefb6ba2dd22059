"""The generator: noise and a label in, an image out. Change its architecture here."""

import keras
from keras import layers


def build_generator(latent_dim, num_classes, channels=1, width=96, size=28, network="convolutional"):
    """Build the generator.

    By default a light DCGAN (Radford et al., 2016): one Dense layer lays out an image of `width` features at a quarter
    of the final size, and two transposed convolutions each double the size. The label enters as a one-hot vector beside
    the noise (Mirza and Osindero, 2014).

    Args:
        latent_dim: length of the noise vector z, standard normal.
        num_classes: length of the one-hot label; 1 for unlabelled data, where it is a constant 1.
        channels: 1 for grey images, 3 for colour.
        width: features at 7x7; half as many at 14x14 and, without labels, five times as many in a layer before.
        size: pixels per side of the image, a multiple of 4. The comments give the sizes for 28.
        network: "supersampled" has the last layer draw at twice the final size, and averages each 2x2 block: a pixel is
            grey where an edge passes through it, as in MNIST. "dense" is the paper's own (Goodfellow et al., 2014), but
            smaller: two hidden layers of 4 * width, by default 384.

    Returns:
        A `keras.Sequential`: float32 (B, latent_dim + num_classes) -> float32 (B, size, size, channels) in -1..1.
    """
    if network == "dense":
        drawing = [
            layers.Dense(4 * width, activation="relu"),
            layers.Dense(4 * width, activation="relu"),
            layers.Dense(size * size * channels, activation="hard_tanh"),
            layers.Reshape((size, size, channels)),
        ]
    else:
        start = size // 4
        finer = 2 if network == "supersampled" else 1
        drawing = [
            # With no label to say which digit to draw, these divide the noise into regions: fewer fall between two.
            *([layers.Dense(5 * width), layers.LeakyReLU(0.2)] if num_classes == 1 else []),
            # BatchNormalization has a bias of its own, so the layers before it need none. Its momentum is far below
            # Keras' 0.99: the statistics must keep up with a network that changes at every step.
            layers.Dense(start * start * width, use_bias=False),
            # Reshaped before normalising, so that a feature's statistics come from all positions: those of one position
            # would be of a few dozen numbers, and their noise a variety in training that drawing then lacks.
            layers.Reshape((start, start, width)),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Conv2DTranspose(width // 2, 4, strides=2, padding="same", use_bias=False),  # (B, 14, 14, width / 2)
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            # To (B, 28, 28, C), or (B, 56, 56, C). hard_tanh reaches -1 and 1, as most pixels do; tanh leaves a haze.
            layers.Conv2DTranspose(channels, 4 * finer, strides=2 * finer, padding="same", activation="hard_tanh"),
            *([layers.AveragePooling2D(finer)] if finer > 1 else []),
        ]
    return keras.Sequential([keras.Input((latent_dim + num_classes,)), *drawing], name="generator")
