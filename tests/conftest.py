"""Fixtures that several test files share; the expensive ones are made once a session."""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The matrices are small: several threads for each gain nothing, and where other work runs beside, cost twenty times.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # what is compared bit by bit is a processor's
os.environ.pop("TF_CONFIG", None)

from support import commands

with commands.quiet():  # TensorFlow's notices would come after pytest's summary
    import keras  # noqa: F401

import filelock
import numpy as np
import pytest
from helpers import DEFAULT_WIDTHS, ROOT, run_in

import play
import train
import utils
from benchmarks.page import chromium, find_chromium
from evaluation import judge, measure
from support.dataset import Dataset
from support.datasets import load_dataset
from support.model_files import PRETRAINED_DIR
from training.devices import start_tensorflow

COMMITTED = ("*.py", "data", "drawing", "evaluation", "models/pretrained", "page", "support", "training", "Makefile")
COMMITTED += ("requirements*.txt",)


start_tensorflow()  # before anything else has TensorFlow start: bits depend on it, and scripts are compared with calls
judge.load_judge = functools.cache(judge.load_judge)  # seconds, until it has looked at its first images


@pytest.fixture(scope="session", autouse=True)
def checkout_stays_clean():
    """The suite leaves nothing behind that git would see."""

    if not shutil.which("git"):
        yield
        return

    def status():
        return subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout

    before = status()
    yield
    assert status() == before


@pytest.fixture(scope="session")
def mnist():
    return load_dataset("mnist")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """A function (name, make) -> a directory, which `make(directory)` fills, once for all of xdist's workers."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def made_once(name, make):
        directory, made = root / name, root / f"{name}.made"
        with filelock.FileLock(root / f"{name}.lock"):
            if not made.exists():
                shutil.rmtree(directory, ignore_errors=True)  # half made, by a worker in which that failed
                directory.mkdir()
                make(directory)
                made.touch()
        return directory

    return made_once


@pytest.fixture(scope="session")
def small_npz(mnist, made_once):
    """A .npz file of 1,344 training digits: 42 steps, 2 calls."""

    def make(directory):
        np.savez(directory / "small.npz", x_train=mnist.x_train[:1344, ..., 0], y_train=mnist.y_train[:1344])

    return made_once("data", make) / "small.npz"


@pytest.fixture(scope="session")
def short_run(small_npz, made_once):
    """The directory of a run of two epochs that were measured, with models/, samples/ and logs/ in it."""

    def make(directory):
        train.train(run_in(directory, small_npz, log_dir=directory / "logs", **DEFAULT_WIDTHS))

    return made_once("run", make)


@pytest.fixture(scope="session")
def undisturbed(small_npz, made_once):
    """The directory of the run that the others should equal: not measured, which takes its time."""
    return made_once("undisturbed", lambda directory: train.train(run_in(directory, small_npz, evaluate=False)))


@pytest.fixture(scope="session")
def measured(small_npz, made_once):
    """The directory of the same run, measured."""
    return made_once("measured", lambda directory: train.train(run_in(directory, small_npz)))


@pytest.fixture(scope="session")
def real(mnist, tmp_path_factory):
    """A data set of 1,200 digits and 600 more of the same writers to test with, and its file."""
    order = np.random.default_rng(0).permutation(len(mnist.x_train))
    training, test = order[:1200], order[2000:2600]
    dataset = Dataset(mnist.x_train[training], mnist.y_train[training], mnist.x_train[test], mnist.y_train[test])
    path = tmp_path_factory.mktemp("real") / "real.npz"
    np.savez(path, **dataset._asdict())
    return dataset, path


@pytest.fixture(scope="session")
def measured_real(real):
    """What is measured of 600 real digits that nobody drew, and by what floor, digits and training were scored."""
    from evaluate import Config  # now, as it takes what is cached above

    with mock.patch.object(measure, "score", wraps=measure.score) as score:
        measured = measure.measure(Config(count=600), real[0], judge.load_judge(), *real[0][2:], "these")
    return measured, [call.args for call in score.call_args_list]


@pytest.fixture(scope="session")
def reader():
    """The committed judge, which never saw a generated digit, as a function: uint8 (N, 28, 28, 1) -> labels (N,)."""
    return lambda images: utils.look(judge.load_judge(), images)[1].argmax(axis=-1)


@pytest.fixture
def checkout(tmp_path):
    """A copy of what is committed, for commands that write where they stand."""
    for pattern in COMMITTED:
        for path in ROOT.glob(pattern):
            target = tmp_path / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
    return tmp_path


@pytest.fixture
def run_script():
    """Run a script as a user would; returns the finished process."""

    def run(*command, cwd):
        return subprocess.run([sys.executable, *map(str, command)], cwd=cwd, capture_output=True, text=True)

    return run


@pytest.fixture
def refuses(capsys, tmp_path_factory):
    """Check that flags end a script with exit code 2 and one line, `error: what: what to do`; returns the line."""

    def check(main, *flags):
        capsys.readouterr()  # what came before
        here = Path.cwd()  # if that is the checkout, what is not refused after all must not train over what is in it
        place = tmp_path_factory.mktemp("refused") if here == ROOT else here
        with pytest.raises(SystemExit) as exit, contextlib.chdir(place):
            commands.run(main, sys.modules[main.__module__].Config, [str(flag) for flag in flags])
        error = capsys.readouterr().err
        if "\r" in error:  # a progress bar came first, and was either wiped or left on a line of its own
            error = error.rpartition("\r")[2]
            error = error[error.find("error: ") :]
        assert exit.value.code == 2
        assert error.startswith("error: ") and error.count("\n") == 1 and error.count(": ") >= 2, error
        return error

    return check


@pytest.fixture(scope="session")
def browser():
    if not find_chromium():
        pytest.skip("there is no chromium here to open a page in")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def play_html(made_once):
    """The page of the pretrained models."""

    def make(directory):
        play.play(play.Config(models_dir=PRETRAINED_DIR, output_dir=directory))

    return made_once("page", make) / "play.html"


@pytest.fixture
def open_page(browser):
    """Open a page as `open_page(path, fragment, **options of the browser)`; returns Playwright's page.

    Whatever is done with it, it has no error and asks nothing of any network.
    """
    pages, troubles, requests = [], [], []

    def open_(path, fragment="", **options):
        page = browser.new_context(**{"color_scheme": "dark", "accept_downloads": True} | options).new_page()
        pages.append(page)
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.set_default_timeout(10_000)
        page.goto(f"{path.as_uri()}#{fragment}")
        return page

    yield open_
    for page in pages:
        page.context.close()
    assert not troubles
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests), requests


@pytest.fixture(scope="module")
def browser_page(browser, play_html):
    """One page of the pretrained models that a file's tests share."""
    page = browser.new_page(color_scheme="dark")
    page.goto(play_html.as_uri())
    yield page
    page.close()
