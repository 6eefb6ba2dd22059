"""Draw handwritten digits with a trained generator.

    python generate_digits.py                            # a sheet of 100: generated_digits/digits.png
    python generate_digits.py --digits 2026              # a number, written in one hand
    python generate_digits.py --only 37 --count 40       # threes and sevens
    python generate_digits.py --styles                   # ten hands, each writing 0 to 9: styles.png
    python generate_digits.py --morph 38                 # a film: a three becomes an eight: morph.gif
    python generate_digits.py --interpolate 60           # a film: the hand changes: interpolation.gif
    python generate_digits.py --count 70000 --idx DIR    # a data set; also --npz FILE and --folders DIR

Draws with the models in models/ or, where nothing has been trained yet, with those in models/pretrained/.
"""

import contextlib
import itertools
import math
import os.path
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

import utils
from drawing import films, formats, hands
from drawing.labels import classes_to_draw
from drawing.pictures import MAX_ON_SHEET, Pictures, columns_of
from support import commands, files, model_files, readers
from support.commands import Range, UserError
from support.dataset import numbers_of
from support.datasets import NAMES, check_outside, place

PICTURES = ("digits.png", "styles.png", "interpolation.gif", "morph.gif")


@dataclass
class Config:
    # What to draw
    count: Annotated[int, Range(1, 10_000_000)] = 100  # how many digits, in equal shares (--digits ignores this)
    digits: str | None = None  # write this number, all figures in one hand; or a word, if the classes are letters
    # draw only these digits, or classes by name, "bag,ankle boot", or by number if they have no names, "11,12" or "11,"
    only: str | None = None
    like: str | None = None  # each as often as in this data set: mnist, or another that train.py --dataset takes
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0  # another seed draws other digits
    best_of: Annotated[int, Range(1, 100)] = 1  # tries for each; the discriminator's favourite is kept; not in films
    truncation: Annotated[float, Range(0, 1)] = 1.0  # scale of the noise: below 1, hands are tidier and more alike

    # More pictures than digits.png, and how they look
    styles: bool = False  # styles.png: ten hands, one per row; digits, one per column, up to the first hundred
    interpolate: Annotated[int, Range(0, 1000)] = 0  # interpolation.gif with this many frames: one hand becomes others
    morph: str | None = None  # morph.gif: these figures turn into each other, in one hand; 38: a three, then an eight
    separate: bool = False  # also save each digit as a picture of its own, digit_LABEL_INDEX.png
    invert: bool = False  # dark ink on white paper
    # screen pixels per pixel; 0 makes pictures about 600 wide, and leaves separate digits unscaled
    scale: Annotated[int, Range(0, 16)] = 0

    # Data sets; ink has high values, as in MNIST
    npz: Path | None = None  # write this .npz file: images, uint8, for MNIST (N, 28, 28), and labels, int64 (N,)
    idx: Path | None = None  # four files like MNIST's, gzipped, in this directory; the last seventh is the test set
    folders: Path | None = None  # this directory, with one folder per class and one PNG per digit

    # Places
    models_dir: Path | None = None  # directory of the trained models; by default models/, or else models/pretrained/
    output_dir: Path = Path("generated_digits")  # where the pictures go


def check(config):
    """Raise UserError if flags contradict each other or files cannot be written; remove half-written files."""
    given = [f"--{name}" for name in ("digits", "only", "like") if getattr(config, name) is not None]
    if len(given) > 1:
        raise UserError(f"{' and '.join(given)} exclude each other: give one of them")
    places = [("--output-dir", config.output_dir / name) for name in PICTURES]
    places += [("--npz", config.npz), ("--folders", config.folders)]
    places += [("--idx", path) for path in (formats.idx_paths(config.idx) if config.idx else ())]
    places = [(flag, Path(os.path.realpath(path))) for flag, path in places if path]
    for (flag, path), (other, there) in itertools.combinations(places, 2):
        if path.is_relative_to(there) or there.is_relative_to(path):
            raise UserError(f"{flag} and {other} would both write {there}: give each a place of its own")
    for flag, path in (("--npz", config.npz), ("--idx", config.idx)):
        files.check_unread(flag, path, like=config.like and place(config.like))
    for name in NAMES:
        if config.npz and files.are_one(config.npz, place(name)):
            raise UserError(f"--npz {config.npz} is where {name} itself is kept: choose another place")
    if config.like:
        written = ("output_dir", "npz", "idx", "folders")
        check_outside(config.like, **{name: getattr(config, name) for name in written})
    for name in PICTURES:
        files.check_writable(config.output_dir / name)
    if config.npz:
        files.check_writable(config.npz)
    if config.idx:
        formats.check_idx(config.idx)
    if config.folders:
        files.check_vacant(config.folders)
    for directory in {path.parent for _, path in places}:
        files.sweep(directory)


