"""train.py: the files of a run, repeatability, learning, refusals."""

import csv
import json
import os
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import ROOT, assert_equal_weights, assert_same_run, caption, flags_of, run_in, sheets
from PIL import Image

import generate_digits
import train
import utils
from discriminator import build_discriminator
from generator import build_generator
from support import model_files
from support.datasets import load_dataset
from training.same_run import FREE, architecture
from training.settings import settle


def test_networks_are_those_that_the_flags_say(small_npz):
    """Another seed gives other weights, and the game its own."""
    sizes = {"latent_dim": 5, "generator_width": 8, "discriminator_width": 12, "network": "supersampled"}
    one, other = (train.build_gan(train.Config(**sizes, seed=seed), load_dataset(str(small_npz))) for seed in (0, 1))
    made = (
        build_generator(5, 10, width=8, network="supersampled"),
        build_discriminator(10, width=12, network="supersampled"),
    )
    for network, expected in zip((one.generator, one.discriminator), made, strict=True):
        assert architecture(network) == architecture(expected)
    assert (one.seed, other.seed) == (0, 1)
    for name in model_files.NETWORKS:
        mine, theirs = (getattr(gan, name).get_weights()[0] for gan in (one, other))
        assert not np.array_equal(mine, theirs)


def test_the_committed_models_are_those_of_todays_defaults():
    """Else no table and no picture would be of what train.py does."""
    ours = json.loads(json.dumps(asdict(settle(train.Config())), default=str))
    theirs = model_files.read_run(model_files.PRETRAINED_DIR)["config"]
    same = theirs.keys() - {*FREE}  # what is only ours is a flag since then, and changes nothing by default
    assert len(same) > 12 and {name: theirs[name] for name in same} == {name: ours.get(name) for name in same}
    generator, discriminator, *_ = model_files.load_models(model_files.PRETRAINED_DIR)
    assert architecture(generator) == architecture(build_generator(64, 10, width=train.Config.generator_width))
    assert architecture(discriminator) == architecture(build_discriminator(10, width=train.Config.discriminator_width))


def test_a_run_leaves_its_files(short_run):
    assert sorted(path.name for path in (short_run / "models").iterdir()) == [
        ".lock",
        "discriminator.keras",
        "finished",
        "generator.keras",
        "history.csv",
        "run.json",
    ]
    early = sorted(path.name for path in (short_run / "samples").glob("early_*.png"))
    pictures = [*early, "epoch_001.png", "epoch_002.png", "losses.png"]
    assert early and sorted(path.name for path in (short_run / "samples").iterdir()) == [*pictures, "training.gif"]
    for name in pictures:
        Image.open(short_run / "samples" / name).verify()


def test_sheets_say_when_they_were_drawn(short_run):
    """In a caption below; the film shows all, the last for longer."""
    paths = sorted((short_run / "samples").glob("e*.png"))
    captions = [caption(path) for path in paths]
    times = [(seconds, about["images"]) for seconds, about in captions]
    assert times == sorted(times) and times[0][0] > 0
    history = list(csv.DictReader((short_run / "models" / "history.csv").open()))
    for (_, about), row in zip(captions[-2:], history, strict=True):
        assert {key: float(row[key]) for key in about} == about and "frechet_distance" in about
    assert all(about.keys() == {"epoch", "images"} and about["images"] < 1344 for _, about in captions[:-2])
    for path in paths:
        pixels = np.array(Image.open(path))
        assert pixels.shape[1] == 600 and pixels[:600].any() and pixels[600:].any()
    film, durations = sheets(short_run / "samples" / "training.gif")
    assert len(film) == len(paths) and max(durations[:-1]) < durations[-1]
    for frame, path in zip(film, paths, strict=True):
        assert np.abs(sheets(path)[0][0].astype(int) - frame).max() < 5


def test_history_has_a_row_an_epoch(short_run):
    rows = list(csv.DictReader((short_run / "models" / "history.csv").open()))
    assert [(row["epoch"], row["images"]) for row in rows] == [(str(n), str(1344 * n)) for n in (1, 2)]
    measured = ["discriminator_loss", "generator_loss", "real_output", "fake_output", "frechet_distance"]
    assert list(rows[0]) == ["epoch", "images", *measured]
    assert all(np.isfinite(float(row[name])) for row in rows for name in measured)


def test_run_json_is_enough_to_repeat_the_run(short_run, small_npz):
    run = json.loads((short_run / "models" / "run.json").read_text())
    config = train.Config(**run["config"])
    assert (config.dataset, config.epochs, config.seed) == (str(small_npz), 2, 0)
    assert (
        run["data"]["sha256"]
        and run["versions"]["keras"] == keras.__version__
        and run["seconds"] > run["training_seconds"] > 0
    )
    assert run["images_per_second"] == pytest.approx(2688 / run["training_seconds"], rel=0.05)
    assert 0 < run["checkpoint_seconds"] < run["seconds"] and run["replicas"] == 1
    assert 0 < run["quality"]["label_accuracy"] < 1 and run["quality"]["frechet_distance"] > 0


def test_two_short_epochs_beat_an_untrained_generator(short_run, reader):
    """Measure: the share of 500 digits that a classifier reads as the digit asked for; guessing is 10 %."""

    def accuracy(generator):
        labels = np.arange(500) % 10
        noise = np.random.default_rng(0).standard_normal((500, 64), "float32")
        return (reader(utils.draw(generator, noise, labels)) == labels).mean()

    trained, *_ = model_files.load_models(short_run / "models")
    assert accuracy(build_generator(64, 10)) < 0.25
    assert accuracy(trained) > 0.5


