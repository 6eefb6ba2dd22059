"""What happens around the steps: progress, plots, saving the state; training/sheets.py draws the sheets of digits.

An epoch ends with what measures it, then `sheets.SampleSheets`, Progress, `board.Board`, plot_each and Checkpoints, in
that order. It is over once Progress has put it into the record; what comes before can be done again after a stop.
"""

import functools
import time

import keras
import numpy as np
from tqdm import tqdm

from support.commands import StandardError, UserError

COLLAPSE_STEPS = 1000  # a run whose numbers stay hopeless for this long is stopped
STEADY_STEPS = 25  # whose mean loss is telling; over fewer, it is up to chance


class Progress(keras.callbacks.Callback):
    """Show a progress bar over the whole run, and record its losses; stop it if its numbers have gone wrong.

    Args:
        record: `record.Record` that the losses go into.
        epochs, images: how many epochs the whole run has, and how many images it sees.
        batch_size: images per step.
    """

    def __init__(self, record, epochs, images, batch_size):
        super().__init__()
        self.record, self.epochs, self.batch_size = record, epochs, batch_size
        self.stream = StandardError()
        self.bar = tqdm(
            initial=record.images,
            total=images,
            unit=" images",
            unit_scale=True,
            smoothing=0.05,
            dynamic_ncols=True,
            file=self.stream,
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
        self.model.reset_metrics()  # so that logs holds the means over one call, resumed or not
        steps, self.steps = batch + 1 - self.steps, batch + 1
        self.record.curve.append({"images": self.record.images + steps * self.batch_size, **logs})
        self.bar.update(steps * self.batch_size)
        self.bar.set_postfix({name: f"{logs[name]:.2f}" for name in ("discriminator_loss", "generator_loss")})
        self._check(logs)

    def on_epoch_end(self, epoch, logs):
        first = self.record.epochs[-1]["images"] if self.record.epochs else 0
        calls = [row for row in self.record.curve if row["images"] > first]
        means = {metric.name: float(np.mean([row[metric.name] for row in calls])) for metric in self.model.metrics}
        measured = {name: value for name, value in logs.items() if name not in means}
        self.record.epochs.append({"epoch": epoch + 1, "images": self.record.images, **means, **measured})
        if "frechet_distance" in logs:
            self.bar.write(f"epoch {epoch + 1}: Fréchet distance {logs['frechet_distance']:.3f}", file=self.stream)
        if "modes" in logs:
            text = f"epoch {epoch + 1}: {logs['modes']} modes, KL {logs['mode_divergence']:.3f}"
            self.bar.write(text, file=self.stream)

    def _check(self, logs):
        """Raise UserError if the numbers show that nothing more will be learned."""
        problem = None
        if not np.all(np.isfinite(list(logs.values()))):
            problem = "a loss is not finite: lower the learning rates, or raise --r1-gamma"
        window = self.record.images - COLLAPSE_STEPS * self.batch_size
        if self.blind_loss and window >= self.record.curve[0]["images"]:  # of Wasserstein's loss it is 0, and no bound
            curve = self.record.curve[-COLLAPSE_STEPS:]
            losses = [row["discriminator_loss"] for row in curve if row["images"] > window]
            block = -(-STEADY_STEPS // self.model.steps_per_execution)  # calls
            recent = [np.mean(losses[start : start + block]) for start in range(0, len(losses), block)]
            if min(recent) > 0.995 * self.blind_loss:
                cure = "lower --r1-gamma, raise --lr-fall, or move --discriminator-lr to 0.002"
                problem = f"the discriminator sees no difference: {cure}"
            elif max(recent) < 0.02 * self.blind_loss:
                problem = "the generator never deceives it: lower --discriminator-lr, or move --generator-lr to 0.002"
        if problem:
            raise UserError(f"stopped in epoch {len(self.record.epochs) + 1}, {problem}")

    @functools.cached_property
    def blind_loss(self):
        """The smallest loss of a discriminator that gives every image the same logit."""
        logits, loss = np.linspace(-1, 1, 21, dtype="float32"), self.model.loss_functions
        return round(float(np.min(loss.real(logits) + loss.fake(logits))), 6)


def plot_each(run, epochs, quality):
    """A callback that redraws losses.png after each of `epochs` but the last, when `run.Run.write` does.

    It leaves out epochs to spend no more than a twentieth of the time: those of a small data set are over sooner than a
    plot is drawn. `quality`, if any, knows the floor.
    """
    due = 0.0

    def plot(epoch, logs):
        nonlocal due
        begun = run.seconds
        if epoch + 1 < epochs and begun >= due:
            run.plot(quality)
            due = run.seconds + 20 * (run.seconds - begun)

    return keras.callbacks.LambdaCallback(on_epoch_end=plot)


class Checkpoints(keras.callbacks.Callback):
    """Save the state after each epoch and every so many steps, and let signals through only when the state is whole.

    Args:
        save: a function that saves the state.
        every: steps between two states within an epoch, rounded up to the end of a call.
        signals: `support.signals.Signals`, held while steps are under way.
    """

    def __init__(self, save, every, signals):
        super().__init__()
        self.save, self.every, self.signals = save, every, signals
        self.traced = False

    def on_epoch_begin(self, epoch, logs=None):
        self.saved_at = 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.traced:  # the first call takes seconds to prepare, and there is nothing to save yet
            self.signals.hold()

    def on_train_batch_end(self, batch, logs=None):
        self.traced = True
        if batch + 1 - self.saved_at >= self.every:
            self.save()
            self.saved_at = batch + 1
        self.signals.release()

    def on_epoch_end(self, epoch, logs=None):
        self.save()
