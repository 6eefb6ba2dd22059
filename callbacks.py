"""What happens around the steps: the progress bar, the losses' history and a sheet of digits after each epoch."""

import sys
import time
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

import metrics
import networks
import pictures
import utils


class Progress(keras.callbacks.Callback):
    """A progress bar over the whole run: epoch, time left, images/s and both losses.

    Attributes:
        curve: list of dicts with images, discriminator_loss, generator_loss: the means over a few steps, for plotting.
        epochs: list of dicts with epoch, images, discriminator_loss, generator_loss: the means over an epoch.
        seconds: time spent in training steps, the other callbacks' work left out.
    """

    def __init__(self, num_epochs, steps_per_epoch, batch_size):
        super().__init__()
        self.num_epochs, self.steps_per_epoch, self.batch_size = num_epochs, steps_per_epoch, batch_size
        self.curve, self.epochs, self.seconds = [], [], 0.0

    def on_train_begin(self, logs=None):
        total = self.num_epochs * self.steps_per_epoch * self.batch_size
        self.bar = tqdm(total=total, unit=" images", unit_scale=True, smoothing=0.05, dynamic_ncols=True)

    def on_epoch_begin(self, epoch, logs=None):
        self.bar.set_description(f"epoch {epoch + 1}/{self.num_epochs}")
        self.steps, self.means, self.clock = 0, {}, time.perf_counter()

    def on_train_batch_end(self, batch, logs):
        steps = batch + 1  # since the epoch began, as are the means in logs; what came since the last call follows
        losses = {
            name: (mean * steps - self.means.get(name, 0) * self.steps) / (steps - self.steps)
            for name, mean in logs.items()
        }
        if not np.all(np.isfinite(list(losses.values()))):
            self.bar.close()
            epoch = self.bar.desc.rstrip(": ")
            raise utils.UserError(f"a loss is not finite in {epoch}: lower the learning rates, or raise --r1-gamma")
        self.bar.update((steps - self.steps) * self.batch_size)
        self.bar.set_postfix({name: f"{loss:.2f}" for name, loss in losses.items()})
        self.curve.append({"images": self.bar.n, **losses})
        now = time.perf_counter()
        self.seconds += now - self.clock
        self.steps, self.means, self.clock = steps, logs, now

    def on_epoch_end(self, epoch, logs):
        self.epochs.append({"epoch": epoch + 1, "images": self.bar.n, **logs})
        if "frechet_distance" in logs:
            self.bar.write(f"epoch {epoch + 1}: Fréchet distance {logs['frechet_distance']:.3f}", file=sys.stderr)

    def on_train_end(self, logs=None):
        self.bar.close()


class Quality(keras.callbacks.Callback):
    """After each epoch, add the Fréchet distance of 5,000 fresh digits to 10,000 training digits to the epoch's logs.

    Args:
        dataset: `datasets.Dataset` of grey images.
        judge: the classifier whose features measure, as `judge.load_judge` returns it.
    """

    def __init__(self, dataset, judge):
        super().__init__()
        self.dataset, self.judge = dataset, judge
        some = np.random.default_rng(0).permutation(len(dataset.x_train))[:10_000]
        features, logits = networks.look(judge, dataset.x_train[some])
        self.reference = metrics.moments(features)
        # On other data than its own, the judge's features still measure, but it cannot read the labels.
        self.reads = (logits.argmax(axis=-1) == dataset.y_train[some]).mean() > 0.9

    def draw(self, count, number):
        """Fresh digits and their labels, from random numbers of their own: training is the same without them."""
        gan = self.model
        noise = np.random.default_rng([gan.seed, number]).standard_normal((count, gan.latent_dim), "float32")
        labels = np.arange(count) % gan.num_classes
        return networks.draw(gan.averaged_generator, noise, labels), labels

    def on_epoch_end(self, epoch, logs):
        features, _ = networks.look(self.judge, self.draw(5000, epoch)[0])
        logs["frechet_distance"] = metrics.frechet_distance(self.reference, metrics.moments(features))

    def final(self):
        """Measure 10,000 digits, of noise not seen before, against all training digits; returns a dict."""
        images, labels = self.draw(10_000, 2**32)
        features, logits = networks.look(self.judge, images)
        everything = metrics.moments(networks.look(self.judge, self.dataset.x_train)[0])
        quality = {"frechet_distance": metrics.frechet_distance(everything, metrics.moments(features))}
        if len(self.dataset.x_test) > features.shape[1]:
            test = metrics.moments(networks.look(self.judge, self.dataset.x_test)[0])
            quality["frechet_distance_of_test_digits"] = metrics.frechet_distance(everything, test)
        if self.reads:
            quality["label_accuracy"] = float((logits.argmax(axis=-1) == labels).mean())
        return quality


class SampleSheets(keras.callbacks.Callback):
    """After each epoch, draw epoch_NNN.png: a column a class, each row in one hand, always of the same noise.

    Attributes:
        frames: sheets for a film, uint8 (H, W, C): all, or about a hundred of a long run.
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
        images = networks.draw(self.model.averaged_generator, self.noise, self.labels)
        sheet = pictures.sheet(images, self.columns)
        pictures.save_png(self.directory / f"epoch_{epoch + 1:03d}.png", sheet)
        if epoch % -(-self.params["epochs"] // 100) == 0 or epoch + 1 == self.params["epochs"]:
            self.frames.append(sheet)
