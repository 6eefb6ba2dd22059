"""What is measured of digits, and of the real ones beside them."""

import math
from typing import NamedTuple

import numpy as np

import utils
from evaluation import metrics
from evaluation.judge import READS, accuracy_of_training_on
from evaluation.two_sample import VERSIONS, Verdict, tell_apart
from support.commands import UserError, progress_bar

# Numbers that say nothing about images without labels: a judge of those reads only how they are turned.
OF_LABELS = ("classifier_score", "confidence", "label_accuracy", "label_accuracy_by_class", "class_balance")


class Reading(NamedTuple):
    """A set of digits and what the judge sees in it."""

    images: np.ndarray  # uint8 (N, S, S, C)
    labels: np.ndarray  # int (N,), what was asked for or, if nothing was, what is read
    features: np.ndarray  # float32 (N, 128)
    probabilities: np.ndarray  # float32 (N, num_classes)
    nearest_distance: np.ndarray  # float (N,), to the nearest training image, pixels in 0..1
    nearest_index: np.ndarray  # int (N,), of that image


class Real(NamedTuple):
    """The real digits: what others are measured against."""

    images: np.ndarray  # uint8 (N, S, S, C)
    labels: np.ndarray  # int (N,)
    moments: tuple  # of the features of all
    features: np.ndarray  # float32 (M, 128), of up to 10,000 of them at random
    some: np.ndarray  # int (M,), the indices of those


class Measured(NamedTuple):
    numbers: dict  # numbers[column][key]
    digits: Reading
    real: Real
    verdict: Verdict | None  # of the classifier that tells them apart, if one was asked for


