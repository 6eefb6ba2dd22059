"""Digits to go: each format by its real reader."""

import gzip
import json
import signal
import struct
import sys
import tracemalloc

import keras
import numpy as np
import pytest
from PIL import Image

from discriminator import build_discriminator
from drawing import formats, hands
from generate_digits import Config, generate
from generator import build_generator
from support import commands, datasets
from support.commands import UserError
from support.model_files import PRETRAINED_DIR

COUNT = 1400


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The directory of all three formats of the same digits, and those digits."""
    directory = tmp_path_factory.mktemp("to go")
    (directory / "folders").mkdir()  # empty, so it may be used
    places = {"npz": directory / "digits.npz", "idx": directory / "idx", "folders": directory / "folders"}
    generate(Config(count=COUNT, models_dir=PRETRAINED_DIR, output_dir=directory, **places))
    with np.load(directory / "digits.npz", allow_pickle=False) as file:
        return directory, file["images"], file["labels"]


def test_npz_holds_what_was_drawn(drawn, tmp_path):
    _, images, labels = drawn
    assert images.shape == (COUNT, 28, 28) and images.dtype == "uint8"
    assert labels.shape == (COUNT,) and labels.dtype == "int64"
    assert np.bincount(labels).tolist() == [COUNT // 10] * 10
    shown, of = generate(Config(count=100, models_dir=PRETRAINED_DIR, output_dir=tmp_path))
    assert np.abs(images[:100].astype(int) - shown.squeeze(-1)).max() <= 1
    np.testing.assert_array_equal(labels[:100], of)


def test_train_takes_npz_and_idx_back(drawn):
    """With the same digits; the last seventh of the IDX files is their test set."""
    directory, images, labels = drawn
    dataset = datasets.load_dataset(str(directory / "digits.npz"))
    np.testing.assert_array_equal(dataset.x_train.squeeze(-1), images)
    dataset = datasets.load_dataset(str(directory / "idx"))
    parts = (dataset.x_train.squeeze(-1), images[:1200]), (dataset.x_test.squeeze(-1), images[1200:])
    for ours, expected in (*parts, (dataset.y_train, labels[:1200]), (dataset.y_test, labels[1200:])):
        np.testing.assert_array_equal(ours, expected)


def test_idx_is_as_lecun_has_it(drawn):
    directory, images, _ = drawn
    data = gzip.decompress((directory / "idx" / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert struct.unpack(">4I", data[:16]) == (2051, 200, 28, 28) and data[16:] == images[1200:].tobytes()
    data = gzip.decompress((directory / "idx" / "train-labels-idx1-ubyte.gz").read_bytes())
    assert struct.unpack(">2I", data[:8]) == (2049, 1200)


def test_classes_called_by_numbers_keep_them(tmp_path):
    """Else the sevens of a model of threes and sevens would come back as ones, or not at all."""
    build_generator(4, 2, width=4).save(tmp_path / "generator.keras")
    build_discriminator(2, width=4).save(tmp_path / "discriminator.keras")
    (tmp_path / "run.json").write_text(json.dumps({"config": {"latent_dim": 4}, "classes": ["3", "7"]}))
    places = {"npz": tmp_path / "digits.npz", "idx": tmp_path / "idx", "folders": tmp_path / "folders"}
    config = Config(count=15, models_dir=tmp_path, output_dir=tmp_path / "out", separate=True, **places)
    _, labels = generate(config)
    for place in places.values():
        again = datasets.load_dataset(str(place)).numbered_as(("3", "7"), "the models")
        assert sorted([*again.y_train, *again.y_test]) == sorted(labels) == [0] * 8 + [1] * 7
    pngs = sorted((tmp_path / "folders").glob("*/*.png"))
    assert {path.parent.name for path in pngs} == {"3", "7"}
    assert Image.open(pngs[0]).text["command"].endswith(" --folders=folders")
    assert len(list((tmp_path / "out").glob("digit_7_*.png"))) == 7


def test_folders_are_read_by_keras(drawn):
    directory, images, labels = drawn
    dataset = keras.utils.image_dataset_from_directory(
        directory / "folders",
        color_mode="grayscale",
        image_size=(28, 28),
        batch_size=None,
        shuffle=False,
        verbose=False,
    )
    assert dataset.class_names == list("0123456789")
    read, of = (np.array(part) for part in zip(*dataset.as_numpy_iterator(), strict=True))
    order = np.argsort(labels, kind="stable")
    np.testing.assert_array_equal(of, labels[order])
    np.testing.assert_array_equal(read.squeeze(-1), images[order])


@pytest.mark.parametrize("name", ["npz", "idx", "folders"])
def test_nothing_is_left_of_what_failed(name, tmp_path):
    labels, more = np.arange(20) % 10, [{}] if name == "folders" else []
    with (
        pytest.raises(ZeroDivisionError),
        getattr(formats, name)(tmp_path / "out", labels, (28, 28, 1), *more) as write,
    ):
        write(np.zeros((10, 28, 28, 1), "uint8"))
        raise ZeroDivisionError
    assert not [path for path in tmp_path.rglob("*") if path.is_file()] and not (tmp_path / "out").is_file()
    assert name == "idx" or not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["npz", "idx"])
def test_memory_does_not_grow_with_the_digits(name, tmp_path):
    block, blocks = np.zeros((10_000, 28, 28, 1), "uint8"), 30
    labels, before = np.zeros(blocks * len(block), "uint16"), sys.getrefcount(block)
    tracemalloc.start()
    with getattr(formats, name)(tmp_path / "out", labels, (28, 28, 1)) as write:
        for _ in range(blocks):
            write(block)
        assert sys.getrefcount(block) == before  # it is one and the same, so to keep it would take nothing
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < block.nbytes


@pytest.mark.parametrize("count", [1, 6, 7, 8])
def test_idx_of_few_digits(count, tmp_path):
    """Blocks that straddle the border between training and test digits, and no test digits at all."""
    images, labels = np.random.default_rng(0).integers(256, size=(count, 28, 28, 3), dtype="uint8"), np.arange(count)
    with formats.idx(tmp_path, labels, (28, 28, 3)) as write:
        for start in range(0, count, 3):
            write(images[start : start + 3])
    dataset = datasets.load_dataset(str(tmp_path))
    np.testing.assert_array_equal(np.concatenate([dataset.x_train, dataset.x_test]), images)
    assert len(dataset.x_test) == count // 7


def test_the_same_digits_give_the_same_idx_files_at_any_time(monkeypatch, tmp_path):
    images, labels, written = np.zeros((7, 28, 28, 1), "uint8"), np.arange(7), []
    for seconds in (0, 10**9):
        monkeypatch.setattr("time.time", lambda seconds=seconds: seconds)
        with formats.idx(tmp_path, labels, (28, 28, 1)) as write:
            write(images)
        written.append([path.read_bytes() for path in formats.idx_paths(tmp_path)])
    assert written[0] == written[1]


def test_folders_of_more_than_ten_classes_sort_as_numbers_do(tmp_path):
    with formats.folders(tmp_path / "folders", np.array([2, 10]), (28, 28, 1), {}):
        pass
    assert {path.name for path in (tmp_path / "folders").iterdir()} == {"02", "10"}


def test_refuses_what_would_be_read_wrongly(tmp_path):
    with pytest.raises(UserError, match="too small"), formats.idx(tmp_path, np.array([256]), (28, 28, 1)):
        pass
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"mine")
    with pytest.raises(UserError, match="read instead"):
        formats.check_idx(tmp_path)


def test_too_many_to_take_back_is_said_kindly(tmp_path):
    with gzip.open(tmp_path / "train-images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">4I", 2051, 10_000_000, 28, 28))
    with pytest.raises(UserError, match="more than 256 MB"):
        datasets.load_dataset(str(tmp_path))


@pytest.mark.parametrize(
    "flags",
    [
        ("--npz", "out/digits.png"),
        ("--npz", "set", "--idx", "set"),
        ("--npz", "set/x.npz", "--folders", "set"),
        ("--idx", "set", "--folders", "set"),
        ("--folders", "out"),
        ("--folders", "."),
    ],
)
def test_refuses_places_that_are_in_each_others_way(refuses, tmp_path, monkeypatch, flags):
    monkeypatch.chdir(tmp_path)
    assert "would both write" in refuses(generate, "--output-dir", "out", *flags)
    assert not any(tmp_path.iterdir())


def test_what_is_half_written_goes_whoever_asks_to_stop(monkeypatch, tmp_path):
    """Also with SIGTERM, of which Python knows nothing by itself."""

    def write(*args):
        yield np.zeros((1, 28, 28, 1), "uint8")
        assert len(list(tmp_path.glob(".*.part-*"))) == 2
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(hands, "write", write)
    flags = ["--npz", tmp_path / "a.npz", "--folders", tmp_path / "b", "--output-dir", tmp_path]
    with pytest.raises(SystemExit) as exit:
        commands.run(generate, Config, list(map(str, flags)))
    assert exit.value.code == 143 and not any(tmp_path.iterdir())
