"""The judge reads digits, and distances by its features rise with the damage."""

import shutil

import numpy as np
import pytest
import scipy.ndimage

from evaluate import evaluate
from evaluation import judge as judging
from evaluation import metrics
from evaluation.judge import JUDGE, Config, accuracy_of_training_on, judge_for, load_judge, train_judge
from support.commands import UserError
from support.dataset import Dataset
from support.model_files import PRETRAINED_DIR
from utils import look


@pytest.fixture(scope="module")
def judge():
    return load_judge()


def test_the_judge_reads_real_digits(judge, mnist):
    assert JUDGE.stat().st_size < 3e6
    assert (look(judge, mnist.x_test)[1].argmax(axis=1) == mnist.y_test).mean() >= 0.995


@pytest.fixture(scope="module")
def by_strength(real):
    """Each kind of damage at growing strength, from none: name -> list of image arrays."""
    images, labels = real[0].x_test, real[0].y_test
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(images.shape)
    ndimage = scipy.ndimage

    def each(transform, strengths):
        return [images, *(np.clip(transform(s), 0, 255).astype("uint8") for s in strengths)]

    return {
        "noise": each(lambda s: images + s * noise, (10, 20, 40, 80)),
        "blur": each(lambda s: ndimage.gaussian_filter(images, (0, s, s, 0)), (0.5, 0.8, 1.2, 2.0)),
        "erosion": each(lambda s: ndimage.grey_erosion(images, (1, s, s, 1)), (2, 3, 4)),
        "dilation": each(lambda s: ndimage.grey_dilation(images, (1, s, s, 1)), (2, 3, 4)),
        "broken strokes": each(lambda s: images * (rng.random(images.shape) > s), (0.05, 0.1, 0.2, 0.4)),
        "missing classes": [images[labels < classes] for classes in (10, 9, 8, 6, 3)],
        "few distinct": [images, *(np.resize(images[:few], images.shape) for few in (300, 100, 30, 10))],
    }


@pytest.fixture(scope="module")
def reference(judge, real):
    """The judge's features of the digits to measure against."""
    return look(judge, real[0].x_train)[0]


@pytest.mark.parametrize(
    "kind", ["noise", "blur", "erosion", "dilation", "broken strokes", "missing classes", "few distinct"]
)
def test_distances_rise_with_the_damage(judge, by_strength, reference, kind):
    frechet, kernel = [], []
    for images in by_strength[kind]:
        features, _ = look(judge, images)
        frechet.append(metrics.frechet_distance(metrics.moments(reference), metrics.moments(features)))
        kernel.append(metrics.kernel_distance(reference, features)[0])
    assert frechet == sorted(frechet), frechet
    assert kernel == sorted(kernel), kernel
    assert frechet[-1] > 10 * frechet[0]


def test_one_grey_pixel_is_less_than_a_slight_blur(judge, real):
    images = real[0].x_test
    grey = images.copy()
    grey[:, 2, 2] = 128
    blurred = scipy.ndimage.gaussian_filter(images, (0, 0.8, 0.8, 0))
    clean, *damaged = (metrics.moments(look(judge, x)[0]) for x in (images, grey, blurred))
    distances = [metrics.frechet_distance(clean, moments) for moments in damaged]
    assert distances[0] < distances[1], distances


def test_a_damaged_judge_of_ones_own_is_to_be_deleted_not_the_committed_one_trained_again(tmp_path, real):
    """`python -m evaluation.judge` would write that of MNIST, and leave this one as it is."""
    upside_down = real[0]._replace(x_train=255 - real[0].x_train)
    (path := tmp_path / f"judge-{upside_down.checksum[:12]}.keras").write_bytes(b"half of a judge")
    with pytest.raises(UserError, match=r"judge-.*is damaged: delete it"):
        judge_for(upside_down, tmp_path)
    with pytest.raises(UserError, match=f"run python -m evaluation.judge --output {path} again"):
        load_judge(path)
    with pytest.raises(UserError, match=r"nowhere\.keras --dataset fashion_mnist first"):
        load_judge(tmp_path / "nowhere.keras", "fashion_mnist")


def test_a_judge_of_images_without_labels_learns_how_they_are_turned(real, monkeypatch, tmp_path):
    learned = []
    monkeypatch.setattr(judging, "fit_classifier", lambda judge, images, labels, *how: learned.append(set(labels)))
    unlabelled = real[0]._replace(y_train=0 * real[0].y_train, y_test=0 * real[0].y_test)
    assert train_judge(Config(output=tmp_path / "judge.keras"), unlabelled).output_shape == (None, 4)
    assert learned == [{0, 1, 2, 3}]
    (tmp_path / "a.keras").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        train_judge(Config(output=tmp_path / "a.keras"), unlabelled)
    assert len(learned) == 1  # nothing, before that was refused


def test_a_judge_passes_over_few_images_at_most_sixty_times_and_over_many_twice(monkeypatch, tmp_path):
    epochs = []
    monkeypatch.setattr(judging, "train_judge", lambda config, dataset: epochs.append(config.epochs))
    monkeypatch.setattr(judging, "load_judge", lambda path: None)
    for count in (300, 60_000, 500_000):
        judge_for(Dataset(*2 * (np.zeros((count, 1, 1, 1), "uint8"), np.zeros(count, int))), tmp_path)
    assert epochs == [60, 8, 2]


def test_what_a_classifier_to_be_tested_begins_with_is_chosen_by_the_seed(real, monkeypatch):
    begun = []
    monkeypatch.setattr(judging, "fit_classifier", lambda network, *_, **how: begun.append(network.get_weights()[0]))
    for seed in (0, 0, 1):
        accuracy_of_training_on(*real[0][2:], *real[0][2:], 10, seed)
    assert np.array_equal(begun[0], begun[1]) and not np.array_equal(begun[0], begun[2])


def test_refuses_what_is_no_judge_and_values_out_of_range(refuses, tmp_path):
    assert "ends in .keras" in refuses(train_judge, "--output", tmp_path / "judge")
    for output in ((), ("--output", JUDGE.parent / ".." / "pretrained" / JUDGE.name)):
        assert "is the judge of MNIST" in refuses(train_judge, "--dataset", "fashion_mnist", *output)
    assert "the name of one of train.py's models" in refuses(train_judge, "--output", tmp_path / "generator.keras")
    assert "no judge" in refuses(evaluate, "--judge", PRETRAINED_DIR / "generator.keras")
    refuses(evaluate, "--judge", tmp_path / "nothing.keras")
    refuses(evaluate, "--models-dir", tmp_path)
    refuses(evaluate, "--count", 0)
    models = shutil.copytree(PRETRAINED_DIR, tmp_path / "models")
    flags = ["--models-dir", models, "--count", 150, "--json", models / "run.json"]
    assert "overwrite what --models-dir reads" in refuses(evaluate, *flags)
    for flag in ("--npz", "--dataset", "--judge"):
        assert f"overwrite what {flag} reads" in refuses(evaluate, flag, tmp_path / "b", "--json", tmp_path / "b")
    refuses(evaluate, "--npz", tmp_path / "nothing.npz")
