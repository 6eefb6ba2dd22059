"""Files that appear whole or not at all, and text that is read within bounds."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from support.commands import UserError, as_flag

MAX_TEXT = 2**24  # bytes of a file of text: far above any of ours


@contextlib.contextmanager
def whole_files(*paths):
    """Yield a temporary path beside each path; at the end, what was written there replaces them all, in one go.

    Raises UserError if one cannot be written. After that, or any other failure, the old files are still there: all of
    them, except for a failure in the instant between two renames.
    """
    paths = [Path(path) for path in paths]
    # The suffix stays: Keras and Pillow go by it.
    temporaries = [path.with_name(f".{os.getpid()}.part-{path.name}") for path in paths]
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield temporaries
        for temporary, path in zip(temporaries, paths, strict=True):
            flush(temporary)
            _check_plain(path)
        for temporary, path in zip(temporaries, paths, strict=True):
            os.replace(temporary, path)
        for path in paths:
            flush(path.parent)
    except OSError as error:
        names = " or ".join(map(str, paths))
        raise UserError(
            f"cannot write {names} ({error.strerror or error}): choose another place, or make room"
        ) from error
    finally:
        for temporary in temporaries:
            with contextlib.suppress(OSError):
                temporary.unlink()


@contextlib.contextmanager
def whole_file(path):
    """`whole_files` for one."""
    with whole_files(path) as [temporary]:
        yield temporary


@contextlib.contextmanager
def whole_directory(path):
    """Yield a temporary directory beside `path`, to be filled; at the end, it is moved to `path`.

    Raises UserError if it cannot be written, or if there is something already.
    """
    path = check_vacant(path)
    temporary = path.with_name(f".{os.getpid()}.part-{path.name}")
    made, was_there = False, path.exists()
    try:
        if was_there:
            path.rmdir()  # now, since the mount point of a disk cannot be replaced
        temporary.mkdir()
        made = True
        yield temporary
        if hasattr(os, "sync"):  # each on its own, perhaps a million files would take an hour
            os.sync()
        os.replace(temporary, path)
        flush(path.parent)
    except OSError as error:
        raise UserError(
            f"cannot write {path} ({error.strerror or error}): choose another place, or make room"
        ) from error
    finally:
        if made:  # else it is another process's, with the same number on another machine
            shutil.rmtree(temporary, ignore_errors=True)
        if was_there and not path.exists():
            path.mkdir()


def check_vacant(path):
    """Raise UserError unless a directory can be made at `path`; returns it as an absolute path."""
    path = Path(os.path.realpath(path))
    check_writable(path / "files" if os.path.isdir(path) else path)
    try:
        vacant = not path.exists() or (path.is_dir() and not any(path.iterdir()))
    except PermissionError:
        vacant = False  # as far as can be known
    if not vacant:
        raise UserError(f"{path} is there already: choose another place, or remove it")
    return path


def are_one(path, other):
    """Whether two paths lead to the same place, by links or otherwise: on some disks, Mine is mine."""
    both_there = os.path.exists(path) and os.path.exists(other)
    return os.path.samefile(path, other) if both_there else os.path.realpath(path) == os.path.realpath(other)


def fingerprint(arrays):
    """SHA-256 over the types, shapes and bytes of arrays: the same for the same numbers, whichever files hold them."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def check_unread(flag, path, **read):
    """Raise UserError if writing `path`, which `flag` names, would replace what another flag, one of `read`, names."""
    for other, source in read.items():
        if path and source and are_one(path, source):
            raise UserError(f"{flag} {path} would overwrite what {as_flag(other)} reads: choose another place")


def flush(path):
    """Make what was written to a file or a directory reach the disk: renamed before that, it could be lost."""
    directory = path.is_dir()
    with contextlib.suppress(OSError if directory else ()):  # Windows and some file systems have no such thing
        descriptor = os.open(path, os.O_RDONLY if directory else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep(directory):
    """Remove what killed processes left of `whole_files` and `whole_directory`, if it is over a minute old."""
    left = {}  # by process, since a living one, perhaps on another machine, may be writing one of several
    for path in directory.glob(".*.part-*"):
        if process := re.match(r"\.(\d{1,9})\.part-", path.name):  # no process has a longer number
            left.setdefault(int(process[1]), []).append(path)
    for process, paths in left.items():
        with contextlib.suppress(OSError):  # another run was faster
            within = [part for path in paths if path.is_dir() for part in path.iterdir()]  # it may grow only there
            age = time.time() - max(part.stat().st_mtime for part in (*paths, *within))
            for path in paths if age > 60 and not _runs_here(process) else ():
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _runs_here(process):
    """Whether another process with this number runs on this machine, if that can be asked."""
    if os.name != "posix" or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except OSError as error:
        return error.errno == errno.EPERM  # it runs, and is somebody else's
    return True


def refuse_pipe(path):
    """Raise ValueError if `path` is a pipe: opening it would wait forever."""
    if path.is_fifo():
        raise ValueError(f"{path} is a pipe")


def read_text(path):
    """The text of a small file; raises ValueError if it is not small, or not text, and OSError if it cannot be read."""
    refuse_pipe(Path(path))
    with open(path, encoding="utf-8") as file:
        text = file.read(MAX_TEXT)
    if len(text) == MAX_TEXT:
        raise ValueError(f"{path} is too large")
    return text


def to_json(value):
    return json.dumps(value, indent=2, default=str) + "\n"


def write_json(path, value):
    """Write `to_json(value)` by `whole_file`, with its errors."""
    with whole_file(path) as temporary:
        temporary.write_text(to_json(value))


def unreadable(path, error):
    """The UserError for an OSError about what exists but cannot be read."""
    return UserError(f"{path} cannot be read ({error.strerror}): give another path")


def _check_plain(path):
    """Raise OSError if there is something other than a file: it would be replaced, even a device."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if (path.exists() and not path.is_file()) or path.parent == Path("/dev"):  # whose /dev/stdout leads to one
        raise OSError(errno.EINVAL, "no plain file")


def check_writable(path):
    """Raise UserError unless a file can be written at `path`; its directory is made if need be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        _check_plain(path)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror or error}): choose another place") from error
