"""Which digits are measured, and what is said of those that do not fit."""

import pytest
from helpers import write_pngs

from discriminator import build_discriminator
from evaluate import Config
from evaluation.digits import check_count, digits_to_score
from generator import build_generator
from support.commands import UserError


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
