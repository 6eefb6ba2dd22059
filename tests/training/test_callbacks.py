"""Runs whose numbers go wrong."""

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
    monkeypatch.setattr(callbacks, "COLLAPSE_STEPS", 150)
    error = refuses(train.train, *flags_of(replace(config, epochs=10, **change)))
    assert said in error and "in epoch " in error and ("--r1-gamma" in error or "--discriminator-lr" in error)
    assert checkpoint.find(config.models_dir)
