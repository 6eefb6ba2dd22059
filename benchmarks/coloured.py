"""Digits in colour, 32x32: MNIST, padded, in ink and on paper of random colours. A data set to try colour with.

    python benchmarks/coloured.py --output coloured.npz --count 30000       # a few seconds
    python train.py --dataset coloured.npz --models-dir coloured --samples-dir coloured
    python generate_digits.py --models-dir coloured --output-dir coloured   # the sheet in docs

Paper is dark and ink is light, at least 30 apart in each colour, so that a sheet shows at a glance whether the
generator learned both: the digit of the label, and colours that go together.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support import commands, files
from support.commands import Range
from support.datasets import load_dataset


@dataclass
class Config:
    output: Path = Path("coloured.npz")  # where the digits go
    count: Annotated[int, Range(2, 60_000)] = 30_000  # training digits; a sixth as many are test digits
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0  # for the colours


def colour(images, rng):
    """Pad and colour images uint8 (N, 28, 28, 1); returns uint8 (N, 32, 32, 3)."""
    ink = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0))) / np.float32(255)
    paper, pen = (rng.uniform(*bounds, (len(images), 1, 1, 3)) for bounds in ((0, 100), (130, 255)))
    return (paper + ink * (pen - paper)).astype("uint8")


def write(config):
    """Write the file."""
    mnist, rng = load_dataset("mnist"), np.random.default_rng(config.seed)
    arrays = {}
    for part, count in (("train", config.count), ("test", min(config.count // 6, 10_000))):
        images, labels = (getattr(mnist, f"{axis}_{part}")[:count] for axis in "xy")
        arrays |= {f"x_{part}": colour(images, rng), f"y_{part}": labels}
    with files.whole_file(config.output) as temporary, temporary.open("wb") as file:  # to a path, it would add .npz
        np.savez_compressed(file, **arrays)
    print(f"{config.count} digits in colour: {config.output}")


if __name__ == "__main__":
    commands.run(write, Config)
