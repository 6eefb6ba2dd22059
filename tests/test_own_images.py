"""One's own images, here coloured PNGs of 32x32 in folders: everything downstream follows."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import evaluate
import generate_digits
import play
import train
from evaluation import judge
from page.document import shown_names
from support import model_files
from support.commands import UserError
from support.datasets import load_dataset

NAMES = ("ape", "barn owl", "cat")


@pytest.fixture(scope="module")
def pngs(mnist, tmp_path_factory):
    """Digits as animals: 810 of three classes, each in its colour."""
    directory = tmp_path_factory.mktemp("pngs")
    for label, name in enumerate(NAMES):
        (directory / name).mkdir()
        for index, image in enumerate(mnist.x_train[mnist.y_train == label][:270]):
            coloured = np.zeros((32, 32, 3), "uint8")
            coloured[2:30, 2:30, label] = image[..., 0]
            Image.fromarray(coloured).save(directory / name / f"{index:03}.png")
    return directory


@pytest.fixture(scope="module")
def trained(pngs, tmp_path_factory):
    directory = tmp_path_factory.mktemp("own")
    places = {"models_dir": directory / "models", "samples_dir": directory / "samples"}
    train.train(
        train.Config(dataset=str(pngs), epochs=5, batch_size=16, generator_width=12, discriminator_width=12, **places)
    )
    return directory


def test_networks_and_sheets_have_the_images_shape(trained):
    generator, discriminator, _, num_classes = model_files.load_models(trained / "models")
    assert generator.output_shape[1:] == discriminator.input_shape[1:] == (32, 32, 3) and num_classes == 3
    sheet = Image.open(trained / "samples" / "epoch_005.png")
    assert sheet.mode == "RGB" and np.array(sheet)[:600].any()
    assert json.loads((trained / "models" / "run.json").read_text())["classes"] == list(NAMES)


def test_classes_are_drawn_by_name(trained, pngs, tmp_path):
    def draw(**options):
        config = generate_digits.Config(models_dir=trained / "models", output_dir=tmp_path, count=12, **options)
        return generate_digits.generate(config)

    images, labels = draw(only="cat, barn owl", styles=True, interpolate=2, separate=True)
    assert images.shape == (12, 32, 32, 3) and labels.tolist() == [1, 2] * 6
    ink = images.astype(int).sum(axis=(1, 2))
    assert (ink.argmax(axis=-1) == labels).mean() > 0.8, ink  # each class has a colour
    assert draw(digits="cat")[1].tolist() == [2]
    draw(morph="ape,cat")
    (tmp_path / "two").mkdir()
    for name in NAMES[1:]:
        (tmp_path / "two" / name).symlink_to(pngs / name)
    assert set(draw(like=str(tmp_path / "two"))[1]) == {1, 2}  # not what their numbers are in that directory
    for wrong in ({"only": "dog"}, {"only": "ape,"}, {"digits": "7"}, {"morph": "ape"}):
        with pytest.raises(UserError):
            draw(**wrong)


def test_the_fully_connected_pair_is_drawn_and_played_with(small_npz, tmp_path):
    """Its page is small enough at the default widths. It is not trained: a command of the README does that."""
    gan = train.build_gan(train.Config(network="dense"), load_dataset(str(small_npz)))
    for name in model_files.NETWORKS:
        getattr(gan, name).save(tmp_path / f"{name}.keras")
    generator, *_ = model_files.load_models(tmp_path)
    assert not any("Conv" in type(layer).__name__ for layer in generator.layers)
    places = {"models_dir": tmp_path, "output_dir": tmp_path}
    assert generate_digits.generate(generate_digits.Config(count=5, only="3", **places))[0].any()
    assert play.play(play.Config(**places)).stat().st_size < 3_000_000


def test_the_page_calls_them_by_name(trained, refuses, tmp_path):
    assert "of figures" in refuses(play.play, "--number", "77", "--models-dir", trained / "models")
    assert shown_names({"config": {"dataset": "mine.npz"}}, 10) is None  # ten without names are figures
    page = play.play(play.Config(models_dir=trained / "models", output_dir=tmp_path)).read_text(encoding="utf-8")
    assert '"classNames":["ape","barn owl","cat"]' in page and '"shape":[32,32,3]' in page
    for bad in (["a", "b"], ["a", "b", 3], "abc", None):  # run.json may be anybody's
        assert shown_names({"config": {"dataset": "x"}, "classes": bad}, 3) == ["class 0", "class 1", "class 2"]


def test_a_judge_of_ones_own_images_is_trained_once(trained, pngs, small_npz, monkeypatch, capsys, refuses, tmp_path):
    reported = []
    monkeypatch.setattr(judge, "IMAGES", 1620)
    config = evaluate.Config(models_dir=trained / "models", dataset=str(pngs), count=300)
    numbers = evaluate.evaluate(config)
    assert numbers["floor"]["label_accuracy"] > 0.95 and numbers["digits"]["label_accuracy"] > 0.5
    assert "barn owl" in capsys.readouterr().out
    (kept,) = (trained / "models").glob("judge-*.keras")
    monkeypatch.setattr(judge, "train_judge", None)
    monkeypatch.setattr("evaluation.report.write_report", lambda *args: reported.append(args))
    assert evaluate.evaluate(replace(config, report=tmp_path))["digits"] == numbers["digits"]
    ((*_, names),) = reported
    assert names == NAMES
    assert "as the judge reads" in refuses(evaluate.evaluate, "--judge", kept, "--count", 200)
    assert f"as {pngs} has" in refuses(evaluate.evaluate, "--npz", small_npz, "--dataset", pngs)  # at once


def test_the_committed_judge_reads_what_looks_like_mnist_and_nothing_else(real, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(judge, "train_judge", lambda config, dataset: asked.append(config.output))
    monkeypatch.setattr(judge, "load_judge", lambda path=judge.JUDGE, load=judge.load_judge: load(judge.JUDGE))
    few = real[0]._replace(x_train=real[0].x_train[:300], y_train=real[0].y_train[:300])
    judge.judge_for(few, tmp_path)
    assert not asked
    eleven = np.where(np.arange(300) < 9, 10, few.y_train)  # of which it reads the most, and cannot read one
    others = (
        few._replace(x_train=255 - few.x_train),
        few._replace(y_train=few.y_train * 0),
        few._replace(y_train=eleven),
    )
    for other in others:
        judge.judge_for(other, tmp_path)
        assert asked.pop().parent == tmp_path


def test_unlabelled_images_are_judged_by_how_they_are_turned(real):
    dataset = judge.turned(real[0]._replace(y_train=real[0].y_train * 0))
    assert np.bincount(dataset.y_train).tolist() == [300] * 4
    np.testing.assert_array_equal(np.rot90(dataset.x_train[5], -1), real[0].x_train[5])
