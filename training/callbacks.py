"""What happens around the steps: progress, a sheet of digits after each epoch, the state saved.

After what measures it, they end an epoch in the order SampleSheets, Progress, Checkpoints: it is over once Progress has
put it into the record, and what was done before that can be done again.
"""

import functools
import time
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

import utils
from support.commands import StandardError, UserError

COLLAPSE_STEPS = 1000  # a run whose numbers stay hopeless for so long is stopped


class Progress(keras.callbacks.Callback):
    """A progress bar over the whole run, and its losses kept; stops a run whose numbers have gone wrong.

    Args:
        record: `record.Record` that the losses go into.
        images: how many the whole run sees.
    """

    def __init__(self, record, epochs, images, batch_size):
        super().__init__()
        self.record, self.epochs, self.batch_size = record, epochs, batch_size
        self.bar = tqdm(
            initial=record.images,
            total=images,
            unit=" images",
            unit_scale=True,
            smoothing=0.05,
            dynamic_ncols=True,
            file=StandardError(),
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.bar.close()

    def on_epoch_begin(self, epoch, logs=None):
        self.bar.set_description(f"epoch {epoch + 1}/{self.epochs}")
        self.steps = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.clock = time.perf_counter()

    def on_train_batch_end(self, batch, logs):
        self.record.seconds["training"] += time.perf_counter() - self.clock
        self.model.reset_metrics()  # so that logs holds the means over one call, whenever the run was resumed
        steps, self.steps = batch + 1 - self.steps, batch + 1
        self.record.curve.append({"images": self.record.images + steps * self.batch_size, **logs})
        self.bar.update(steps * self.batch_size)
        self.bar.set_postfix({name: f"{loss:.2f}" for name, loss in logs.items()})
        self._check(logs)

    def on_epoch_end(self, epoch, logs):
        first = self.record.epochs[-1]["images"] if self.record.epochs else 0
        calls = [row for row in self.record.curve if row["images"] > first]
        losses = {name: float(np.mean([row[name] for row in calls])) for name in calls[0] if name != "images"}
        measured = {name: value for name, value in logs.items() if name not in losses}
        self.record.epochs.append({"epoch": epoch + 1, "images": self.record.images, **losses, **measured})
        if "frechet_distance" in logs:
            self.bar.write(f"epoch {epoch + 1}: Fréchet distance {logs['frechet_distance']:.3f}", file=self.bar.fp)

    def _check(self, losses):
        """Raise UserError where the numbers show that nothing more will be learned."""
        problem = None
        if not np.all(np.isfinite(list(losses.values()))):
            problem = "a loss is not finite: lower the learning rates, or raise --r1-gamma"
        window = self.record.images - COLLAPSE_STEPS * self.batch_size
        if window >= self.record.curve[0]["images"]:
            curve = self.record.curve[-COLLAPSE_STEPS:]
            recent = [row["discriminator_loss"] for row in curve if row["images"] > window]
            if min(recent) > 0.995 * self.blind_loss:
                problem = "the discriminator sees no difference: lower --r1-gamma, or move --discriminator-lr to 0.002"
            elif max(recent) < 0.02 * self.blind_loss:
                problem = "the generator never deceives it: lower --discriminator-lr, or move --generator-lr to 0.002"
        if problem:
            raise UserError(f"stopped in epoch {len(self.record.epochs) + 1}, {problem}")

    @functools.cached_property
    def blind_loss(self):
        """The least that a discriminator pays that gives every image the same logit."""
        logits, loss = np.linspace(-1, 1, 21, dtype="float32"), self.model.loss_functions
        return float(np.min(loss.real(logits) + loss.fake(logits)))


class SampleSheets(keras.callbacks.Callback):
    """After each epoch, draw epoch_NNN.png: a column a class, each row in one hand, always of the same noise.

    Args:
        directory: where the pictures go; those of the epochs in the record are written again.
        record: `record.Record` that the frames of the film go into: all, or about a hundred of a long run.
    """

    def __init__(self, directory, record, epochs, rows=10):
        super().__init__()
        self.directory, self.record, self.epochs, self.rows = Path(directory), record, epochs, rows
        for epoch, sheet in record.frames.items():
            self.save(epoch, sheet)

    def save(self, epoch, sheet):
        utils.save_png(self.directory / f"epoch_{epoch:03d}.png", sheet)

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
        sheet = utils.sheet(images, self.columns)
        self.save(epoch + 1, sheet)
        if epoch % -(-self.epochs // 100) == 0 or epoch + 1 == self.epochs:
            self.record.frames[epoch + 1] = sheet


class Checkpoints(keras.callbacks.Callback):
    """Save the state after each epoch and every so many steps, and let signals in only where a state is whole.

    Args:
        save: a function that saves the state.
        every: steps between two states within an epoch, rounded up to the end of a call.
        signals: `utils.Signals`, held while steps are under way.
    """

    def __init__(self, save, every, signals):
        super().__init__()
        self.save, self.every, self.signals = save, every, signals
        self.traced = False

    def on_epoch_begin(self, epoch, logs=None):
        self.saved_at = 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.traced:  # the first call takes seconds of preparation, and has nothing to save before
            self.signals.hold()

    def on_train_batch_end(self, batch, logs=None):
        self.traced = True
        if batch + 1 - self.saved_at >= self.every:
            self.save()
            self.saved_at = batch + 1
        self.signals.release()

    def on_epoch_end(self, epoch, logs=None):
        self.save()