def about(config, models):
    """What a PNG carries so that it can be drawn again: dict of text."""
    left_out = ["npz", "idx", "folders", "output_dir"]
    if config.models_dir and config.models_dir.is_absolute():
        left_out.append("models_dir")  # means nothing on other machines; the hash says more
    words = ["python", "generate_digits.py", *commands.flags(config, *left_out)]
    return {"command": shlex.join(words), "seed": str(config.seed), "models": f"sha256:{hands.fingerprint(models)}"}


def draw_all(config, models, labels, numbers, pictures):
    """Draw all labels, int (hands, figures), into data sets and separate pictures; returns those for the sheet.

    Args:
        numbers: uint16 (num_classes,), what files call the classes.
    """
    exports = [(formats.npz, config.npz), (formats.idx, config.idx)]
    if config.folders:
        command = f"{pictures.about['command']} {shlex.quote(f'--folders={config.folders.resolve().name}')}"
        exports.append((formats.folders, config.folders, pictures.about | {"command": command}))
    shape, each_label, shown, done = models[0].output_shape[1:], numbers[labels.ravel()], [], 0
    with contextlib.ExitStack() as stack:
        bar = stack.enter_context(commands.progress_bar(total=labels.size, unit=" digits", unit_scale=True))
        contexts = [writer(path, each_label, shape, *more) for writer, path, *more in exports if path]
        writes = [stack.enter_context(context) for context in contexts]
        rng = np.random.default_rng(config.seed)
        for images in hands.write(models, labels, rng, config.best_of, config.truncation):
            for write in writes:
                write(images)
            if config.separate:
                for index, image in enumerate(images, done):
                    pictures.save_digit(f"digit_{each_label[index]}_{index:05d}.png", image)
            if done < MAX_ON_SHEET:
                shown.append(images[: MAX_ON_SHEET - done].copy())  # a view would keep the whole block in memory
            done += len(images)
            bar.update(len(images))
    return np.concatenate(shown)


def generate(config):
    """Draw and save as `config` says; returns the digits on the sheet, uint8 (N, S, S, C), and labels, int64 (N,).

    Raises:
        UserError: the models cannot be used or cannot draw what is asked, or a file cannot be written.
    """
    check(config)
    models_dir = model_files.default_models(config.models_dir)
    model_files.check_no_result("--npz", config.npz, models_dir)
    models = model_files.load_models(models_dir)
    *_, latent_dim, num_classes = models
    names = model_files.class_names(model_files.read_run(models_dir), num_classes)
    cycle, morphs = classes_to_draw(config, num_classes, models_dir, names)
    is_number = config.digits is not None
    shown = cycle if is_number else np.unique(cycle)
    pictures = Pictures(config.output_dir, config.scale, config.invert, about(config, models))
    pictures.check_film("--interpolate", config.interpolate, len(shown), models[0].output_shape[1:])
    if config.morph is not None:
        pictures.check_film("--morph", films.LEG * len(morphs), 1, models[0].output_shape[1:])

    labels = np.resize(cycle.astype("uint16"), len(cycle) if is_number else config.count)
    # A number is written in one hand; otherwise, each digit has its own.
    numbers = np.array(numbers_of(names) or range(num_classes), "uint16")
    images = draw_all(config, models, labels[None, :] if is_number else labels[:, None], numbers, pictures)
    count, labels = len(labels), labels[: len(images)].astype("int64")
    sheet = utils.sheet(images, columns_of(count)) if is_number else utils.sheet_by_label(images, labels)
    pictures.save_sheet("digits.png", sheet)

    # These use the first of the hands above; with --best-of, styles choose again, and films do not choose.
    if config.styles:
        columns = np.arange(num_classes) if config.only is None else shown
        rows = np.tile(columns[:100], (10, 1))
        rng = np.random.default_rng(config.seed)
        written = np.concatenate(list(hands.write(models, rows, rng, config.best_of, config.truncation)))
        pictures.save_sheet("styles.png", utils.sheet(written, rows.shape[1]), "each row in one hand")
    pair = np.random.default_rng(config.seed).standard_normal((2, latent_dim), "float32")
    pair *= config.truncation
    if config.interpolate:
        pictures.save_film("interpolation.gif", films.interpolation(models, shown, config.interpolate, pair))
    if config.morph:
        pictures.save_film("morph.gif", *films.morph(models, morphs, pair[0]))
    of_label = labels.itemsize if config.npz else 1 if config.idx else 0  # bytes
    exported = config.npz or config.idx or config.folders
    if exported and count * (math.prod(images.shape[1:]) + of_label) > readers.MAX_BYTES:
        print(f"these are more than the {readers.MAX_BYTES >> 20} MB that train.py and evaluate.py take at a time")
    asked = dict(zip(PICTURES, (True, config.styles, config.interpolate, config.morph), strict=True))
    asked["digit_*.png"] = config.separate
    written = [config.output_dir / name for name, wanted in asked.items() if wanted]
    written += filter(None, (config.npz, config.idx, config.folders))
    print(f"drew {count} digits of {models_dir}: {', '.join(map(str, written))}")
    return images, labels


if __name__ == "__main__":
    commands.run(generate, Config)
