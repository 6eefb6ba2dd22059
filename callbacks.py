"""What happens around the steps: progress, measurement, a sheet of digits after each epoch, the state saved.

They end an epoch in the order Quality, SampleSheets, Progress, Checkpoints: it is over once Progress has put it into
the record, and what was done before that can be done again.
"""

import functools
import time
from pathlib import Path

import keras
import numpy as np

import metrics
import networks
import pictures
import utils

COLLAPSE_STEPS = 1000  # a run whose numbers stay hopeless for so long is stopped


class Progress(keras.callbacks.Callback):
    """A progress bar over the whole run, and its losses kept; stops a run whose numbers have gone wrong.

    Args:
        bar: a tqdm bar that counts images.
        record: `checkpoint.Record` that the losses go into.
    """

    def __init__(self, bar, record, batch_size):
        super().__init__()
        self.bar, self.record, self.batch_size = bar, record, batch_size

    def on_epoch_begin(self, epoch, logs=None):
        self.bar.set_description(f"epoch {epoch + 1}/{self.params['epochs']}")
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
            raise utils.UserError(f"stopped in epoch {len(self.record.epochs) + 1}, {problem}")

    @functools.cached_property
    def blind_loss(self):
        """The least that a discriminator pays that gives every image the same logit."""
        logits, loss = np.linspace(-1, 1, 21, dtype="float32"), self.model.loss_functions
        return float(np.min(loss.real(logits) + loss.fake(logits)))


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

    Args:
        directory: where the pictures go; those of the epochs in the record are written again.
        record: `checkpoint.Record` that the frames of the film go into: all, or about a hundred of a long run.
    """

    def __init__(self, directory, record, rows=10):
        super().__init__()
        self.directory = Path(directory)
        self.record = record
        self.rows = rows
        for epoch, sheet in record.frames.items():
            self.save(epoch, sheet)

    def save(self, epoch, sheet):
        pictures.save_png(self.directory / f"epoch_{epoch:03d}.png", sheet)

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
        self.save(epoch + 1, sheet)
        if epoch % -(-self.params["epochs"] // 100) == 0 or epoch + 1 == self.params["epochs"]:
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
