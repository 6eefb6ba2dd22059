"""Runs that are stopped, killed, damaged, or begun twice."""

import errno
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import keras
import pytest
from conftest import ROOT, assert_equal_weights, assert_same_run, run_in

import callbacks
import checkpoint
import discriminator
import generator
import pictures
import train
import utils


@pytest.fixture
def config(tiny_npz, tmp_path):
    """That of the undisturbed run, in another directory."""
    return run_in(tmp_path, tiny_npz, evaluate=False)


@pytest.fixture
def stop_at(monkeypatch):
    """Have SIGINT come at the n-th call of a function; once, for it is the handler of that run that is waited for."""

    def patch(place, name, n=1):
        function, calls = getattr(place, name), []

        def stopping(*args, **kwargs):
            calls.append(None)
            if len(calls) == n:
                signal.raise_signal(signal.SIGINT)
            return function(*args, **kwargs)

        monkeypatch.setattr(place, name, stopping)

    return patch


def flags_of(config):
    """The flags that mean `config`."""
    return shlex.split(train.resume_command(config))[3:] + ["--resume"] * config.resume


def assert_resumes(config, reference):
    train.train(replace(config, resume=True))
    assert_same_run(config.models_dir, config.samples_dir, reference)
    assert not (config.models_dir / "checkpoint").exists()


@pytest.mark.parametrize(
    ("place", "name", "n"),
    [
        (callbacks.Progress, "on_train_batch_end", 1),  # in the midst of an epoch
        (callbacks.Progress, "on_train_batch_end", 4),  # with the last step
        (callbacks.SampleSheets, "on_epoch_end", 1),  # after the last step of an epoch
        (checkpoint.Record, "save", 3),  # while the state is written
        (pictures, "save_gif", 1),  # when all is learned, and the results are written
    ],
)
def test_a_stopped_run_goes_on_as_if_nothing_had_been(place, name, n, config, stop_at, undisturbed, capsys):
    stop_at(place, name, n)
    with pytest.raises(utils.Stopped):
        train.train(config)
    printed = capsys.readouterr().out.strip()
    assert printed.endswith(train.resume_command(config)) and "python train.py --resume --dataset=" in printed
    assert_resumes(config, undisturbed)


def test_a_run_stopped_while_it_measures_goes_on_measuring(small_npz, stop_at, short_run, tmp_path):
    config = run_in(tmp_path, small_npz)
    stop_at(callbacks.Quality, "on_epoch_end", 2)
    with pytest.raises(utils.Stopped):
        train.train(config)
    assert_resumes(config, short_run)
    run, reference = (json.loads((path / "models" / "run.json").read_text()) for path in (tmp_path, short_run))
    assert run["quality"] == reference["quality"]


def test_signals_save_and_kills_do_no_harm(config, undisturbed):
    """Stopped by SIGTERM, killed, and taken up by the command that was printed: the same as never stopped."""
    config = replace(config, checkpoint_every=1)
    command = [sys.executable, "train.py", *flags_of(config)]
    for signum, exit_code in ((signal.SIGTERM, 143), (signal.SIGKILL, -9)):
        before = checkpoint.find(config.models_dir)
        process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while checkpoint.find(config.models_dir) == before and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signum)
        printed, _ = process.communicate()
        assert process.returncode == exit_code
        if signum == signal.SIGTERM:
            command = shlex.split(printed.partition("to go on: ")[2])
    assert_resumes(config, undisturbed)


