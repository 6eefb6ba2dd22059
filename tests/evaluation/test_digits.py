"""Which digits are measured, and what is said of those that do not fit."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import write_pngs
from PIL import Image

from discriminator import build_discriminator
from evaluate import Config, evaluate
from evaluation.digits import check_count, digits_to_score, in_share
from evaluation.judge import load_judge
from evaluation.measure import measure
from generator import build_generator
from support.commands import UserError
from support.datasets import load_dataset
from support.model_files import PRETRAINED_DIR


def test_digits_of_a_file_are_measured_in_the_training_sets_shares(real, mnist, tmp_path):
    """Here equal shares of real digits: what is measured of them has the classes of the others, and none twice."""
    dataset, _ = real
    equal = np.concatenate([np.flatnonzero(mnist.y_test == digit)[:50] for digit in range(10)])
    np.savez(tmp_path / "digits.npz", images=mnist.x_test[equal], labels=mnist.y_test[equal])
    config = Config(npz=tmp_path / "digits.npz", count=500)
    images, drawn, source, _ = digits_to_score(config, dataset)
    numbers, *_ = measure(replace(config, count=len(images)), dataset, load_judge(), images, drawn, source)
    assert numbers["digits"]["class_balance"] < 0.002
    chosen = in_share(mnist.y_test[equal], dataset.y_train, np.random.default_rng(0))
    assert len(np.unique(chosen)) == len(chosen) > 300
    share = np.bincount(dataset.y_train) / len(dataset.y_train)
    for labels, off in ((mnist.y_test[equal][chosen], 0.005), (drawn, 0.005), (drawn[: len(drawn) // 2], 0.01)):
        np.testing.assert_allclose(np.bincount(labels) / len(labels), share, atol=off)


def test_no_class_loses_a_digit_to_rounding():
    """In floating point, 1 / 49 * 49 is less than 1."""
    assert len(in_share(np.zeros(1, int), np.zeros(49, int), np.random.default_rng(0))) == 1


def test_classes_of_folders_are_those_of_the_same_name(real, mnist, tmp_path):
    """Of files that are measured, and of a data set that models are measured by."""
    for label in "37":
        (tmp_path / label).mkdir()
        for index, image in enumerate(mnist.x_test[mnist.y_test == int(label)][:20, ..., 0]):
            Image.fromarray(image).save(tmp_path / label / f"{index}.png")
    _, labels, *_ = digits_to_score(Config(npz=tmp_path), real[0])
    assert set(labels) == {3, 7}
    *_, dataset = digits_to_score(Config(models_dir=PRETRAINED_DIR, count=20), load_dataset(str(tmp_path)))
    assert set(dataset.y_train) == {3, 7}


def test_data_without_labels_has_no_shares_to_keep(small_npz, refuses, tmp_path):
    """All of a labelled file is measured, not just the first class; labelled models have nothing to be asked for."""
    dataset = load_dataset(str(small_npz))
    unlabelled = dataset._replace(y_train=dataset.y_train * 0)
    images, labels, *_ = digits_to_score(Config(npz=small_npz), unlabelled)
    assert len(images) == 1344 and labels is None
    assert not np.array_equal(images, dataset.x_train)
    assert not np.array_equal(images, digits_to_score(Config(npz=small_npz, seed=1), unlabelled)[0])
    np.savez(tmp_path / "unlabelled.npz", **unlabelled._asdict())
    flags = ["--models-dir", PRETRAINED_DIR, "--dataset", tmp_path / "unlabelled.npz", "--count", 300]
    assert "has no labels" in refuses(evaluate, *flags)


def test_digits_to_learn_from_come_after_those_that_are_measured(small_npz):
    images, labels = [], []
    for tstr in (False, True):
        config = Config(models_dir=PRETRAINED_DIR, count=100, tstr=tstr)
        drawn, asked, *_ = digits_to_score(config, load_dataset(str(small_npz)))
        images.append(drawn)
        labels.append(asked)
    assert len(images[1]) == len(labels[1]) == 1344
    np.testing.assert_array_equal(images[1][:100], images[0])
    np.testing.assert_array_equal(labels[1][:100], labels[0])


def test_named_classes_beside_numbers_are_told(real, capsys, tmp_path):
    write_pngs(tmp_path, real[0].x_train[:18, ..., 0], ["cat", "owl"])
    _, labels, *_ = digits_to_score(Config(npz=tmp_path, count=18), real[0])
    assert set(labels) == {0, 1}
    assert f"those of {tmp_path} count as 0, 1 and so on" in capsys.readouterr().out


def test_models_of_other_data_want_that(real, tmp_path):
    build_generator(4, 2, width=4).save(tmp_path / "generator.keras")
    build_discriminator(2, width=4).save(tmp_path / "discriminator.keras")
    with pytest.raises(UserError, match="give the --dataset that they learned from"):
        digits_to_score(Config(models_dir=tmp_path, count=200), real[0])


def test_how_many_are_enough():
    check_count(129, "")
    with pytest.raises(
        UserError, match="128 digits, a sixth of few, are too few to measure: give more than 128, so 774"
    ):
        check_count(128, "a sixth of few", ", so 774")
