"""The digits that are measured: where they come from, in which class shares, and how many of them."""

import numpy as np

import utils
from evaluation.judge import FEATURES
from support import model_files
from support.commands import UserError
from support.dataset import numbers_of
from support.datasets import load_dataset


def in_share(labels, wanted, rng):
    """Choose as many of `labels` as can have the class shares of `wanted`, none twice; returns their indices (M,).

    Any first few of them have those shares, too. Classes that only one of the two has stay out: what is missing is for
    the distances to notice.
    """
    classes = np.intersect1d(labels, wanted)
    have, shares = (np.array([(each == label).sum() for label in classes]) for each in (labels, wanted))
    counts = np.floor((have / shares).min(initial=np.inf) * shares + 1e-6).astype(int) if len(classes) else []
    chosen = [rng.permutation(np.flatnonzero(labels == label))[:n] for label, n in zip(classes, counts, strict=True)]
    places = [(np.arange(n) + rng.random(n)) / n for n in counts]  # each class is spread evenly, the classes mixed
    return np.concatenate([np.zeros(0, int), *chosen])[np.argsort(np.concatenate([[], *places]))]


def digits_to_score(config, dataset):
    """Return images uint8 (N, S, S, C), labels int (N,) or, if there are none, None, where they come from, and the data
    set, its classes numbered as in the models.

    Raises UserError if the file or models cannot be used, or their classes are not the data set's.

    Labelled digits have the training set's class shares: equal shares would in themselves put them at a distance.
    """
    rng = np.random.default_rng(config.seed)
    if config.npz:
        digits = load_dataset(str(config.npz)).numbered_as(dataset.class_names, config.dataset)
        if digits.class_names and not dataset.class_names and not numbers_of(digits.class_names):
            print(f"{config.dataset} has no names for its classes: those of {config.npz} count as 0, 1 and so on")
        if len(digits.x_test):
            print(f"{config.npz} has test digits, too: measured are its training digits")
        if digits.y_train.any() and dataset.y_train.any():
            chosen = in_share(digits.y_train, dataset.y_train, rng)
            return digits.x_train[chosen], digits.y_train[chosen], config.npz, dataset
        return rng.permutation(digits.x_train), None, config.npz, dataset  # labels that are all 0 count as none
    models_dir = model_files.default_models(config.models_dir)
    model_files.check_no_result("--json", config.json, models_dir)
    generator, _, latent_dim, num_classes = model_files.load_models(models_dir)
    more = max(0, len(dataset.x_train) - config.count) if config.tstr else 0  # to learn from, besides those to measure
    noise = rng.standard_normal((config.count, latent_dim), "float32")
    if num_classes == 1:
        return utils.draw(generator, noise, np.zeros(config.count, int)), None, models_dir, dataset
    names = model_files.class_names(model_files.read_run(models_dir), num_classes)
    dataset = dataset.numbered_as(names, f"the generator in {models_dir}")
    labels = dataset.labels_in_share(config.count, rng)
    if more:
        noise = np.concatenate([noise, rng.standard_normal((more, latent_dim), "float32")])
        labels = np.concatenate([labels, dataset.labels_in_share(more, rng)])
    if labels.max() >= num_classes:
        unknown = f"{config.dataset} has classes that the models in {models_dir} do not know"
        raise UserError(f"{unknown}: give the --dataset that they learned from, or other models")
    return utils.draw(generator, noise, labels), labels, models_dir, dataset


def check_count(count, reason, cure=""):
    """Raise UserError if `count` digits are too few to measure, with the `reason` for that count; `cure` ends it."""
    if count <= FEATURES:
        raise UserError(f"{count} digits, {reason}, are too few to measure: give more than {FEATURES}{cure}")


def digits_a_column(config, dataset):
    """How many digits to measure in each column, and why no more. The fewer they are, the greater their distance.

    Raises:
        UserError: they are too few.
    """
    limits = [
        (config.count, "as --count says", ""),
        (
            len(dataset.x_train) // 6,
            f"a sixth of the training digits of {config.dataset}",
            f", so {6 * (FEATURES + 1)} training digits",
        ),
    ]
    if len(dataset.x_test):
        limits.append((len(dataset.x_test), f"the test digits of {config.dataset}", ", or no test digits"))
    count, reason, cure = min(limits, key=lambda limit: limit[0])
    check_count(count, reason, cure)
    return count, reason
