"""The training data: MNIST in data/, another data set of Keras, a .npz file or a directory of IDX files."""

import gzip
import hashlib
import math
import struct
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from support.commands import ROOT, UserError
from support.files import whole_file

DATA_DIR = ROOT / "data"
NAMES = ("mnist", "fashion_mnist")
MNIST_SOURCE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_CHECKSUM = "eb2f9e2e72b90067ee1df9de5f5d36315789d8e128965b748161b864a0d40d82"
KEYS = ("x_train", "y_train", "x_test", "y_test", "images", "labels")
MAX_BYTES = 2**28  # of all arrays, unpacked, 340,000 digits: what promises more is refused before memory is taken
MAX_CLASSES = 1000
IDX_FILES = {"x_train": "train-images-idx3-ubyte", "y_train": "train-labels-idx1-ubyte",
             "x_test": "t10k-images-idx3-ubyte", "y_test": "t10k-labels-idx1-ubyte"}  # fmt: skip


class Dataset(NamedTuple):
    """Images uint8 (N, 28, 28, C), ink high, and their labels int32 (N,); the test arrays may be empty."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @property
    def num_classes(self):
        return int(self.y_train.max()) + 1

    @property
    def checksum(self):
        """SHA-256 over all shapes and bytes, so the same for the same digits in any file format."""
        digest = hashlib.sha256()
        for array in self:
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()

    def labels_in_share(self, count, rng):
        """Draw `count` labels, int (count,), in random order and in the shares of the training digits."""
        return rng.permutation(np.sort(self.y_train)[np.arange(count) * len(self.y_train) // count])

    def split_off(self, count, rng):
        """Split off random training digits, at most a sixth; returns the indices of the others, and of these."""
        order = rng.permutation(len(self.x_train))
        chosen, rest = np.split(order, [min(count, len(order) // 6)])
        return rest, chosen

    def hold_out(self, count, rng):
        """Split off real digits of other writers: test digits, or training digits where there are no test digits.

        Returns:
            images and labels of the training digits that remain, images and labels of those split off.
        """
        if len(self.x_test):
            chosen = rng.permutation(len(self.x_test))[:count]
            return self.x_train, self.y_train, self.x_test[chosen], self.y_test[chosen]
        rest, chosen = self.split_off(count, rng)
        return self.x_train[rest], self.y_train[rest], self.x_train[chosen], self.y_train[chosen]


def load_dataset(name):
    """Load and check a data set.

    Args:
        name: one of NAMES, a `.npz` file (x_train, y_train and perhaps x_test, y_test; or images, labels), or a
            directory of IDX files with MNIST's own names, plain or .gz.

    Raises:
        UserError: the data is missing, damaged, or not 28x28 images with one label each.
    """
    if name in NAMES:
        path = DATA_DIR / f"{name}.npz"
        if not path.exists():
            _fetch(name, path)
    else:
        path = Path(name)
    try:
        arrays = _read_idx_directory(path) if path.is_dir() else _read_npz(path)
        dataset = _checked(arrays, path)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): give another path") from error
    except UserError as error:
        if name in NAMES:
            raise UserError(f"{error} (or delete it, to have it fetched anew)") from error
        raise
    if name == "mnist" and dataset.checksum != MNIST_CHECKSUM:
        raise UserError(f"{path} is not the original MNIST: delete it, to have it fetched anew")
    return dataset


def _fetch(name, path):
    import keras  # takes seconds, and data/ usually has the file

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()  # checks its own hash
    except Exception as error:  # get_file raises a bare Exception where there is no network
        remedy = (
            f"put {MNIST_SOURCE} there" if name == "mnist" else "give --dataset a directory with its four IDX files"
        )
        raise UserError(f"{path} is missing and cannot be downloaded: {remedy}") from error
    with whole_file(path) as temporary:
        np.savez_compressed(temporary, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def _read_npz(path):
    if not path.exists():
        raise UserError(f"there is no data at {path}: give {', '.join(NAMES)}, a .npz file or a directory of IDX files")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise UserError(f"{path} unpacks to more than {MAX_BYTES >> 20} MB: give a smaller data set")
            for member in members:
                _check_npy(archive, member)
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files if key in KEYS}
    except UserError:
        raise
    except Exception as error:  # a damaged zip or npy raises about any error there is
        raise UserError(f"{path} cannot be read as a .npz of arrays: give an undamaged file") from error


def _check_npy(archive, member):
    """Raise ValueError where an array in a .npz promises more than its file holds: NumPy would make room for it."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
        raise ValueError("packed in a way in which NumPy packs nothing")
    with archive.open(member) as file:
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[np.lib.format.read_magic(file)]
        shape, _, dtype = read_header(file)
    if math.prod(shape) * dtype.itemsize > member.file_size:
        raise ValueError("an array promises more than there is")


