"""IDX files, MNIST's own format, under the names that MNIST, EMNIST, QMNIST and KMNIST give theirs.

As in support/readers.py, they may be anyone's: UserError if one is damaged, OSError if it cannot be read.
"""

import gzip
import math
import re
import string
import struct

import numpy as np

from support.commands import UserError
from support.files import refuse_pipe
from support.readers import MAX_BYTES, read_npz, too_large

FILES = {"x_train": "train-images-idx3-ubyte", "y_train": "train-labels-idx1-ubyte",
         "x_test": "t10k-images-idx3-ubyte", "y_test": "t10k-labels-idx1-ubyte"}  # fmt: skip
# Those are MNIST's own names, which Fashion-MNIST and KMNIST took over; EMNIST and QMNIST put theirs in front. QMNIST's
# labels are integers in eight columns; KMNIST's other form is a .npz for each array.
NAME = re.compile(
    r"(?:(?P<set>[\w-]+)-)?(?P<part>train|test|t10k)-(?P<what>images|imgs|labels)"
    r"(?:[-.]idx\d-(?:ubyte|int)(?:\.gz)?|\.npz)"
)
TYPES = {8: "u1", 12: ">i4"}
LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
# The classes of IDX files with names of their own, one character each. EMNIST merges letters whose cases look alike.
CLASSES = {
    "emnist-byclass": LETTERS,
    "emnist-bymerge": LETTERS[:36] + "abdefghnqrt",
    "emnist-balanced": LETTERS[:36] + "abdefghnqrt",
    "emnist-letters": string.ascii_uppercase,
    "emnist-digits": string.digits,
    "emnist-mnist": string.digits,
    "qmnist": string.digits,
    "kmnist": "おきすつなはまやれを",
}


def find_sets(directory, only=None):
    """Find the IDX files of a directory: {data set: {field: path}}; files with MNIST's own names are data set ""."""
    sets = {}
    # Backwards, so that of a plain file and its .gz the plain one is taken.
    for path in sorted(directory.iterdir(), reverse=True):
        if (match := NAME.fullmatch(path.name)) and only in (None, match["set"]) and not path.is_dir():
            field = f"{'y' if match['what'] == 'labels' else 'x'}_{'train' if match['part'] == 'train' else 'test'}"
            sets.setdefault(match["set"] or "", {})[field] = path
    return sets


def read_set(directory, sets):
    """Read the data set that `find_sets` found in a directory.

    Returns:
        arrays and sources as from all readers, and the classes' names, a tuple of str, () if none are known.
    """
    if len(sets) > 1 and "" not in sets:
        raise UserError(f"{directory} holds {', '.join(sorted(sets))}: give one of them, as {directory / min(sets)}")
    chosen = min(sets, default="")
    paths, arrays = sets.get(chosen, {}), {}
    for field, name in FILES.items():
        if field in paths:
            arrays[field] = _read(paths[field])
            if sum(array.nbytes for array in arrays.values()) > MAX_BYTES:
                raise UserError(f"{directory} holds more than {MAX_BYTES >> 20} MB: give a smaller data set")
        elif "train" in field:
            what = "with MNIST's four files, or with folders of PNGs"
            raise UserError(f"{directory} has no {name} or {name}.gz: give a directory {what}")
    if chosen.startswith("emnist-"):
        _turn_emnist(chosen, arrays)
    return arrays, {field: str(path) for field, path in paths.items()}, tuple(CLASSES.get(chosen, ""))


def _read(path):
    """Read one IDX file (LeCun's format): 0, 0, the type, number of dimensions, the dimensions, the data."""
    if path.suffix == ".npz":
        return read_npz(path, ("arr_0",))[0].get("arr_0", np.zeros(0))
    try:
        refuse_pipe(path)
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            zeros, kind, dimensions = struct.unpack(">HBB", file.read(4))
            if zeros != 0 or kind not in TYPES or not 1 <= dimensions <= 4:
                raise ValueError("not an IDX file of bytes")
            shape, dtype = struct.unpack(f">{dimensions}I", file.read(4 * dimensions)), np.dtype(TYPES[kind])
            size = math.prod(shape) * dtype.itemsize
            if size > MAX_BYTES:
                raise too_large(path)
            data = file.read(size + 1)
        if len(data) != size:
            raise ValueError(f"{'less' if len(data) < size else 'more'} than it promises")
        array = np.frombuffer(data, dtype).reshape(shape)
        return array if kind == 8 else array.astype("int32").reshape(len(array), -1)[:, 0]  # QMNIST has the class first
    except (UserError, PermissionError, MemoryError):
        raise
    except Exception as error:  # gzip, zlib, struct and numpy each have errors of their own
        finding = "no gzip" if isinstance(error, gzip.BadGzipFile) else "damaged"
        raise UserError(f"{path} cannot be read as an IDX file, it is {finding}: give an undamaged file") from error


def _turn_emnist(name, arrays):
    """EMNIST's images are transposed, and its letters are numbered from 1 (Cohen et al., 2017)."""
    for key, array in arrays.items():
        if array.ndim == 3:
            arrays[key] = array.swapaxes(1, 2)
        elif name == "emnist-letters" and array.size and array.min() > 0:
            arrays[key] = array - 1
