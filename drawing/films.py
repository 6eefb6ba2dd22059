"""Films: digits that change by the same amount from each frame to the next."""

from itertools import pairwise

import numpy as np

import utils
from support.commands import progress_bar

LEG = 30  # frames from one figure to the next
ROUNDS = 2  # of measuring a path; one is enough for most


def interpolation(models, labels, frames, pair):
    """Digits, all in one hand, which goes once around a circle through two given hands.

    Args:
        models: what `model_files.load_models` returns.
        labels: int (N,).
        frames: how many.
        pair: float32 (2, latent_dim), the two hands.

    Returns:
        uint8 (frames, N, S, S, C).
    """
    generator, *_, num_classes = models
    one, other = pair
    one_hot = np.eye(num_classes, dtype="float32")[labels]

    def draw(places):
        angles = (2 * np.pi * places).astype("float32")[:, None]
        hands = np.cos(angles) * one + np.sin(angles) * other  # standard normal at every angle
        return _shades(
            generator, np.repeat(hands, len(labels), axis=0), np.tile(one_hot, (len(places), 1)), len(places)
        )

    images, _ = evenly(draw, frames)
    return images


def morph(models, figures, hand):
    """Figures that turn into each other and back into the first, all in one hand: blends of their labels.

    Args:
        models: what `model_files.load_models` returns.
        figures: int (N,).
        hand: float32 (latent_dim,).

    Returns:
        uint8 (N * LEG, 1, S, S, C), and the indices of the frames that show the figures themselves, int (N,).
    """
    generator, *_, num_classes = models
    stops = np.eye(num_classes, dtype="float32")[[*figures, figures[0]]]
    at = np.linspace(0, 1, len(stops))

    def draw(places):
        mixtures = np.stack([np.interp(places, at, column) for column in stops.T], axis=1).astype("float32")
        return _shades(generator, np.tile(hand, (len(places), 1)), mixtures, len(places))

    return evenly(draw, LEG * len(figures), at[:-1])


def evenly(draw, frames, stops=()):
    """Film a closed path so that each frame is as far from the one before as from the next, in pixels.

    Evenly spaced places do not do that: for long nothing happens, then a digit jumps. So the path is drawn finely,
    measured, and divided by its length; where it is steep, it is drawn again, more finely.

    Args:
        draw: a function of places float (N,), 0..1 along the path, that returns shades, float (N, ...) in 0..255.
        stops: places that some frame should show exactly.

    Returns:
        uint8 (frames, ...), and the indices of the frames at the stops.
    """
    known = np.linspace(0, 1, 4 * frames + 1)
    shades = draw(known)
    for more in reversed(range(ROUNDS)):
        steps = [np.linalg.norm(b.astype("float32") - a.astype("float32")) for a, b in pairwise(shades)]
        length = np.concatenate([[0], np.cumsum(steps)])
        places = np.interp(np.linspace(0, length[-1], frames, endpoint=False), length, known)
        if more:
            known, first = np.unique(np.concatenate([known, places]), return_index=True)
            shades = np.concatenate([shades, draw(places)])[first]
    nearest = [int(np.abs(places - stop).argmin()) for stop in stops]
    places[nearest] = stops
    return np.round(draw(places)).astype("uint8"), nearest


def _shades(generator, noise, mixtures, frames):
    """float16 (frames, digits, S, S, C) in 0..255: exact enough, in half of the memory."""
    shades = []
    with progress_bar(total=len(noise), unit=" digits", unit_scale=True) as bar:
        for batch in utils.shade(generator, noise, mixtures):
            shades.append(batch.astype("float16"))
            bar.update(len(batch))
    shades = np.concatenate(shades)
    return shades.reshape(frames, -1, *shades.shape[1:])
