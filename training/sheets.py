"""Sheets of digits as a run goes on: a PNG of each, and the frames of its film."""

import json
from pathlib import Path

import keras
import numpy as np

import utils
from training.record import Frame

ROWS = 10  # of a sheet: hands
EARLY = (1000, 2000, 4000, 8000, 16_000)  # after about so many images of the first epoch, there is a sheet, too


class SampleSheets(keras.callbacks.Callback):
    """After each epoch, draw epoch_NNN.png: the first ten classes, one hand per row, always from the same noise.

    Most happens early in the first epoch: there, after the calls nearest to EARLY, it likewise draws early_NNNNN.png,
    NNNNN images into the run. What it draws is a function of the step, so a resumed run has the same sheets.

    Args:
        directory: where the pictures go; those in the record are written again.
        run: `run.Run` whose record the frames of the film go into: all, or fifty to a hundred of a long run.
    """

    def __init__(self, directory, run, epochs):
        super().__init__()
        self.directory, self.run, self.epochs = Path(directory), run, epochs
        for name, frame in list(run.record.frames.items()):
            self.save(name, frame)
            if name.startswith("epoch") and not self.is_in_film(frame.about["epoch"]):  # of a run that was shorter
                del run.record.frames[name]

    def is_in_film(self, epoch):
        """Whether the sheet of an epoch, counted from 1, is one of at most a hundred evenly spaced ones, or the last.

        Spacings are powers of two: as far as a shorter run went, a longer one has no sheets that the former lacks.
        """
        return (epoch - 1) % (1 << ((self.epochs - 1) // 100).bit_length()) == 0 or epoch == self.epochs

    def save(self, name, frame):
        utils.save_png(self.directory / f"{name}.png", frame.picture(), about=json.dumps(frame.about))

    def set_model(self, model):
        super().set_model(model)
        classes = model.num_classes
        self.columns = min(classes, 10) if classes > 1 else 10
        hands = (ROWS, 1 if classes > 1 else self.columns, model.latent_dim)  # without labels, one for each digit
        noise = np.random.default_rng(model.seed).standard_normal(hands, "float32")
        self.noise = np.broadcast_to(noise, (ROWS, self.columns, model.latent_dim)).reshape(-1, model.latent_dim)
        self.labels = np.tile(np.arange(self.columns) % classes, ROWS)

    def draw(self, name, epoch, **measured):
        images = utils.draw(self.model.averaged_generator, self.noise, self.labels)
        about = {"epoch": epoch, "images": self.model.step * self.run.batch_size, "seconds": round(self.run.seconds, 1)}
        frame = Frame(utils.sheet(images, self.columns), about | measured)
        self.save(name, frame)
        return frame

    def on_train_batch_end(self, batch, logs):
        if self.run.record.epochs or batch + 1 == self.params["steps"]:  # the end of an epoch has its own
            return
        if not np.all(np.isfinite(list(logs.values()))):  # Progress, which comes next, says so
            return
        images, call = (steps * self.run.batch_size for steps in (self.model.step, self.model.steps_per_execution))
        if is_early(images, call):
            name = f"early_{images:05d}"
            self.run.record.frames[name] = self.draw(name, 1)

    def on_epoch_end(self, epoch, logs=None):
        name = f"epoch_{epoch + 1:03d}"
        measured = {key: value for key, value in (logs or {}).items() if key == "frechet_distance"}
        frame = self.draw(name, epoch + 1, **measured)
        if self.is_in_film(epoch + 1):
            self.run.record.frames[name] = frame


def is_early(images, call):
    """Whether, of all calls of `call` images, the one that ends at `images` is the nearest to one of EARLY."""
    return any(-call <= 2 * (mark - images) < call for mark in EARLY)
