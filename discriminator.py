"""The discriminator: an image in, one logit per class out. Change its architecture here."""

import keras
from keras import layers


def build_discriminator(num_classes, channels=1, width=48, size=28, network="convolutional"):
    """Build the discriminator.

    Three strided convolutions without normalisation (Radford et al., 2016), and a hidden layer, or two without labels.
    It has one logit per class, and an image is judged by the logit of its label alone (as in the projection
    discriminator of Miyato and Koyama, 2018, without the term that all classes share), so the label is never an input.

    Args:
        num_classes: number of logits; 1 for unlabelled data, as in Goodfellow's discriminator.
        channels: 1 for grey images, 3 for colour.
        width: features at 7x7; half as many at 14x14, twice as many at 4x4.
        size: pixels per side of the image. The comments give the sizes for 28.
        network: "dense" is the paper's own (Goodfellow et al., 2014), but smaller, with two hidden layers of 6 * width,
            by default 288, LeakyReLU instead of maxout, and no dropout: the penalties on slopes do the same work.
            "supersampled" looks at each pixel and its neighbours first, for edges as fine as its generator's.

    Returns:
        A `keras.Sequential`: float32 (B, size, size, channels) in -1..1 -> float32 (B, num_classes), high if an
        image looks like a real one of that class.
    """
    if network == "dense":
        seeing = [
            layers.Flatten(),
            layers.Dense(6 * width),
            layers.LeakyReLU(0.2),
            layers.Dense(6 * width),
            layers.LeakyReLU(0.2),
        ]
    else:
        seeing = [
            *([layers.Conv2D(8, 3, padding="same"), layers.LeakyReLU(0.2)] if network == "supersampled" else []),
            layers.Conv2D(width // 2, 4, strides=2, padding="same"),  # (B, 14, 14, width / 2)
            layers.LeakyReLU(0.2),
            layers.Conv2D(width, 4, strides=2, padding="same"),  # (B, 7, 7, width)
            layers.LeakyReLU(0.2),
            layers.Conv2D(2 * width, 4, strides=2, padding="same"),  # (B, 4, 4, 2 * width)
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            # With no label to say which digit to expect, this tells digits from what lies between two.
            *([layers.Dense(8 * width // 3), layers.LeakyReLU(0.2)] if num_classes == 1 else []),
            # Without this layer, each logit would be a sum over local features, blind to which go together.
            layers.Dense(4 * width // 3),
            layers.LeakyReLU(0.2),
        ]
    seeing = [keras.Input((size, size, channels)), *seeing, layers.Dense(num_classes)]
    return keras.Sequential(seeing, name="discriminator")
