"""Digits in many hands. A hand is one noise vector."""

import numpy as np

import utils
from support import files


def write(models, labels, rng, best_of=1, truncation=1.0):
    """Let each of several hands write its labels.

    Args:
        models: what `model_files.load_models` returns.
        labels: int (hands, figures).
        rng: `numpy.random.Generator` from which the hands are drawn, one after the other.
        best_of: how many hands to try for each; the one that looks most real to the discriminator is kept.
        truncation: what the noise is multiplied by; below 1, hands are closer to the usual one.

    Yields:
        uint8 (n, S, S, C), the images of some hands, one figure after the other; memory is bounded.
    """
    generator, discriminator, latent_dim, _ = models
    block = max(1, 10_000 // (best_of * labels.shape[1]))  # hands at a time
    for start in range(0, len(labels), block):
        some = labels[start : start + block]
        noise = rng.standard_normal((len(some), best_of, latent_dim), "float32")
        yield best(generator, discriminator, np.float32(truncation) * noise, some)


def best(generator, discriminator, noise, labels):
    """Let each of several hands write its labels; of several tries, keep the one that looks most real.

    Args:
        noise: float32 (hands, tries, latent_dim).
        labels: int (hands, figures).

    Returns:
        uint8 (hands * figures, S, S, C).
    """
    hands, tries, width = noise.shape
    shape = hands, tries, labels.shape[1]
    every_noise = np.broadcast_to(noise[:, :, None], (*shape, width)).reshape(-1, width)
    every_label = np.broadcast_to(labels[:, None], shape).ravel()
    images = utils.draw(generator, every_noise, every_label)
    chosen = np.zeros(hands, int)
    if tries > 1:
        logits = utils.look(discriminator, images)
        own = np.take_along_axis(logits, every_label[:, None], axis=1).reshape(shape)
        chosen = own.sum(axis=2).argmax(axis=1)
    return images.reshape(*shape, *images.shape[1:])[np.arange(hands), chosen].reshape(-1, *images.shape[1:])


def fingerprint(models):
    """SHA-256 over the weights of both networks: the same for the same training, whichever files hold it."""
    return files.fingerprint(weight for network in models[:2] for weight in network.get_weights())
