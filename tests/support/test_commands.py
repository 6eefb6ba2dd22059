"""Flags, errors and signals."""

import os
import platform
import re
import signal
import subprocess
import sys
from dataclasses import fields, make_dataclass
from pathlib import Path
from typing import Annotated, Literal
from unittest import mock

import keras
import pytest
import tensorflow as tf
from helpers import ROOT
from tensorflow.python.util import _pywrap_util_port

import evaluate
import generate_digits
import play
import train
from benchmarks import scaling
from support import commands


@pytest.mark.parametrize("flags", [("--epochs", "ten"), ("--turbo",), ("--loss", "triplet")])
def test_the_flag_library_refuses_in_its_own_words(run_script, flags):
    done = run_script("train.py", *flags, cwd=ROOT)
    assert done.returncode == 2 and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (
            ("loss", Literal["hinge", "minimax"], "hing"),
            "error: --loss 'hing' is none of those there are: choose",
        ),
        (
            ("kinds", tuple[Literal["long", "default"], ...], ("log",)),
            "error: --kinds 'log' is none of those there are",
        ),
        (("epochs", Annotated[int, commands.Range(1, 9)], 10), "error: --epochs 10 is out of range: choose 1 to 9"),
        (("epochs", Annotated[int, commands.Range(1, 9)], "six"), "error: --epochs six is out of range: choose 1 to 9"),
        (("epochs", Annotated[int, commands.Range(1, 9)], 2.5), "error: --epochs 2.5 is no int: give one"),
        (("epochs", Annotated[int, commands.Range(1, 9)], (6,)), "error: --epochs (6,) is a tuple: look for the comma"),
        (("kinds", tuple[Literal["long", "default"], ...], "long"), "error: --kinds 'long' is no tuple: look for"),
        (("models_dir", Path | None, "mine"), "error: --models-dir 'mine' is no Path: give one"),
    ],
)
def test_what_is_edited_at_the_top_of_a_script_is_checked_as_a_flag_is(field, said, capsys, recwarn):
    with pytest.raises(SystemExit) as exit:
        commands.run(None, make_dataclass("Config", [field]), [])
    error = capsys.readouterr().err
    assert exit.value.code == 2 and error.startswith(said) and error.count("\n") == 1 and not recwarn


SAYING = (
    "from dataclasses import make_dataclass\n"
    "from support import commands\n"
    "commands.run(lambda config: print('said'), make_dataclass('Config', ()), [])\n"
)


def test_an_error_of_the_programs_own_is_not_taken_for_the_users():
    code = SAYING.replace("print('said')", "1 / 0")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_a_name_tells_the_terminal_nothing(refuses, tmp_path):
    line = refuses(
        train.train, "--dataset", tmp_path / "a\nerror: all is well\x1b[31m", "--models-dir", tmp_path / "mine"
    )
    assert r"a\nerror: all is well\x1b[31m" in line


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "no room")])
def test_too_little_memory_is_told_in_a_line(refuses, monkeypatch, error):
    def load(*args):
        raise error

    monkeypatch.setattr(train, "load", load)
    assert "there is too little memory: free some" in refuses(train.train)


@pytest.mark.parametrize("main", [train.train, generate_digits.generate, evaluate.evaluate, play.play])
def test_help_explains_every_flag(main, capsys):
    config = sys.modules[main.__module__].Config
    with pytest.raises(SystemExit) as exit:
        commands.run(main, config, ["--help"])
    said = capsys.readouterr().out
    assert exit.value.code == 0
    for field in fields(config):
        flag = commands.as_flag(field.name)
        _, _, explained = re.split(rf"^[│ ] {flag}\b", said, flags=re.M)[-1].partition("  ")  # after its kind of value
        explained = re.split(r"^[│ ] -|^╰|\(default", explained, flags=re.M)[0]
        assert flag in said and len(re.findall("[a-z]{2,}", explained)) > 2, flag


