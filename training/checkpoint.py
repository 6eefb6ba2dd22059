"""A run that can be resumed at any step: its state on disk, whole or not at all, and checked before it is trusted.

    models/checkpoint/000012-1f.../   one of the last two states of an unfinished run
        state.index, state.data-...   both networks, the average and both optimizers, by `tf.train.Checkpoint`
        record.npz                    the losses, epochs and sheets so far
        about.json                    configuration, data and architecture; sizes and SHA-256 of the files above
    models/finished/000025-c0.../     the last state of the last finished run, from which more epochs can go on

A directory's name holds part of the SHA-256 of its about.json, so damage to any byte is noticed. Nothing else needs
saving: noise and digits are functions of (seed, step).
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from support.commands import UserError
from support.files import flush, read_text
from training.record import Record

UNFINISHED, FINISHED = "checkpoint", "finished"
STATE, RECORD, ABOUT = "state", "record.npz", "about.json"
FILES = (f"{STATE}.index", f"{STATE}.data-00000-of-00001", RECORD)
NEW = ".new"  # a state being written; one name is enough, as a directory has one run
BEGUN = "begun"  # a file in UNFINISHED from the start of a new run: until its first state, FINISHED is another run's


class State(NamedTuple):
    path: Path  # its directory
    about: dict  # what its about.json says


def save(models_dir, gan, record, about):
    """Save the state of a run as its newest, and delete all but the last two.

    Raises UserError if it cannot be written, or a weight is not finite; the states before it survive.
    """
    import tensorflow as tf

    if not all(np.isfinite(weight).all() for weight in gan.get_weights()):
        epoch = len(record.epochs) + 1
        raise UserError(f"a weight is not finite in epoch {epoch}: lower the learning rates, or raise --r1-gamma")
    directory = models_dir / UNFINISHED
    new = directory / NEW
    try:
        shutil.rmtree(new, ignore_errors=True)  # of a run that was killed
        new.mkdir(parents=True)
        # Not Keras' save_weights: on a full disk HDF5 takes the whole process down with it.
        _checkpoint(gan).write(new / STATE)
        record.save(new / RECORD)
        text = json.dumps(about | {"files": {name: _fingerprint(new / name) for name in FILES}})
        (new / ABOUT).write_text(text)
        for path in (*new.iterdir(), new):
            flush(path)
        number = 1 + max((_number(path) for path in states(models_dir)), default=0)
        os.replace(new, directory / f"{number:06d}-{_name(text.encode())}")
        flush(directory)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or str(error).rpartition("; ")[2].partition(" [Op:")[0]
        raise UserError(f"cannot save the run in {directory} ({reason}): make room, and go on with --resume") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    for old in states(models_dir, UNFINISHED)[:-2]:
        remove(old)


def find(models_dir):
    """Find the newest undamaged State of the unfinished run, or else of the finished one; None without either.

    Raises UserError if there is a run, but its states cannot be read, or all are damaged.
    """
    for place in (UNFINISHED, FINISHED):
        try:
            paths = states(models_dir, place)
        except OSError as error:
            raise UserError(f"{error.filename} cannot be read ({error.strerror}): start anew elsewhere") from error
        for path in reversed(paths):
            try:
                return State(path, _read_about(path))
            except (OSError, LookupError, RecursionError, TypeError, ValueError):
                print(f"{path} is damaged: looking for the one before")
        if paths:
            raise UserError(f"no state in {models_dir / place} is undamaged: start anew, without --resume")
        if (models_dir / place / BEGUN).exists():
            break
    return None


def restore(state, gan):
    """Set a compiled `gan.GAN` to a State; returns its Record. Raises UserError if this Keras cannot read it."""
    import tensorflow as tf

    try:
        with contextlib.chdir(state.path):  # TensorFlow reads a path as a pattern: exp[1] would match exp1
            _checkpoint(gan).read(STATE).assert_consumed()
        record = Record.load(state.path / RECORD)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise
    except Exception as error:  # the bytes are those that were saved, so another version of Keras must be to blame
        reason = str(error).partition("\n")[0]
        raise UserError(f"{state.path} cannot be restored ({reason}): start anew, without --resume") from error
    for path in states(state.path.parent.parent, state.path.parent.name):
        if _number(path) > _number(state.path):  # damaged, or `find` would have taken it: not one of the last two
            remove(path)
    return record


def pack(state):
    """The files of a State, as a dict of names and bytes, empty for None; `unpack` makes a State of them elsewhere."""
    return {f"{state.path.name}/{name}": (state.path / name).read_bytes() for name in (ABOUT, *FILES)} if state else {}


def unpack(packed, models_dir):
    """Put what `pack` returned into a directory, and return the State there."""
    for name, content in packed.items():
        path = models_dir / UNFINISHED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return find(models_dir)


def states(models_dir, *places):
    """The directories of states in UNFINISHED and FINISHED, or in one of them, oldest first."""
    found = [
        path
        for place in places or (UNFINISHED, FINISHED)
        if (models_dir / place).is_dir()
        for path in (models_dir / place).iterdir()
        if re.fullmatch(r"\d{6,}-[0-9a-f]{16}", path.name)
    ]
    return sorted(found, key=_number)


def _number(path):
    return int(path.name.partition("-")[0])


def _checkpoint(gan):
    """What TensorFlow saves and restores: the GAN's variables, including those of layers that draw random numbers."""
    import tensorflow as tf

    random = [variable.value for variable in gan.variables if "seed_generator" in variable.path]
    return tf.train.Checkpoint(gan=gan, random=random)


def remove(path):
    """Remove a state, as far as possible; other files in its directory stay, under a name that is no state's."""
    with contextlib.suppress(OSError):
        for name in (ABOUT, *FILES):
            (path / name).unlink(missing_ok=True)
        if any(path.iterdir()):  # somebody, perhaps macOS' Finder, keeps files in it: it is no state now
            path.rename(path.with_name(f"{path.name}-left"))
        else:
            path.rmdir()


def _name(about):
    return hashlib.sha256(about).hexdigest()[:16]


def _fingerprint(path):
    with open(path, "rb") as file:
        return [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]


def _read_about(path):
    text = read_text(path / ABOUT)
    if _name(text.encode()) != path.name.partition("-")[2]:
        raise ValueError("about.json has been changed")
    about = json.loads(text)
    if not (about["config"]["epochs"] and about["data"] and about["architecture"]["discriminator"]):
        raise ValueError("about.json says too little")
    for name in FILES:
        size, digest = about["files"][name]
        if (path / name).stat().st_size != size or _fingerprint(path / name) != [size, digest]:
            raise ValueError(f"{name} has been changed")
    return about
