"""The data: what is loaded is what is stored, and broken files are refused."""

import io
import shutil
import tracemalloc
import zipfile

import keras
import numpy as np
import pytest
from malformed import members, refusal, zipped
from PIL import Image

import generate_digits
import train
from support import datasets, idx
from support.datasets import load_dataset


def test_mnist_is_whole(mnist):
    assert mnist.x_train.shape == (60000, 28, 28, 1) and mnist.x_test.shape == (10000, 28, 28, 1)
    assert mnist.x_train.dtype == "uint8" and mnist.x_train.max() == 255
    assert mnist.num_classes == 10
    assert mnist.checksum == datasets.CHECKSUMS["mnist"]


def test_our_own_npz_of_digits_can_be_trained_on(mnist, tmp_path):
    np.savez(tmp_path / "drawn.npz", images=mnist.x_train[:30, ..., 0], labels=mnist.y_train[:30].astype("int64"))
    dataset = load_dataset(str(tmp_path / "drawn.npz"))
    np.testing.assert_array_equal(dataset.x_train, mnist.x_train[:30])
    assert len(dataset.x_test) == 0


def arrays(**changes):
    good = {"x_train": np.zeros((64, 28, 28), "uint8"), "y_train": np.zeros(64, "uint8")}
    return {key: array for key, array in (good | changes).items() if array is not None}


BROKEN_ARRAYS = {  # and what is said of them
    "uint8 (63,) for 64 images": arrays(y_train=np.zeros(63, "uint8")),
    "lacks x_train or y_train": arrays(y_train=None),
    "is float32 (64, 28, 28)": arrays(x_train=np.zeros((64, 28, 28), "float32")),
    "(64, 8, 8)": arrays(x_train=np.zeros((64, 8, 8), "uint8")),
    "(64, 784)": arrays(x_train=np.zeros((64, 784), "uint8")),
    "has labels -1 to -1": arrays(y_train=np.full(64, -1)),
    "1000000000 to": arrays(y_train=np.full(64, 10**9)),
    "float64 (64,) for 64 images": arrays(y_train=np.zeros(64)),
    "holds Python objects": arrays(y_train=np.array([{}] * 64, dtype=object)),
    "no training images": arrays(x_train=np.zeros((0, 28, 28), "uint8"), y_train=np.zeros(0, "uint8")),
    "15 training images": arrays(x_train=np.zeros((15, 28, 28), "uint8"), y_train=np.zeros(15, "uint8")),
    "no pixel above 1": arrays(x_train=np.arange(64 * 784, dtype="uint8").reshape(64, 28, 28) % 2),
    "lacks x_test or y_test": arrays(x_test=np.zeros((4, 28, 28), "uint8")),
}


