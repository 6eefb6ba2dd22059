"""generate_digits.py: what it refuses, in one line and before it draws."""

import itertools
import os
import shutil

import numpy as np
import pytest

from discriminator import build_discriminator
from generate_digits import Config, generate
from generator import build_generator


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--digits", "20x6"), "is not a number"),
        (("--digits", "٣"), "is not a number"),
        (("--digits", "7" * 1001), "give at most 1000"),
        (("--only", "a"), "is not a number"),
        (("--only", "10,"), "know the classes 0 to 9"),
        (("--digits", "1", "--only", "1"), "--digits and --only exclude each other"),
        (("--like", "mnist", "--only", "1"), "--only and --like exclude each other"),
        (("--like", "nowhere"), "no data at nowhere"),
        (("--morph", "3"), "changes nothing"),
        (("--morph", "33"), "changes nothing"),
        (("--morph", "3x"), "is not a number"),
        (("--morph", "38" * 500, "--scale", 16), "--morph would be too large a film"),
        (("--interpolate", 1000, "--scale", 16), "--interpolate would be too large a film"),
        (("--interpolate", 1000, "--scale", 1, "--digits", "7" * 298), "--interpolate would be too large a film"),
        (("--truncation", 1.1), "choose 0 to 1\n"),
        (("--scale", 17), "choose 0 to 16\n"),
        (("--count", 0), "choose 1 to 10000000\n"),
        (("--count", 10_000_001), "choose 1 to 10000000\n"),
        (("--seed", -1), "choose 0 to"),
        (("--models-dir", "nowhere"), "no nowhere/generator.keras"),
    ],
)
def test_refuses_bad_flags(refuses, tmp_path, flags, said):
    output_dir = tmp_path / "out"
    assert said in refuses(generate, *flags, "--output-dir", output_dir)
    assert not (output_dir / "digits.png").exists()


def test_refuses_digits_that_the_models_do_not_know(refuses, tmp_path):
    (tmp_path / "models").mkdir()
    build_generator(4, 1, width=4).save(tmp_path / "models" / "generator.keras")
    build_discriminator(1, width=4).save(tmp_path / "models" / "discriminator.keras")
    flags = ["--models-dir", tmp_path / "models", "--output-dir", tmp_path]
    for asked in (("--digits", "7"), ("--digits", "0"), ("--like", "mnist"), ("--morph", "38")):
        assert "no labels" in refuses(generate, *asked, *flags)
    generate(Config(count=3, models_dir=tmp_path / "models", output_dir=tmp_path))


def test_what_is_read_is_not_overwritten(refuses, small_npz, tmp_path, monkeypatch):
    monkeypatch.setattr("support.datasets.DATA_DIR", tmp_path)
    shutil.copy(small_npz, mine := tmp_path / "mnist.npz")
    for like in (mine, "mnist"):
        assert "overwrite what --like reads" in refuses(generate, "--like", like, "--npz", tmp_path / "." / mine.name)
    assert mine.read_bytes() == small_npz.read_bytes()
    assert "is where mnist itself is kept" in refuses(generate, "--npz", mine)
    flags = ["--models-dir", tmp_path, "--npz", tmp_path / "generator.keras"]
    assert "overwrite what --models-dir reads" in refuses(generate, *flags)


def test_refuses_to_write_where_it_cannot(refuses, tmp_path):
    (tmp_path / "file").write_text("mine")
    for name in ("full", "out"):
        (tmp_path / name / "of").mkdir(parents=True)
    for flag, name, said in (
        ("--output-dir", "file", "File exists"),
        ("--npz", "file/out.npz", "File exists"),
        ("--npz", "full", "Is a directory"),
        ("--idx", "file", "File exists"),
        ("--folders", "file", "there already"),
        ("--folders", "full", "there already"),
        ("--folders", "x" * 300, "too long"),
    ):
        flags = {"--output-dir": tmp_path / "out", flag: tmp_path / name}
        assert said in refuses(generate, *itertools.chain(*flags.items()))
    if os.path.isdir("/proc"):
        error = refuses(generate, "--npz", "/proc/mine.npz", "--output-dir", tmp_path / "out")
        assert error.endswith("choose another place\n")  # "or make room" is said once all is drawn
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "full", "of", "of", "out"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_data_set_without_labels_has_no_shares(small_npz, refuses, tmp_path):
    with np.load(small_npz) as digits:
        np.savez(tmp_path / "unlabelled.npz", images=digits["x_train"], labels=0 * digits["y_train"])
    assert "has no labels" in refuses(generate, "--like", tmp_path / "unlabelled.npz", "--output-dir", tmp_path)
