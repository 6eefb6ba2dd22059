"""Pixels and pictures: in and out of networks, sheets of digits, PNG and GIF files, the plot of a run."""

import numpy as np
from PIL import Image

from support.commands import UserError
from support.files import whole_file


def look(network, images):
    """Show images uint8 (N, 28, 28, C) to a network that takes float32 in -1..1; returns its output or outputs."""
    batches = (images[start : start + 500].astype("float32") / 127.5 - 1 for start in range(0, len(images), 500))
    outputs = [network.predict_on_batch(batch) for batch in batches]
    if isinstance(outputs[0], list):
        return [_finite(np.concatenate(parts)) for parts in zip(*outputs, strict=True)]
    return _finite(np.concatenate(outputs))


def _finite(numbers):
    if not np.isfinite(numbers).all():
        raise UserError("a network gives numbers that are not finite: give another")
    return numbers


def draw(generator, noise, labels):
    """Let a generator draw.

    Args:
        generator: float32 (B, latent_dim + num_classes) -> float32 (B, 28, 28, C) in -1..1.
        noise: float32 (N, latent_dim), standard normal.
        labels: int (N,), the class of each image.

    Returns:
        uint8 (N, 28, 28, C), 0..255.
    """
    one_hot = np.eye(generator.input_shape[-1] - noise.shape[-1], dtype="float32")[labels]
    inputs = np.concatenate([noise, one_hot], axis=-1)
    batches = (generator.predict_on_batch(inputs[start : start + 500]) for start in range(0, len(inputs), 500))
    return np.concatenate([np.round((_finite(images) + 1) * 127.5).astype("uint8") for images in batches])


def sheet(images, columns):
    """Lay out images uint8 (N, 28, 28, C) in rows of `columns`, two pixels apart; returns uint8 (height, width, C)."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height + 2, width + 2, channels), "uint8")
    cells[:count, 1:-1, 1:-1] = images
    return (
        cells.reshape(rows, columns, height + 2, width + 2, channels)
        .swapaxes(1, 2)
        .reshape(rows * (height + 2), columns * (width + 2), channels)
    )


def sheet_by_label(images, labels, max_columns=20):
    """Lay out images uint8 (N, 28, 28, C) in rows of one label each; returns uint8 (H, W, C)."""
    groups = [images[labels == label] for label in np.unique(labels)]
    columns = min(max(map(len, groups)), max_columns)
    return np.concatenate([sheet(group, columns) for group in groups])


def to_picture(image, scale=2):
    """Turn uint8 (H, W, C), C = 1 or 3, into a Pillow image, each pixel `scale` screen pixels wide."""
    picture = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def save_png(path, image, scale=2):
    with whole_file(path) as temporary:
        to_picture(image, scale).save(temporary)


def save_gif(path, images, seconds=0.5):
    """Save a list of uint8 (H, W, C) as an endless film."""
    first, *rest = [to_picture(image) for image in images]
    with whole_file(path) as temporary:
        first.save(temporary, save_all=True, append_images=rest, duration=int(1000 * seconds), loop=0)


def plot_run(path, curve, epochs):
    """Plot both losses over the run, and below them the distance after each epoch where it was measured.

    Args:
        curve: list of dicts with images, discriminator_loss and generator_loss.
        epochs: list of dicts with images and perhaps frechet_distance.
    """
    from matplotlib.figure import Figure  # only training needs it; a Figure without pyplot needs no display

    measured = "frechet_distance" in epochs[0]
    figure = Figure(figsize=(8, 7 if measured else 4), layout="constrained")
    axes = figure.subplots(1 + measured, sharex=True, squeeze=False)[:, 0]
    for name in ("discriminator_loss", "generator_loss"):
        axes[0].plot([row["images"] for row in curve], [row[name] for row in curve], label=name.replace("_", " "))
    axes[0].set(ylabel="loss")
    axes[0].legend()
    if measured:
        axes[1].plot([row["images"] for row in epochs], [row["frechet_distance"] for row in epochs], "o-")
        axes[1].set(ylabel="Fréchet distance, of the judge's features", ylim=(0, None))
    axes[-1].set(xlabel="training images seen")
    for each in axes:
        each.grid(alpha=0.3)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
