"""Pixels and pictures: in and out of networks, sheets of digits, PNG and GIF files, the plot of a run."""

import concurrent.futures
import contextlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from support.commands import UserError
from support.files import whole_file

COLOURS = ("#0072B2", "#D55E00")  # blue and vermilion, which the colour-blind can tell apart (Okabe and Ito, 2008)


def look(network, images):
    """Show images uint8 (N, S, S, C) to a network that takes float32 in -1..1; returns its output, or a list of them.

    Raises UserError if its numbers are not finite, as do `draw` and `shade`.
    """

    def output(start):
        return network.predict_on_batch(images[start : start + 500].astype("float32") / 127.5 - 1)

    outputs = [output(0)]
    # In parallel: as set for training, an operation uses no more than half of the cores.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outputs += pool.map(output, range(500, len(images), 500))
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
        generator: float32 (B, latent_dim + num_classes) -> float32 (B, S, S, C) in -1..1.
        noise: float32 (N, latent_dim), standard normal.
        labels: int (N,), the class of each image.

    Returns:
        uint8 (N, S, S, C), 0..255.
    """
    one_hot = np.eye(generator.input_shape[-1] - noise.shape[-1], dtype="float32")[labels]
    return np.concatenate([np.round(shades).astype("uint8") for shades in shade(generator, noise, one_hot)])


def shade(generator, noise, mixtures):
    """Yield what a generator draws, in batches, float32 (B, S, S, C) in 0..255, not rounded.

    Args:
        generator, noise: as for `draw`.
        mixtures: float32 (N, num_classes), how much of each class an image should have: one-hot, or in between.
    """
    inputs = np.concatenate([noise, mixtures], axis=-1)
    for start in range(0, len(inputs), 500):
        pixels = (_finite(generator.predict_on_batch(inputs[start : start + 500])) + 1) * 127.5
        yield np.clip(pixels, 0, 255)  # a user's own generator may go beyond


def sheet(images, columns):
    """Lay out images uint8 (N, S, S, C) in rows of `columns`, two pixels apart; returns uint8 (height, width, C)."""
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
    """Lay out images uint8 (N, S, S, C) in rows of one label each, if not many and short; returns uint8 (H, W, C)."""
    groups = [images[labels == label] for label in np.unique(labels)]
    columns = min(max(map(len, groups)), max_columns)
    if columns < 5 and len(groups) > max_columns:  # so many short rows would make a ribbon
        return sheet(np.concatenate(groups), max_columns)
    return np.concatenate([sheet(group, columns) for group in groups])


def to_picture(image, scale=2):
    """Turn uint8 (H, W, C), C = 1 or 3, into a Pillow image, each pixel `scale` screen pixels wide."""
    picture = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def with_caption(picture, lines, size=30):
    """Add lines of text below a Pillow image, which stays at the top left and keeps its colours."""
    font = ImageFont.load_default(size)
    margin, height = size // 3, size * 5 // 4
    width = max(picture.width, *(2 * margin + int(font.getlength(line)) for line in lines))
    result = Image.new(picture.mode, (width, picture.height + len(lines) * height + margin))
    result.paste(picture)
    for number, line in enumerate(lines):
        place = margin, picture.height + margin // 2 + number * height
        ImageDraw.Draw(result).text(place, line, "white", font)
    return result


def save_png(path, picture, **about):
    """Save a Pillow image; `about` is text that the file carries."""
    with whole_file(path) as temporary:
        picture.save(temporary, pnginfo=png_text(about))


def png_text(about):
    """A dict of text as Pillow saves it; `PIL.Image.open(path).text` gives it back."""
    info = PngInfo()
    for key, text in about.items():
        info.add_text(key, text)
    return info


def save_gif(path, pictures, seconds):
    """Save Pillow images, grey or colour, as a film that loops; `seconds` is how long each stays."""
    width, height = (max(getattr(picture, side) for picture in pictures) for side in ("width", "height"))
    frames = [picture.crop((0, 0, width, height)) for picture in pictures]  # all of one size, padded with black
    if frames[0].mode == "RGB":  # a palette per frame would flicker: one for all, from frames all over
        some = frames[:: -(-len(frames) // 16)]
        colours = Image.fromarray(np.concatenate([np.asarray(frame) for frame in some])).quantize(256)
        frames = [frame.quantize(palette=colours, dither=Image.Dither.NONE) for frame in frames]
    with whole_file(path) as temporary:
        frames[0].save(
            temporary, save_all=True, append_images=frames[1:], duration=[round(1000 * s) for s in seconds], loop=0
        )


@contextlib.contextmanager
def plain_plots(**changes):
    """Matplotlib's defaults with `changes`, whatever the user's matplotlibrc asks for: TeX, say, may be missing."""
    from matplotlib import rc_context, rcdefaults, rcParams  # not every command needs it

    with rc_context():
        rcdefaults()
        rcParams.update(changes)
        yield


@plain_plots(**{"font.size": 14})
def plot_run(path, curve, epochs, floor=None):
    """Plot a run so far: losses, the discriminator's outputs and, where it was measured, the distance.

    Args:
        curve: list of dicts with images, both losses and both outputs.
        epochs: list of dicts with images and perhaps frechet_distance.
        floor: the distance of real digits that were not trained on.
    """
    from matplotlib.figure import Figure  # without pyplot, it needs no display
    from matplotlib.ticker import EngFormatter

    measured = [row for row in epochs if "frechet_distance" in row]

    def plot_both(axes, title, names):
        for (name, label), colour in zip(names.items(), COLOURS, strict=True):
            axes.plot([row["images"] for row in curve], [row[name] for row in curve], label=label, color=colour)
        axes.set_ylabel(title)

    figure = Figure(figsize=(8, 10 if measured else 7), layout="constrained")
    axes = figure.subplots(3 if measured else 2, sharex=True)
    plot_both(axes[0], "loss", {"discriminator_loss": "discriminator", "generator_loss": "generator"})
    outputs = {"real_output": "on real digits", "fake_output": "on fake digits"}
    plot_both(axes[1], "discriminator's output", outputs)
    if measured:
        seen, distances = ([row[key] for row in measured] for key in ("images", "frechet_distance"))
        axes[2].plot(seen, distances, "o-", color=COLOURS[0], label="generated digits")
        if floor is not None:
            axes[2].axhline(floor, color=COLOURS[1], linestyle="--", label="real test digits")
        axes[2].set_ylabel("Fréchet distance")
        axes[2].margins(y=0.1)
        axes[2].set_ylim(bottom=0)
    axes[-1].set_xlabel("training images seen")
    axes[-1].xaxis.set_major_formatter(EngFormatter(sep=""))  # 600k
    for each in axes:
        each.grid(alpha=0.3)
        each.legend()
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