def test_measuring_has_no_say_in_training(undisturbed, measured):
    assert_equal_weights(undisturbed / "models", measured / "models")
    assert json.loads((measured / "models" / "run.json").read_text())["quality"]["frechet_distance"] > 0
    assert "quality" not in json.loads((undisturbed / "models" / "run.json").read_text())
    assert "frechet" not in (undisturbed / "models" / "history.csv").read_text()


def test_unlabelled_training_is_the_same_code_with_one_class(small_npz, tmp_path):
    config = train.Config(
        dataset=str(small_npz),
        conditional=False,
        evaluate=False,
        epochs=1,
        loss="non-saturating",
        r1_gamma=1.0,
        generator_width=16,
        discriminator_width=16,
        models_dir=tmp_path / "models",
        samples_dir=tmp_path / "samples",
    )
    gan = train.train(config)
    generator, _, latent_dim, num_classes = model_files.load_models(tmp_path / "models")
    assert (latent_dim, num_classes) == (64, 1)
    saved, averaged, last = (each.get_weights() for each in (generator, gan.averaged_generator, gan.generator))
    assert all(map(np.array_equal, saved, averaged)) and not any(map(np.array_equal, saved, last))
    images, labels = generate_digits.generate(
        generate_digits.Config(count=30, models_dir=tmp_path / "models", output_dir=tmp_path)
    )
    assert len(images) == 30 and set(labels) == {0}


def test_the_command_gives_the_same_files_at_odd_paths_too(undisturbed, small_npz, tmp_path, run_script, monkeypatch):
    """In another process, which a notebook started, by the same seed; and other files stay."""
    monkeypatch.setenv("MPLBACKEND", "module://nobody_has_it")
    directory = tmp_path / "-ein Verzeichnis, 数字"
    mine = [
        directory / name for name in (".2024-notes", "a.txt", "epoch_xyz.png", "checkpoint/a.txt", "finished/b.txt")
    ]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
        os.utime(path, (0, 0))
    shutil.copy(small_npz, tmp_path / "-data ü.npz")
    places = {f"{name}_dir": Path(directory.name) for name in ("models", "samples")}
    config = run_in(tmp_path, "-data ü.npz", evaluate=False, resume=True, **places)
    done = run_script(ROOT / "train.py", *flags_of(config), cwd=tmp_path)
    assert done.returncode == 0 and "images/s" in done.stderr and "starting one" in done.stdout, done.stderr
    assert_same_run(directory, directory, undisturbed)
    assert [path.read_text() for path in mine] == [path.name for path in mine]
    _, *draw = shlex.split(done.stdout.partition("draw digits: ")[2])  # what it said to do next
    done = run_script(*draw, f"--output-dir={directory.name}", cwd=tmp_path)
    assert done.returncode == 0 and (directory / "digits.png").exists(), done.stderr


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_refuses_networks_that_could_not_be_loaded_again(refuses, small_npz, tmp_path, monkeypatch):
    """Not found out when all is trained."""
    flat, image = [keras.layers.Flatten(), keras.layers.Dense(10)], keras.Input((28, 28, 1))
    separable = keras.Sequential([image, keras.layers.SeparableConv2D(1, 3, padding="same"), *flat])
    skip = keras.Model(image, separable(image) + separable(image))
    flags = ["--dataset", small_npz, "--models-dir", tmp_path / "models"]
    wide = keras.Sequential([image, keras.layers.Conv2D(512, 3, padding="same"), keras.layers.GlobalMaxPooling2D()])
    wide.add(keras.layers.Dense(10))

    class Own(keras.layers.Layer):
        def __init__(self, function):
            super().__init__()
            self.call = function

    own = keras.Sequential([image, Own(keras.ops.abs), *flat])
    bent = keras.Sequential([image, keras.layers.Activation(lambda pixels: pixels**2), *flat])
    made = (
        *((skip, "another kind"), (separable, "'SeparableConv2D'"), (wide, "too large"), (own, "cannot write down")),
        (bent, "an activation that is not Keras' own"),
    )
    for network, reason in made:
        monkeypatch.setattr("discriminator.build_discriminator", lambda *args, made=network, **shape: made)
        error = refuses(train.train, *flags)
        assert "the discriminator could not be loaded again" in error and reason in error
    flat = keras.Sequential([image, keras.layers.Flatten(), keras.layers.Dense(1)])  # as where there are no labels
    monkeypatch.setattr("discriminator.build_discriminator", lambda *args, **shape: flat)
    assert "gives (1,): have discriminator.py build one that takes" in refuses(train.train, *flags)


@pytest.mark.parametrize(
    "flags",
    [
        ("--epochs", 0),
        ("--batch-size", 1_000_000),
        ("--batch-size", -1),
        ("--generator-lr", -1e-3),
        ("--discriminator-lr", "nan"),
        ("--generator-lr", "inf"),
        ("--ema-decay", 1.0),
        ("--r1-gamma", -1),
        ("--latent-dim", 0),
        ("--seed", -1),
    ],
)
def test_refuses_values_out_of_range(refuses, flags, tmp_path):
    error = refuses(train.train, *flags, "--models-dir", tmp_path / "models")
    assert flags[0] in error and not any(tmp_path.iterdir())


def test_refuses_directories_that_cannot_be_written(refuses, small_npz, tmp_path):
    (tmp_path / "file").write_text("mine")
    for flag in ("--models-dir", "--samples-dir"):
        error = refuses(train.train, "--dataset", small_npz, flag, tmp_path / "file" / "inside")
        assert "cannot write" in error
    for flag, name in (("--models-dir", "generator.keras"), ("--samples-dir", "training.gif")):
        (tmp_path / name).mkdir()  # not found out when all is trained
        assert "Is a directory" in refuses(train.train, "--dataset", small_npz, flag, tmp_path)
    assert (tmp_path / "file").read_text() == "mine"
