"""A hundred kills, and twenty signals, at random moments of real runs."""

import csv
import json
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace

import pytest
from helpers import ROOT, assert_same_run, run_in
from PIL import Image

import train
from training import checkpoint

pytestmark = pytest.mark.stress


@pytest.fixture(scope="module")
def reference(small_npz, tmp_path_factory):
    """The configuration of a run, its directory once it is done, and how long that took."""
    directory = tmp_path_factory.mktemp("undisturbed")
    config = often_saved(directory, small_npz)
    started = time.monotonic()
    assert start(config).wait() == 0
    return config, directory, time.monotonic() - started


def often_saved(directory, dataset):
    """A run that is saved after every call, and goes on with what it finds."""
    return replace(run_in(directory, dataset, evaluate=False), epochs=4, checkpoint_every=1, resume=True)


def start(config, **streams):
    command = [sys.executable, *shlex.split(train.resume_command(config))[1:]]
    return subprocess.Popen(
        command, cwd=ROOT, **streams or {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    )


def check_files(directory):
    """Every file that bears its name is whole; returns whether something was being written."""
    for path in directory.rglob("*.*"):
        if path.name.startswith(".") or "/." in str(path.relative_to(directory)):
            continue
        match path.suffix:
            case ".png" | ".gif":
                Image.open(path).verify()
            case ".keras" | ".npz":
                assert zipfile.ZipFile(path).testzip() is None
            case ".json":
                json.loads(path.read_text())
            case ".csv":
                assert len(list(csv.DictReader(path.open()))) == 4
    return bool([path for path in directory.rglob(".*") if path.name not in (".lock", ".running")])


def test_a_hundred_kills(reference, tmp_path):
    """Runs are killed and resumed until they are done, again and again in the same directory."""
    whole_config, whole, seconds = reference
    config = often_saved(tmp_path, whole_config.dataset)
    rng, kills, writing, finished = random.Random(0), 0, 0, 0
    while kills < 100 or not finished:
        before = checkpoint.find(config.models_dir)
        process = start(config)
        try:
            assert process.wait(rng.uniform(0.2, 1.1) * seconds if kills < 100 else None) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            writing += check_files(tmp_path)
            assert before is None or checkpoint.find(config.models_dir).path.name >= before.path.name
        else:
            finished += 1
            check_files(tmp_path)
            assert_same_run(config.models_dir, config.samples_dir, whole)
            assert not (config.models_dir / "checkpoint").exists()
            shutil.rmtree(config.models_dir / "finished")  # so that the next starts anew, over the results of this
    print(f"{kills} kills, {writing} of them while a file was written; {finished} runs came to their end")
    assert writing >= 3


def test_signals_are_answered_within_two_seconds(reference, tmp_path):
    whole_config, whole, seconds = reference
    config = often_saved(tmp_path, whole_config.dataset)
    rng, slowest = random.Random(0), 0
    for number in range(20):
        signum = rng.choice([signal.SIGINT, signal.SIGTERM])
        process = start(config, stdout=subprocess.PIPE, text=True)
        while not (config.models_dir / ".running").exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.9) * seconds)
        sent = time.monotonic()
        process.send_signal(signum)
        printed, _ = process.communicate()
        slowest = max(slowest, time.monotonic() - sent)
        if (config.models_dir / "checkpoint").exists():  # else it came to its end before
            assert process.returncode == 128 + signum, number
            assert "train.py --resume" in printed
        check_files(tmp_path)
    print(f"the slowest answer took {slowest:.2f} s")
    assert slowest < 2
    assert start(config).wait() == 0
    assert_same_run(config.models_dir, config.samples_dir, whole)
