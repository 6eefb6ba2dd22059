"""generate_digits.py: the digits asked for, as pictures and arrays."""

import shlex
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
from helpers import digits_of, leave_half
from PIL import Image

from drawing import hands
from drawing.labels import classes_to_draw
from generate_digits import Config, generate
from support import commands, model_files
from support.model_files import PRETRAINED_DIR


def draw(tmp_path, **options):
    return generate(Config(**{"models_dir": PRETRAINED_DIR, "output_dir": tmp_path} | options))


def draw_many(tmp_path, **options):
    """More than a sheet has."""
    draw(tmp_path, npz=tmp_path / "many.npz", **options)
    with np.load(tmp_path / "many.npz", allow_pickle=False) as file:
        return file["images"][..., None], file["labels"]


def test_the_label_asked_for_is_the_label_drawn(reader, tmp_path):
    images, labels = draw(tmp_path, count=1000)
    right = reader(images) == labels
    assert right.mean() > 0.95
    assert all(right[labels == digit].mean() > 0.85 for digit in range(10))


def test_no_collapse_within_a_digit(mnist, tmp_path):
    """The spread of the images of a digit around their mean is like that in MNIST."""
    images, labels = draw_many(tmp_path, count=2000)

    def spread(images):
        return images.reshape(len(images), -1).var(axis=0).sum()

    for digit in range(10):
        ratio = spread(images[labels == digit]) / spread(mnist.x_train[mnist.y_train == digit])
        assert 0.8 < ratio < 1.2, (digit, ratio)


def test_sheet_has_a_row_a_digit(tmp_path):
    images, labels = draw(tmp_path)
    assert np.bincount(labels).tolist() == [10] * 10
    sheet = digits_of(np.array(Image.open(tmp_path / "digits.png"))[::2, ::2]).reshape(10, 10, 28, 28, 1)
    for digit in range(10):
        np.testing.assert_array_equal(sheet[digit], images[labels == digit])


def test_the_same_seed_gives_the_same_png_and_another_other_digits(tmp_path):
    pictures, digits = [], []
    for seed in (5, 5, 6):
        digits.append(draw(tmp_path, seed=seed)[0])
        pictures.append((tmp_path / "digits.png").read_bytes())
    assert pictures[0] == pictures[1] and not np.array_equal(digits[0], digits[2])


def test_a_number_is_written_in_one_hand(tmp_path):
    images, labels = draw(tmp_path, digits="20206")
    assert labels.tolist() == [2, 0, 2, 0, 6]
    np.testing.assert_array_equal(images[0], images[2])  # one hand, one z: both twos are the same two
    assert Image.open(tmp_path / "digits.png").size == (4 * 5 * 30, 4 * 30)  # about as wide as a sheet


def test_a_long_number_is_written_in_lines(tmp_path):
    images, _ = draw(tmp_path, digits="3141592653589793238462", scale=1)
    lines = np.array(Image.open(tmp_path / "digits.png"))
    assert lines.shape == (2 * 30, 11 * 30)
    np.testing.assert_array_equal(digits_of(lines), images)


def test_only_some_digits_and_each_on_its_own(tmp_path):
    images, labels = draw(tmp_path, only="737", count=5, separate=True)
    assert labels.tolist() == [3, 7, 3, 7, 3]
    files = sorted(path.name for path in tmp_path.glob("digit_*.png"))
    assert files == [f"digit_{label}_{index:05d}.png" for label, index in sorted(zip(labels, range(5), strict=True))]
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "digit_7_00001.png")), images[1].squeeze(-1))


def test_inverted_and_enlarged_pictures(tmp_path):
    images, _ = draw(tmp_path, only="1", count=1, separate=True, invert=True, scale=3)
    for name, margin in (("digits.png", 1), ("digit_1_00000.png", 0)):
        pixels = np.array(Image.open(tmp_path / name))[1::3, 1::3]
        assert pixels.shape == (28 + 2 * margin, 28 + 2 * margin) and pixels.max() == 255
        np.testing.assert_array_equal(pixels[margin : margin + 28, margin : margin + 28], 255 - images[0, ..., 0])


