"""training/places.py: the unfinished run, those moved aside, the finished one; each found where it should be."""

import errno
import json
import os
import pathlib
import shutil
from dataclasses import replace

import numpy as np
import pytest
from helpers import assert_equal_weights, assert_resumes, assert_same_run, flags_of

import gan
import train
from support import commands
from training import callbacks, checkpoint, places


def test_runs_are_moved_aside_one_after_the_other_and_back_where_that_fails(tmp_path, monkeypatch):
    states = [tmp_path / "checkpoint" / f"00000{number}-{'0' * 16}" for number in (1, 2, 3)]
    for number, state in enumerate(states[:2], 1):
        state.mkdir(parents=True)
        assert places.begin(tmp_path) == tmp_path / f"unfinished-{number}" and not state.exists()

    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    states[2].mkdir(parents=True)
    monkeypatch.setattr(pathlib.Path, "touch", full)
    with pytest.raises(commands.UserError, match="No space left"):
        places.begin(tmp_path)
    assert states[2].exists() and not (tmp_path / "unfinished-3").exists()


def test_a_run_killed_before_its_first_state_is_not_mistaken_for_the_finished_one(config, undisturbed, capsys):
    """Nothing was saved, so --resume begins anew, though there is a state of another run, which it would refuse."""
    shutil.copytree(undisturbed / "models", config.models_dir)
    places.begin(config.models_dir)
    train.train(replace(config, generator_width=8, epochs=1, resume=True))
    assert "to resume: starting one" in capsys.readouterr().out
    assert json.loads((config.models_dir / "run.json").read_text())["config"]["generator_width"] == 8


def test_a_run_that_ends_before_its_first_state_is_none(config, undisturbed, stop_at, capsys, refuses, monkeypatch):
    """Stopped while it is built, traces its first steps or ends them, diverged: the finished run is still the last."""
    shutil.copytree(undisturbed / "models", config.models_dir)
    for place in ((train, "build_gan"), (gan.GAN, "train_step"), (callbacks.Progress, "on_train_batch_end")):
        stop_at(config, *place)
        assert capsys.readouterr().out.endswith("stopped before it began\n")
        assert checkpoint.find(config.models_dir).path.parent.name == "finished"
    nan = gan.LOSSES["hinge"]._replace(generator=lambda logits: np.nan * logits)
    monkeypatch.setitem(gan.LOSSES, "hinge", nan)
    assert "a loss is not finite: lower the learning rates" in refuses(train.train, *flags_of(config))
    assert checkpoint.find(config.models_dir).path.parent.name == "finished"
    assert_equal_weights(config.models_dir, undisturbed / "models")


def test_a_last_state_that_cannot_be_moved_stays_where_it_is(unfinished, undisturbed, refuses):
    """A file is in its way; the results are written all the same."""
    finished = unfinished.models_dir / "finished"
    finished.touch()
    assert f"{finished} (File exists): " in refuses(train.train, *flags_of(replace(unfinished, resume=True)))
    assert_same_run(unfinished.models_dir, unfinished.samples_dir, undisturbed)
    finished.unlink()
    assert_resumes(unfinished, undisturbed)
    assert checkpoint.find(unfinished.models_dir).path.parent == finished
