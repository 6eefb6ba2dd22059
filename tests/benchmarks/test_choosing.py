"""What choosing digits gains and loses is measured."""

import json

import pytest

from benchmarks import choosing
from discriminator import build_discriminator
from drawing import hands
from generator import build_generator
from support.commands import UserError
from support.datasets import load_dataset
from support.model_files import PRETRAINED_DIR

FEW = {"as they come": {}, "`--best-of 10`": {"best_of": 2}, "`--truncation 0.8`": {"truncation": 0.0}}


def test_one_hand_costs_styles(monkeypatch, small_npz, tmp_path):
    small, write, made = load_dataset(str(small_npz)), hands.write, []

    def written(models, labels, rng, **choice):
        made.append((rng.bit_generator.seed_seq.entropy, choice))
        return write(models, labels, rng, **choice)

    monkeypatch.setattr(choosing, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(choosing, "CHOICES", FEW)
    monkeypatch.setattr(choosing, "load_dataset", lambda name: small)
    monkeypatch.setattr(hands, "write", written)
    choosing.benchmark(choosing.Config(models_dirs=(PRETRAINED_DIR,), seeds=2, count=300))
    assert made == [(seed, choice) for seed in (12345, 12346) for choice in FEW.values()]
    choices = json.loads((tmp_path / "results.json").read_text())["choices"]
    assert [row["seed"] for row in choices["as they come"]] == [12345, 12346]
    for free, best, one_hand in zip(*choices.values(), strict=True):
        assert one_hand["recall"] < 0.1 < free["recall"] and free["label_accuracy"] > 0.9
        assert best != free


def test_refuses_models_that_draw_something_else(tmp_path):
    build_generator(4, 1, width=4).save(tmp_path / "generator.keras")
    build_discriminator(1, width=4).save(tmp_path / "discriminator.keras")
    with pytest.raises(UserError, match="do not draw MNIST's ten digits"):
        choosing.benchmark(choosing.Config(models_dirs=(PRETRAINED_DIR, tmp_path)))
