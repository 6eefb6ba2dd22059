"""What a run records besides its weights, to make its tables and pictures from."""

import json
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

import utils


class Frame(NamedTuple):
    """A sheet of digits, and what its caption says."""

    sheet: np.ndarray  # uint8 (H, W, C)
    about: dict  # epoch, images, seconds, perhaps frechet_distance

    def picture(self):
        """The sheet as a Pillow image with its caption below."""
        about = self.about
        distance = f" · distance {about['frechet_distance']:.2f}" if "frechet_distance" in about else ""
        lines = f"epoch {about['epoch']} · {about['images']:,} images", f"{about['seconds']:.0f} s{distance}"
        return utils.with_caption(utils.to_picture(self.sheet), lines)


@dataclass
class Record:
    """The losses, epochs and sheets of a run so far.

    Attributes:
        curve: dicts with images and GAN's metrics: the means over a few steps, for plotting.
        epochs: dicts with epoch, images, GAN's metrics, and what was measured, if anything: the rows of history.csv.
        frames: name -> Frame: the early ones, and that of each epoch, or of fifty to a hundred in a long run.
        seconds: what took how long, over all sittings: total, training, checkpoints.
    """

    curve: list = field(default_factory=list)
    epochs: list = field(default_factory=list)
    frames: dict = field(default_factory=dict)
    seconds: dict = field(default_factory=lambda: {"total": 0.0, "training": 0.0, "checkpoints": 0.0})

    @property
    def images(self):
        """Training images seen."""
        return self.curve[-1]["images"] if self.curve else 0

    def save(self, path):
        about = {name: frame.about for name, frame in self.frames.items()}
        text = json.dumps([self.curve, self.epochs, about, self.seconds])
        sheets = np.array([frame.sheet for frame in self.frames.values()], "uint8")
        np.savez(path, text=np.frombuffer(text.encode(), "uint8"), sheets=sheets)

    @classmethod
    def load(cls, path):
        with np.load(path, allow_pickle=False) as file:
            curve, epochs, about, seconds = json.loads(file["text"].tobytes())
            frames = {name: Frame(sheet, about[name]) for name, sheet in zip(about, file["sheets"], strict=True)}
            return cls(curve, epochs, frames, seconds)
