"""Runs that are stopped, killed, damaged, or begun twice."""

import csv
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from types import SimpleNamespace

import keras
import pytest
from helpers import assert_resumes, assert_same_run, caption, flags_of, leave_half, resume, run_in

import discriminator
import generator
import train
import utils
from evaluation import quality
from support import commands
from training import callbacks, checkpoint, sheets
from training import run as training_run
from training.record import Record
from training.run import Run


def test_a_run_stopped_five_times_goes_on_as_if_nothing_had_been(config, stop_at, undisturbed, capsys):
    """In a directory that a shell and TensorFlow could take for a pattern."""
    config = replace(config, models_dir=config.models_dir.with_name("my models [1]"))
    for *place, n in (
        (callbacks.Progress, "on_train_batch_end", 2),  # in the midst of an epoch, after the first state
        (sheets.SampleSheets, "on_epoch_end", 1),  # after the last step of an epoch
        (Record, "save", 2),  # while the state is written, after that of the epoch's end
        (callbacks.Progress, "on_train_batch_end", 1),  # with the last step
        (utils, "save_gif", 1),  # when all is learned, and the results are written
    ):
        stop_at(config, *place, n)
        printed = capsys.readouterr().out.strip()
        assert printed.endswith(train.resume_command(config)) and "python train.py --resume --dataset=" in printed
        config = replace(config, resume=True)
    assert_resumes(config, undisturbed)


def test_a_run_that_is_stopped_loses_nothing(config, stop_at):
    """The calls of steps that were made, and the one under way, with no state before."""
    stop_at(replace(config, checkpoint_every=10**9), callbacks.Progress, "on_train_batch_end", 3)
    assert Record.load(checkpoint.find(config.models_dir).path / "record.npz").images == 63 * config.batch_size


def test_a_run_sweeps_what_killed_ones_have_left(config):
    left = []
    for directory in (config.models_dir, config.samples_dir):
        directory.mkdir()
        left.append(leave_half(directory, "x"))
    with Run(config.models_dir, config.samples_dir, "") as run:
        run.begin({"config": asdict(config), "data": {"images": 1344}}, resume=False)
    assert not any(path.exists() for path in left)


def test_a_run_stopped_before_it_began_names_no_way_to_go_on(config, stop_at, undisturbed, capsys):
    """The state that is there would be that of the run before."""
    shutil.copytree(undisturbed / "models", config.models_dir)
    stop_at(config, train, "load_to_train")
    assert capsys.readouterr().out == "stopped before it began\n"


def test_a_run_stopped_while_it_measures_goes_on_measuring(small_npz, stop_at, measured, monkeypatch, tmp_path):
    """And its seconds are those of all sittings: the first took a thousand, says its record."""
    config = run_in(tmp_path, small_npz)
    stop_at(config, quality.Quality, "on_epoch_end", 2)
    load = Record.load

    def slow(path):
        record = load(path)
        record.seconds["total"] += 1000
        return record

    monkeypatch.setattr(Record, "load", slow)
    config = replace(config, resume=True)
    stop_at(config, quality.Quality, "final")  # when nothing is left to train
    assert_resumes(config, measured)
    first, last = (caption(config.samples_dir / f"epoch_00{epoch}.png")[0] for epoch in (1, 2))
    assert first < 1000 < last
    run, reference = (json.loads((path / "models" / "run.json").read_text()) for path in (tmp_path, measured))
    assert run["quality"] == reference["quality"] and run["seconds"] > 1000


def test_a_run_that_is_measured_from_its_second_sitting_on_can_be_written(small_npz, stop_at, monkeypatch, tmp_path):
    """As where --dataset is stacked_mnist, and was a file of the same images."""
    config = run_in(tmp_path, small_npz)
    with monkeypatch.context() as patch:
        patch.setattr(quality, "quality_of", lambda *data: None)
        stop_at(config, callbacks.Progress, "on_train_batch_end", 3)
    train.train(replace(config, resume=True))
    first, second = csv.DictReader((config.models_dir / "history.csv").read_text().splitlines())
    assert first["frechet_distance"] == "" and float(second["frechet_distance"]) > 0


def test_signals_save_and_kills_do_no_harm(config, undisturbed, refuses, start):
    """Stopped, killed, taken up by the command that was printed: as if never stopped. Meanwhile others are refused."""
    config = replace(config, checkpoint_every=1)
    words = ["train.py", *flags_of(config)]
    for signum, exit_code in ((signal.SIGTERM, 143), (signal.SIGKILL, -9)):
        before = checkpoint.find(config.models_dir)
        process = start(*words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while not before and not (config.models_dir / ".running").exists() and process.poll() is None:
            time.sleep(0.01)
        if not before:
            assert f"process {process.pid}" in refuses(train.train, *flags_of(config))
        while checkpoint.find(config.models_dir) == before and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signum)
        printed, _ = process.communicate()
        assert process.returncode == exit_code
        if signum == signal.SIGTERM:
            python, *words = shlex.split(printed.partition("to go on: ")[2])
            assert shutil.which(python) == sys.executable
    temporary = config.models_dir / "checkpoint" / ".new" / "state_temp" / "part-0.tempstate1"
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text("half a state")  # as a kill may leave it
    assert_resumes(config, undisturbed)


def with_dropout(build):
    """A function that builds what `build` does, with a layer before the last that draws random numbers."""

    def deeper(*args, **shape):
        network = build(*args, **shape)
        inputs = keras.Input(network.input_shape[1:])
        return keras.Sequential([inputs, *network.layers[:-1], keras.layers.Dropout(0.5), network.layers[-1]])

    return deeper


