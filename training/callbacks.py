"""What happens around the steps: progress, plots, the state saved; training/sheets.py draws the sheets of digits.

After what measures it, they end an epoch in the order `sheets.SampleSheets`, Progress, `board.Board`, plot_each,
Checkpoints: it is over once Progress has put it into the record, and what was done before that can be done again.
"""

import functools
import time

import keras
import numpy as np
from tqdm import tqdm

from support.commands import StandardError, UserError

COLLAPSE_STEPS = 1000  # a run whose numbers stay hopeless for so long is stopped
STEADY_STEPS = 25  # of which the mean tells, where that of a call of fewer is chance's


class Progress(keras.callbacks.Callback):
    """A progress bar over the whole run, and its losses kept; stops a run whose numbers have gone wrong.

    Args:
        record: `record.Record` that the losses go into.
        epochs, images: how many the whole run has, and sees.
        batch_size: images a step.
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
        self.model.reset_metrics()  # so that logs holds the means over one call, whenever the run was resumed
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
        """Raise UserError where the numbers show that nothing more will be learned."""
        problem = None
        if not np.all(np.isfinite(list(logs.values()))):
            problem = "a loss is not finite: lower the learning rates, or raise --r1-gamma"
        window = self.record.images - COLLAPSE_STEPS * self.batch_size
        if self.blind_loss and window >= self.record.curve[0]["images"]:  # Wasserstein's loss is 0 there, and no bound
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
        """The least that a discriminator pays that gives every image the same logit."""
        logits, loss = np.linspace(-1, 1, 21, dtype="float32"), self.model.loss_functions
        return round(float(np.min(loss.real(logits) + loss.fake(logits))), 6)


def plot_each(run, epochs, quality):
    """A callback: after an epoch but the last of `epochs`, draw losses.png anew; at the end `run.Run.write` does.

    Not where it would take more than a twentieth of the time: epochs of a small data set are over sooner than a plot is
    drawn. `quality`, where there is one, knows the floor.
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
    """Save the state after each epoch and every so many steps, and let signals in only where a state is whole.

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
