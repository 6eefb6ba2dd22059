"""The distance while a run is under way, and its floor."""

import numpy as np
import pytest

from discriminator import build_discriminator
from evaluation import metrics
from evaluation.judge import load_judge
from evaluation.quality import Quality
from gan import GAN
from generator import build_generator
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


def test_the_average_is_measured_and_beside_it_test_digits(real):
    dataset, _ = real
    gan = GAN(build_generator(8, 10, width=8), build_discriminator(10, width=8))
    gan.averaged_generator.set_weights([0 * weights for weights in gan.averaged_generator.get_weights()])
    quality = Quality(dataset, load_judge())
    quality.set_model(gan)
    images, labels = quality.draw(600, 0)
    assert (images == 128).all() and images.shape == (600, 28, 28, 1)  # grey, as no other weights draw
    np.testing.assert_allclose(np.bincount(labels) / 600, np.bincount(dataset.y_train) / 1200, atol=0.005)
    everything, test = (look(quality.judge, images)[0] for images in (dataset.x_train, dataset.x_test))
    some = np.sort(np.random.default_rng(0).permutation(600)[:200])
    expected = metrics.frechet_distance(metrics.moments(everything), metrics.moments(test[some]))
    final = quality.final()
    assert final["frechet_distance_of_test_digits"] == pytest.approx(expected, rel=1e-6)
    rest, chosen = (
        metrics.moments(everything[each]) for each in dataset.split_off(600, np.random.default_rng(0), True)
    )
    expected = metrics.frechet_distance(rest, chosen)
    assert final["frechet_distance_of_training_digits"] == pytest.approx(expected, rel=1e-6)


def test_what_is_drawn_depends_on_the_runs_seed_and_the_number(real):
    quality, drawn = Quality(real[0], load_judge()), []
    for seed, number in (0, 0), (0, 1), (1, 0), (0, 0):
        quality.set_model(GAN(build_generator(8, 10, width=8), build_discriminator(10, width=8), seed=seed))
        drawn.append(tuple(quality.draw(50, number)[1]))
    assert drawn[0] == drawn[3] and len(set(drawn)) == 3


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


def test_what_too_few_digits_or_labels_that_are_not_read_would_say_is_left_out(real, monkeypatch):
    dataset, _ = real
    rolled = dataset._replace(y_train=np.roll(dataset.y_train, 1))
    few = dataset._replace(x_train=dataset.x_train[:700], y_train=dataset.y_train[:700])  # of which a sixth is too few
    for data, count, lacks in ((rolled, 200, "label_accuracy"), (few, 600, "frechet_distance_of_training_digits")):
        quality, drawn = Quality(data, load_judge()), []

        def draw(*args, data=data, drawn=drawn):
            drawn.append(args)
            return data.x_train[: args[0]], data.y_train[: args[0]]

        monkeypatch.setattr(quality, "draw", draw)
        assert lacks not in quality.final() and drawn == [(count, 2**32)]
