"""The run as TensorBoard shows it; `tensorboard` is in requirements-tensorboard.txt."""

import contextlib

import keras
import tensorflow as tf

from support import files
from support.commands import UserError


class Board(keras.callbacks.TensorBoard):
    """Log a run for TensorBoard: losses and outputs of each call and epoch, the sheets, the configuration.

    Epochs count from 0, as in Keras' own callback; everything else is plotted by the number of images seen.

    Args:
        log_dir: where the logs go.
        run: `run.Run`, whose record holds all that; this callback must come after those that update it.
    """

    def __init__(self, log_dir, run):
        super().__init__(log_dir, write_graph=False)
        self.run, self.shown = run, set(run.record.frames)

    @contextlib.contextmanager
    def _writing(self):
        """Raise UserError if TensorFlow cannot write."""
        try:
            yield
        except (tf.errors.OpError, OSError) as error:
            raise UserError(
                f"cannot write the logs in {self.log_dir}: make room, and go on with --resume, or without --log-dir"
            ) from error

    def on_train_begin(self, logs=None):
        with self._writing():
            super().on_train_begin(logs)
            self._show_configuration()

    def _show_configuration(self):
        text = files.to_json({key: self.run.about[key] for key in ("config", "data")})
        with self._train_writer.as_default():
            tf.summary.text("configuration", "    " + text.replace("\n", "\n    "), step=self.run.record.images)

    def on_train_batch_end(self, batch, logs=None):
        with self._writing():
            super().on_train_batch_end(batch, logs)
            with self._train_writer.as_default(self.run.record.images):
                for name, value in logs.items():
                    tf.summary.scalar(f"calls/{name}", value)
            self._show_sheets()

    def on_epoch_end(self, epoch, logs=None):
        # Keras' logs are zeros: Progress has reset its metrics. The record has the epoch's means.
        row = self.run.record.epochs[-1]
        with self._writing():
            super().on_epoch_end(epoch, {name: value for name, value in row.items() if name not in ("epoch", "images")})
            self._show_sheets()
            self._train_writer.flush()

    def on_train_end(self, logs=None):
        with self._writing():
            super().on_train_end(logs)

    def _show_sheets(self):
        with self._train_writer.as_default():
            for name in self.run.record.frames.keys() - self.shown:
                sheet, about = self.run.record.frames[name]
                tf.summary.image("sheets/digits", sheet[None], step=about["images"])
                self.shown.add(name)
