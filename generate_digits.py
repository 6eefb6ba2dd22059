"""Draw handwritten digits with a trained generator.

    python generate_digits.py                            # a sheet of 100: generated_digits/digits.png
    python generate_digits.py --digits 2026              # a number, written in one hand
    python generate_digits.py --only 37 --count 40       # threes and sevens
    python generate_digits.py --count 10000 --npz digits.npz
    python generate_digits.py --interpolate 60           # a film, generated_digits/interpolation.gif

Draws with the models in models/ or, where nothing has been trained yet, with those in models/pretrained/.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

import utils
from support import commands, files, networks
from support.commands import Range, UserError

MAX_ON_SHEET = 1000  # more would be specks


@dataclass
class Config:
    count: Annotated[int, Range(1, 100_000)] = 100  # how many digits, an equal share of each; --digits has its own
    digits: str | None = None  # write this number, every figure in the same hand
    only: str | None = None  # draw only these digits
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0  # another seed draws other digits
    best_of: Annotated[int, Range(1, 100)] = 1  # draw each this often, keep what the discriminator likes best
    interpolate: Annotated[int, Range(0, 1000)] = 0  # also film one hand of each digit turning into others: frames
    separate: bool = False  # also save each digit as a picture of its own, digit_LABEL_INDEX.png
    npz: Path | None = None  # also save images, uint8 (N, 28, 28), and labels, int64 (N,), to this .npz file
    models_dir: Path | None = None  # where generator.keras and discriminator.keras are; models, else models/pretrained
    output_dir: Path = Path("generated_digits")  # where the pictures go


def figures(text, flag):
    """Turn a string of figures into int64 (N,)."""
    if not (text.isascii() and text.isdigit()):
        raise UserError(f"{flag} {text!r} is not a number: give figures, such as {flag} 2026")
    if len(text) > MAX_ON_SHEET:
        raise UserError(f"{flag} has {len(text)} figures: give at most {MAX_ON_SHEET}")
    return np.array([int(figure) for figure in text])


def best(generator, discriminator, noise, labels):
    """Let each of several hands write its labels; where it has several tries, keep the one that looks most real.

    Args:
        noise: float32 (hands, tries, latent_dim).
        labels: int (hands, figures).

    Returns:
        uint8 (hands * figures, 28, 28, C).
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


def film(generator, labels, frames, rng, latent_dim):
    """Draw a row of one digit of each label whose hand goes round in a circle; returns a list of uint8 (H, W, C)."""
    one, other = rng.standard_normal((2, latent_dim), "float32")
    angles = np.linspace(0, 2 * np.pi, frames, endpoint=False, dtype="float32")
    hands = np.cos(angles)[:, None] * one + np.sin(angles)[:, None] * other  # standard normal at every angle
    images = utils.draw(generator, np.repeat(hands, len(labels), axis=0), np.tile(labels, frames))
    return [utils.sheet(row, len(labels)) for row in np.split(images, frames)]


def generate(config):
    """Draw and save as `config` says; returns images uint8 (N, 28, 28, C) and labels int64 (N,).

    Raises:
        UserError: the models cannot be used or cannot draw what is asked, or a file cannot be written.
    """
    if config.digits is not None and config.only is not None:
        raise UserError("--digits and --only exclude each other: give one of them")
    number = None if config.digits is None else figures(config.digits, "--digits")
    classes = None if config.only is None else figures(config.only, "--only")
    files.check_writable(config.output_dir / "digits.png")
    if config.npz:
        files.check_writable(config.npz)
    models_dir = networks.default_models(config.models_dir)
    generator, discriminator, latent_dim, num_classes = networks.load_models(models_dir)

    if number is not None:
        labels = number
    else:
        labels = np.resize(np.arange(num_classes) if classes is None else np.unique(classes), config.count)
    if num_classes == 1 and not (number is classes is None):
        raise UserError(
            f"the models in {models_dir} know no labels: leave --digits and --only out or give other models"
        )
    if labels.max() >= num_classes:
        raise UserError(f"the models in {models_dir} know the classes 0 to {num_classes - 1}: ask for those")
    rng = np.random.default_rng(config.seed)
    # A hand is one noise vector. A number is written by one, else each digit by one of its own.
    by_hand = labels[None, :] if number is not None else labels[:, None]
    block = max(1, 10_000 // (config.best_of * by_hand.shape[1]))  # hands at a time: memory is bounded
    images = np.concatenate(
        [
            best(
                generator, discriminator, rng.standard_normal((len(some), config.best_of, latent_dim), "float32"), some
            )
            for some in np.split(by_hand, range(block, len(by_hand), block))
        ]
    )

    if number is not None:
        picture = utils.sheet(images, len(images))
    else:
        picture = utils.sheet_by_label(images[:MAX_ON_SHEET], labels[:MAX_ON_SHEET])
    utils.save_png(config.output_dir / "digits.png", picture)
    if config.interpolate:
        shown = labels if number is not None else np.unique(labels)
        frames = film(generator, shown, config.interpolate, rng, latent_dim)
        utils.save_gif(config.output_dir / "interpolation.gif", frames, seconds=0.05)
    if config.separate:
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            utils.save_png(config.output_dir / f"digit_{label}_{index:05d}.png", image, scale=1)
    if config.npz:
        grey = images.squeeze(-1) if images.shape[-1] == 1 else images
        with files.whole_file(config.npz) as temporary, open(temporary, "wb") as file:
            np.savez(file, images=grey, labels=labels)
    print(f"drew {len(images)} digits: {config.output_dir / 'digits.png'}")
    return images, labels


if __name__ == "__main__":
    commands.run(generate, Config)