def test_a_second_signal_kills(config):
    """Signals that the process holds back, because steps are under way, wait only once."""
    program = (
        "import os, signal, utils\n"
        "with utils.Signals() as signals:\n"
        "    signals.hold()\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('held', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('not killed')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "held\n")


@pytest.fixture
def unfinished(config, stop_at):
    """The configuration of a run that was stopped in its second epoch, after 90 of 120 steps."""
    stop_at(callbacks.Progress, "on_train_batch_end", 3)
    with pytest.raises(utils.Stopped):
        train.train(config)
    return config


def test_resume_names_what_differs(unfinished, refuses, monkeypatch):
    config = replace(unfinished, resume=True)
    differences = {
        "width": 32,
        "seed": 1,
        "loss": "non-saturating",
        "conditional": False,
        "evaluate": True,
        "epochs": 1,
    }
    for name, value in differences.items():
        assert f"--{name}" in refuses(train.train, *flags_of(replace(config, **{name: value})))
    assert "data" in refuses(train.train, *flags_of(replace(config, dataset="mnist")))

    def deeper(*args, **kwargs):
        network = build_generator(*args, **kwargs)
        inputs = keras.Input(network.input_shape[1:])
        return keras.Sequential([inputs, *network.layers[:-1], keras.layers.Dropout(0.1), network.layers[-1]])

    build_generator = generator.build_generator
    monkeypatch.setattr(generator, "build_generator", deeper)
    assert "layer 8 of the generator is {" in refuses(train.train, *flags_of(config))


def test_damage_is_noticed_and_the_state_before_taken(unfinished, refuses):
    """A bit of any file; then of both states."""
    older, newest = sorted((unfinished.models_dir / "checkpoint").glob("0*"))
    files = sorted(newest.iterdir())
    assert len(files) == 4
    for path in files:
        right = path.read_bytes()
        wrong = bytearray(right)
        wrong[len(wrong) // 2] ^= 1
        path.write_bytes(wrong)
        assert checkpoint.find(unfinished.models_dir).path == older
        path.write_bytes(right[:-1])
        assert checkpoint.find(unfinished.models_dir).path == older
        path.unlink()
        assert checkpoint.find(unfinished.models_dir).path == older
        path.write_bytes(right)
    assert checkpoint.find(unfinished.models_dir).path == newest
    for state in (older, newest):
        (state / "state.index").write_bytes(b"")
    assert "undamaged" in refuses(train.train, *flags_of(replace(unfinished, resume=True)))


def test_without_resume_an_unfinished_run_is_moved_aside(unfinished, undisturbed, capsys):
    train.train(replace(unfinished, seed=1, epochs=1))
    aside = unfinished.models_dir / "unfinished-1"
    assert str(aside) in capsys.readouterr().out
    assert_resumes(replace(unfinished, models_dir=aside), undisturbed)  # into the pictures of another run, too


@pytest.mark.parametrize("place", [None, (train, "build_gan"), (checkpoint.Record, "save")])
def test_a_finished_run_can_be_trained_further(place, config, stop_at, tmp_path):
    """Where the learning rates do not fall, as if it had been that long from the start; also if stopped early."""
    config = replace(config, epochs=1, lr_fall=0.0)
    train.train(config)
    (config.models_dir / "checkpoint").mkdir()
    (config.models_dir / "checkpoint" / "notes.txt").write_text("mine")
    longer = replace(config, epochs=2, resume=True)
    if place:
        stop_at(*place)
        with pytest.raises(utils.Stopped):
            train.train(longer)
    train.train(longer)
    whole = tmp_path / "whole"
    train.train(replace(config, epochs=2, models_dir=whole / "models", samples_dir=whole / "samples"))
    assert_same_run(config.models_dir, config.samples_dir, whole)
    assert (config.models_dir / "checkpoint" / "notes.txt").read_text() == "mine"


def test_what_a_kill_left_of_a_state_does_not_stay(unfinished, undisturbed):
    temporary = unfinished.models_dir / "checkpoint" / ".new" / "state_temp" / "part-0.tempstate1"
    temporary.parent.mkdir(parents=True)
    temporary.write_text("half a state")
    assert_resumes(unfinished, undisturbed)


def test_layers_that_draw_random_numbers_resume_exactly(config, stop_at, monkeypatch, tmp_path):
    def with_dropout(*args):
        network = build_discriminator(*args)
        inputs = keras.Input(network.input_shape[1:])
        return keras.Sequential([inputs, *network.layers[:-1], keras.layers.Dropout(0.5), network.layers[-1]])

    build_discriminator = discriminator.build_discriminator
    monkeypatch.setattr(discriminator, "build_discriminator", with_dropout)
    whole = tmp_path / "whole"
    train.train(replace(config, models_dir=whole / "models", samples_dir=whole / "samples"))
    stop_at(callbacks.Progress, "on_train_batch_end", 3)
    with pytest.raises(utils.Stopped):
        train.train(config)
    assert_resumes(config, whole)


def test_a_reader_that_goes_does_not_take_the_run_along(config, undisturbed):
    """As with Ctrl-C and `2>&1 | tee log`, which ends tee first."""
    output, written = os.pipe()
    command = [sys.executable, "train.py", *flags_of(config)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=written, stderr=written)
    os.close(written)
    os.read(output, 1)  # the bar begins
    os.close(output)
    while not checkpoint.find(config.models_dir):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert_resumes(config, undisturbed)


def test_a_run_killed_before_its_first_state_is_not_mistaken_for_the_finished_one(config, undisturbed, stop_at):
    """Nothing was saved, so --resume begins anew, though there is a state of another run."""
    shutil.copytree(undisturbed / "models", config.models_dir)
    stop_at(train, "build_gan")
    config = replace(config, width=8, epochs=1)
    with pytest.raises(utils.Stopped):
        train.train(config)
    train.train(replace(config, resume=True))
    assert json.loads((config.models_dir / "run.json").read_text())["config"]["width"] == 8


def test_resuming_nothing_starts_and_resuming_the_finished_changes_nothing(config, undisturbed, capsys):
    for said in ("starting one", "models in"):
        assert_resumes(config, undisturbed)
        assert said in capsys.readouterr().out


def test_one_run_a_directory(config, refuses):
    """A second is refused and told of the first; a crash leaves no lock."""
    first = subprocess.Popen(
        [sys.executable, "train.py", *flags_of(config)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not (config.models_dir / ".running").exists():
        time.sleep(0.01)
    assert f"process {first.pid}" in refuses(train.train, *flags_of(config))
    assert first.poll() is None
    first.kill()
    first.wait()
    with checkpoint.only_run(config.models_dir):
        assert f"process {os.getpid()}" in refuses(train.train, *flags_of(config))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"r1_gamma": 1000.0, "loss": "non-saturating"}, "sees no difference"),
        ({"discriminator_lr": 1e-8}, "sees no difference"),
        ({"generator_lr": 1e-8}, "never deceives"),
    ],
)
def test_a_hopeless_run_is_stopped(change, said, config, refuses, monkeypatch):
    """With the epoch and the knob, and the last state kept."""
    monkeypatch.setattr(callbacks, "COLLAPSE_STEPS", 150)
    error = refuses(train.train, *flags_of(replace(config, epochs=10, **change)))
    assert said in error and "in epoch " in error and ("--r1-gamma" in error or "--discriminator-lr" in error)
    assert checkpoint.find(config.models_dir)


@pytest.mark.parametrize("name", ["state.index", "epoch_001.png", "discriminator.keras", "history.csv", ".running"])
def test_a_full_disk_at_any_write_leaves_the_old_files(name, config, refuses, monkeypatch, undisturbed):
    """Here `flush` fails, as the last step of writing; tests/stress/ has a disk that is full."""
    directories = config.models_dir, config.samples_dir
    for directory, old in zip(directories, ("models", "samples"), strict=True):
        shutil.copytree(undisturbed / old, directory)

    def full(path):
        if path.name.endswith(name):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(utils, "flush", full)
    error = refuses(train.train, *flags_of(replace(config, seed=1, epochs=1)))
    assert "No space left" in error
    assert_equal_weights(config.models_dir, undisturbed / "models")
    for directory in directories:
        ours = [path.name for path in directory.iterdir() if path.name.startswith(".") and path.name != ".lock"]
        assert not ours
