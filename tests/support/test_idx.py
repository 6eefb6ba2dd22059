"""IDX files under every name they go by; and what is wrong with them is said."""

import gzip
import struct

import numpy as np
import pytest

import train
from support import idx
from support.dataset import Dataset
from support.datasets import load_dataset

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (96, 28, 28), "uint8")
LABELS = np.arange(96, dtype="uint8") % 10


def write_idx(path, array, kind=8):
    data = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)


def write_set(directory, prefix, test, suffix, images=IMAGES, labels=LABELS):
    """The four files of a data set, of which a quarter is its test set."""
    cut = len(images) * 3 // 4
    for part, chosen in (("train", slice(cut)), (test, slice(cut, None))):
        write_idx(directory / f"{prefix}{part}-images-idx3-ubyte{suffix}", images[chosen])
        write_idx(directory / f"{prefix}{part}-labels-idx1-ubyte{suffix}", labels[chosen])


def both(dataset):
    images, labels = (np.concatenate([a, b]) for a, b in ((dataset[0], dataset[2]), (dataset[1], dataset[3])))
    return images.squeeze(-1), labels


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(("prefix", "test"), [("", "t10k"), ("kmnist-", "t10k"), ("kmnist-", "test")])
def test_idx_files_of_mnists_layout(tmp_path, prefix, test, suffix):
    write_set(tmp_path, prefix, test, suffix)
    dataset = load_dataset(str(tmp_path))
    assert len(dataset.x_test) == 24
    np.testing.assert_array_equal(both(dataset)[0], IMAGES)
    np.testing.assert_array_equal(both(dataset)[1], LABELS)


def test_a_directory_of_the_name_of_a_file_hides_none(tmp_path):
    """An archive of MNIST that many have holds train-images.idx3-ubyte beside a directory train-images-idx3-ubyte."""
    write_set(tmp_path, "", "t10k", "")
    for path in list(tmp_path.iterdir()):
        path.rename(tmp_path / path.name.replace("-idx", ".idx"))
        path.mkdir()
    np.testing.assert_array_equal(both(load_dataset(str(tmp_path)))[0], IMAGES)


def test_of_a_plain_file_and_its_archive_the_plain_one_is_read(tmp_path):
    write_set(tmp_path, "", "t10k", ".gz", 255 - IMAGES)
    write_set(tmp_path, "", "t10k", "")
    np.testing.assert_array_equal(both(load_dataset(str(tmp_path)))[0], IMAGES)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_and_npz_hold_the_same(mnist, tmp_path, suffix):
    small = Dataset(mnist.x_train[:50], mnist.y_train[:50], mnist.x_test[:20], mnist.y_test[:20])
    for key, array in small._asdict().items():
        array = array[..., 0] if array.ndim == 4 else array
        write_idx(tmp_path / (idx.FILES[key] + suffix), array.astype("uint8"))
    np.savez(tmp_path / "small.npz", **small._asdict())
    assert load_dataset(str(tmp_path)).checksum == load_dataset(str(tmp_path / "small.npz")).checksum == small.checksum


@pytest.mark.parametrize(
    ("split", "classes", "first", "names"),
    [
        ("byclass", 62, 0, "09Aaz"),
        ("bymerge", 47, 0, "09Aat"),
        ("balanced", 47, 0, "09Aat"),
        ("letters", 26, 1, "AJKRZ"),
        ("letters", 26, 0, "AJKRZ"),
        ("digits", 10, 0, None),
    ],
)
def test_emnist_is_turned_and_its_classes_have_names(tmp_path, split, classes, first, names):
    labels = (np.arange(96) % classes + first).astype("uint8")
    write_set(tmp_path, f"emnist-{split}-", "test", ".gz", IMAGES, labels)
    (tmp_path / f"emnist-{split}-mapping.txt").write_text("0 48\n")
    dataset = load_dataset(str(tmp_path))
    images, read = both(dataset)
    np.testing.assert_array_equal(images, IMAGES.transpose(0, 2, 1))
    np.testing.assert_array_equal(read, labels - first)
    assert dataset.num_classes == min(classes, 72)
    if names:
        some = (0, 9, 10, 36 if classes > 26 else 17, -1)
        assert [dataset.class_names[number] for number in some] == list(names)
    else:
        assert dataset.class_names == ()  # figures, which make numbers


def test_one_of_several_sets_in_a_directory(tmp_path, refuses):
    for split, part in (("digits", slice(48)), ("balanced", slice(48, 96))):
        write_set(tmp_path, f"emnist-{split}-", "test", "", IMAGES[part], LABELS[part])
    error = refuses(train.train, "--dataset", tmp_path)
    assert "emnist-balanced, emnist-digits" in error and str(tmp_path / "emnist-balanced") in error
    images, _ = both(load_dataset(str(tmp_path / "emnist-digits")))
    np.testing.assert_array_equal(images, IMAGES[:48].transpose(0, 2, 1))


