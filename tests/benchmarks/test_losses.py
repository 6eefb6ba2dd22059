"""The comparisons of losses and of modes: what is there is not repeated, and all of it is shown."""

import json
import shutil

import numpy as np
from PIL import Image

from benchmarks import coloured, losses, modes
from gan import LOSSES
from support.dataset import Dataset
from support.datasets import load_dataset
from support.model_files import PRETRAINED_DIR


def test_comparison_of_losses_goes_on_where_it_was(monkeypatch, tmp_path):
    commands = []

    def run_script(script, *flags):
        commands.append(script)
        directory = flags[flags.index("--models-dir") + 1]
        directory.mkdir(exist_ok=True, parents=True)
        loss, kind, epochs, seed = directory.name.split("_")
        if script == "train.py":
            asked = [str(flags[flags.index(flag) + 1]) for flag in ("--loss", "--epochs", "--seed")]
            assert asked == [loss, epochs, seed] and ("--no-conditional" in flags) == (kind == "unlabelled")
            for name in ("generator.keras", "discriminator.keras", "run.json"):
                shutil.copy(PRETRAINED_DIR / name, directory)
        else:
            assert flags[flags.index("--count") + 1] == losses.COUNT
            numbers = {key: 0.5 + len(commands) for columns in losses.COLUMNS.values() for key, *_ in columns}
            real = dict.fromkeys(numbers, 0.125 if "unlabelled" in directory.name else 0.25)
            (directory / "evaluation.json").write_text(json.dumps({"digits": numbers, "training": real}))

    for name, path in (("RESULTS", "losses.json"), ("PICTURE", "losses.png"), ("RUNS", "runs")):
        monkeypatch.setattr(losses, name, tmp_path / path)
    monkeypatch.setattr(losses, "run_script", run_script)
    monkeypatch.setattr(losses, "LOSSES", ("hinge", "minimax"))
    (tmp_path / "runs").mkdir()
    rates = {f"{loss}, {kind}": 2000.0 for loss in losses.LOSSES for kind in losses.KINDS}
    (tmp_path / "runs" / "rates.json").write_text(json.dumps(rates))
    for _ in range(2):
        losses.benchmark(losses.Config(seeds=2))
    assert commands == ["train.py", "evaluate.py"] * 8
    results = json.loads((tmp_path / "losses.json").read_text())
    assert all(run["epochs"] == 10 for kinds in results["runs"].values() for runs in kinds.values() for run in runs)
    assert {kind: {*real.values()} for kind, real in results["real"].items()} == {
        "labelled": {0.25},
        "unlabelled": {0.125},
    }
    assert "0.250 | 0.250 | 0.12 |" in losses.table(results)
    recalls = [run["recall"] for kinds in results["runs"].values() for runs in kinds.values() for run in runs]
    assert sorted(recalls) == [0.5 + 2 * number for number in range(1, 9)]
    assert losses.table(results).count("\n") == 4 and "| minimax | " in losses.table(results)
    picture = Image.open(tmp_path / "losses.png")
    assert picture.width == 600 and np.array(picture)[:300, 300:].any()


def test_rates_are_of_each_loss_and_kind_without_the_first_call(monkeypatch):
    def speed(contender, dataset, seconds):
        return "first call", (contender.gan.loss_functions, contender.gan.num_classes, dataset.num_classes)

    monkeypatch.setattr(losses, "speed", speed)
    for labelled, classes in ((True, 10), (False, 1)):
        assert losses.rate("minimax", labelled) == (LOSSES["minimax"], classes, classes)


def test_modes_are_counted_as_training_goes(monkeypatch, tmp_path, mnist):
    stacked = Dataset(np.repeat(mnist.x_train[:640], 3, axis=-1), np.zeros(640, "int32"), mnist.x_test[:0], [])
    monkeypatch.setattr(modes, "MARK", 0.001)
    points = modes.run(modes.Config(epochs=2, seed=0), stacked, count=50)
    assert len(points) == 2 and points[-1]["images"] == 1280 and 1 <= points[-1]["modes"] <= 50
    monkeypatch.setattr(modes, "PICTURE", tmp_path / "modes.png")
    results = {"runs": {"default": {"0": points, "1": points}}, "real": {"modes": 1000, "mode_divergence": 0.02}}
    modes.plot(results)
    assert "PacGAN | 1000 | 0.06" in modes.table(results) and (tmp_path / "modes.png").exists()


def test_coloured_digits_are_still_digits(tmp_path):
    coloured.write(coloured.Config(output=tmp_path / "coloured", count=60))
    dataset = load_dataset(str(tmp_path / "coloured"))
    assert dataset.x_train.shape == (60, 32, 32, 3) and len(dataset.x_test) == 10
    mnist = load_dataset("mnist")
    grey = dataset.x_train.mean(axis=-1)[:, 2:30, 2:30].reshape(60, -1)
    for image, digit in zip(grey, mnist.x_train[:60].reshape(60, -1), strict=True):
        assert np.corrcoef(image, digit)[0, 1] > 0.99
