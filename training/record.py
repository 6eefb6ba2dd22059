"""What a run leaves besides its weights: that which its tables and pictures are made of."""

import json
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Record:
    """The losses, epochs and sheets of a run so far.

    Attributes:
        curve: dicts with images, discriminator_loss, generator_loss: the means over a few steps, for plotting.
        epochs: dicts with epoch, images, both losses, perhaps frechet_distance: the rows of history.csv.
        frames: epoch -> its sheet of digits, uint8 (H, W, C): of each, or of about a hundred in a long run.
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
        text = json.dumps([self.curve, self.epochs, self.seconds])
        np.savez(
            path,
            text=np.frombuffer(text.encode(), "uint8"),
            frames=np.array(list(self.frames.values()), "uint8"),
            frame_epochs=np.array(list(self.frames), int),
        )

    @classmethod
    def load(cls, path):
        with np.load(path, allow_pickle=False) as file:
            curve, epochs, seconds = json.loads(file["text"].tobytes())
            return cls(curve, epochs, dict(zip(file["frame_epochs"].tolist(), file["frames"], strict=True)), seconds)
