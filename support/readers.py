"""Read images and labels from files, which may be anyone's: .npz and folders of PNGs; support/idx.py reads IDX files.

Each reader returns a dict of arrays, named as Dataset's fields or "images" and "labels", and a dict of what to call
each of them in an error. All raise UserError if a file is damaged, OSError if it cannot be read.
"""

import itertools
import math
import struct
import zipfile

import numpy as np
from PIL import Image

from support.commands import UserError, check_text, import_keras, quiet
from support.files import refuse_pipe

KEYS = ("x_train", "y_train", "x_test", "y_test", "images", "labels")
MAX_BYTES = 2**28  # of all arrays, unpacked, 330,000 digits: what claims more is refused before memory is taken
SIZES = (28, 32)  # pixels per side
MAX_PNGS = MAX_BYTES // 28**2
MAX_PNG = 2**20  # bytes; its few pixels need a thousandth


def read_npz(path, keys=KEYS):
    """Read the arrays of a .npz that are named in `keys`."""
    try:
        refuse_pipe(path)
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise too_large(path)
            for member in members:
                if member.filename.removesuffix(".npy") in keys:
                    _check_npy(archive, member)
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files if key in keys}
        return arrays, {key: f"{key} in {path}" for key in arrays}
    except (UserError, PermissionError, MemoryError):
        raise
    except Exception as error:  # a damaged zip or npy raises almost any error there is
        raise UserError(f"{path} cannot be read as a .npz of arrays: give an undamaged file") from error


def too_large(path):
    return UserError(f"{path} unpacks to more than {MAX_BYTES >> 20} MB: give a smaller data set")


def _check_npy(archive, member):
    """Raise an error if an array in a .npz claims more than its file holds: NumPy would allocate that."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without limit
        raise ValueError("packed in a way in which NumPy packs nothing")
    with archive.open(member) as file:
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[np.lib.format.read_magic(file)]
        try:
            shape, _, dtype = read_header(file)
        except MemoryError as error:  # Python's parser raises it, too, for what is nested too deep
            raise ValueError("no header") from error
    if dtype.hasobject:
        raise UserError(f"{member.filename} in {archive.filename} holds Python objects: give integers")
    if math.prod(shape) * dtype.itemsize > member.file_size:
        raise ValueError("an array promises more than there is")


def read_folders(directory):
    """Read PNGs, one folder per class, by `keras.utils.image_dataset_from_directory`; returns the classes' names, too.

    Keras would resize, convert or skip what does not fit; here, all of that is refused.
    """
    names = sorted(path.name for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
    paths, first = [], None
    for name in names:
        visible = (path for path in (directory / name).iterdir() if not _is_hidden(path))
        found = sorted(itertools.islice(visible, MAX_PNGS + 1 - len(paths)))
        if not found:
            raise UserError(f"{directory / name} is empty: give each class a folder of PNGs, and no other folders")
        if len(paths) + len(found) > MAX_PNGS:
            raise too_large(directory)
        for path in found:
            check_text(path)
            size, coloured = _look_at_png(path)
            first = first or (path, size)
            if size != first[1]:
                sizes = ["x".join(map(str, each)) for each in (size, first[1])]
                raise UserError(f"{path} has {sizes[0]} pixels, {first[0]} {sizes[1]}: give images of one size")
            paths.append((path, coloured))
    (width, height), channels = first[1], 3 if any(coloured for _, coloured in paths) else 1
    if len(paths) * width * height * channels > MAX_BYTES:
        raise too_large(directory)
    keras = import_keras()
    with quiet():
        dataset = keras.utils.image_dataset_from_directory(
            directory,
            color_mode="rgb" if channels == 3 else "grayscale",
            image_size=(height, width),
            batch_size=500,
            shuffle=False,
            verbose=False,
        )
    images, labels = np.empty((len(paths), height, width, channels), "uint8"), np.empty(len(paths), "int32")
    done = 0
    try:
        for some, of in dataset.as_numpy_iterator():
            images[done : done + len(some)], labels[done : done + len(some)] = some, of
            done += len(some)
    except Exception as error:  # TensorFlow says what is wrong, but not with which file
        for path, _ in paths:
            _decode_png(path)
        raise UserError(f"{directory} cannot be read ({type(error).__name__}): give undamaged PNGs") from error
    arrays = {"images": images, "labels": labels}
    return arrays, dict.fromkeys(arrays, str(directory)), tuple(names)


def _is_hidden(path):
    """Whether a file is hidden, as macOS leaves some, so no image; raises UserError if Keras would take it for one."""
    hidden = path.name.startswith(".")
    if hidden and path.is_dir():
        raise UserError(f"{path} is a hidden folder, in which Keras would look for pictures: delete it")
    if hidden and path.name.lower().endswith((".png", ".jpg", ".jpeg", ".bmp", ".gif")):
        raise UserError(f"{path} is a hidden picture: delete it, or give it a name")
    return hidden


def _look_at_png(path):
    """The size of a PNG, (width, height), and whether it is coloured, from its header; raises UserError for others."""
    try:
        refuse_pipe(path)
        with open(path, "rb") as file:
            head = file.read(26)
            width, height, depth, kind = struct.unpack(">16xIIBB", head)
        if head[:8] != b"\x89PNG\r\n\x1a\n" or path.suffix.lower() != ".png" or path.stat().st_size > MAX_PNG:
            raise ValueError
    except (ValueError, struct.error, IsADirectoryError) as error:
        raise UserError(
            f"{path} is no small PNG: give folders with nothing else in them, other pictures saved as PNGs"
        ) from error
    if depth == 16:
        raise UserError(f"{path} has 16 bits a colour: save it with 8")
    if width != height or width not in SIZES:
        raise UserError(f"{path} has {width}x{height} pixels: give 28x28 or 32x32")
    try:
        with Image.open(path) as image:  # reads up to the pixels, but not them
            transparent = kind in (4, 6) or "transparency" in image.info
    except Exception as error:  # Pillow raises almost any error there is
        raise UserError(f"{path} cannot be read as a PNG: give an undamaged file") from error
    if transparent:
        raise UserError(f"{path} is transparent: lay it on paper, and save it without")
    return (width, height), kind in (2, 3)


def _decode_png(path):
    try:
        with Image.open(path) as image:
            image.load()
    except Exception as error:
        raise UserError(f"{path} cannot be read as a PNG: give an undamaged file") from error
