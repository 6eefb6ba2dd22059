"""training/lock.py: one run a directory."""

import errno
import os
import pathlib

import pytest
from helpers import flags_of

import train
from support import commands
from training import lock


def test_a_lock_goes_from_a_disk_that_can_no_longer_be_written(tmp_path, monkeypatch):
    def refuse(path, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.raises(commands.UserError, match="cannot save"), monkeypatch.context() as disk, lock.only_run(tmp_path):
        disk.setattr(pathlib.Path, "unlink", refuse)
        raise commands.UserError("cannot save: make room")
    with lock.only_run(tmp_path):
        pass


def test_one_run_a_directory(config, refuses):
    """A second is refused and told of the first."""
    config.models_dir.mkdir()
    with lock.only_run(config.models_dir):
        assert f"process {os.getpid()}" in refuses(train.train, *flags_of(config))
