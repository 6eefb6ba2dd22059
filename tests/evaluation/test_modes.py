"""Stacked digits: modes are read, counted and compared as the field does it."""

import json

import numpy as np
import pytest

from discriminator import build_discriminator
from evaluate import Config, evaluate
from evaluation import modes
from evaluation.judge import build_judge, load_judge
from evaluation.quality import Modes, quality_of
from gan import GAN
from generator import build_generator
from support.dataset import Dataset
from support.datasets import stack_digits
from support.model_files import PRETRAINED_DIR

STACK = Dataset(np.zeros((9, 28, 28, 3), "uint8"), np.zeros(9, int), np.zeros((0, 28, 28, 3), "uint8"), np.zeros(0))


@pytest.fixture(scope="module")
def judge():
    return load_judge()


def test_modes_are_read_in_the_order_of_the_channels(judge, mnist):
    order = np.random.default_rng(0).permutation(60_000)[:300].reshape(3, 100)
    images = np.concatenate([mnist.x_train[some] for some in order], axis=-1)
    expected = [100, 10, 1] @ mnist.y_train[order]
    assert (modes.read_modes(judge, images) == expected).mean() > 0.97


def test_lost_modes_show(judge, mnist, monkeypatch):
    """Real digits have all modes, and the divergence of so many samples; those without sevens have fewer."""
    rng = np.random.default_rng(1)
    monkeypatch.setattr(modes, "read_modes", lambda _, labels: labels[:, 0, 0] @ [100, 10, 1])
    labels = mnist.y_train[:, None, None, None]
    real = modes.score_modes(judge, stack_digits(labels, 26_000, rng))
    assert real["modes"] == 1000 and real["mode_divergence"] == pytest.approx(999 / 52_000, abs=0.004)
    sorted_labels = np.sort(labels, axis=0)  # as MNIST's test digits are, by writers
    assert modes.score_modes(judge, stack_digits(sorted_labels, 5000, rng))["modes"] > 900
    fewer = modes.score_modes(judge, stack_digits(labels[mnist.y_train != 7], 26_000, rng))
    expected = 729 / 52_000 - 3 * np.log((mnist.y_train != 7).mean())
    assert fewer["modes"] == 729 and fewer["mode_divergence"] == pytest.approx(expected, abs=0.005)


def test_modes_of_real_digits_are_of_those_that_the_column_names(monkeypatch, mnist):
    drawn = []
    monkeypatch.setattr(modes, "load_dataset", lambda name: mnist)
    monkeypatch.setattr(modes, "stack_digits", lambda digits, count, rng: drawn.append(rng.random()) or digits)
    monkeypatch.setattr(modes, "score_modes", lambda judge, images: len(images))
    for seed in (0, 1):
        assert modes.measure_modes(None, [0], seed) == {"digits": 1, "training": 60_000, "floor": 10_000}
    assert len(set(drawn)) == 4


def test_evaluate_counts_modes_beside_real_ones(tmp_path, refuses, capsys, monkeypatch, mnist):
    monkeypatch.setattr("evaluate.load_dataset", lambda name: STACK)
    monkeypatch.setattr(modes, "load_dataset", lambda name: mnist)
    build_generator(4, 1, 3, width=4).save(tmp_path / "generator.keras")
    build_discriminator(1, 3, width=4).save(tmp_path / "discriminator.keras")
    flags = {"models_dir": tmp_path, "dataset": "stacked_mnist", "count": 400}
    numbers = evaluate(Config(**flags, json=tmp_path / "numbers.json"))
    assert numbers["digits"]["modes"] < 30 < 250 < numbers["training"]["modes"] < 400
    assert numbers["floor"]["mode_divergence"] < numbers["digits"]["mode_divergence"]
    assert "modes reached, of 1,000" in capsys.readouterr().out and (tmp_path / "numbers.json").exists()
    np.savez(few := tmp_path / "few.npz", images=np.zeros((300, 28, 28, 3), "uint8"), labels=np.zeros(300, int))
    evaluate(Config(npz=few, dataset="stacked_mnist", count=400, json=tmp_path / "numbers.json"))
    assert "each column is of 300 digits, all that" in capsys.readouterr().out
    assert json.loads((tmp_path / "numbers.json").read_text())["evaluation"]["count"] == 300
    refuses(evaluate, "--dataset", "stacked_mnist", "--tstr")
    build_judge(3).save(tmp_path / "judge.keras")
    judge = ["--judge", tmp_path / "judge.keras", "--models-dir", tmp_path / "none"]  # before anything is drawn
    assert "is no judge of the digits" in refuses(evaluate, "--dataset", "stacked_mnist", *judge)
    assert "(28, 28, 3)" in refuses(evaluate, "--dataset", "stacked_mnist", "--models-dir", PRETRAINED_DIR)
    monkeypatch.setattr(modes, "score_modes", lambda _, images: {"modes": len(images)})
    assert evaluate(Config(npz=few, dataset="stacked_mnist", count=200))["digits"]["modes"] == 200


def test_training_counts_modes_as_it_goes(monkeypatch, mnist):
    monkeypatch.setattr(modes, "ROUGH", 50)
    callback = quality_of("stacked_mnist", STACK)
    assert isinstance(callback, Modes)
    callback.set_model(GAN(build_generator(4, 1, 3, width=4), build_discriminator(1, 3, width=4)))
    logs = {}
    callback.on_epoch_end(0, logs)
    assert 1 <= logs["modes"] <= 50 and logs["mode_divergence"] > 0
    drawn = []
    monkeypatch.setattr(callback, "draw", lambda *args: drawn.append(args) or (None, None))
    monkeypatch.setattr(modes, "score_modes", lambda *args: {"modes": 1})
    callback.on_epoch_end(3, logs)
    assert callback.final() == {"modes": 1} and drawn == [(50, 3), (modes.COUNT, 2**32)]
    colour = type("Data", (), {"x_train": np.zeros((9, 32, 32, 3), "uint8")})
    assert quality_of("somewhere", colour) is None
