"""The distance while a run is under way, and its floor."""

import numpy as np
import pytest

from evaluation import metrics
from evaluation.judge import load_judge
from evaluation.quality import Quality
from utils import look


def test_floor_is_the_distance_of_real_digits(real):
    """Measured as after an epoch; a little noise is farther off. Without test digits there is none."""
    dataset, _ = real
    judge = load_judge()
    quality = Quality(dataset, judge)
    features, _ = look(judge, dataset.x_test)
    assert quality.floor == pytest.approx(metrics.frechet_distance(quality.reference, metrics.moments(features)))
    noise = np.random.default_rng(0).normal(0, 20, dataset.x_test.shape)
    features, _ = look(judge, np.clip(dataset.x_test + noise, 0, 255).astype("uint8"))
    assert 0 < quality.floor < metrics.frechet_distance(quality.reference, metrics.moments(features))
    assert Quality(dataset._replace(x_test=dataset.x_test[:100]), judge).floor is None


def test_as_many_digits_are_measured_as_real_ones_beside_them(real, monkeypatch):
    """The fewer they are, the greater is their distance."""
    dataset, _ = real
    quality, drawn, measured = Quality(dataset, load_judge()), [], []
    monkeypatch.setattr(quality, "draw", lambda count, number: drawn.append(count) or (dataset.x_train[:count], 0))
    moments = metrics.moments
    monkeypatch.setattr(metrics, "moments", lambda features: measured.append(len(features)) or moments(features))
    quality.on_epoch_end(0, {})
    assert quality.floor and (drawn, measured) == ([600], [600, 600])
    assert quality.final().keys() > {"frechet_distance_of_training_digits", "frechet_distance_of_test_digits"}
    assert drawn[1:] == [200] and sorted(measured[2:]) == [200, 200, 200, 1000, 1200]
