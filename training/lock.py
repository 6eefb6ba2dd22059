"""One run at a time in a directory of models."""

import contextlib
import os
import platform
import time

import filelock

from support import files
from support.commands import UserError


@contextlib.contextmanager
def only_run(models_dir):
    """Reserve a directory of models for this run; raises UserError if another has it.

    The lock is the operating system's, so a run that crashes does not leave it behind, except on a file system without
    locks, where filelock makes do with a file.
    """
    lock, holder = filelock.FileLock(models_dir / ".lock", blocking=False), models_dir / ".running"
    try:
        lock.acquire()
    except OSError as error:  # Timeout is one, too
        if not isinstance(error, filelock.Timeout):
            raise UserError(f"cannot write {lock.lock_file} ({error.strerror}): give another --models-dir") from error
        try:
            first = holder.read_text()[:200].strip()
        except (OSError, ValueError):  # it has only just begun
            first = "another run"
        raise UserError(f"{models_dir} is taken by {first}: wait, or give another --models-dir") from error
    try:
        with files.whole_file(holder) as temporary:
            temporary.write_text(f"process {os.getpid()} on {platform.node()}, running since {time.ctime()}")
        yield
    finally:
        with contextlib.suppress(OSError):  # the disk can no longer be written, as has been reported
            holder.unlink()
        lock.release()
