"""Where a directory of models keeps runs: the unfinished one, those moved aside for others, the finished one."""

import contextlib
import os

from support.commands import UserError
from training.checkpoint import BEGUN, FINISHED, UNFINISHED, remove, states

ASIDE = "unfinished-"  # and a number: directories to which unfinished runs are moved


def begin(models_dir):
    """Make room for a new run; returns where an unfinished one was moved, or None if there was none."""
    aside = None
    try:
        if states(models_dir, UNFINISHED):
            number = 1
            while (aside := models_dir / f"{ASIDE}{number}").exists():
                number += 1
            aside.mkdir()
            os.replace(models_dir / UNFINISHED, aside / UNFINISHED)
        (models_dir / UNFINISHED).mkdir(exist_ok=True)
        (models_dir / UNFINISHED / BEGUN).touch()
    except OSError as error:
        _bring_back(models_dir, aside)
        raise UserError(f"cannot write {models_dir} ({error.strerror}): make room, or choose another place") from error
    return aside


def _bring_back(models_dir, aside):
    if aside:
        with contextlib.suppress(OSError):
            os.replace(aside / UNFINISHED, models_dir / UNFINISHED)
        with contextlib.suppress(OSError):
            aside.rmdir()


def withdraw(models_dir, aside):
    """Undo `begin`, which returned `aside`, if no state has been saved since: all runs are back where they were.

    Returns whether it was undone.
    """
    begun = models_dir / UNFINISHED / BEGUN
    if not begun.exists() or states(models_dir, UNFINISHED):
        return False
    with contextlib.suppress(OSError):  # somebody keeps files in it
        begun.unlink()
        begun.parent.rmdir()
    _bring_back(models_dir, aside)
    return True


def finish(models_dir):
    """The run is done: keep its last state in FINISHED, from where more epochs can go on.

    Raises UserError if it cannot be moved there; then it stays where it is.
    """
    *older, last = states(models_dir, UNFINISHED) or [None]
    if last:
        place, before = models_dir / FINISHED, states(models_dir, FINISHED)
        for state in older:  # which would otherwise be found before the finished one
            remove(state)
        try:
            place.mkdir(exist_ok=True)
            (models_dir / UNFINISHED / BEGUN).unlink(missing_ok=True)
            os.replace(last, place / last.name)
        except OSError as error:  # FINISHED is a file, or it or UNFINISHED a link to another disk
            reason = f"all is written, but {last} cannot be moved into {place} ({error.strerror})"
            raise UserError(f"{reason}: see to that, and go on with --resume") from error
        for state in before:
            remove(state)
    with contextlib.suppress(OSError):  # missing, or somebody keeps files in it
        (models_dir / UNFINISHED).rmdir()
