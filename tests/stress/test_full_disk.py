"""A disk that is full, and one that cannot be written, at each kind of write of each script."""

import os
import resource
import shutil
import subprocess
import sys

import pytest
from helpers import DEFAULT_WIDTHS, ROOT, assert_equal_weights, assert_same_run, run_in

import train

pytestmark = pytest.mark.stress

TRAINING = ["train.py", "--epochs", "2", "--no-evaluate", "--checkpoint-every", "20"]


class Disk:
    """A small disk: a tmpfs, or where that cannot be had a directory and a limit to the size of files."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", path]
        self.mounted = subprocess.run(mount, capture_output=True).returncode == 0
        self.limit = resource.RLIM_INFINITY

    def remount(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)

    def leave(self, size):
        """Leave `size` bytes."""
        if self.mounted:
            used = shutil.disk_usage(self.path).used
            self.remount(f"size={used + size}")
        else:
            self.limit = size

    def run(self, *command):
        limit = self.limit
        return subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )

    def close(self):
        if self.mounted:
            subprocess.run(["umount", self.path], check=True)


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.fixture(scope="module")
def whole(small_npz, tmp_path_factory):
    """The directory of a run of TRAINING on a disk with room."""
    directory = tmp_path_factory.mktemp("whole")
    train.train(run_in(directory, small_npz, evaluate=False, **DEFAULT_WIDTHS))
    return directory


def assert_refused(done):
    assert done.returncode == 2, (done.returncode, done.stderr[-500:])
    assert "Traceback" not in done.stderr
    last = done.stderr.replace("\r", "\n").strip().splitlines()[-1]
    assert last.startswith("error: cannot "), last


@pytest.mark.parametrize("kilobytes", [0, 4, 16, 64, 256, 1000, 3000, 8000, 9000, 17_000, 21_000, 25_000, 26_000])
def test_training_on_a_disk_that_fills(kilobytes, disk, small_npz, whole, tmp_path):
    """The models of the run before survive; with room again, the run goes on to the same end."""
    directories = ["--models-dir", disk.path / "models", "--samples-dir", disk.path / "samples"]
    other = [*TRAINING, "--seed", "1", "--dataset", small_npz, *directories]
    assert disk.run(*other).returncode == 0
    shutil.copytree(disk.path, tmp_path / "before")
    disk.leave(kilobytes << 10)
    run = [*TRAINING, "--dataset", small_npz, *directories]
    done = disk.run(*run)
    if done.returncode:
        assert_refused(done)
        assert_equal_weights(disk.path / "models", tmp_path / "before" / "models")
        for name in ("history.csv", "run.json"):
            assert (disk.path / "models" / name).read_bytes() == (tmp_path / "before" / "models" / name).read_bytes()
    disk.leave(2**26)
    begun = (disk.path / "models" / "checkpoint").exists()
    assert disk.run(*run, *["--resume"] * begun).returncode == 0
    assert_same_run(disk.path / "models", disk.path / "samples", whole)


COMMANDS = {
    "sheet": ("generate_digits.py", "--output-dir", "{}"),
    "separate": ("generate_digits.py", "--count", 10, "--separate", "--output-dir", "{}"),
    "film": ("generate_digits.py", "--interpolate", 5, "--output-dir", "{}"),
    "npz": ("generate_digits.py", "--npz", "{}/digits.npz", "--output-dir", "{}"),
    "json": ("evaluate.py", "--count", 500, "--json", "{}/numbers.json"),
    "report": ("evaluate.py", "--count", 500, "--report", "{}"),
    "judge": ("-m", "evaluation.judge", "--epochs", 1, "--output", "{}/judge.keras"),
    "training": (*TRAINING, "--models-dir", "{}", "--samples-dir", "{}"),
    "logs": (*TRAINING, "--log-dir", "{}", "--models-dir", "{}/../models", "--samples-dir", "{}/../samples"),
}


@pytest.mark.parametrize("state", ["full", "read-only"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_each_script_where_it_cannot_write(command, state, disk, small_npz, tmp_path):
    command = [str(word).format(disk.path) for word in command]
    if command[0] != "generate_digits.py":
        command += ["--dataset", small_npz]
    assert disk.run(*command).returncode == 0
    shutil.copytree(disk.path, tmp_path / "before")
    if state == "full":
        disk.leave(0)
    elif disk.mounted:
        disk.remount("ro")
    elif os.geteuid():
        disk.path.chmod(0o500)
    else:
        pytest.skip("root may write anywhere, and here it may not mount")
    assert_refused(disk.run(*command, "--seed", 1))
    for path in (tmp_path / "before").rglob("*.*"):
        if path.is_file():
            assert (disk.path / path.relative_to(tmp_path / "before")).read_bytes() == path.read_bytes()
