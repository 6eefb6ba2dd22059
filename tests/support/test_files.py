"""Files that appear whole or not at all."""

import builtins
import errno
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from unittest import mock

import pytest
from helpers import ROOT
from PIL import Image

import evaluate
import generate_digits
import train
from support import files
from support.commands import UserError
from support.model_files import PRETRAINED_DIR


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    (tmp_path / "old.txt").write_text("old")
    with pytest.raises(RuntimeError), files.whole_file(tmp_path / "old.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]
    assert (tmp_path / "old.txt").read_text() == "old"


def test_what_killed_processes_left_is_swept(tmp_path):
    gone, other = subprocess.Popen("true"), subprocess.Popen("true")
    for process in (gone, other):
        process.wait()
    left = [tmp_path / f".{gone.pid}.part-{name}" for name in ("a.png", "folders")]
    left.append(tmp_path / f".{os.getpid()}.part-b.png")  # another's, which had our number before, as in a container
    strange = [".2024-notes", ".20261231235959.part-notes"]
    # Of those of one process, on another machine with the same disk, say, one may grow: then all stay.
    old = f".{other.pid}.part-a.png"
    stays = [tmp_path / name for name in (f".{os.getppid()}.part-a.png", old, *strange)]
    for path in (left[0], left[2], *stays):
        path.write_text("half")
    growing = tmp_path / f".{other.pid}.part-growing"
    for folder in (left[1], growing):
        (folder / "seven").mkdir(parents=True)
    for path in (left[1] / "seven", *left, *stays, growing):
        os.utime(path, (0, 0))
    files.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([*stays, growing])
    os.utime(growing / "seven", (0, 0))
    (tmp_path / old).touch()
    files.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([*stays, growing])


def test_a_directory_that_cannot_be_replaced_is_refused_before_it_is_filled(tmp_path, monkeypatch):
    """As one where a disk is mounted. And what is under way under the same name is another process'."""
    (place := tmp_path / "place").mkdir()
    with monkeypatch.context() as patch, pytest.raises(UserError, match=r"(?i)resource busy"):
        patch.setattr(pathlib.Path, "rmdir", mock.Mock(side_effect=OSError(errno.EBUSY, os.strerror(errno.EBUSY))))
        with files.whole_directory(place):
            raise AssertionError("it was let in")
    (other := tmp_path / f".{os.getpid()}.part-place").mkdir()
    with pytest.raises(UserError, match="File exists"), files.whole_directory(place):
        pass
    assert other.exists() and place.exists()
    other.rmdir()
    with files.whole_directory(place) as temporary:
        (temporary / "a").touch()
    assert [path.name for path in place.iterdir()] == ["a"]


def test_a_directory_is_on_the_disk_before_it_appears(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "sync", lambda: synced.extend(path.name for path in tmp_path.iterdir()), raising=False)
    with files.whole_directory(tmp_path / "place"):
        pass
    assert synced == [f".{os.getpid()}.part-place"]


def test_a_file_of_two_names_is_one(tmp_path):
    for name in ("mine", "other"):
        (tmp_path / name).touch()
    os.link(tmp_path / "mine", tmp_path / "Mine too")
    assert files.are_one(tmp_path / "mine", tmp_path / "Mine too")
    assert not files.are_one(tmp_path / "mine", tmp_path / "other")


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="output has no name here")
def test_what_leads_to_a_file_is_kept():
    """Whoever may write in /dev, and sends output to a file, would replace the link."""
    code = "from pathlib import Path; from support import files; files._check_plain(Path('/dev/stdout'))"
    with tempfile.TemporaryFile() as output:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=output, stderr=subprocess.PIPE)
    assert done.stderr.endswith(b"no plain file\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_what_is_no_file_is_not_replaced(tmp_path):
    """Root could lose /dev/null."""
    os.mkfifo(pipe := tmp_path / "pipe")
    for write in (lambda: files.check_writable(pipe), lambda: files.write_json(pipe, {})):
        with pytest.raises(UserError, match="no plain file"):
            write()
    assert pipe.is_fifo() and len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def lock(monkeypatch):
    """Have a path be one that may not be read. Modes would do for all but root."""

    def lock(locked):
        def guard(function):
            def guarded(path, *args, **kwargs):
                if str(path) == str(locked):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
                return function(path, *args, **kwargs)

            return guarded

        for module, name in (
            [(os, "listdir"), (os, "scandir")] if locked.is_dir() else [(builtins, "open"), (io, "open")]
        ):
            monkeypatch.setattr(module, name, guard(getattr(module, name)))
        return locked

    return lock


def test_what_may_not_be_read_is_named_and_not_called_damaged(lock, refuses, tmp_path):
    shutil.copytree(PRETRAINED_DIR, tmp_path / "models")
    (tmp_path / "models" / "checkpoint").mkdir()
    (tmp_path / "digits.npz").touch()
    (tmp_path / "pngs" / "cat").mkdir(parents=True)
    Image.new("L", (28, 28)).save(tmp_path / "pngs" / "cat" / "a.png")
    train_here = train.train, "--models-dir", tmp_path / "models", "--samples-dir", tmp_path
    generate_here = generate_digits.generate, "--models-dir", tmp_path / "models", "--output-dir", tmp_path
    for path, command in {
        "digits.npz": (*train_here, "--dataset", tmp_path / "digits.npz"),
        "pngs/cat/a.png": (*train_here, "--dataset", tmp_path / "pngs"),
        "models/checkpoint": (*train_here, "--resume"),
        "models/run.json": generate_here,
        "models/generator.keras": generate_here,
        "pngs": (*generate_here, "--like", tmp_path / "pngs"),
    }.items():
        assert f"{lock(tmp_path / path)} cannot be read (Permission denied): " in refuses(*command)
    assert f"{tmp_path} cannot be read (Is a directory): " in refuses(evaluate.evaluate, "--judge", tmp_path)
    (tmp_path / "full").mkdir()
    assert "there already" in refuses(*generate_here, "--folders", lock(tmp_path / "full"))
