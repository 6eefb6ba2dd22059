"""Folders of PNGs; and what is wrong with them is said."""

import os

import numpy as np
import pytest
from helpers import write_pngs
from PIL import Image

import evaluate
import generate_digits
import train
from evaluation.judge import train_judge
from support import readers
from support.commands import UserError
from support.datasets import load_dataset

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (96, 28, 28), "uint8")


@pytest.mark.parametrize("shape", [(28, 28), (32, 32), (28, 28, 3), (32, 32, 3)])
def test_folders_of_pngs(tmp_path, shape):
    """Their names are the classes', in alphabetical order; files of the system's own are no matter."""
    images = RNG.integers(0, 256, (9, *shape), "uint8")
    write_pngs(tmp_path, images, ["owl", "ape", "cat"])
    (tmp_path / "ape" / ".DS_Store").write_text("")
    dataset = load_dataset(str(tmp_path))
    assert dataset.class_names == ("ape", "cat", "owl") and not len(dataset.x_test)
    assert dataset.y_train.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    np.testing.assert_array_equal(dataset.x_train, images[[1, 4, 7, 2, 5, 8, 0, 3, 6]].reshape(9, *shape[:2], -1))


def test_one_coloured_png_makes_all_of_them_coloured(tmp_path):
    write_pngs(tmp_path, IMAGES[:3], ["a"])
    red = Image.new("RGB", (28, 28), "red")
    red.quantize(4).save(tmp_path / "a" / "red.png")
    images = load_dataset(str(tmp_path)).x_train
    np.testing.assert_array_equal(images, np.stack([*(np.stack([i] * 3, -1) for i in IMAGES[:3]), np.array(red)]))


def test_refuses_more_classes_than_models_may_have(tmp_path):
    write_pngs(tmp_path, np.resize(IMAGES[:, :28], (1001, 28, 28)), [f"{name:04}" for name in range(1001)])
    with pytest.raises(UserError, match="has 1001 classes: give at most 1000"):
        load_dataset(str(tmp_path))


GREY = Image.fromarray(IMAGES[0])
BAD_PNGS = {
    "other size": (lambda path: GREY.resize((32, 32)).save(path), "32x32 pixels, "),
    "no size of ours": (lambda path: GREY.resize((30, 28)).save(path), "30x28 pixels"),
    "16 bits": (lambda path: Image.fromarray(IMAGES[0].astype("uint16") * 256).save(path), "16 bits"),
    "transparent": (lambda path: GREY.convert("RGBA").save(path), "transparent"),
    "transparent grey": (lambda path: GREY.convert("LA").save(path), "transparent"),
    "transparent palette": (lambda path: GREY.quantize(8).save(path, transparency=0), "transparent"),
    "text": (lambda path: path.write_text("a cat"), "no small PNG"),
    "another format": (lambda path: GREY.save(path, "JPEG"), "no small PNG"),
    "empty": (lambda path: path.write_bytes(b""), "no small PNG"),
    "cut off": (lambda path: (GREY.save(path), path.write_bytes(path.read_bytes()[:300])), "cannot be read"),
    "padded": (lambda path: (GREY.save(path), path.write_bytes(path.read_bytes() + bytes(2**20))), "no small PNG"),
    "a folder": (lambda path: path.mkdir(), "no small PNG"),
}


@pytest.mark.parametrize("name", BAD_PNGS)
def test_a_bad_png_is_named_with_what_is_wrong(tmp_path, refuses, name):
    write_pngs(tmp_path / "data", IMAGES[:9], ["ape", "cat"])
    spoil, finding = BAD_PNGS[name]
    spoil(tmp_path / "data" / "cat" / "bad.png")
    error = refuses(train.train, "--dataset", tmp_path / "data", "--models-dir", tmp_path / "models")
    assert f"{tmp_path / 'data' / 'cat' / 'bad.png'} " in error and finding in error
    assert not (tmp_path / "models").exists()


def test_a_hidden_png_is_named(tmp_path, refuses):
    """Keras would read it as an image."""
    write_pngs(tmp_path, IMAGES[:9], ["ape", "cat"])
    (tmp_path / "cat" / "._001.PNG").write_bytes(b"of macOS")
    assert f"{tmp_path / 'cat' / '._001.PNG'} is a hidden picture" in refuses(train.train, "--dataset", tmp_path)
    (tmp_path / "ape" / ".thumbnails").mkdir()
    assert f"{tmp_path / 'ape' / '.thumbnails'} is a hidden folder" in refuses(train.train, "--dataset", tmp_path)


def test_a_png_whose_name_is_no_text_is_refused(tmp_path, refuses):
    """As old archives have them."""
    try:
        write_pngs(tmp_path, IMAGES[:9], ["ape", os.fsdecode(b"caf\xe9")])
    except OSError:
        pytest.skip("this file system takes no such name")
    assert r"caf\udce9/001.png' is no text" in refuses(train.train, "--dataset", tmp_path)


def test_files_of_ours_among_the_pngs_are_refused(tmp_path, refuses):
    """A run could not be gone on with: its own files would be taken for images."""
    data = tmp_path / "data"
    write_pngs(data, IMAGES[:64], ["ape", "cat"])
    for flag in ("--models-dir", "--samples-dir", "--log-dir"):
        places = ["--models-dir", tmp_path, "--samples-dir", tmp_path, flag, data / "in"]
        assert f"{flag} {data / 'in'} is within the data" in refuses(train.train, "--dataset", data, *places)
    for flag in ("--json", "--report"):
        words = ["--dataset", data, flag, data / "in"]
        assert f"{flag} {data / 'in'} is within the data" in refuses(evaluate.evaluate, *words)
    judge = data / "in.keras"
    assert f"--output {judge} is within the data" in refuses(train_judge, "--dataset", data, "--output", judge)
    for flag in ("--output-dir", "--npz", "--idx", "--folders"):
        words = ["--like", data, "--output-dir", tmp_path / "out", flag, data / "in"]
        assert f"{flag} {data / 'in'} is within the data" in refuses(generate_digits.generate, *words)
    assert sorted(path.name for path in data.iterdir()) == ["ape", "cat"]


def test_text_among_the_pngs_is_refused(tmp_path, refuses):
    write_pngs(tmp_path, IMAGES[:9], ["ape", "cat"])
    (tmp_path / "ape" / "notes.txt").write_text("mine")
    assert f"{tmp_path / 'ape' / 'notes.txt'} is no small PNG" in refuses(train.train, "--dataset", tmp_path)


def test_too_few_pngs_are_refused(tmp_path, refuses):
    (tmp_path / "ape").mkdir()
    assert f"{tmp_path / 'ape'} is empty" in refuses(train.train, "--dataset", tmp_path)
    GREY.save(tmp_path / "ape" / "0.png")
    assert f"{tmp_path} has a single training image" in refuses(train.train, "--dataset", tmp_path)


@pytest.mark.parametrize(("name", "limit"), [("MAX_PNGS", 8), ("MAX_BYTES", 9 * 784 - 1)])
def test_too_many_pngs_are_refused(tmp_path, monkeypatch, name, limit):
    write_pngs(tmp_path, IMAGES[:9], ["ape", "cat"])
    with monkeypatch.context() as patch, pytest.raises(UserError, match="unpacks to more than"):
        patch.setattr(readers, name, limit)
        load_dataset(str(tmp_path))
    monkeypatch.setattr(readers, name, limit + 1)
    assert len(load_dataset(str(tmp_path)).x_train) == 9
