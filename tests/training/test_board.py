"""What TensorBoard is given."""

import csv
import importlib
import io
import sys

import numpy as np
import pytest
import tensorflow as tf
from helpers import caption, flags_of, sheets
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import train


def test_logs_hold_what_the_run_left(short_run):
    """The numbers of history.csv and of each call, the sheets, the configuration."""
    events = EventAccumulator(str(short_run / "logs" / "train"), {"tensors": 0}).Reload()

    def logged(tag):
        return [tf.make_ndarray(event.tensor_proto) for event in events.Tensors(tag)]

    rows = list(csv.DictReader((short_run / "models" / "history.csv").open()))
    for name in rows[0].keys() - {"epoch", "images"}:
        assert logged(f"epoch_{name}") == pytest.approx([float(row[name]) for row in rows])
    assert events.Tensors("calls/generator_loss")[-1].step == int(rows[-1]["images"])
    drawn = sorted((short_run / "samples").glob("e*.png"))
    for (_width, _height, png), path in zip(logged("sheets/digits"), drawn, strict=True):
        np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(png))), sheets(path)[0][0][::2, ::2])
    steps = [event.step for event in events.Tensors("sheets/digits")]
    assert steps == [caption(path)[1]["images"] for path in drawn]
    (configuration,) = logged("configuration")
    assert b'"latent_dim": 64' in configuration.item()


def test_refuses_to_log_without_tensorboard(refuses, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    error = refuses(train.train, "--log-dir", tmp_path / "logs", "--models-dir", tmp_path / "models")
    assert "requirements-tensorboard.txt" in error and not any(tmp_path.iterdir())


def test_a_disk_that_fills_with_logs_is_told(config, refuses, monkeypatch, tmp_path):
    """TensorFlow has an exception of its own for that."""

    def fail(*args, **options):
        raise tf.errors.InternalError(None, None, "Could not flush events file.")

    summary = importlib.import_module("tensorflow.summary")  # as Keras does: then `tf.summary` is another
    monkeypatch.setattr(summary, "image", fail)
    error = refuses(train.train, *flags_of(config), "--log-dir", tmp_path / "logs")
    assert f"cannot write the logs in {tmp_path / 'logs'}" in error


def test_refuses_logs_that_cannot_be_written(refuses, tmp_path):
    (tmp_path / "file").write_text("mine")
    error = refuses(train.train, "--log-dir", tmp_path / "file", "--models-dir", tmp_path / "models")
    assert "cannot write" in error and not (tmp_path / "models").exists()
