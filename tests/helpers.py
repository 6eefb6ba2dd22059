"""What several test files ask of runs."""

import json
import os
import shlex
from dataclasses import replace
from pathlib import Path
from unittest import mock

import keras
import numpy as np
from PIL import Image, ImageSequence

import train
from support import model_files
from training import callbacks, checkpoint
from training.record import Record

ROOT = Path(__file__).parent.parent
DEFAULT_WIDTHS = {name: getattr(train.Config, name) for name in ("generator_width", "discriminator_width")}


def assert_equal_weights(*directories):
    """The models in two directories are the same, bit for bit."""
    for name in model_files.NETWORKS:
        one, two = (keras.models.load_model(path / f"{name}.keras").get_weights() for path in directories)
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def caption(path):
    """What the caption of a sheet tells; the seconds, which are never the same, apart."""
    about = json.loads(Image.open(path).text["about"])
    return about.pop("seconds"), about


def sheets(path):
    """The frames of a sheet or a film, uint8 (N, H, W), without the caption below; how long each stays."""
    frames = [frame.copy() for frame in ImageSequence.Iterator(Image.open(path))]
    pixels = np.stack([np.array(frame.convert("L"))[:600] for frame in frames])
    return pixels, [frame.info.get("duration") for frame in frames]


def digits_of(sheet):
    """The digits in a sheet of uint8, 28x28 pixels each as they are; row by row, uint8 (N, 28, 28, 1)."""
    cells = np.reshape(sheet, (len(sheet) // 30, 30, sheet.shape[1] // 30, 30)).swapaxes(1, 2)
    return cells[:, :, 1:-1, 1:-1].reshape(-1, 28, 28, 1)


def leave_half(directory, name):
    """Leave in a directory what a process that was killed long ago had written of a file; returns its path."""
    path = directory / f".999999999.part-{name}"
    path.touch()
    os.utime(path, (0, 0))
    return path


def assert_same_run(models_dir, samples_dir, run):
    """A run has the results of `run`, which has models/ and samples/: models, history and pictures, bit for bit.

    But for the seconds in the captions of sheets and film.
    """
    assert_equal_weights(models_dir, run / "models")
    assert (models_dir / "history.csv").read_bytes() == (run / "models" / "history.csv").read_bytes()
    for path in (run / "samples").iterdir():
        ours = samples_dir / path.name
        if path.name == "losses.png":
            assert ours.read_bytes() == path.read_bytes()
        else:
            np.testing.assert_array_equal(sheets(ours)[0], sheets(path)[0], path.name)
            assert sheets(ours)[1] == sheets(path)[1], path.name
            assert path.suffix == ".gif" or caption(ours)[1] == caption(path)[1], path.name


def run_in(directory, dataset, **changes):
    """A short run with all its files in a directory: two epochs of small networks, saved several times in each."""
    directories = {"models_dir": directory / "models", "samples_dir": directory / "samples"}
    small = {"dataset": str(dataset), "epochs": 2, "checkpoint_every": 20, **dict.fromkeys(DEFAULT_WIDTHS, 16)}
    return train.Config(**small | directories | changes)


def flags_of(config):
    """The flags that mean `config`."""
    return shlex.split(train.resume_command(config))[3:] + ["--resume"] * config.resume


def resume(config):
    """Go on with a run from its state: nothing that it has learned is learned anew, which would have the same end."""
    begins, steps = callbacks.Progress.on_train_batch_begin, []
    images = Record.load(checkpoint.find(config.models_dir).path / "record.npz").images

    def begin(progress, batch, logs=None):
        steps.append(progress.model.step)
        begins(progress, batch, logs)

    with mock.patch.object(callbacks.Progress, "on_train_batch_begin", begin):
        train.train(replace(config, resume=True))
    assert not steps or steps[0] * config.batch_size == images


def assert_resumes(config, reference):
    resume(config)
    assert_same_run(config.models_dir, config.samples_dir, reference)
    assert not (config.models_dir / "checkpoint").exists()


def tf_config(index, workers=("host1:4000", "host2:4000"), kind="worker", **jobs):
    """What TF_CONFIG should be for the task `index` of `kind`, among workers or `jobs`."""
    return json.dumps({"cluster": jobs or {"worker": list(workers)}, "task": {"type": kind, "index": index}})


def write_pngs(directory, images, names):
    """Write images, uint8 (N, S, S) or (N, S, S, 3), into folders of these names in turn."""
    for index, image in enumerate(images):
        path = directory / names[index % len(names)] / f"{index:03}.png"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(image).save(path)
