"""Runs that are stopped, for the tests of their room."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys

import pytest
from helpers import ROOT, flags_of, run_in

import train
from support import commands
from training import callbacks


@pytest.fixture
def config(small_npz, tmp_path):
    """That of the undisturbed run, in another directory."""
    return run_in(tmp_path, small_npz, evaluate=False)


@pytest.fixture
def start():
    """Start this Python in the checkout, by its words and options of Popen; what is started never outlives the test."""
    with contextlib.ExitStack() as at_the_end:

        def start(*words, **options):
            command = [sys.executable, *map(str, words)]
            process = at_the_end.enter_context(subprocess.Popen(command, cwd=ROOT, text=True, **options))
            at_the_end.callback(process.kill)
            return process

        yield start


@pytest.fixture
def start_worker(start):
    """Start tests/worker.py on so many devices, to train by a configuration and to take notes beside its models."""

    def start_worker(config, devices=1, **environment):
        notes = config.models_dir.parent / "notes.jsonl"
        notes.parent.mkdir(parents=True, exist_ok=True)
        streams = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        words = ["tests/worker.py", devices, notes, *flags_of(config)]
        return start(*words, env=os.environ | environment, **streams)

    return start_worker


@pytest.fixture
def stop_at(monkeypatch):
    """Train by a configuration, and have SIGINT come at the n-th call of a function, which stops the run; once."""

    def stop_at(config, place, name, n=1):
        function, calls = getattr(place, name), []

        def stopping(*args, **kwargs):
            calls.append(None)
            if len(calls) == n:
                signal.raise_signal(signal.SIGINT)
            return function(*args, **kwargs)

        monkeypatch.setattr(place, name, stopping)
        with pytest.raises(commands.Stopped):
            train.train(config)

    return stop_at


@pytest.fixture
def unfinished(config, stop_at, made_once):
    """The configuration of a run that was stopped in its second epoch, after 63 of 84 steps."""

    def make(directory):
        stop_at(run_in(directory, config.dataset, evaluate=False), callbacks.Progress, "on_train_batch_end", 3)

    directory = config.models_dir.parent
    shutil.copytree(made_once("unfinished", make), directory, dirs_exist_ok=True)
    return config