def test_scripts_begin_without_what_takes_long():
    """So that --help and refusals come at once, and nothing of TensorFlow or matplotlib is said before."""
    code = "import sys, train, generate_digits, evaluate, play\n"
    code += "print({'keras', 'matplotlib', 'tensorflow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_a_reader_that_has_read_enough_is_no_error():
    output, written = os.pipe()
    os.close(output)
    done = subprocess.run([sys.executable, "-c", SAYING], cwd=ROOT, stdout=written, stderr=subprocess.PIPE)
    os.close(written)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_error(closed):
    """And what is opened next has a descriptor of its own."""
    code = SAYING.replace("print", "commands.quiet()(print)") + "import os; assert os.open(os.devnull, 0) > 2"
    done = subprocess.run(["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, code], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"") and done.stdout == (b"" if ">&-" in closed.split() else b"said\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_output_on_a_full_disk_is_refused_in_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", SAYING], cwd=ROOT, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1) and done.stderr.startswith(b"error: the output")


def test_what_an_encoding_lacks_is_no_error():
    code, ascii_only = SAYING.replace("said", "Fr\u00e9chet"), os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=ascii_only, capture_output=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"Fr?chet", b"")


def test_the_backend_is_tensorflow_whatever_another_project_asks_for():
    asked = {"KERAS_BACKEND": "jax", "KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "9"}
    code = f"import os; from support import commands; print([os.environ.get(name) for name in {[*asked]}])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | asked, capture_output=True, text=True
    )
    assert done.stdout == "['tensorflow', None, None]\n", done.stderr


def test_keras_computes_as_it_comes_whatever_another_project_asks_for():
    keras.config.set_floatx("float16")
    keras.config.set_image_data_format("channels_first")
    commands.import_keras()
    assert (keras.config.floatx(), keras.config.image_data_format()) == ("float32", "channels_last")


def test_a_directory_of_logs_is_not_taken_for_the_module_that_is_missing(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "absent").mkdir()
    with pytest.raises(commands.UserError, match="--log-dir needs absent, which is not installed: pip install"):
        commands.require("absent", "--log-dir", "requirements.txt")


@pytest.mark.parametrize(
    ("main", "flag"),
    [
        (train.train, "--dataset"),
        (train.train, "--samples-dir"),
        (generate_digits.generate, "--models-dir"),
        (evaluate.evaluate, "--npz"),
    ],
)
def test_refuses_a_name_that_is_no_text(refuses, tmp_path, monkeypatch, main, flag):
    monkeypatch.chdir(tmp_path)
    assert rf"{flag} 'd\udcff' is no text" in refuses(main, flag, os.fsdecode(b"d\xff"))
    assert not any(tmp_path.iterdir())


def test_a_value_that_is_empty_is_no_place(refuses, tmp_path, monkeypatch):
    """As from an unset shell variable: it would be the current directory."""
    monkeypatch.chdir(tmp_path)
    for flags, said in (
        (["--models-dir", "", "--epochs", "1"], "there is an empty value after --models-dir: give one"),
        (["--epochs=1", "--models-dir="], "--models-dir has no value: give one"),
        (["", "--epochs=1"], "there is an empty value: give one"),
        (["--log-dir", "None"], "--log-dir None means no value: leave it out"),
        (["--log-dir=None"], "--log-dir None means no value: leave it out"),
    ):
        assert refuses(train.train, *flags).startswith(f"error: {said}")
    assert not any(tmp_path.iterdir())


def test_each_of_several_values_has_to_be_in_range():
    commands.check(scaling.Config(batch_sizes=(2, 8192)))
    commands.check(train.Config(generator_lr=1, models_dir=Path("mine")))
    with pytest.raises(commands.UserError, match="--batch-sizes has no value: give one or more"):
        commands.check(scaling.Config(batch_sizes=()))
    with pytest.raises(commands.UserError, match="--batch-sizes 0 is out of range"):
        commands.check(scaling.Config(batch_sizes=(32, 0)))


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="elsewhere it is left to TensorFlow")
@pytest.mark.skipif(os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0", reason="it was asked not to")
def test_onednn_computes():
    assert _pywrap_util_port.IsMklEnabled()


def test_a_progress_bar_that_nobody_reads_any_more_is_no_error(monkeypatch):
    gone = mock.Mock(**{"write.side_effect": BrokenPipeError, "flush.side_effect": BrokenPipeError})
    monkeypatch.setattr(sys, "stderr", gone)
    commands.StandardError().write("half")
    commands.StandardError().flush()
    assert gone.write.called and gone.flush.called


def test_errors_are_heard_after_one_in_quiet(capfd):
    with pytest.raises(ZeroDivisionError), commands.quiet():
        os.write(2, b"unheard")
        raise ZeroDivisionError
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
