"""Digits to go: data sets in the formats that others read, written block by block, so of any size in little memory.

Each writer is a context that yields a function, which takes the next images, uint8 (n, S, S, C), in order. The files
appear, whole, once all images are there. Arguments that all writers have:

    labels: int (N,), those of all images.
    shape: of one image, (S, S, C); grey ones are written without their last axis.
"""

import contextlib
import gzip
import struct
import zipfile

import numpy as np

import utils
from support import files
from support.commands import UserError
from support.idx import FILES as IDX_FILES

BLOCK = 100_000


@contextlib.contextmanager
def npz(path, labels, shape):
    """Images uint8 (N, *shape) and labels int64 (N,) for `numpy.load`, as `numpy.savez` would have written them."""
    with files.whole_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:

        @contextlib.contextmanager
        def member(name, dtype, shape):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                header = {"descr": dtype, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                yield file

        with member("labels", "<i8", (len(labels),)) as file:
            for block in _blocks(labels):
                file.write(block.astype("<i8"))
        with member("images", "|u1", (len(labels), *_without_grey(shape))) as file:
            yield lambda images: file.write(np.ascontiguousarray(images))


@contextlib.contextmanager
def idx(directory, labels, shape):
    """Four files like MNIST's own (LeCun's format, bytes), gzipped; as there, the last seventh is the test set.

    Raises UserError if a label is above 255, or the files cannot be written or would not be read.
    """
    if labels.max() > 255:
        raise UserError(f"--idx has a byte for a label, too small for {labels.max()}: write --npz or --folders")
    training = len(labels) - len(labels) // 7
    paths = check_idx(directory)
    with files.whole_files(*paths) as temporaries, contextlib.ExitStack() as stack:

        def start(temporary, shape):
            # Level 1 packs nearly as well as 9, a hundred times as fast. The same digits give the same bytes.
            raw = stack.enter_context(open(temporary, "wb"))
            file = stack.enter_context(gzip.GzipFile("", "wb", 1, raw, mtime=0))
            file.write(struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape))
            return file

        parts, images = (labels[:training], labels[training:]), []
        for part, (for_images, for_labels) in zip(parts, (temporaries[:2], temporaries[2:]), strict=True):
            images.append(start(for_images, (len(part), *_without_grey(shape))))
            file = start(for_labels, (len(part),))
            for block in _blocks(part):
                file.write(block.astype("uint8"))
        left = training

        def write(some):
            nonlocal left
            for file, part in zip(images, (some[:left], some[left:]), strict=True):
                file.write(np.ascontiguousarray(part))
            left = max(0, left - len(some))

        yield write


def idx_paths(directory):
    """Where the four IDX files go."""
    return [directory / f"{name}.gz" for name in IDX_FILES.values()]


def check_idx(directory):
    """Raise UserError if the four IDX files cannot be written or would not be read; returns their paths."""
    for path in (paths := idx_paths(directory)):
        files.check_writable(path)
        if path.with_suffix("").exists():
            raise UserError(f"{directory} holds {path.stem}, which would be read instead: choose another place")
    return paths


@contextlib.contextmanager
def folders(directory, labels, shape, about):
    """One directory per class, one PNG per digit, as `keras.utils.image_dataset_from_directory` reads them.

    Args:
        about: dict, text that each PNG carries.
    """
    info, done = utils.png_text(about), 0
    width, digits = (len(str(number)) for number in (labels.max(), len(labels) - 1))  # names sort as numbers do
    with files.whole_directory(directory) as temporary:
        for label in np.unique(labels):
            (temporary / f"{label:0{width}}").mkdir()

        def write(images):
            nonlocal done
            for index, image in enumerate(images, done):
                path = f"{temporary}/{labels[index]:0{width}}/{index:0{digits}}.png"
                utils.to_picture(image, scale=1).save(path, compress_level=1, pnginfo=info)
            done += len(images)

        yield write


def _blocks(labels):
    return np.split(labels, range(BLOCK, len(labels), BLOCK))


def _without_grey(shape):
    return shape[:-1] if shape[-1] == 1 else shape
