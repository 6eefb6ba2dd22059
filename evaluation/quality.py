"""How good the digits become while a run is under way; the numbers do not influence training."""

import functools

import keras
import numpy as np

import utils
from evaluation import metrics, modes
from evaluation.judge import FEATURES, load_judge, look_at_some
from support.datasets import STACKED


def quality_of(name, dataset):
    """What measures a run on this data: a Quality, or Modes; None if the committed judge cannot take the images."""
    if name == STACKED:
        return Modes(dataset, load_judge())
    return Quality(dataset, load_judge()) if dataset.x_train.shape[1:] == (28, 28, 1) else None


class _Measure(keras.callbacks.Callback):
    def __init__(self, dataset, judge):
        super().__init__()
        self.dataset, self.judge = dataset, judge

    def draw(self, count, number):
        """Draw fresh images and labels, by random numbers of their own: training is the same with or without this."""
        gan = self.model
        rng = np.random.default_rng([gan.seed, number])
        noise = rng.standard_normal((count, gan.latent_dim), "float32")
        labels = self.dataset.labels_in_share(count, rng)
        return utils.draw(gan.averaged_generator, noise, labels), labels


class Quality(_Measure):
    """After each epoch, add the Fréchet distance of 5,000 fresh digits to 10,000 training digits to the epoch's logs.

    The digits drawn have the training digits' class shares; of a smaller data set, there are only as many as it has.

    Args:
        dataset: `support.dataset.Dataset` of images that the judge can take.
        judge: the classifier whose features measure, as `judge.load_judge` returns it.
    """

    def __init__(self, dataset, judge):
        super().__init__(dataset, judge)
        features, self.reads = look_at_some(judge, dataset)
        self.reference = metrics.moments(features)

    @functools.cached_property
    def test_features(self):
        """The judge's features of all test digits; None if there are too few to measure with."""
        enough = len(self.dataset.x_test) > FEATURES
        return utils.look(self.judge, self.dataset.x_test)[0] if enough else None

    def count(self, most):
        """How many digits of each kind to measure, the same for all: the fewer they are, the greater their distance."""
        real = [self.dataset.x_train] if self.test_features is None else [self.dataset.x_train, self.test_features]
        return min(most, *map(len, real))

    @functools.cached_property
    def floor(self):
        """The distance of 5,000 test digits, measured as after an epoch; None without test digits."""
        if self.test_features is None:
            return None
        some = np.random.default_rng(0).permutation(self.test_features)[: self.count(5000)]
        return metrics.frechet_distance(self.reference, metrics.moments(some))

    def on_epoch_end(self, epoch, logs):
        features, _ = utils.look(self.judge, self.draw(self.count(5000), epoch)[0])
        logs["frechet_distance"] = metrics.frechet_distance(self.reference, metrics.moments(features))

    def final(self):
        """Measure 10,000 digits, from noise not seen before, against all training digits; returns a dict.

        Beside them stand as many real digits: random training digits, in the same class shares, against the rest, about
        what a perfect generator of the training set would reach, and test digits, which other people wrote.
        """
        rest, chosen = self.dataset.split_off(self.count(10_000), np.random.default_rng(0), in_shares=True)
        can_split = len(chosen) > FEATURES
        count = len(chosen) if can_split else self.count(10_000)
        images, labels = self.draw(count, 2**32)
        features, logits = utils.look(self.judge, images)
        training, _ = utils.look(self.judge, self.dataset.x_train)
        everything = metrics.moments(training)
        quality = {"frechet_distance": metrics.frechet_distance(everything, metrics.moments(features))}
        floors = {"training": (metrics.moments(training[rest]), training[chosen])} if can_split else {}
        if self.test_features is not None:
            some = np.random.default_rng(0).permutation(len(self.test_features))[:count]
            floors["test"] = everything, self.test_features[np.sort(some)]
        for name, (reference, floor) in floors.items():
            distance = metrics.frechet_distance(reference, metrics.moments(floor))
            quality[f"frechet_distance_of_{name}_digits"] = distance
        if self.reads:
            quality["label_accuracy"] = float((logits.argmax(axis=-1) == labels).mean())
        return quality


class Modes(_Measure):
    """After each epoch, add the modes of modes.ROUGH fresh images to the epoch's logs."""

    floor = None  # for the plot of distances, of which it has none

    def on_epoch_end(self, epoch, logs):
        logs |= modes.score_modes(self.judge, self.draw(modes.ROUGH, epoch)[0])

    def final(self):
        """Measure modes.COUNT images from noise not seen before; returns a dict."""
        return modes.score_modes(self.judge, self.draw(modes.COUNT, 2**32)[0])