def _read_idx_directory(directory):
    arrays = {}
    for key, name in IDX_FILES.items():
        found = [path for path in (directory / name, directory / f"{name}.gz") if path.exists()]
        if found:
            arrays[key] = _read_idx(found[0])
            if sum(array.nbytes for array in arrays.values()) > MAX_BYTES:
                raise UserError(f"{directory} holds more than {MAX_BYTES >> 20} MB: give a smaller data set")
        elif "train" in key:
            raise UserError(f"{directory} has no {name} or {name}.gz: give a directory with MNIST's four files")
    return arrays


def _read_idx(path):
    """Read one IDX file of bytes (LeCun's format): 0, 0, 8, number of dimensions, the dimensions, the data."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            zeros, kind, dimensions = struct.unpack(">HBB", file.read(4))
            if zeros != 0 or kind != 8 or not 1 <= dimensions <= 4:
                raise ValueError("not an IDX file of bytes")
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
            size = math.prod(shape)
            if size > MAX_BYTES:
                raise UserError(f"{path} unpacks to more than {MAX_BYTES >> 20} MB: give a smaller data set")
            data = file.read(size + 1)
        return np.frombuffer(data, "uint8").reshape(shape)
    except UserError:
        raise
    except Exception as error:  # gzip, zlib, struct and numpy each have errors of their own
        raise UserError(f"{path} cannot be read as an IDX file: give an undamaged file") from error


def _checked(arrays, path):
    if "images" in arrays:
        arrays = {"x_train": arrays["images"], "y_train": arrays.get("labels")}
    dataset = {}
    for part in ("train", "test"):
        images, labels = arrays.get(f"x_{part}"), arrays.get(f"y_{part}")
        if part == "test" and images is None:
            images, labels = dataset["x_train"][:0], dataset["y_train"][:0]
        if images is None or labels is None:
            raise UserError(f"{path} lacks x_{part} or y_{part}: give images and labels")
        if images.dtype != "uint8" or images.shape[1:3] != (28, 28) or images.shape[3:] not in [(), (1,), (3,)]:
            raise UserError(
                f"x_{part} in {path} is {images.dtype} {images.shape}: give uint8 (N, 28, 28) or (N, 28, 28, 3)"
            )
        if not np.issubdtype(labels.dtype, np.integer) or labels.shape != images.shape[:1]:
            raise UserError(f"y_{part} in {path} is {labels.dtype} {labels.shape}: give an integer for each image")
        if labels.size and not 0 <= labels.min() <= labels.max() < MAX_CLASSES:
            raise UserError(f"y_{part} in {path} has labels outside 0..{MAX_CLASSES - 1}: number the classes from 0")
        dataset[f"x_{part}"] = images if images.ndim == 4 else images[..., None]
        dataset[f"y_{part}"] = labels.astype("int32")
    if dataset["x_train"].shape[1:] != dataset["x_test"].shape[1:]:
        raise UserError(f"{path} mixes grey and colour images: give test images like the training images")
    if not len(dataset["x_train"]):
        raise UserError(f"{path} has no training images: give at least one batch")
    return Dataset(**dataset)