def test_a_png_says_how_to_draw_it_again(tmp_path):
    """By its command, with models of its hash; wherever it was written to."""
    draw(tmp_path, only="4", count=12, seed=3, best_of=2, truncation=0.9, styles=True, separate=True)
    paths = sorted(tmp_path.glob("*.png"))
    text = Image.open(paths[0]).text
    assert all(Image.open(path).text == text for path in paths) and len(paths) == 14
    models = model_files.load_models(PRETRAINED_DIR)
    assert text["seed"] == "3" and text["models"] == f"sha256:{hands.fingerprint(models)}"
    python, script, *flags = shlex.split(text["command"])
    assert (python, script) == ("python", "generate_digits.py")
    assert not any(str(place) in text["command"] for place in (tmp_path, PRETRAINED_DIR))
    again = tmp_path / "again"
    commands.run(generate, Config, [*flags, "--output-dir", str(again), "--models-dir", str(PRETRAINED_DIR)])
    assert all((again / path.name).read_bytes() == path.read_bytes() for path in paths)


def test_many_digits_take_little_memory(monkeypatch, tmp_path):
    """Here all is drawn at once and weighs 390 MB, were it kept."""
    block = np.zeros((10_000, 28, 28, 1), "uint8")
    monkeypatch.setattr(hands, "write", lambda *_: (block.copy() for _ in range(50)))
    tracemalloc.start()
    images, labels = draw(tmp_path, count=500_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(images) == len(labels) == 1000 and peak < 60e6


def test_a_sheet_has_a_thousand_digits_at_most(monkeypatch, tmp_path):
    block = np.zeros((700, 28, 28, 1), "uint8")
    monkeypatch.setattr(hands, "write", lambda *_: (block, block))
    images, labels = draw(tmp_path, count=1400)
    assert len(images) == len(labels) == 1000


def test_digits_as_often_as_in_another_data_set(mnist, tmp_path):
    """In the same shares when there are as many, and in nearly the same before that."""
    labels, _ = classes_to_draw(Config(like="mnist"), 10, "")
    assert np.bincount(labels).tolist() == np.bincount(mnist.y_train).tolist()
    _, some = draw(tmp_path, count=1000, like="mnist")
    np.testing.assert_array_equal(some, labels[:1000])
    assert np.abs(np.bincount(some) - np.bincount(mnist.y_train) / 60).max() < 40


def test_more_digits_begin_with_the_same_digits(tmp_path):
    few, _ = draw(tmp_path, count=20)
    many, _ = draw(tmp_path, count=700)
    assert np.abs(many[:20].astype(int) - few).max() <= 1  # another batch size may round another way


def test_says_what_was_written(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    places = {"npz": Path("some.npz"), "idx": Path("idx"), "folders": Path("folders"), "output_dir": Path("pictures")}
    generate(Config(count=3, styles=True, separate=True, **places))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(": pictures/digits.png, pictures/styles.png, pictures/digit_*.png, some.npz, idx, folders")


def test_what_a_killed_process_left_is_swept(tmp_path):
    leave_half(tmp_path, "digits.png")
    draw(tmp_path, count=1)
    assert [path.name for path in tmp_path.iterdir()] == ["digits.png"]


def test_takes_the_trained_models_or_else_the_pretrained(capsys, monkeypatch, short_run, tmp_path):
    monkeypatch.chdir(tmp_path)
    generate(Config())
    assert "pretrained" in capsys.readouterr().out
    shutil.copytree(short_run / "models", tmp_path / "models")
    generate(Config(output_dir=Path("über uns")))
    assert capsys.readouterr().out.startswith("drew 100 digits of models: ")
    sheets = [(tmp_path / place / "digits.png").read_bytes() for place in ("generated_digits", "über uns")]
    assert sheets[0] != sheets[1]


def test_says_where_a_data_set_is_too_large_to_take_back(monkeypatch, capsys, tmp_path):
    for limit in (3 * (784 + 8) - 1, 3 * (784 + 8)):  # labels in a .npz have eight bytes
        monkeypatch.setattr("support.readers.MAX_BYTES", limit)
        generate(Config(count=3, npz=tmp_path / "digits.npz", output_dir=tmp_path))
        assert ("that train.py and evaluate.py take" in capsys.readouterr().out) == (limit < 3 * (784 + 8))
