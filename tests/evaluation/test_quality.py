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
