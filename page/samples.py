"""What a few thousand digits of a generator show: along which directions they change most, and how real they look."""

import numpy as np

import utils
from page.packing import encode

COUNT = 3000  # digits of each measurement
REACH = 3  # how far a slider goes to either side, in standard deviations of the noise
STRONG = 0.6  # the correlation from which a direction is named after what it changes
EDGES = {  # what the ends of a slider are called
    "slant": ("to the left", "to the right"),
    "thickness": ("thin", "thick"),
    "width": ("narrow", "wide"),
    "height": ("low", "tall"),
    "roundness": ("flat", "round"),
}


def measure(images):
    """Measure the ink of images uint8 (N, S, S, C) by its moments; returns a dict of float (N,).

    The slant is a shear; the width is measured without it. The thickness is twice the ink over the length of its edge.
    Roundness is 1 if the ink spreads the same in all directions, 0 on a line.
    """
    ink = images.mean(axis=-1, dtype="float32") / 255
    mass = ink.sum(axis=(1, 2)) + 1e-6

    def mean(values):
        return (ink * values).sum(axis=(1, 2)) / mass

    down, across = np.indices(ink.shape[1:], "float32")
    y, x = (axis - mean(axis)[:, None, None] for axis in (down, across))
    yy, xx, xy = mean(y * y) + 1e-6, mean(x * x) + 1e-6, mean(x * y)
    edge = np.hypot(np.diff(ink, axis=1, append=0), np.diff(ink, axis=2, append=0)).sum(axis=(1, 2)) + 1e-6
    upright = np.maximum(xx - xy**2 / yy, 0)
    return {
        "slant": -xy / yy,
        "thickness": 2 * mass / edge,
        "width": np.sqrt(upright),
        "height": np.sqrt(yy),
        "roundness": 2 * np.sqrt(upright * yy) / (xx + yy),
    }


def principal_directions(generator, noise, labels, images, count):
    """The directions of the noise along which the digits change most, in descending order.

    The idea is Härkönen et al.'s (2020), principal components of what a generator makes; these are the components of
    the linear function that comes closest to it, so they are orthogonal, whatever its layers are.

    Args:
        noise, labels, images: digits of this generator, float32 (N, latent_dim), int (N,), uint8 (N, S, S, C).
        count: how many directions.

    Returns:
        A list of dicts: direction, float (latent_dim,) of length 1; its name, or None if nothing that `measure`
        measures changes strongly with it; its correlation with that, 0 without a name.
    """
    pixels = images.reshape(len(images), -1).astype("float32")
    means = np.zeros((labels.max() + 1, pixels.shape[1]), "float32")
    np.add.at(means, labels, pixels)
    means /= np.maximum(np.bincount(labels), 1)[:, None]
    slopes, *_ = np.linalg.lstsq(noise, pixels - means[labels], rcond=None)  # of each pixel, by each number of noise
    directions = np.linalg.svd(slopes, full_matrices=False)[0].T[:count]

    at_rest = measure(images)
    correlations = np.zeros((len(directions), len(at_rest)))
    positions = np.random.default_rng(1).uniform(-REACH, REACH, len(noise)).astype("float32")
    for row, direction in enumerate(directions):
        moved = measure(utils.draw(generator, noise + positions[:, None] * direction, labels))
        for column, name in enumerate(at_rest):
            change = moved[name] - at_rest[name]
            if change.std() > 1e-6:
                correlations[row, column] = np.corrcoef(positions, change)[0, 1]
    return [
        {"direction": direction * (np.sign(correlation) or 1), "name": name, "correlation": abs(correlation)}
        for direction, (name, correlation) in zip(directions, _named(correlations, list(at_rest)), strict=True)
    ]


def _named(correlations, names):
    """Give each name to the row that it goes with most, strongest first; returns (name or None, correlation) each."""
    given = [(None, 0.0)] * len(correlations)
    left = np.abs(correlations)
    while left.size and left.max() >= STRONG:
        row, column = np.unravel_index(left.argmax(), left.shape)
        given[row] = names[column], float(correlations[row, column])
        left[row], left[:, column] = 0, 0
    return given


def quantiles(discriminator, images, labels, num_classes):
    """The logits that 0, 5, ..., 100 % of the digits of each class stay below; float (num_classes, 21)."""
    own = np.take_along_axis(utils.look(discriminator, images), labels[:, None], axis=1).ravel()
    classes = [own[labels == label] if (labels == label).any() else own for label in range(num_classes)]
    return np.array([np.quantile(logits, np.linspace(0, 1, 21)) for logits in classes])


def sample(generator, discriminator, latent_dim, num_classes, count):
    """What the page says about its models: `count` directions, and the opinions of each class; in JSON's types."""
    noise = np.random.default_rng(0).standard_normal((COUNT, latent_dim), "float32")
    labels = np.arange(COUNT) % num_classes
    images = utils.draw(generator, noise, labels)
    found = principal_directions(generator, noise, labels, images, count)
    return {
        "reach": REACH,
        "strong": STRONG,
        "directions": [
            {
                "name": each["name"],
                "edges": EDGES.get(each["name"]),
                "correlation": round(float(each["correlation"]), 2),
                "direction": encode(each["direction"]),
            }
            for each in found
        ],
        "opinions": quantiles(discriminator, images, labels, num_classes).round(3).tolist(),
    }