def test_qmnists_labels_are_the_first_of_eight_columns(tmp_path):
    columns = RNG.integers(0, 3000, (96, 8)).astype(">i4")
    columns[:, 0] = LABELS
    for part, chosen in (("train", slice(60)), ("test", slice(60, None))):
        write_idx(tmp_path / f"qmnist-{part}-images-idx3-ubyte.gz", IMAGES[chosen])
        write_idx(tmp_path / f"qmnist-{part}-labels-idx2-int.gz", columns[chosen], 12)
    np.testing.assert_array_equal(both(load_dataset(str(tmp_path)))[1], LABELS)


def test_kmnists_arrays_are_read_too(tmp_path):
    for part, chosen in (("train", slice(60)), ("test", slice(60, None))):
        for what, array in (("imgs", IMAGES), ("labels", LABELS)):
            np.savez(tmp_path / f"k49-{part}-{what}.npz", array[chosen])
    np.testing.assert_array_equal(both(load_dataset(str(tmp_path)))[0], IMAGES)


@pytest.mark.parametrize("classes", [1, 2, 62])
def test_any_number_of_classes(tmp_path, classes):
    write_set(tmp_path, "", "t10k", "", IMAGES, (np.arange(96) % classes).astype("uint8"))
    assert load_dataset(str(tmp_path)).num_classes == classes


def test_bad_idx_files_are_named_with_what_is_wrong(tmp_path, refuses):
    """A gzip that is none; labels beyond the classes there are; sizes that differ; too few labels."""

    def says(directory, name):
        error = refuses(train.train, "--dataset", directory)
        assert f"{directory / name} " in error
        return error

    def fresh(name, prefix=""):
        (tmp_path / name).mkdir()
        write_set(tmp_path / name, prefix, "test", ".gz")
        return tmp_path / name

    directory = fresh("zip")
    (directory / "train-images-idx3-ubyte.gz").write_bytes(b"no gzip" * 99)
    assert "it is no gzip" in says(directory, "train-images-idx3-ubyte.gz")
    directory = fresh("labels")
    for more in (1, 3):
        write_idx(directory / "test-labels-idx1-ubyte.gz", LABELS[72:] + more)
        error = refuses(train.train, "--dataset", directory, "--batch-size", 16)
        assert f"{directory} has the label {9 + more}" in error
    directory = fresh("letters", "emnist-letters-")
    write_idx(directory / "emnist-letters-train-labels-idx1-ubyte.gz", np.full(72, 27, "uint8"))
    assert "classes 0 to 25" in says(directory, "emnist-letters-train-labels-idx1-ubyte.gz")
    directory = fresh("sizes")
    write_idx(directory / "test-images-idx3-ubyte.gz", np.zeros((24, 32, 32), "uint8"))
    assert "(28, 28, 1) and (32, 32, 1)" in refuses(train.train, "--dataset", directory)
    directory = fresh("few")
    write_idx(directory / "train-labels-idx1-ubyte.gz", LABELS[:71])
    assert "(71,) for 72 images" in says(directory, "train-labels-idx1-ubyte.gz")
    directory = fresh("one")
    for what, array in (("images-idx3", IMAGES), ("labels-idx1", LABELS)):
        for part in ("train", "test"):
            write_idx(directory / f"{part}-{what}-ubyte.gz", array[:1])
    assert "a single training image" in refuses(train.train, "--dataset", directory)


@pytest.mark.parametrize(
    "data", [b"", b"\0\0\x08\x03", b"x" * 99, struct.pack(">HBB3I", 0, 8, 3, 1, 28, 28) + bytes(28 * 28 + 1)]
)
def test_refuses_damaged_idx(refuses, tmp_path, data):
    for name in idx.FILES.values():
        (tmp_path / name).write_bytes(data)
    assert "it is damaged" in refuses(train.train, "--dataset", tmp_path)


def test_refuses_enormous_idx(refuses, tmp_path):
    for name in idx.FILES.values():
        (tmp_path / name).write_bytes(struct.pack(">HBB3I", 0, 8, 3, 10**6, 10**3, 10**3))
    assert "unpacks to more than 256 MB" in refuses(train.train, "--dataset", tmp_path)


def test_refuses_files_that_are_too_large_together(tmp_path, refuses, monkeypatch):
    write_set(tmp_path, "", "t10k", "")
    monkeypatch.setattr(idx, "MAX_BYTES", 72 * 784)
    assert f"{tmp_path} holds more than" in refuses(train.train, "--dataset", tmp_path)
