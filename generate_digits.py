"""Draw handwritten digits with a trained generator.

    python generate_digits.py                            # a sheet of 100: generated_digits/digits.png
    python generate_digits.py --digits 2026              # a number, written in one hand
    python generate_digits.py --only 37 --count 40       # threes and sevens
    python generate_digits.py --count 10000 --npz digits.npz

Draws with the models in models/ or, where nothing has been trained yet, with those in models/pretrained/.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

import utils
from utils import Range, UserError

MODELS_DIR = Path("models")
PRETRAINED_DIR = Path(__file__).parent / "models" / "pretrained"
MAX_ON_SHEET = 1000  # more would be specks
MAX_COLUMNS = 20


@dataclass
class Config:
    count: Annotated[int, Range(1, 1_000_000)] = 100  # how many digits, an equal share of each; --digits has its own
    digits: str | None = None  # write this number, every figure in the same hand
    only: str | None = None  # draw only these digits
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0  # another seed draws other digits
    separate: bool = False  # also save each digit as a picture of its own, digit_LABEL_INDEX.png
    npz: Path | None = None  # also save images, uint8 (N, 28, 28), and labels, int64 (N,), to this .npz file
    models_dir: Path | None = None  # where generator.keras and discriminator.keras are; models, else models/pretrained
    output_dir: Path = Path("generated_digits")  # where the pictures go


def figures(text, flag):
    """Turn a string of figures into int64 (N,)."""
    if not (text.isascii() and text.isdigit()):
        raise UserError(f"{flag} {text!r} is not a number: give figures, such as {flag} 2026")
    return np.array([int(figure) for figure in text])


def sheet_by_label(images, labels):
    """Lay out images uint8 (N, 28, 28, C) in rows of one label each; returns uint8 (H, W, C)."""
    groups = [images[labels == label] for label in np.unique(labels)]
    columns = min(max(map(len, groups)), MAX_COLUMNS)
    return np.concatenate([utils.sheet(group, columns) for group in groups])


def generate(config):
    """Draw and save as `config` says; returns images uint8 (N, 28, 28, C) and labels int64 (N,).

    Raises:
        UserError: the models cannot be used or cannot draw what is asked, or a file cannot be written.
    """
    if config.digits is not None and config.only is not None:
        raise UserError("--digits and --only exclude each other: give one of them")
    number = None if config.digits is None else figures(config.digits, "--digits")
    classes = None if config.only is None else figures(config.only, "--only")
    utils.check_writable(config.output_dir)
    if config.npz:
        utils.check_writable(config.npz.parent)
    models_dir = config.models_dir or (MODELS_DIR if (MODELS_DIR / "generator.keras").exists() else PRETRAINED_DIR)
    generator, _, latent_dim, num_classes = utils.load_models(models_dir)

    if number is not None:
        labels = number
    else:
        labels = np.resize(np.arange(num_classes) if classes is None else np.unique(classes), config.count)
    if labels.max() >= num_classes:
        known = "no labels" if num_classes == 1 else f"only the classes 0 to {num_classes - 1}"
        raise UserError(f"the models in {models_dir} know {known}: leave --digits and --only out or give other models")
    rng = np.random.default_rng(config.seed)
    noise = rng.standard_normal((1 if number is not None else len(labels), latent_dim), "float32")
    images = utils.draw(generator, np.broadcast_to(noise, (len(labels), latent_dim)), labels)

    if number is not None:
        picture = utils.sheet(images, len(images))
    else:
        picture = sheet_by_label(images[:MAX_ON_SHEET], labels[:MAX_ON_SHEET])
    utils.save_png(config.output_dir / "digits.png", picture)
    if config.separate:
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            utils.save_png(config.output_dir / f"digit_{label}_{index:05d}.png", image, scale=1)
    if config.npz:
        grey = images.squeeze(-1) if images.shape[-1] == 1 else images
        with utils.whole_file(config.npz) as temporary, open(temporary, "wb") as file:
            np.savez(file, images=grey, labels=labels)
    print(f"drew {len(images)} digits with the models in {models_dir}: {config.output_dir / 'digits.png'}")
    return images, labels


if __name__ == "__main__":
    utils.run(generate, Config)