def softmax(logits):
    """Turn logits (..., num_classes) into probabilities."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def pixels(images):
    """Images uint8 (N, S, S, C) as vectors, float32 (N, S * S * C) in 0..1."""
    return images.reshape(len(images), math.prod(images.shape[1:])).astype("float32") / 255


def read_digits(judge, images, labels, real):
    """Show images uint8 (N, S, S, C), and labels int (N,) or None, to the judge; returns a Reading beside a Real."""
    features, logits = utils.look(judge, images)
    labels = logits.argmax(axis=1) if labels is None else labels
    return Reading(images, labels, features, softmax(logits), *nearest_images(images, real.images))


def nearest_images(images, real):
    """`metrics.nearest` in pixels of uint8 images, with a block of `real` at a time, which bounds the memory."""
    block = 60_000 * 28**2 // real[0].size
    parts = [metrics.nearest(pixels(images), pixels(real[at : at + block])) for at in range(0, len(real), block)]
    distances, indices = (np.stack(each) for each in zip(*parts, strict=True))
    best, every = distances.argmin(axis=0), np.arange(len(images))
    return distances[best, every], indices[best, every] + block * best


def reference(images, labels, features, size, rng):
    """Make a Real of images, labels and their features; `size` random ones are kept one by one, the rest as moments."""
    some = rng.permutation(len(features))[:size]
    return Real(images, labels, metrics.moments(features), features[some], some)


def score(digits, real, new_distances, in_shares=False):
    """All the numbers of a Reading, except those for which a classifier is trained.

    Args:
        new_distances: float (N,), distances of new real digits, such as test digits, to the nearest of `real`.
        in_shares: whether the digits were drawn in fixed shares of their labels.
    """
    labels = digits.labels if in_shares else None
    readings, num_classes = digits.probabilities.argmax(axis=1), digits.probabilities.shape[1]
    right = readings == digits.labels
    kernel_distance, kernel_error = metrics.kernel_distance(real.features, digits.features, labels)
    return {
        "frechet_distance": metrics.frechet_distance(real.moments, metrics.moments(digits.features)),
        "frechet_interval": 1.96 * metrics.frechet_spread(real.moments, digits.features, labels),
        "kernel_distance": 1000 * kernel_distance,
        "kernel_interval": 1960 * kernel_error,
        "classifier_score": metrics.classifier_score(digits.probabilities),
        "confidence": float(digits.probabilities.max(axis=1).mean()),
        "label_accuracy": float(right.mean()),
        "label_accuracy_by_class": [
            float(right[digits.labels == label].mean()) if label in digits.labels else None
            for label in range(num_classes)
        ],
        "class_balance": metrics.class_balance(
            *(np.bincount(labels, minlength=num_classes) for labels in (readings, real.labels))
        ),
        **metrics.neighbour_scores(real.features, digits.features),
        "nearest_distance": float(np.median(digits.nearest_distance)),
        "share_nearer": metrics.share_nearer(digits.nearest_distance, new_distances),
    }


def check(dataset, judge, images, source):
    """Raise UserError if the judge cannot measure these digits against this data set."""
    if images.shape[1:] != judge.input_shape[1:]:  # the data set's have the same shape
        raise UserError(f"{source} has images {images.shape[1:]}: give {judge.input_shape[1:]}, as the judge reads")
    if dataset.y_train.max() >= (num_classes := judge.outputs[1].shape[-1]):
        raise UserError(f"there are labels above {num_classes - 1}, the last that the judge knows: give others")


def measure(config, dataset, judge, images, labels, source):
    """Measure the first `config.count` digits beside as many real ones; returns a Measured.

    Args:
        config: an `evaluate.Config`.
        dataset: `support.dataset.Dataset`, the real digits.
        judge: as `judge.load_judge` returns it.
        images, labels: uint8 (N, S, S, C), and int (N,) or, if nothing was asked for, None.
        source: where they come from, for error messages.

    Raises:
        UserError: the judge cannot measure these.

    The columns of its numbers are "digits"; "training", random training digits, in class shares if the digits have
    labels, measured against the rest, about what a perfect generator of the training set would reach; and "floor", test
    digits, which other people wrote (training digits if there are none).
    """
    check(dataset, judge, images, source)
    rng, count, in_shares = np.random.default_rng(config.seed), config.count, labels is not None
    real_images, real_labels, floor_images, floor_labels = dataset.hold_out(count, rng, in_shares)
    with progress_bar(total=4, desc="evaluating") as bar:
        features, logits = utils.look(judge, real_images)
        right = (logits.argmax(axis=-1) == real_labels).mean()
        if config.judge and real_labels.any() and right <= READS:
            print(f"{config.judge} reads {right:.0%} of the labels of {config.dataset}: is that what was meant?")
        # The same number in all columns: the fewer there are, the more of them are covered.
        size = min(10_000, len(real_images) - (count if len(dataset.x_test) else 0))
        real = reference(real_images, real_labels, features, size, rng)
        bar.update()
        floor = read_digits(judge, floor_images, floor_labels, real)
        numbers = {"digits": None, "training": None}  # in the table's order
        numbers["floor"] = score(floor, real, floor.nearest_distance, in_shares and not len(dataset.x_test))
        bar.update()
        if not len(dataset.x_test):
            # Digits may be copies of what was held out, too. With so many more, new digits are a little nearer to one.
            real = real._replace(
                images=np.concatenate([real_images, floor_images]), labels=np.concatenate([real_labels, floor_labels])
            )
        digits = read_digits(judge, images[:count], None if labels is None else labels[:count], real)
        numbers["digits"] = score(digits, real, floor.nearest_distance, in_shares)
        bar.update()
        if len(dataset.x_test):
            rest, chosen = dataset.split_off(count, rng, in_shares)
            others = reference(real_images[rest], real_labels[rest], features[rest], size, rng)
            training = read_digits(judge, real_images[chosen], real_labels[chosen], others)
            new_distances, gone = floor.nearest_distance.copy(), np.isin(floor.nearest_index, chosen)
            # The nearest of the others is the nearest of all, unless that is among the chosen.
            new_distances[gone] = nearest_images(floor_images[gone], others.images)[0]
            numbers["training"] = score(training, others, new_distances, in_shares)
        else:
            numbers["training"] = numbers["floor"]
        bar.update()
    if labels is None:  # nothing was asked for
        numbers["digits"]["label_accuracy"] = numbers["digits"]["label_accuracy_by_class"] = None
    if not dataset.y_train.any():
        for column in numbers.values():
            column |= dict.fromkeys(OF_LABELS)
    num_classes = judge.outputs[1].shape[-1]
    if config.tstr:
        print("training a classifier on these digits, then one on real digits")
        number = min(len(images), len(real_images))
        some = np.sort(rng.permutation(len(real_images))[:number])  # which may be sorted by class
        examples = {"digits": (images[:number], labels[:number]), "training": (real_images[some], real_labels[some])}
        for column, pair in examples.items():
            numbers[column]["tstr"] = accuracy_of_training_on(
                *pair, floor_images, floor_labels, num_classes, config.seed
            )
    verdict = None
    if config.two_sample:
        print("training a classifier to tell these from the training digits, then one to tell other real digits")
        theirs = real_images[real.some]
        verdict = tell_apart(digits.images, theirs, config.seed)
        numbers["digits"]["two_sample"] = verdict.accuracy
        numbers["floor"]["two_sample"] = tell_apart(floor_images, theirs, config.seed).accuracy
        if config.report:
            print("training a classifier on versions of both that hide something, one after the other")
            numbers["digits"]["two_sample_by_version"] = {
                name: tell_apart(hide(digits.images), hide(theirs), config.seed).accuracy
                for name, hide in VERSIONS.items()
            }
    return Measured(numbers, digits, real, verdict)
