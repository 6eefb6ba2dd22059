"""What is measured of digits beside real ones."""

from types import SimpleNamespace

import numpy as np
import pytest

from evaluate import Config
from evaluation import metrics
from evaluation.judge import JUDGE, load_judge
from evaluation.measure import measure, nearest_images
from evaluation.two_sample import VERSIONS
from support.commands import UserError


def test_random_training_digits_are_near_the_others(measured_real):
    training = measured_real[0].numbers["training"]
    assert training["frechet_distance"] < 5 and training["label_accuracy"] > 0.99 and training["precision"] > 0.8


def test_training_and_test_digits_are_held_against_the_same_others(real):
    """Here, test digits are copies of training digits, a sixth of which are themselves among those measured."""
    dataset = real[0]._replace(x_test=real[0].x_train[:600], y_test=real[0].y_train[:600])
    numbers, *_ = measure(Config(count=600), dataset, load_judge(), *real[0][2:], "these")
    assert 0.05 < numbers["training"]["share_nearer"] < 0.12  # half of a sixth


def test_training_digits_are_not_among_those_they_are_measured_against(measured_real):
    _, scored = measured_real
    chosen, others = ({*map(bytes, each.images)} for each in scored[2][:2])
    assert len(chosen) == 200 and len(others) == 1000 and not chosen & others
    assert [args[3:] for args in scored] == [(False,), (True,), (True,)]  # whether drawn in class shares


def test_the_numbers_are_what_they_are_called(measured_real):
    numbers, digits, reference, _ = measured_real[0]
    ours = numbers["digits"]
    distance, error = metrics.kernel_distance(reference.features, digits.features, digits.labels)
    assert (ours["kernel_distance"], ours["kernel_interval"]) == pytest.approx((1000 * distance, 1960 * error))
    spread = metrics.frechet_spread(reference.moments, digits.features, digits.labels)
    assert ours["frechet_interval"] == pytest.approx(1.96 * spread)
    assert ours["nearest_distance"] == np.median(digits.nearest_distance)


def test_the_seed_chooses_the_real_digits(real, monkeypatch):
    scored = []
    monkeypatch.setattr("evaluation.measure.score", lambda *args: scored.append(args[0].images) or {})
    for seed in (0, 1):
        measure(Config(count=150, seed=seed), real[0], load_judge(), *real[0][2:], "these")
    floors, trainings = scored[::3], scored[2::3]
    for one, other in (floors, trainings):
        assert len(one) == len(other) == 150 and {*map(bytes, one)} != {*map(bytes, other)}


def test_labels_that_the_judge_lacks_are_refused_and_those_it_cannot_read_told(real, monkeypatch, capsys):
    monkeypatch.setattr("evaluation.measure.score", lambda *args: {})
    eleven = real[0]._replace(y_train=np.where(np.arange(1200) < 9, 10, real[0].y_train))
    with pytest.raises(UserError, match="labels above 9"):
        measure(Config(count=150), eleven, load_judge(), *real[0][2:], "these")
    for labels, told in ((real[0].y_train, False), (np.roll(real[0].y_train, 1), True)):
        dataset = real[0]._replace(y_train=labels)
        measure(Config(count=150, judge=JUDGE), dataset, load_judge(), *real[0][2:], "these")
        assert ("of the labels of" in capsys.readouterr().out) == told


@pytest.mark.parametrize("tested", [600, 0])  # of the test digits
def test_digits_and_other_real_ones_are_told_from_training_digits(real, monkeypatch, tmp_path, tested):
    """Without test digits, the other real ones are of the training digits."""
    pairs = []
    accuracy = SimpleNamespace(accuracy=0.5)
    monkeypatch.setattr("evaluation.measure.tell_apart", lambda *args: pairs.append(args[:2]) or accuracy)
    dataset = real[0]._replace(x_test=real[0].x_test[:tested], y_test=real[0].y_test[:tested])
    config = Config(count=150, two_sample=True, report=tmp_path)
    numbers, digits, *_ = measure(config, dataset, load_judge(), *real[0][:2], "these")
    assert len(digits.images) == 150
    assert numbers["digits"]["share_nearer"] > 0.99  # copies, without test digits of what was held out, too
    assert ("two_sample" in numbers["training"]) == (not tested) and numbers["floor"]["two_sample"] == 0.5
    (fake, theirs), (_, others), *hidden = pairs
    assert fake is digits.images and others is theirs
    for pair, hide in zip(hidden, VERSIONS.values(), strict=True):
        for images, shown in zip(pair, (fake, theirs), strict=True):
            np.testing.assert_array_equal(images, hide(shown))


def test_the_nearest_of_large_images_is_found_in_parts():
    """Those of colour are four times as large: 15,312 at a time."""
    real = np.random.default_rng(0).integers(0, 256, (16_000, 32, 32, 3), "uint8")
    chosen = np.array([15_999, 3, 15_311, 15_312])
    distances, indices = nearest_images(real[chosen], real)
    np.testing.assert_array_equal(indices, chosen)
    assert distances.max() < 0.1
    grey = np.zeros((2, 28, 28, 1), "uint8")
    grey[1, 0, :4] = 255
    assert nearest_images(grey[1:], grey[:1])[0] == pytest.approx(2)  # of pixels in 0..1


def test_all_columns_are_measured_against_as_many(measured_real):
    """Else coverage, which falls with their number, would not compare: here 600 or 1,000 of 1,200."""
    assert [len(reference.features) for _, reference, *_ in measured_real[1]] == [600, 600, 600]
