"""Runs whose numbers go wrong; pictures while one is under way."""

from dataclasses import replace

import pytest
from helpers import flags_of

import train
from training import callbacks, checkpoint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"r1_gamma": 1000.0, "loss": "non-saturating"}, "sees no difference"),
        ({"discriminator_lr": 1e-8}, "sees no difference"),
        ({"generator_lr": 1e-8}, "never deceives"),
    ],
)
def test_a_hopeless_run_is_stopped(change, said, config, refuses, monkeypatch):
    """With the epoch and the knob, and the last state kept."""
    monkeypatch.setattr(callbacks, "COLLAPSE_STEPS", 80)
    error = refuses(train.train, *flags_of(replace(config, epochs=10, **change)))
    assert said in error and "in epoch " in error and ("--r1-gamma" in error or "--discriminator-lr" in error)
    assert checkpoint.find(config.models_dir)


def test_there_are_pictures_while_it_trains(unfinished):
    names = {path.name for path in unfinished.samples_dir.iterdir()}
    assert names == {"early_00672.png", "epoch_001.png", "losses.png"}


@pytest.mark.parametrize("call", [1, 32, 800, 1024, 8192])
def test_early_sheets_are_those_nearest_to_the_marks(call):
    chosen = [images for images in range(call, 60_000, call) if callbacks.is_early(images, call)]
    marks = [mark for mark in callbacks.EARLY if mark >= call / 2]
    assert {min(chosen, key=lambda images: abs(mark - images)) for mark in marks} == set(chosen)
    assert all(min(abs(mark - images) for images in chosen) <= call / 2 for mark in marks)
