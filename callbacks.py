"""What happens around the steps: the progress bar, the losses' history and a sheet of digits after each epoch."""

from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

import utils


class Progress(keras.callbacks.Callback):
    """A progress bar over the whole run: epoch, time left, images/s and both losses.

    Attributes:
        curve: list of dicts with images, discriminator_loss, generator_loss: the means over a few steps, for plotting.
        epochs: list of dicts with epoch, images, discriminator_loss, generator_loss: the means over an epoch.
    """

    def __init__(self, num_epochs, steps_per_epoch, batch_size):
        super().__init__()
        self.num_epochs, self.steps_per_epoch, self.batch_size = num_epochs, steps_per_epoch, batch_size
        self.curve, self.epochs = [], []

    def on_train_begin(self, logs=None):
        total = self.num_epochs * self.steps_per_epoch * self.batch_size
        self.bar = tqdm(total=total, unit=" images", unit_scale=True, smoothing=0.05, dynamic_ncols=True)

    def on_epoch_begin(self, epoch, logs=None):
        self.bar.set_description(f"epoch {epoch + 1}/{self.num_epochs}")
        self.steps, self.means = 0, {}

    def on_train_batch_end(self, batch, logs):
        steps = batch + 1  # since the epoch began, as are the means in logs; what came since the last call follows
        losses = {
            name: (mean * steps - self.means.get(name, 0) * self.steps) / (steps - self.steps)
            for name, mean in logs.items()
        }
        self.bar.update((steps - self.steps) * self.batch_size)
        self.bar.set_postfix({name: f"{loss:.2f}" for name, loss in losses.items()})
        self.curve.append({"images": self.bar.n, **losses})
        self.steps, self.means = steps, logs

    def on_epoch_end(self, epoch, logs):
        self.epochs.append({"epoch": epoch + 1, "images": self.bar.n, **logs})

    def on_train_end(self, logs=None):
        self.bar.close()


class SampleSheets(keras.callbacks.Callback):
    """After each epoch, draw epoch_NNN.png: a column a class, each row in one hand, always of the same noise.

    Attributes:
        frames: the sheets so far, uint8 (H, W, C).
    """

    def __init__(self, directory, rows=10):
        super().__init__()
        self.directory = Path(directory)
        self.rows = rows
        self.frames = []

    def set_model(self, model):
        super().set_model(model)
        columns = min(model.num_classes, 10) if model.num_classes > 1 else 10
        shape = (self.rows, columns, model.latent_dim)
        rng = np.random.default_rng(model.seed)
        if model.num_classes > 1:
            noise = np.broadcast_to(rng.standard_normal((self.rows, 1, model.latent_dim), "float32"), shape)
            self.labels = np.tile(np.arange(columns), self.rows)
        else:
            noise = rng.standard_normal(shape, "float32")
            self.labels = np.zeros(self.rows * columns, int)
        self.noise, self.columns = noise.reshape(-1, model.latent_dim), columns

    def on_epoch_end(self, epoch, logs=None):
        images = utils.draw(self.model.averaged_generator, self.noise, self.labels)
        self.frames.append(utils.sheet(images, self.columns))
        utils.save_png(self.directory / f"epoch_{epoch + 1:03d}.png", self.frames[-1])