@pytest.mark.parametrize("said", BROKEN_ARRAYS)
def test_refuses_arrays_that_do_not_fit(refuses, tmp_path, said):
    np.savez(tmp_path / "broken.npz", **BROKEN_ARRAYS[said])
    assert said in refuses(train.train, "--dataset", tmp_path / "broken.npz", "--models-dir", tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_what_is_in_a_npz_is_neither_dropped_nor_looked_at_where_it_has_no_use(mnist, tmp_path):
    names = np.array([{}] * 30, dtype=object)
    parts = {"images": mnist.x_train[:30], "labels": mnist.y_train[:30], "x_test": mnist.x_test, "y_test": mnist.y_test}
    np.savez(tmp_path / "some.npz", names=names, **parts)
    assert [len(array) for array in load_dataset(str(tmp_path / "some.npz"))] == [30, 30, 10_000, 10_000]
    np.savez(tmp_path / "some.npz", **parts | {"labels": names})
    assert "labels.npy in" in (said := refusal(load_dataset, str(tmp_path / "some.npz"))) and "Python objects" in said


BROKEN_BYTES = {
    "truncated": lambda data: data[: len(data) // 2],
    "corrupted": lambda data: data[:5000] + bytes(1000) + data[6000:],
    "empty": lambda data: b"",
    "text": lambda data: b"digits",
}


@pytest.mark.parametrize("name", BROKEN_BYTES)
def test_refuses_damaged_files(refuses, small_npz, tmp_path, name):
    (tmp_path / "broken.npz").write_bytes(BROKEN_BYTES[name](small_npz.read_bytes()))
    error = refuses(train.train, "--dataset", tmp_path / "broken.npz")
    assert "cannot be read as a .npz of arrays" in error


def test_a_bomb_of_images_is_refused_before_it_goes_off(refuses, tmp_path):
    """A megabyte of zip that unpacks to 800; a header that promises a terabyte."""
    with (
        zipfile.ZipFile(tmp_path / "zip.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("images.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (2**20, 28, 28)})
        for _ in range(2**20 * 784 // 2**24):
            file.write(bytes(2**24))
    tracemalloc.start()
    try:
        assert "unpacks to more than" in refuses(train.train, "--dataset", tmp_path / "zip.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 28, 28)})
    (tmp_path / "header.npz").write_bytes(zipped({"images.npy": header.getvalue()}))
    assert refusal(load_dataset, str(tmp_path / "header.npz"))


def test_a_npz_that_is_packed_in_an_unusual_way_is_refused(small_npz, tmp_path):
    """Python unpacks bzip2 and LZMA without a bound."""
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        (tmp_path / "packed.npz").write_bytes(zipped(members(small_npz), method))
        assert "cannot be read" in refusal(load_dataset, str(tmp_path / "packed.npz"))


def test_says_where_a_class_has_no_image(mnist, capsys, tmp_path):
    some = np.isin(mnist.y_train, (3, 7))
    np.savez(tmp_path / "some.npz", images=mnist.x_train[some][:50], labels=mnist.y_train[some][:50])
    assert datasets.load_to_train(str(tmp_path / "some.npz"), 50, conditional=False).num_classes == 8  # one batch
    assert not capsys.readouterr().out  # labels that are not learned do not matter
    assert datasets.load_to_train(str(tmp_path / "some.npz"), 32).num_classes == 8
    assert "no training image of class 0, 1, 2, 4, 5, 6:" in capsys.readouterr().out


def test_idx_files_that_are_read_are_not_replaced(refuses, tmp_path):
    for name in idx.FILES.values():
        (tmp_path / f"emnist-letters-{name.replace('t10k', 'test')}.gz").write_bytes(b"mine")
    path = tmp_path / "emnist-letters-train-images-idx3-ubyte.gz"
    for data in (tmp_path, tmp_path / "emnist-letters"):
        flags = ["--like", data, "--npz", path, "--output-dir", tmp_path / "out"]
        assert f"--npz {path} is within the data" in refuses(generate_digits.generate, *flags)
    path.rename(elsewhere := tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    assert f"--npz {path} is within the data" in refuses(generate_digits.generate, *flags)
    assert path.read_bytes() == b"mine"


def test_refuses_what_is_no_path_to_data(refuses, tmp_path):
    Image.new("L", (28, 28)).save(tmp_path / "1.png")
    for name, said in ((tmp_path, "in no folder"), ("x" * 300, "too long")):
        assert said in refuses(train.train, "--dataset", name)
    assert "there is no data" in refusal(load_dataset, "")


def test_refuses_missing_data(refuses, tmp_path):
    refuses(train.train, "--dataset", tmp_path / "nothing.npz")
    refuses(train.train, "--dataset", tmp_path)


def test_mnist_that_is_gone_or_changed(refuses, monkeypatch, tmp_path, mnist):
    """Gone and no network: the line says where to put which file. Changed: the loader notices."""

    def unreachable():
        raise Exception("URL fetch failure")

    monkeypatch.setattr(datasets, "DATA_DIR", tmp_path)
    for name, remedy in (("mnist", "https://"), ("fashion_mnist", ".keras/datasets/fashion-mnist")):
        monkeypatch.setattr(getattr(keras.datasets, name), "load_data", unreachable)
        error = refuses(train.train, "--dataset", name)
        assert str(tmp_path / f"{name}.npz") in error and remedy in error

    changed = mnist.x_train.copy()
    changed[0, 0, 0, 0] = 1
    np.savez(tmp_path / "mnist.npz", **mnist._replace(x_train=changed)._asdict())
    assert "not the original mnist" in refuses(train.train)
    shutil.copy(tmp_path / "mnist.npz", tmp_path / "fashion_mnist.npz")
    assert "not the original fashion_mnist" in refuses(train.train, "--dataset", "fashion_mnist")


def test_mnist_that_is_gone_is_fetched_and_kept(monkeypatch, tmp_path, mnist):

    official = (
        (mnist.x_train[..., 0], mnist.y_train.astype("uint8")),
        (mnist.x_test[..., 0], mnist.y_test.astype("uint8")),
    )
    monkeypatch.setattr(datasets, "DATA_DIR", tmp_path)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: official)
    assert load_dataset("mnist").checksum == mnist.checksum
    assert [path.name for path in tmp_path.iterdir()] == ["mnist.npz"]


def test_stacked_digits_hold_every_digit_in_every_channel(mnist):
    dataset = load_dataset("stacked_mnist")
    assert dataset.x_train.shape == (60000, 28, 28, 3) and dataset.x_test.shape == (10000, 28, 28, 3)
    assert dataset.num_classes == 1
    totals = mnist.x_train.sum(axis=(0, 3))
    for channel in range(3):
        np.testing.assert_array_equal(dataset.x_train[..., channel].sum(axis=0), totals)
    assert dataset.checksum == load_dataset("stacked_mnist").checksum


def test_fashion_is_known_by_its_bytes(monkeypatch):
    """Debian has it under MNIST's file names, which tell nothing."""
    monkeypatch.setitem(datasets.CHECKSUMS, "fashion_mnist", load_dataset("mnist").checksum)
    assert load_dataset("mnist").class_names == datasets.FASHION
