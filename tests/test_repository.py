"""The repository: the README's commands run, and the code is tidy."""

import ast
import contextlib
import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tyro
from helpers import ROOT
from PIL import Image

import evaluate
import generate_digits
import play
import train
import utils
from drawing import hands
from evaluation import judge, two_sample
from support import commands, model_files
from support.datasets import FASHION

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
COMMANDS = [line.partition("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]

MAIN = {
    "train.py": train.train,
    "generate_digits.py": generate_digits.generate,
    "evaluate.py": evaluate.evaluate,
    "play.py": play.play,
}
KNOWN = ("make ", "pip install -r ", *(f"python {script}" for script in MAIN))


def test_readme_commands_are_all_known():
    """Each is run below, or is one of those that set up what the tests run in."""
    setup = {"python3 -m venv .venv", ". .venv/bin/activate", "python -m pytest --numprocesses 2 --dist loadfile"}
    setup |= {"python -m pytest -m stress", "tensorboard --logdir logs", "apt-get install dataset-fashion-mnist"}
    for command in COMMANDS:
        assert command in setup or command.startswith(KNOWN)


@pytest.fixture(scope="module")
def few(mnist, tmp_path_factory):
    """Files of 320 training digits, to learn from, and of 960, of which a sixth is enough to measure by."""
    directory = tmp_path_factory.mktemp("data")
    for count in (320, 960):
        path = directory / f"{count}.npz"
        np.savez(path, x_train=mnist.x_train[:count, ..., 0], y_train=mnist.y_train[:count])
    return directory


def run_command(command, *more):
    _, script, *words = shlex.split(command)
    main = MAIN[script]
    commands.run(main, sys.modules[main.__module__].Config, [*words, *map(str, more)])


@pytest.fixture(scope="module")
def trained(few, tmp_path_factory):
    """A directory in which the README's first run was made."""
    directory = tmp_path_factory.mktemp("trained")
    with contextlib.chdir(directory):
        run_command("python train.py", "--dataset", few / "320.npz", "--epochs", 1)
    return directory


@pytest.mark.parametrize("command", dict.fromkeys(command for command in COMMANDS if ".py" in command))
def test_readme_command_runs(command, checkout, few, monkeypatch, request, capsys):
    """As it stands, but with a small data set, which classifiers see once, and with a file where one is asked for.

    In this process: that each script starts by itself, other tests show.
    """

    def fit_once(*args, epochs, fit=judge.fit_classifier, **kwargs):
        fit(*args, epochs=1, **kwargs)

    monkeypatch.setattr(judge, "fit_classifier", fit_once)
    monkeypatch.setattr(two_sample, "fit_classifier", fit_once)
    flags = {
        "train.py": ["--dataset", few / "320.npz", "--epochs", 2 if "--resume --epochs" in command else 1],
        "evaluate.py": ["--dataset", few / "960.npz", "--count", 300],
        "generate_digits.py": ["--count", 200] if "70000" in command else [],
    }
    if command == "python train.py" or "--resume" in command:
        shutil.copytree(request.getfixturevalue("trained"), checkout, dirs_exist_ok=True)
    shutil.copy(few / "960.npz", checkout / "digits.npz")
    if "--models-dir fashion" in command and "train.py" not in command:  # what an earlier line of the README left
        shutil.copytree(checkout / "models" / "pretrained", checkout / "fashion")
        run = json.loads((checkout / "fashion" / "run.json").read_text())
        (checkout / "fashion" / "run.json").write_text(json.dumps(run | {"classes": FASHION}))
    monkeypatch.chdir(checkout)
    if command != "python train.py":
        run_command(command, *flags.get(command.split()[1], []))
    assert "starting one" not in capsys.readouterr().out


def test_every_command_that_is_named_has_these_flags():
    """In the text of both READMEs, too; FILE, DIRECTORY and the like stand for what there is."""
    texts = [(ROOT / name).read_text() for name in ("README.md", "benchmarks/README.md", "CONTRIBUTING.md")]
    named = {words for text in texts for words in re.findall(r"`(?:[A-Z_]+=\S+ )*python\s+([\w/]+\.py[^`]*)`", text)}
    assert len(named) > 20
    for script, *words in map(shlex.split, sorted(named)):
        module = importlib.import_module(script.removesuffix(".py").replace("/", "."))
        commands.check(tyro.cli(module.Config, args=words))


def test_readme_code_draws(checkout, monkeypatch):
    shutil.copytree(checkout / "models" / "pretrained", checkout / "models", dirs_exist_ok=True)
    monkeypatch.chdir(checkout)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    np.random.seed(0)
    exec(code, names := {})
    assert names["images"].shape == (5, 28, 28, 1) and names["images"].max() > 200 > 50 > names["images"].min()
    assert (utils.look(judge.load_judge(), np.round(names["images"]).astype("uint8"))[1].argmax(axis=1) == 7).sum() > 3


def test_readme_sheet_is_of_the_committed_models():
    models = f"sha256:{hands.fingerprint(model_files.load_models(model_files.PRETRAINED_DIR))}"
    assert Image.open(ROOT / "docs" / "digits.png").text["models"] == models


def test_evaluate_starts_by_itself(checkout, small_npz, run_script):
    done = run_script("evaluate.py", "--dataset", small_npz, "--count", 200, "--json", "numbers.json", cwd=checkout)
    assert done.returncode == 0 and "Fréchet distance" in done.stdout, done.stderr
    assert json.loads((checkout / "numbers.json").read_text())["digits"]["frechet_distance"] > 0


def test_play_starts_by_itself(checkout, run_script):
    done = run_script("play.py", "--directions", 0, cwd=checkout)
    assert done.returncode == 0 and (checkout / "generated_digits" / "play.html").exists(), done.stderr


MODEL = {"generator", "discriminator", "gan"}
COMMANDS_AT_ROOT = {"train", "generate_digits", "evaluate", "play"}
MAY_IMPORT = {  # of the project; benchmarks and tests may import anything
    **{module: set() for module in MODEL},
    "support": {"support"},
    "utils": {"support"},
    "training": {"training", "utils", "support"},
    "evaluation": {"evaluation", "utils", "support"},
    "page": {"page", "utils", "support"},
    "drawing": {"drawing", "utils", "support"},
    "train": {*MODEL, "training", "evaluation", "utils", "support"},
    "generate_digits": {"drawing", "utils", "support"},
    "evaluate": {"evaluation", "utils", "support"},
    "play": {"page", "support"},
}


def test_imports_go_one_way():
    """Commands stand on training, evaluation, drawing and page, those on utils and support; the model stands alone."""
    for room, allowed in MAY_IMPORT.items():
        paths = [ROOT / f"{room}.py"] if (ROOT / f"{room}.py").exists() else sorted((ROOT / room).glob("*.py"))
        for path in paths:
            imported = set()
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    imported.add(node.module.partition(".")[0])
            assert imported & {*MAY_IMPORT, "benchmarks", "tests"} <= allowed, path


def test_the_root_and_the_rooms_are_small():
    """The root has what one runs and changes; each room says what it is for; a module is read in one sitting."""
    assert {path.stem for path in ROOT.glob("*.py")} == MODEL | COMMANDS_AT_ROOT | {"utils"}
    for room in ("training", "evaluation", "drawing", "page", "support", "benchmarks"):
        assert ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text()))
    environments = tuple(str(mark.parent) for mark in ROOT.glob("*/pyvenv.cfg"))
    lengths = {
        path: len(path.read_text().splitlines())
        for path in ROOT.rglob("*.py")
        if not str(path).startswith(environments)
    }
    assert max(lengths.values()) < 250 and lengths[ROOT / "train.py"] <= 170, lengths


@pytest.mark.skipif(not shutil.which("make"), reason="make is optional")
@pytest.mark.parametrize(
    "command", [*(command for command in COMMANDS if command.startswith("make")), "make pretrained", "make format"]
)
def test_make_knows_its_targets(command, checkout):
    done = subprocess.run([*command.split(), "--dry-run"], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0 and "pip install" in done.stdout, done.stderr
    if command == "make digits":
        assert "python train.py\n" in done.stdout and "python generate_digits.py\n" in done.stdout


@pytest.mark.parametrize("files", [command.split()[-1] for command in COMMANDS if command.startswith("pip")])
def test_requirements_are_met_here(files):
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-index"]
    assert subprocess.run([*pip, "-r", files], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_ruff(command):
    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
