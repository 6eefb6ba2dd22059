"""Files that appear whole or not at all."""

import os
import subprocess

import pytest

from support import files


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    (tmp_path / "old.txt").write_text("old")
    with pytest.raises(RuntimeError), files.whole_file(tmp_path / "old.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]
    assert (tmp_path / "old.txt").read_text() == "old"


def test_what_killed_processes_left_is_swept(tmp_path):
    gone = subprocess.Popen("true")
    gone.wait()
    left = [tmp_path / f".{gone.pid}.part-{name}" for name in ("a.png", "folders")]
    stays = [tmp_path / f".{os.getppid()}.part-a.png", tmp_path / ".2024-notes"]
    for path in (left[0], *stays):
        path.write_text("half")
    left[1].mkdir()
    (left[1] / "b.png").write_text("half")
    fresh = tmp_path / f".{gone.pid}.part-b.png"
    for path in (*left, *stays):
        os.utime(path, (0, 0))
    fresh.write_text("half")
    files.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([*stays, fresh])
