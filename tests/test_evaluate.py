"""The judge and evaluate.py: known answers, and distances that rise with the damage."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from discriminator import build_discriminator
from evaluate import Config, evaluate, table_of
from evaluation.judge import JUDGE, load_judge
from evaluation.measure import OF_LABELS, measure
from generator import build_generator
from support.commands import UserError
from support.dataset import Dataset
from support.datasets import load_dataset
from support.model_files import PRETRAINED_DIR


@pytest.fixture
def score(real):
    """Score arrays as they are; returns the digits' numbers and the floor's."""
    judge = load_judge()

    def score(images, labels, **options):
        numbers, *_ = measure(Config(count=600, **options), real[0], judge, images, labels, "these")
        return numbers["digits"], numbers["floor"]

    return score


def test_real_digits_score_as_the_floor(measured_real):
    digits, floor = (dict(measured_real[0].numbers[column]) for column in ("digits", "floor"))
    assert digits.pop("label_accuracy_by_class") == floor.pop("label_accuracy_by_class")
    for interval in ("frechet_interval", "kernel_interval"):  # of random resamples
        assert digits.pop(interval) == pytest.approx(floor.pop(interval), rel=0.8)
    assert 5 < digits.pop("kernel_distance") - floor.pop("kernel_distance") < 8  # as if drawn in fixed class shares
    assert digits == pytest.approx(floor, rel=1e-4, abs=1e-6)
    assert digits["share_nearer"] == pytest.approx(0.5, abs=1e-3)  # of equal distances, rounding says which is less
    assert digits["label_accuracy"] > 0.99


def test_class_balance_is_of_the_digits_that_are_read(score, real):
    """Here they are all ones, whatever was asked for."""
    ones = np.flatnonzero(real[0].y_test == 1)[np.arange(600) % 50]
    digits, _ = score(real[0].x_test[ones], real[0].y_test)
    share = (real[0].y_train == 1).mean()
    assert digits["class_balance"] == pytest.approx(-np.log(share), abs=0.2)
    by_class = digits["label_accuracy_by_class"]
    assert by_class[1] > 0.9 and max(by_class[:1] + by_class[2:]) < 0.1


def test_copies_show_as_copies_and_lost_recall(score, real):
    few = np.arange(600) % 60
    digits, floor = score(real[0].x_train[few], real[0].y_train[few])
    assert digits["share_nearer"] > 0.99 and digits["nearest_distance"] == pytest.approx(0, abs=0.01)
    assert digits["recall"] < 0.1 < floor["recall"]
    assert digits["coverage"] < 0.5 * floor["coverage"] and digits["precision"] > 0.9


def test_shuffled_labels_show_in_what_minds_labels_only(score, measured_real, real):
    honest = dict(measured_real[0].numbers["digits"])
    shuffled, _ = score(real[0].x_test, np.random.default_rng(0).permutation(real[0].y_test))
    within_labels, at_random = (numbers.pop("frechet_interval") for numbers in (honest, shuffled))
    assert within_labels < at_random / 2
    for numbers in (honest, shuffled):
        for key in ("label_accuracy_by_class", "kernel_distance", "kernel_interval"):  # these, too, mind labels
            del numbers[key]
    assert honest.pop("label_accuracy") > 0.99 and shuffled.pop("label_accuracy") < 0.2
    assert honest == shuffled


def test_each_column_is_of_as_many_digits(small_npz, tmp_path, capsys):
    """Without test digits there are two columns, and without labels nothing to be read."""
    data = load_dataset(str(small_npz))
    np.savez(tmp_path / "unlabelled.npz", images=data.x_train, labels=data.y_train * 0)
    drawn = evaluate(Config(models_dir=PRETRAINED_DIR, dataset=str(small_npz), count=1000))
    assert drawn["digits"]["class_balance"] < 0.003  # where the first 224 of 1,000 would be as chance has it
    said = capsys.readouterr().out
    assert "each column is of 224 digits, a sixth" in said and "names other data than" in said
    by_class = enumerate(drawn["digits"]["label_accuracy_by_class"])
    assert "by class: " + ", ".join(f"{digit} {share:.1%}" for digit, share in by_class) in said
    numbers = evaluate(Config(npz=tmp_path / "unlabelled.npz", dataset=str(tmp_path / "unlabelled.npz"), judge=JUDGE))
    assert all(numbers[column][key] is None for column in numbers for key in OF_LABELS)
    said = capsys.readouterr().out
    assert "of the labels of" not in said and "each column is of 224 digits, a sixth of the training digits of" in said
    assert "beside as many training digits of" in said and "other data" not in said


def test_the_table_has_each_number_in_its_row_and_column():
    numbers = {"digits": {"precision": 0.1, "recall": 0.2}, "floor": {"precision": 0.3}}
    table = [("", "these", "test"), ("precision", "0.1000", "0.3000"), ("recall", "0.2000", "-")]
    assert table_of(numbers, {"digits": "these", "floor": "test"}) == table


def test_as_many_digits_by_default_as_the_help_says(real, monkeypatch):
    asked = []

    def stop(config, dataset):
        asked.append(config.count)
        raise UserError("stopped")

    monkeypatch.setattr("evaluate.load_dataset", lambda name: real[0])
    for data, name in (("mnist", "digits_a_column"), ("stacked_mnist", "digits_to_score")):
        monkeypatch.setattr(f"evaluate.{name}", stop)
        with pytest.raises(UserError, match="stopped"):
            evaluate(Config(dataset=data))
    assert asked == [10_000, 26_000]


def test_the_checksum_is_of_the_data_as_it_came(real, monkeypatch, tmp_path):
    """And not as the models number its classes."""
    data = real[0]._replace(y_train=9 - real[0].y_train, y_test=9 - real[0].y_test)
    data.class_names = tuple("9876543210")
    monkeypatch.setattr("evaluate.load_dataset", lambda name: data)
    numbers = {column: {} for column in ("digits", "training", "floor")}
    monkeypatch.setattr("evaluate.measure", lambda *args: SimpleNamespace(numbers=numbers))
    evaluate(Config(models_dir=PRETRAINED_DIR, count=150, json=tmp_path / "numbers.json"))
    assert json.loads((tmp_path / "numbers.json").read_text())["sha256"]["data"] == data.checksum


def test_refuses_a_report_in_place_of_the_numbers(refuses, tmp_path):
    """At once, and not when all is measured."""
    flags = ["--report", tmp_path / "a", "--count", 150, "--json"]
    assert "Is a directory" in refuses(evaluate, *flags, tmp_path / "a")
    assert "exclude each other" in refuses(evaluate, "--npz", tmp_path / "a.npz", "--models-dir", PRETRAINED_DIR)
    assert "would both write" in refuses(evaluate, *flags, tmp_path / "b" / ".." / "a" / "index.html")
    assert "is a name of models" in refuses(evaluate, *flags, JUDGE)
    page = ["--npz", tmp_path / "a" / "index.html", "--report", tmp_path / "a"]
    assert "--report " in (said := refuses(evaluate, *page)) and "overwrite what --npz reads" in said


def test_noise_is_far_from_everything(score):
    noise = np.random.default_rng(0).normal(128, 60, (600, 28, 28, 1)).clip(0, 255).astype("uint8")
    digits, floor = score(noise, np.arange(600) % 10)
    assert digits["frechet_distance"] > 100 * floor["frechet_distance"]
    assert digits["precision"] < 0.05 and digits["coverage"] < 0.05
    assert digits["label_accuracy"] < 0.2 and digits["share_nearer"] == 0


def test_the_pretrained_models_are_near_the_floor_and_no_copies(real, tmp_path):
    flags = {"json": tmp_path / "out" / "numbers.json", "report": tmp_path / "out"}
    evaluate(Config(models_dir=PRETRAINED_DIR, dataset=str(real[1]), count=600, **flags))
    result = json.loads((tmp_path / "out" / "numbers.json").read_text())
    digits, floor = result["digits"], result["floor"]
    assert result["run"]["config"]["generator_lr"] == 0.002 and result["training"]["precision"] > 0.8
    assert result["evaluation"]["source"] == str(PRETRAINED_DIR) and len(result["sha256"]["judge"]) == 64
    assert digits["label_accuracy"] > 0.98
    assert digits["frechet_distance"] < 3 * floor["frechet_distance"]
    assert digits["share_nearer"] < 0.6
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 5 and "http" not in page
    assert "generator_lr" in page  # how the models were trained


def test_unlabelled_models_have_no_label_accuracy(real, refuses, tmp_path):
    build_generator(4, 1, width=4).save(tmp_path / "generator.keras")
    build_discriminator(1, width=4).save(tmp_path / "discriminator.keras")
    result = evaluate(Config(models_dir=tmp_path, dataset=str(real[1]), count=500, report=tmp_path))
    assert result["digits"]["label_accuracy"] is None and result["digits"]["frechet_distance"] > 1
    assert "no labels to learn from" in refuses(evaluate, "--models-dir", tmp_path, "--tstr", "--dataset", real[1])


@pytest.mark.parametrize("number", [600, 1500])  # of the digits; there are 1,200 training digits
def test_classifiers_learn_from_as_many_real_digits_as_of_these(real, monkeypatch, number):
    learned, tested = [], []

    def accuracy(images, labels, *test):
        learned.append((images, labels))
        tested.append(test[:2])
        return 0.0

    monkeypatch.setattr("evaluation.measure.accuracy_of_training_on", accuracy)
    chosen = np.arange(number) % 1200
    by_class = np.argsort(real[0].y_train, kind="stable")
    dataset = real[0]._replace(x_train=real[0].x_train[by_class], y_train=real[0].y_train[by_class])
    config = Config(count=600, tstr=True)
    measure(config, dataset, load_judge(), real[0].x_train[chosen], real[0].y_train[chosen], "these")
    assert [(len(images), len(labels)) for images, labels in learned] == 2 * [2 * (min(number, 1200),)]
    assert (np.bincount(learned[1][1]) > 30).all()
    for images, labels in tested:  # in any order
        assert sorted(zip(map(bytes, images), labels, strict=True)) == sorted(
            zip(map(bytes, real[0].x_test), real[0].y_test, strict=True)
        )


@pytest.mark.stress  # minutes, as two classifiers are trained for each column
def test_a_classifier_of_real_digits_reads_real_digits_and_cannot_tell_them_from_others(mnist):
    order = np.random.default_rng(0).permutation(len(mnist.x_train))
    training, test = order[:6000], order[6000:6600]  # of the same writers: others can be told, if hardly
    digits = Dataset(mnist.x_train[training], mnist.y_train[training], mnist.x_train[test], mnist.y_train[test])
    config = Config(count=600, tstr=True, two_sample=True)
    numbers, *_ = measure(config, digits, load_judge(), *digits[:2], "these")
    assert 0.9 < numbers["digits"]["tstr"] < numbers["training"]["tstr"] + 0.02 and "tstr" not in numbers["floor"]
    assert numbers["digits"]["two_sample"] < 0.6 and numbers["floor"]["two_sample"] < 0.6


@pytest.mark.stress  # that a veil is found, tests/evaluation/test_two_sample.py shows sooner
def test_a_classifier_tells_noise_from_digits_and_learns_nothing_from_it(score):
    noise = np.random.default_rng(0).integers(0, 255, (600, 28, 28, 1), "uint8")
    digits, _ = score(noise, np.arange(600) % 10, tstr=True, two_sample=True)
    assert digits["tstr"] < 0.4 and digits["two_sample"] > 0.99


DIGITS = np.zeros((500, 28, 28), "uint8")
BAD_SETS = {  # what is in the file, and of what the refusal speaks
    "other size": ({"images": np.zeros((500, 32, 32), "uint8"), "labels": np.zeros(500, int)}, "images (32, 32, 1)"),
    "colour": ({"images": np.zeros((500, 28, 28, 3), "uint8"), "labels": np.zeros(500, int)}, "images (28, 28, 3)"),
    "floats": ({"images": np.zeros((500, 28, 28)), "labels": np.zeros(500, int)}, "is float64"),
    "not a number": ({"images": np.full((500, 28, 28), np.nan), "labels": np.zeros(500, int)}, "is float64"),
    "empty": ({"images": DIGITS[:0], "labels": np.zeros(0, int)}, "no training images"),
    "tiny": ({"images": DIGITS[:100], "labels": np.zeros(100, int)}, "100 digits, all that"),
    "few of a class": ({"images": DIGITS, "labels": np.arange(500) // 499}, " digits, all that"),
    "no labels": ({"images": DIGITS}, "lacks x_train or y_train"),
    "labels of another set": ({"images": DIGITS, "labels": np.zeros(499, int)}, "an integer for each"),
    "unknown classes": ({"images": DIGITS, "labels": np.full(500, 30)}, "0 digits, all that"),
}


@pytest.mark.parametrize("name", BAD_SETS)
def test_refuses_digits_it_cannot_judge(refuses, real, tmp_path, name):
    arrays, reason = BAD_SETS[name]
    np.savez(tmp_path / "bad.npz", **arrays)
    assert reason in refuses(evaluate, "--npz", tmp_path / "bad.npz", "--dataset", real[1])


def test_refuses_too_few_real_digits_before_it_trains_a_judge_of_them(refuses, real, tmp_path):
    shuffled = real[0]._replace(y_train=np.roll(real[0].y_train, 1))  # which MNIST's judge cannot read
    few = {"test": {"x_test": shuffled.x_test[:100], "y_test": shuffled.y_test[:100]}}
    few["training"] = {"x_train": shuffled.x_train[:700], "y_train": shuffled.y_train[:700]}
    reasons = {"test": "100 digits, the test digits of", "training": "116 digits, a sixth of the training digits of"}
    for name, arrays in few.items():
        np.savez(tmp_path / f"{name}.npz", **shuffled._asdict() | arrays)
        flags = ["--models-dir", PRETRAINED_DIR, "--dataset", tmp_path / f"{name}.npz", "--count", 300]
        assert reasons[name] in refuses(evaluate, *flags)
    assert "100 digits, as --count says" in refuses(evaluate, "--dataset", real[1], "--count", 100)
