"""What is measured of digits, and of real ones beside them."""

from typing import NamedTuple

import numpy as np
from tqdm import tqdm

import utils
from evaluation import metrics
from evaluation.judge import accuracy_of_telling_apart, accuracy_of_training_on
from support import networks
from support.commands import UserError
from support.datasets import load_dataset


class Reading(NamedTuple):
    """A set of digits and what the judge sees in it."""

    images: np.ndarray  # uint8 (N, 28, 28, 1)
    labels: np.ndarray  # int (N,), what was asked for or, where nothing was, what is read
    features: np.ndarray  # float32 (N, 128)
    probabilities: np.ndarray  # float32 (N, num_classes)
    nearest_distance: np.ndarray  # float (N,), to the nearest training image, pixels in 0..1
    nearest_index: np.ndarray  # int (N,), of that image


class Real(NamedTuple):
    """The real digits: what others are measured against."""

    images: np.ndarray  # uint8 (N, 28, 28, 1)
    labels: np.ndarray  # int (N,)
    moments: tuple  # of the features of all
    features: np.ndarray  # float32, of 10,000 of them at random


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def pixels(images):
    return images.reshape(len(images), -1).astype("float32") / 255


def read_digits(judge, images, labels, real):
    features, logits = utils.look(judge, images)
    labels = logits.argmax(axis=1) if labels is None else labels
    return Reading(images, labels, features, softmax(logits), *metrics.nearest(pixels(images), pixels(real.images)))


def score(digits, floor, real):
    """All the numbers of a Reading, but for those that train a classifier."""
    readings, num_classes = digits.probabilities.argmax(axis=1), digits.probabilities.shape[1]
    right = readings == digits.labels
    return {
        "frechet_distance": metrics.frechet_distance(real.moments, metrics.moments(digits.features)),
        "frechet_interval": 1.96 * metrics.frechet_spread(real.moments, digits.features),
        "kernel_distance": 1000 * metrics.kernel_distance(real.features, digits.features),
        "kernel_interval": 1960 * metrics.kernel_spread(real.features, digits.features),
        "classifier_score": metrics.classifier_score(digits.probabilities),
        "confidence": float(digits.probabilities.max(axis=1).mean()),
        "label_accuracy": float(right.mean()),
        "label_accuracy_by_class": [float(right[digits.labels == label].mean()) for label in np.unique(digits.labels)],
        "class_balance": metrics.class_balance(
            *(np.bincount(labels, minlength=num_classes) for labels in (readings, real.labels))
        ),
        **metrics.neighbour_scores(real.features, digits.features),
        "nearest_distance": float(np.median(digits.nearest_distance)),
        "share_nearer": metrics.share_nearer(digits.nearest_distance, floor.nearest_distance),
    }


def digits_to_score(config, dataset):
    """Return images uint8 (N, 28, 28, C), labels int (N,), None from unlabelled training, and where they come from."""
    rng = np.random.default_rng(config.seed)
    if config.npz:
        digits = load_dataset(str(config.npz))
        order = rng.permutation(len(digits.x_train))
        labels = digits.y_train[order] if digits.y_train.any() else None  # all 0: of an unlabelled generator
        return digits.x_train[order], labels, config.npz
    models_dir = networks.default_models(config.models_dir)
    generator, _, latent_dim, num_classes = networks.load_models(models_dir)
    count = max(config.count, len(dataset.x_train)) if config.tstr else config.count
    labels = np.arange(count) % num_classes
    images = utils.draw(generator, rng.standard_normal((count, latent_dim), "float32"), labels)
    return images, labels if num_classes > 1 else None, models_dir


def measure(config, dataset, judge, images, labels, source):
    """Measure images and labels and the floor; returns (numbers, Reading, Real), numbers[column][key]."""
    rng = np.random.default_rng(config.seed)
    count = min(config.count, len(images))
    real_images, real_labels, floor_images, floor_labels = dataset.hold_out(count, rng)
    width, num_classes = (output.shape[-1] for output in judge.outputs)
    for what, some_images in ((source, images), (config.dataset, real_images)):
        if some_images.shape[1:] != judge.input_shape[1:]:
            raise UserError(
                f"{what} has images {some_images.shape[1:]}: give {judge.input_shape[1:]}, as the judge reads"
            )
    for what, number in ((source, count), (config.dataset, len(floor_images))):
        if number <= width:
            raise UserError(f"{what} has {number} digits to measure by {width} features: give more than {width}")
    if labels is None and config.tstr:
        raise UserError(f"{source} has no labels to learn from: leave --tstr out")
    if max(real_labels.max(), 0 if labels is None else labels.max()) >= num_classes:
        raise UserError(f"there are labels above {num_classes - 1}, the last that the judge knows: give others")

    with tqdm(total=5, desc="evaluating", leave=False) as bar:
        features, _ = utils.look(judge, real_images)
        some = rng.permutation(len(features))[:10_000]
        real = Real(real_images, real_labels, metrics.moments(features), features[some])
        bar.update()
        floor = read_digits(judge, floor_images, floor_labels, real)
        bar.update()
        digits = read_digits(judge, images[:count], None if labels is None else labels[:count], real)
        bar.update()
        numbers = {"digits": score(digits, floor, real)}
        bar.update()
        numbers["floor"] = score(floor, floor, real)
        bar.update()
    if labels is None:  # nothing was asked for
        numbers["digits"]["label_accuracy"] = numbers["digits"]["label_accuracy_by_class"] = None
    if config.tstr:
        print("training a classifier on these digits, then one on real digits")
        for column, examples in (("digits", (images, labels)), ("floor", (real_images, real_labels))):
            numbers[column]["tstr"] = accuracy_of_training_on(
                *examples, floor_images, floor_labels, num_classes, config.seed
            )
    if config.two_sample:
        print("training a classifier to tell these from the training digits, then one to tell other real digits")
        for column, others in (("digits", digits.images), ("floor", floor_images)):
            numbers[column]["two_sample"] = accuracy_of_telling_apart(others, real_images[some], config.seed)
    return numbers, digits, real
