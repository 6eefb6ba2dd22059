"""What is measured of digits beside real ones."""

from types import SimpleNamespace

import numpy as np

from evaluate import Config
from evaluation.judge import load_judge
from evaluation.measure import measure, nearest_images


def test_random_training_digits_are_near_the_others(measured_real):
    training = measured_real[0]["training"]
    assert training["frechet_distance"] < 5 and training["label_accuracy"] > 0.99 and training["precision"] > 0.8


def test_training_and_test_digits_are_held_against_the_same_others(real):
    """Here test digits are copies of training digits, a sixth of them of those that are themselves measured."""
    dataset = real[0]._replace(x_test=real[0].x_train[:600], y_test=real[0].y_train[:600])
    numbers, *_ = measure(Config(count=600), dataset, load_judge(), *real[0][2:], "these")
    assert 0.05 < numbers["training"]["share_nearer"] < 0.12  # half of a sixth


def test_without_test_digits_training_digits_are_told_from_each_other(real, monkeypatch):
    monkeypatch.setattr("evaluation.measure.tell_apart", lambda *args: SimpleNamespace(accuracy=0.5))
    dataset = real[0]._replace(x_test=real[0].x_test[:0], y_test=real[0].y_test[:0])
    config = Config(count=150, two_sample=True)
    numbers, *_ = measure(config, dataset, load_judge(), *real[0][:2], "these")
    assert numbers["training"]["two_sample"] == 0.5
    assert numbers["digits"]["share_nearer"] > 0.99  # copies, of digits that were held out, too


def test_the_nearest_of_large_images_is_found_in_parts():
    """Those of colour are four times as large: 15,312 at a time."""
    real = np.random.default_rng(0).integers(0, 256, (16_000, 32, 32, 3), "uint8")
    chosen = np.array([15_999, 3, 15_311, 15_312])
    distances, indices = nearest_images(real[chosen], real)
    np.testing.assert_array_equal(indices, chosen)
    assert distances.max() < 0.1


def test_all_columns_are_measured_against_as_many(measured_real):
    """Else coverage, which falls with their number, would not compare: here 600 or 1,000 of 1,200."""
    assert measured_real[1] == [600, 600]
