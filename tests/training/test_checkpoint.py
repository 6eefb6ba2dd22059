"""States on disk: damaged, half written, of another run."""

import errno
import os
import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers import assert_equal_weights, flags_of

import train
from support import commands, files
from training import callbacks, checkpoint
from training.record import Record


def test_damage_is_noticed_and_the_state_before_taken(unfinished, refuses):
    """A bit of any file; then of both states."""
    older, newest = sorted((unfinished.models_dir / "checkpoint").glob("0*"))
    files = sorted(newest.iterdir())
    assert len(files) == 4
    for path in files:
        right = path.read_bytes()
        wrong = bytearray(right)
        wrong[len(wrong) // 2] ^= 1
        path.write_bytes(wrong)
        assert checkpoint.find(unfinished.models_dir).path == older
        path.write_bytes(right[:-1])
        assert checkpoint.find(unfinished.models_dir).path == older
        path.unlink()
        assert checkpoint.find(unfinished.models_dir).path == older
        path.write_bytes(right)
    assert checkpoint.find(unfinished.models_dir).path == newest
    for state in (older, newest):
        (state / "state.index").write_bytes(b"")
    assert "undamaged" in refuses(train.train, *flags_of(replace(unfinished, resume=True)))


def test_a_damaged_state_is_none_of_the_two_that_are_kept(unfinished, stop_at):
    *_, newest = sorted((unfinished.models_dir / "checkpoint").glob("0*"))
    (newest / "state.index").write_bytes(b"")
    stop_at(replace(unfinished, resume=True), callbacks.Progress, "on_epoch_begin")
    assert not newest.exists()


def test_what_others_keep_in_states_does_not_hide_the_finished_run(unfinished):
    for state in (unfinished.models_dir / "checkpoint").glob("0*"):
        (state / ".DS_Store").touch()
    train.train(replace(unfinished, resume=True))
    assert checkpoint.find(unfinished.models_dir).path.parent.name == "finished"
    left = [path.parent for path in unfinished.models_dir.glob("checkpoint/*/.DS_Store")]
    assert left and all(path.name.endswith("-left") for path in left)


def test_a_state_of_numbers_that_are_not_finite_is_not_kept(tmp_path):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.set_weights([np.array([[1.0], [np.nan]]), np.zeros(1)])
    with pytest.raises(commands.UserError, match="a weight is not finite in epoch 1: lower the learning rates"):
        checkpoint.save(tmp_path, network, Record(), {})
    assert not any(tmp_path.iterdir())


AT_ITS_END = "epoch_001.png", "discriminator.keras", "history.csv"  # one after the other: a run goes on where it was


@pytest.mark.parametrize("names", [("state.index",), (".running",), AT_ITS_END])
def test_a_full_disk_at_any_write_leaves_the_old_files(names, config, refuses, monkeypatch, undisturbed):
    """Here `flush` fails, as the last step of writing; tests/stress/ has a disk that is full."""
    directories = config.models_dir, config.samples_dir
    for directory, old in zip(directories, ("models", "samples"), strict=True):
        shutil.copytree(undisturbed / old, directory)
    for again, name in enumerate(names):

        def full(path, name=name):
            if path.name.endswith(name):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        for module in (files, checkpoint):
            monkeypatch.setattr(module, "flush", full)
        error = refuses(train.train, *flags_of(replace(config, seed=1, epochs=1, resume=bool(again))))
        assert "No space left" in error
        assert_equal_weights(config.models_dir, undisturbed / "models")
        for directory in directories:
            ours = [path.name for path in directory.iterdir() if path.name.startswith(".") and path.name != ".lock"]
            assert not ours
