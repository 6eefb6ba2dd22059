"""The training data: MNIST in data/, another of Keras' data sets, or a file or directory of the user's own."""

import itertools
import os.path
import string
from pathlib import Path

import numpy as np

from support import idx, readers
from support.commands import ROOT, UserError, as_flag, import_keras
from support.dataset import Dataset, to_dataset
from support.files import unreadable, whole_file

DATA_DIR = ROOT / "data"
STACKED = "stacked_mnist"  # three digits as the three channels (Metz et al., 2017): 1,000 modes, unlabelled
MNIST_SOURCE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
CHECKSUMS = {
    "mnist": "eb2f9e2e72b90067ee1df9de5f5d36315789d8e128965b748161b864a0d40d82",
    "fashion_mnist": "bc562774d3e075e6fb47517bccdbc9de42190109f15fc8788090ec983c147d87",
}
NAMES = tuple(CHECKSUMS)  # of the data sets that are kept in DATA_DIR
FASHION = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "trainer", "bag", "ankle boot")


def load_dataset(name):
    """Load and check a data set.

    Args:
        name: one of NAMES, STACKED, or a path: a `.npz` file (x_train, y_train, or images, labels; and perhaps
            x_test, y_test), a directory of IDX files, plain or .gz, with the names of MNIST, EMNIST, QMNIST or KMNIST,
            or of folders of PNGs, one per class. DIRECTORY/emnist-letters is one of several data sets in a directory.

    Raises:
        UserError: the data is missing, damaged, or not images of a size in SIZES with one label each.
    """
    if name == STACKED:
        return _stacked(load_dataset("mnist"))
    path = place(name)
    if name in NAMES and not path.exists():
        _fetch(name, path)
    try:
        dataset = _read(path)
    except OSError as error:
        raise unreadable(error.filename or path, error) from error
    except UserError as error:
        if name in NAMES:
            raise UserError(f"{error} (or delete it, to have it fetched anew)") from error
        raise
    if name in CHECKSUMS and dataset.checksum != CHECKSUMS[name]:
        raise UserError(f"{path} is not the original {name}: delete it, to have it fetched anew")
    return dataset


def place(name):
    """Where the file or directory that `load_dataset` reads is."""
    if name in (*NAMES, STACKED):
        return DATA_DIR / f"{'mnist' if name == STACKED else name}.npz"
    return Path(name or "an empty name")  # an empty path would be the current directory


def is_of_pngs(name):
    """Whether a data set that has been loaded before is made of folders of PNGs."""
    return place(name).is_dir() and not idx.find_sets(place(name))


def check_outside(name, **places):
    """Raise UserError if output, placed by flags, would replace a data set's IDX files or lie among its PNGs."""
    data = place(name)
    try:
        directory = data if data.is_dir() else data.parent  # DIRECTORY/emnist-letters is one of several data sets
        sets = idx.find_sets(directory) if directory.is_dir() and not data.is_file() else {}
        taken = [path for paths in sets.values() for path in paths.values()] or ([data] if data.is_dir() else [])
    except OSError as error:
        raise unreadable(error.filename or data, error) from error
    for field, path in places.items():
        # Links may lead in, or out.
        ways = itertools.product(taken if path else (), *[(os.path.realpath, os.path.abspath)] * 2)
        if any(Path(absolute(path)).is_relative_to(other(each)) for each, absolute, other in ways):
            raise UserError(f"{as_flag(field)} {path} is within the data, {name}: choose another place")


def load_to_train(name, batch_size, conditional=True):
    """`load_dataset`; UserError, too, if it cannot be trained on in such batches or, if `conditional`, by label."""
    dataset = load_dataset(name)
    if batch_size > (count := len(dataset.x_train)):
        images = "a single training image" if count == 1 else f"{count} training images"
        raise UserError(f"{name} has {images}, --batch-size is {batch_size}: give more, or lower it")
    if not conditional:
        return dataset
    if len(missing := np.setdiff1d(np.arange(dataset.num_classes), dataset.y_train)):
        listed = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        print(f"{name} has no training image of class {listed}: what is drawn as such will mean nothing")
    if (last := dataset.y_test.max(initial=0)) >= dataset.num_classes:
        raise UserError(
            f"y_test in {name} has the label {last}, y_train has 0 to {dataset.num_classes - 1}: give the same classes"
        )
    return dataset


def stack_digits(images, count, rng):
    """Random triples of digits, uint8 (N, 28, 28, 1), as the channels of images; returns uint8 (count, 28, 28, 3).

    In each channel, each digit appears as often as any other, or once more.
    """
    some = rng.permutation(len(images))[:count] if count < len(images) else np.arange(count) % len(images)
    orders = [rng.permutation(some) for _ in range(3)]
    return np.concatenate([images[order] for order in orders], axis=-1)


def _stacked(mnist):
    """Stored, in 141 MB, rather than composed anew in each epoch: for all that trains, resumes and measures, it is then
    data like any other, with a checksum. 60,000 of 2e14 composites are enough, since the test is about modes.
    """
    rng = np.random.default_rng(0)
    parts = [(stack_digits(images, len(images), rng), np.zeros(len(images), "int32")) for images in mnist[::2]]
    return Dataset(*parts[0], *parts[1])


def _read(path):
    names, only = (), None
    if not path.exists() and path.parent.is_dir() and path.name in idx.find_sets(path.parent):
        path, only = path.parent, path.name
    if not path.exists():
        raise UserError(
            f"there is no data at {path}: give {', '.join(NAMES)}, {STACKED}, a .npz file or a directory of images"
        )
    if not path.is_dir():
        arrays, sources = readers.read_npz(path)
    elif sets := idx.find_sets(path, only):
        arrays, sources, names = idx.read_set(path, sets)
    elif any(each.is_dir() and not each.name.startswith(".") for each in path.iterdir()):
        arrays, sources, names = readers.read_folders(path)
    elif any(each.suffix.lower() == ".png" for each in path.iterdir()):
        raise UserError(f"{path} has PNGs, but in no folder: put them into folders within it, one for each class")
    else:
        idx.read_set(path, {})  # says what is missing
    dataset = to_dataset(arrays, sources, path, len(names) or None)
    if not names and dataset.checksum == CHECKSUMS["fashion_mnist"]:
        names = FASHION
    dataset.class_names = () if names == tuple(string.digits) else names  # figures are their own names
    return dataset


def _fetch(name, path):
    keras = import_keras()  # takes seconds, and data/ usually has the file
    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # get_file raises a bare Exception where there is no network
        remedy = f"put {MNIST_SOURCE} there"
        if name == "fashion_mnist":  # Keras would not notice that a file downloaded earlier is damaged
            remedy = "remove ~/.keras/datasets/fashion-mnist, or give --dataset a directory with its four IDX files"
        raise UserError(f"{path} is missing and cannot be downloaded: {remedy}") from error
    with whole_file(path) as temporary:
        np.savez_compressed(temporary, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
