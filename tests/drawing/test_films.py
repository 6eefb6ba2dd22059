"""Films that generate_digits.py makes."""

from pathlib import Path

import numpy as np
import pytest
from helpers import digits_of
from PIL import Image, ImageSequence

import utils
from drawing.pictures import Pictures
from generate_digits import Config, generate
from support.commands import UserError
from support.model_files import PRETRAINED_DIR


def draw(tmp_path, **options):
    return generate(Config(models_dir=PRETRAINED_DIR, output_dir=tmp_path, **options))


def film(path):
    """The frames of a film, int (N, H, W), and how many milliseconds each stays."""
    frames = [frame.copy() for frame in ImageSequence.Iterator(Image.open(path))]
    return np.stack([np.array(frame.convert("L"), int) for frame in frames]), [f.info["duration"] for f in frames]


def test_film_goes_round(tmp_path):
    """From the hand that --digits has."""
    written, _ = draw(tmp_path, digits="17", interpolate=40)
    frames, _ = film(tmp_path / "interpolation.gif")
    assert frames.shape == (40, 300, 600)
    first, second, opposite, last = frames[[0, 1, 20, 39]]
    assert np.abs(first - second).mean() < 0.5 * np.abs(first - opposite).mean()
    assert np.abs(first - last).mean() < 0.5 * np.abs(first - opposite).mean()
    assert np.abs(digits_of(first[::10, ::10]) - written).max() <= 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("interpolation", {"interpolate": 60}),
        ("interpolation", {"interpolate": 24, "only": "4", "seed": 1}),
        ("morph", {"morph": "38"}),
        ("morph", {"morph": "2026", "seed": 2, "invert": True}),
    ],
)
def test_films_move_evenly(tmp_path, name, options):
    """Also from the last frame to the first, and as the file shows it."""
    draw(tmp_path, count=10, **options)
    frames, _ = film(tmp_path / f"{name}.gif")
    steps = np.sqrt(((frames - np.roll(frames, -1, axis=0)) ** 2).sum(axis=(1, 2)))
    assert steps.min() > 0 and steps.max() < 3 * np.median(steps), steps / np.median(steps)


def test_a_three_becomes_an_eight(tmp_path, reader):
    """And stays a while, before it becomes a three again; all in the hand that --digits has."""
    draw(tmp_path, count=10, morph="38", scale=1)
    frames, milliseconds = film(tmp_path / "morph.gif")
    digits = frames[:, 1:-1, 1:-1, None].astype("uint8")
    three, eight = np.flatnonzero(np.array(milliseconds) > 500)
    readings = reader(digits)
    assert (three, eight) == (0, len(frames) // 2) and readings[three] == 3 and readings[eight] == 8
    assert set(readings[:5]) == {3} and set(readings[eight - 5 : eight + 5]) == {8}
    written, _ = draw(tmp_path, digits="38")
    assert np.abs(digits[[three, eight]].astype(int) - written).max() <= 1


def test_each_figure_is_shown_as_digits_has_it(tmp_path):
    """However far it lies from the others, and truncated where that is."""
    draw(tmp_path, count=10, morph="380", scale=1, truncation=0.7)
    frames, milliseconds = film(tmp_path / "morph.gif")
    shown = frames[np.array(milliseconds) > 500, 1:-1, 1:-1, None]
    written, _ = draw(tmp_path, digits="380", truncation=0.7)
    assert shown.shape == written.shape and np.abs(shown - written).max() <= 1


def test_films_keep_their_colours(tmp_path):
    """Also those that its middle lacks."""
    frames = [(255 - 2 * n, 0, 2 * n) for n in (*range(0, 128, 16), *range(104, 0, -16))]
    utils.save_gif(
        tmp_path / "film.gif", [Image.new("RGB", (30, 30), colour) for colour in frames], [0.1] * len(frames)
    )
    film = [
        frame.convert("RGB").getpixel((5, 5)) for frame in ImageSequence.Iterator(Image.open(tmp_path / "film.gif"))
    ]
    assert np.abs(np.array(film) - frames).max() < 16


def test_refuses_a_film_that_cannot_be_written_before_all_else_is(refuses, tmp_path):
    (tmp_path / "morph.gif").mkdir()
    assert "Is a directory" in refuses(generate, "--morph", "38", "--output-dir", tmp_path)
    assert not (tmp_path / "digits.png").exists()


def test_a_coloured_film_takes_three_times_the_memory():
    pictures = Pictures(Path(), 16, False, {})
    pictures.check_film("--morph", 1000, 1, (28, 28, 1))
    with pytest.raises(UserError, match="--morph would be too large a film"):
        pictures.check_film("--morph", 1000, 1, (28, 28, 3))