def test_resume_names_what_differs(unfinished, refuses, monkeypatch):
    config = replace(unfinished, resume=True)
    differences = {
        "generator_width": 32,
        "seed": 1,
        "batch_size": 16,
        "loss": "non-saturating",
        "conditional": False,
        "evaluate": True,
        "epochs": 1,
    }
    for name, value in differences.items():
        error = refuses(train.train, *flags_of(replace(config, **{name: value})))
        assert commands.as_flag(name) in error and ("give --no-evaluate\n" in error) == (name == "evaluate")
    assert "data" in refuses(train.train, *flags_of(replace(config, dataset="mnist")))
    monkeypatch.setattr(generator, "build_generator", with_dropout(generator.build_generator))
    assert "layer 8 of the generator is {" in refuses(train.train, *flags_of(config))


def test_without_resume_an_unfinished_run_is_moved_aside(unfinished, undisturbed, stop_at, capsys):
    models_dir = unfinished.models_dir.rename(unfinished.models_dir.with_name("my models"))
    other, aside = replace(unfinished, models_dir=models_dir, seed=1, epochs=1), models_dir / "unfinished-1"
    for place, comes_back in (((train, "build_gan"), True), ((callbacks.Progress, "on_epoch_end"), False)):
        stop_at(other, *place)
        said = capsys.readouterr().out
        assert f"for --resume --models-dir '{aside}' beside the flags that it had\n" in said
        assert (f"the unfinished run is back in {models_dir}\n" in said) == comes_back != aside.exists()
    shutil.rmtree(models_dir / "checkpoint")
    stop_at(replace(other, resume=True), train, "build_gan")
    assert f"starting one; there is one in {aside}\n" in capsys.readouterr().out
    assert_resumes(replace(unfinished, models_dir=aside), undisturbed)  # into the pictures of another run, too


LATER = [pytest.param(place, marks=pytest.mark.stress) for place in (None, (train, "build_gan"), (Record, "save"))]


@pytest.mark.parametrize("place", [(callbacks.Progress, "on_train_batch_end"), *LATER])
def test_a_finished_run_can_be_trained_further(place, config, stop_at, tmp_path, monkeypatch):
    """If the learning rates do not fall, it ends as if it had been that long from the start; even if stopped early.

    With a layer that draws random numbers, which go on, too.
    """
    monkeypatch.setattr(discriminator, "build_discriminator", with_dropout(discriminator.build_discriminator))
    config = replace(config, epochs=1, lr_fall=0.0)
    train.train(config)
    (config.models_dir / "checkpoint").mkdir()
    (config.models_dir / "checkpoint" / "notes.txt").write_text("mine")
    longer = replace(config, epochs=2, resume=True)
    if place:
        stop_at(longer, *place)
    resume(longer)
    whole = tmp_path / "whole"
    train.train(replace(config, epochs=2, models_dir=whole / "models", samples_dir=whole / "samples"))
    assert_same_run(config.models_dir, config.samples_dir, whole)
    assert (config.models_dir / "checkpoint" / "notes.txt").read_text() == "mine"
    assert len(list((config.models_dir / "finished").iterdir())) == 1


def test_a_reader_that_goes_does_not_take_the_run_along(config, undisturbed, start):
    """As with Ctrl-C and `2>&1 | tee log`, which ends tee first."""
    output, written = os.pipe()
    process = start("train.py", *flags_of(config), stdout=written, stderr=written)
    os.close(written)
    os.read(output, 1)  # the bar begins
    os.close(output)
    while not checkpoint.find(config.models_dir):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert_resumes(config, undisturbed)


def test_resuming_the_finished_changes_nothing(config, undisturbed, capsys, monkeypatch):
    """And says so, and how to draw, also where --models-dir was edited in train.py."""
    monkeypatch.setattr(train.Config, "models_dir", config.models_dir)
    shutil.copytree(undisturbed, config.models_dir.parent, dirs_exist_ok=True)
    assert_resumes(config, undisturbed)
    said = capsys.readouterr().out
    assert "give more --epochs" in said and f"generate_digits.py --models-dir={config.models_dir}\n" in said


@pytest.mark.parametrize(("began", "step", "replicas"), [(63, 63, [2]), (63, 84, [2, 1]), (84, 84, [2])])
def test_replicas_that_change_within_a_run_are_told(began, step, replicas, capsys, tmp_path, monkeypatch):
    """If steps are left to make. How many replicas made steps is noted, not how many there were for measuring only."""
    monkeypatch.setattr(training_run.checkpoint, "restore", lambda state, gan: Record())
    monkeypatch.setattr(training_run.same_run, "refuse_differences", lambda *abouts: None)
    layers = SimpleNamespace(layers=[], distribute_strategy=SimpleNamespace(num_replicas_in_sync=1))
    gan = SimpleNamespace(generator=layers, discriminator=layers, step=began)
    with Run(tmp_path, tmp_path, "") as run:
        run.about, run.batch_size = {"config": {"epochs": 2}, "data": {"images": 1344}}, 32
        run.state = SimpleNamespace(about={"replica_counts": [2]})
        run.restore(gan)
        gan.step = step
        assert run.count_replicas() == replicas
    assert capsys.readouterr().out.startswith("replicas: 2 until here, 1 from now on") == (began < 84)
