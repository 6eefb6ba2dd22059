"""Hands: the choice among several, how far they lie apart, one for many digits."""

import numpy as np
import pytest
from helpers import digits_of
from PIL import Image

import utils
from drawing import hands
from generate_digits import Config, generate
from support import model_files
from support.model_files import PRETRAINED_DIR


def draw(tmp_path, **options):
    return generate(Config(models_dir=PRETRAINED_DIR, output_dir=tmp_path, **options))


def test_best_of_several_looks_more_real_to_the_discriminator(tmp_path):
    _, discriminator, *_ = model_files.load_models(PRETRAINED_DIR)

    def rating(images, labels):
        logits = discriminator.predict(images.astype("float32") / 127.5 - 1, verbose=0)
        return np.take_along_axis(logits, labels[:, None], axis=1)

    for digits in (None, "31415"):
        gains = []
        for seed in range(3):
            first, labels = draw(tmp_path, count=100, digits=digits, seed=seed)
            best, same = draw(tmp_path, count=100, digits=digits, seed=seed, best_of=5)
            np.testing.assert_array_equal(labels, same)
            gains.append(rating(best, labels).mean() - rating(first, labels).mean())
        assert max(gains) > 0 and min(gains) > -1e-4, gains  # a first try can be the best already


@pytest.mark.parametrize(
    ("logits", "figures", "chosen"),
    [
        ([[0, 9], [1, 0]], 1, [1]),  # of the class asked for, not of any
        ([[1], [0], [0], [2]], 2, [1, 1]),  # of all figures, not of the first
    ],
)
def test_the_best_hand_is_that_of_the_highest_logits(monkeypatch, logits, figures, chosen):
    monkeypatch.setattr(utils, "draw", lambda generator, noise, labels: noise[:, :1, None, None])
    monkeypatch.setattr(utils, "look", lambda network, images: np.array(logits))
    noise = np.array([[[0.0], [1.0]]])  # of one hand, two tries, which draw their numbers
    assert hands.best(None, None, noise, np.zeros((1, figures), int)).ravel().tolist() == chosen


@pytest.mark.parametrize("best_of", [1, 4])
def test_many_hands_are_drawn_some_at_a_time(monkeypatch, best_of):
    """However many are asked for, 10,000 images at most are in memory."""
    drawn = []

    def draw(generator, noise, labels):
        drawn.append(len(noise))
        return np.zeros((len(noise), 1, 1, 1), "uint8")

    monkeypatch.setattr(utils, "draw", draw)
    monkeypatch.setattr(utils, "look", lambda network, images: np.zeros((len(images), 10)))
    written = hands.write((None, None, 5, 10), np.zeros((25_000, 1), int), np.random.default_rng(0), best_of)
    assert sum(map(len, written)) == 25_000
    assert max(drawn) == 10_000 and sum(drawn) == 25_000 * best_of


def test_truncation_draws_hands_together(tmp_path):
    spreads = []
    for truncation in (1.0, 0.5, 0.0):
        images, _ = draw(tmp_path, only="5", count=200, truncation=truncation)
        spreads.append(images.var(axis=0).sum())
    assert spreads[0] > 1.2 * spreads[1] > spreads[2] == 0


def test_styles_have_a_row_a_hand_and_a_column_a_digit(tmp_path, reader):
    images, _ = draw(tmp_path, digits="7", styles=True, scale=1)
    pixels = np.array(Image.open(tmp_path / "styles.png"))
    assert pixels[300:].any()  # the caption
    digits = digits_of(pixels[:300, :300])
    assert (reader(digits) == np.tile(np.arange(10), 10)).mean() > 0.9
    assert np.abs(digits[7].astype(int) - images[0]).max() <= 1  # the first hand is that which writes numbers


def test_styles_are_chosen_and_truncated_as_a_number_is(tmp_path):
    images, _ = draw(tmp_path, digits="0123456789", styles=True, scale=1, best_of=5, truncation=0.8)
    row = np.array(Image.open(tmp_path / "styles.png"))[:30, :300]
    assert np.abs(digits_of(row).astype(int) - images).max() <= 1


def test_styles_of_only_some_digits(tmp_path, reader):
    draw(tmp_path, only="37", count=2, styles=True, scale=1)
    pixels = np.array(Image.open(tmp_path / "styles.png"))
    assert (reader(digits_of(pixels[:300, :60])) == np.tile([3, 7], 10)).mean() > 0.9
