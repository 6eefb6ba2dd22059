"""Telling generated from real digits: the classifier finds what gives them away, and the page shows where."""

import functools

import keras
import numpy as np
import pytest

from evaluate import Config
from evaluation import judge, two_sample
from evaluation.judge import load_judge
from evaluation.measure import measure
from evaluation.report import write_report


@pytest.fixture(scope="module")
def stained(mnist):
    """Real digits with a grey veil in a corner, as a bad generator might draw them."""
    images = mnist.x_train[:500].copy()
    images[:, :4, :4] = 30
    return images


def test_a_veil_gives_digits_away_and_is_found(mnist, stained, monkeypatch):
    monkeypatch.setattr(two_sample, "EPOCHS", 8)  # a veil is not faint
    monkeypatch.setattr(two_sample, "fit_classifier", functools.partial(judge.fit_classifier, batch_size=16))
    stained, others = stained[:250], mnist.x_train[1000:1250]
    verdict = two_sample.tell_apart(stained, others, seed=0)
    assert verdict.accuracy > 0.95 and len(verdict.images) == 250
    assert (verdict.suspicion[verdict.generated] > 0).mean() > 0.9
    falls = two_sample.occlusion(verdict, generated=True, count=40)
    assert falls.shape == (7, 7) and falls.argmax() == 0 and falls[0, 0] > 5 * np.abs(falls[1:, 1:]).max()
    clear = two_sample.VERSIONS["background cleared: pixels below 50 set to 0"]
    assert two_sample.tell_apart(clear(stained), clear(others), seed=0).accuracy < 0.65


def test_what_speaks_for_generated_speaks_against_real_where_it_lies():
    kernel = np.zeros((28, 28, 2), "float32")
    kernel[2, 9, 1] = 1  # one pixel, of the patch in row 0 and column 2, makes an image real
    classifier = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    classifier.set_weights([kernel.reshape(784, 2), np.zeros(2)])
    images, generated = np.full((2, 28, 28, 1), 255, "uint8"), np.array([True, False])
    verdict = two_sample.Verdict(1.0, images, generated, np.zeros(2), classifier)
    for of_generated, fall in ((True, -2), (False, 2)):
        falls = two_sample.occlusion(verdict, of_generated)
        assert falls[0, 2] == fall and np.count_nonzero(falls) == 1


def test_versions_hide_what_they_say():
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), "uint8")
    snapped, halved, cleared = (hide(images) for hide in two_sample.VERSIONS.values())
    assert set(np.unique(snapped)) == {0, 255}
    assert (halved[:, ::2, ::2] == halved[:, 1::2, 1::2]).all() and abs(halved.mean() - images.mean()) < 1
    assert cleared[images < 50].max() == 0 and (cleared[images >= 50] == images[images >= 50]).all()


def test_the_report_says_what_gives_them_away(real, stained, monkeypatch, tmp_path):
    monkeypatch.setattr("evaluation.measure.VERSIONS", {})
    monkeypatch.setattr(two_sample, "fit_classifier", lambda *_, **__: None)  # the page looks no different
    config = Config(count=150, two_sample=True, report=tmp_path)
    measured = measure(config, real[0], load_judge(), stained[:150], np.zeros(150, int), "these")
    write_report(tmp_path / "index.html", "150 digits", [("", "these")], measured, {})
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "What gives them away?" in page and page.count("data:image/png;base64,") == 10 and "http" not in page
