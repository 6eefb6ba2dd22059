"""Images with labels: checked, counted, split, and numbered as models have them; support/datasets.py finds them."""

from typing import NamedTuple

import numpy as np

from support.commands import UserError
from support.files import fingerprint
from support.readers import SIZES

MAX_CLASSES = 1000


def numbers_of(names):
    """The numbers that classes have for names, a list; empty if not all have, or the numbers could not be labels."""
    numbers = [int(name) for name in names if name.isdecimal()]
    return numbers if 1 < len(names) == len(set(numbers)) and max(numbers) < MAX_CLASSES else []


class _Arrays(NamedTuple):
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


class Dataset(_Arrays):
    """Images uint8 (N, S, S, C), S one of SIZES, and their labels int32 (N,); the test arrays may be empty.

    Attributes:
        class_names: tuple of str, the classes' names as far as `load_dataset` knows; () if they only have numbers.
    """

    class_names = ()

    @property
    def num_classes(self):
        return int(self.y_train.max()) + 1

    @property
    def checksum(self):
        """SHA-256 over all types, shapes and bytes: the same for the same digits in any file format."""
        return fingerprint(self)

    def labels_in_share(self, count, rng):
        """Draw `count` labels, int (count,), in random order and in the shares of the training digits."""
        return rng.permutation(np.sort(self.y_train)[np.arange(count) * len(self.y_train) // count])

    def numbered_as(self, names, source):
        """The same data, its classes renumbered by their places in `names`.

        If all `names` are numbers, numbers match them: 3 is "3" is "03", as --folders writes it. Else names match, if
        any of ours is among them; if not, or without names on either side, a number is a place in `names`.

        Raises:
            UserError: `names`, those of `source`, lack a class.
        """
        own, known, numbers = self.class_names, names, numbers_of(names)
        if not own and not (numbers and self.y_train.any()):
            return self
        labels = np.unique(np.concatenate([self.y_train, self.y_test]))
        are_numbers = all(map(str.isdecimal, own)) and len(set(map(int, own))) == len(own)
        if are_numbers and (numbers or set(own).isdisjoint(names)):
            own = [str(int(name)) for name in own] or [str(number) for number in range(labels[-1] + 1)]
            known = [str(number) for number in numbers or range(len(names) or MAX_CLASSES)]
        missing = [own[label] for label in labels if own[label] not in known]
        if missing and not names:
            return self
        if missing:
            raise UserError(f"{source} has no class {missing[0]!r}: give data of {', '.join(names)[:500]}")
        numbers = np.array([known.index(name) if name in known else -1 for name in own], "int32")
        same = self._replace(y_train=numbers[self.y_train], y_test=numbers[self.y_test])
        same.class_names = tuple(names)
        return same

    def split_off(self, count, rng, in_shares=False):
        """Split off random training digits, at most a sixth; returns the indices of the rest, and of these.

        If `in_shares`, these have the class shares of all training digits, as in `labels_in_share`.
        """
        order = rng.permutation(len(self.x_train))
        count = min(count, len(order) // 6)
        if in_shares:
            by_class = order[np.argsort(self.y_train[order], kind="stable")]
            chosen = rng.permutation(by_class[np.arange(count) * len(order) // count])
            order = np.concatenate([chosen, order[~np.isin(order, chosen)]])
        return order[count:], order[:count]

    def hold_out(self, count, rng, in_shares=False):
        """Split off real digits to compare with: test digits, by other writers, or if there are none, training digits.

        Args:
            in_shares: as for `split_off`, of training digits only.

        Returns:
            images and labels of the training digits that remain, images and labels of those split off.
        """
        if len(self.x_test):
            chosen = rng.permutation(len(self.x_test))[:count]
            return self.x_train, self.y_train, self.x_test[chosen], self.y_test[chosen]
        rest, chosen = self.split_off(count, rng, in_shares)
        return self.x_train[rest], self.y_train[rest], self.x_train[chosen], self.y_train[chosen]


def to_dataset(arrays, sources, path, num_classes=None):
    """Turn a reader's arrays into a Dataset.

    Args:
        arrays, sources: as support/readers.py describes them.
        path: where they are from.
        num_classes: how many there should be, if that is known.

    Raises:
        UserError: they are not images of a size in SIZES with one label each.
    """
    if "images" in arrays:
        names = {"x_train": "images", "y_train": "labels", "x_test": "x_test", "y_test": "y_test"}
        arrays, sources = ({to: each[key] for to, key in names.items() if key in each} for each in (arrays, sources))
    if (num_classes or 0) > MAX_CLASSES:
        raise UserError(f"{path} has {num_classes} classes: give at most {MAX_CLASSES}")
    dataset = {}
    for part in ("train", "test"):
        images, labels = arrays.get(f"x_{part}"), arrays.get(f"y_{part}")
        if part == "test" and images is None:
            images, labels = dataset["x_train"][:0], dataset["y_train"][:0]
        if images is None or labels is None:
            raise UserError(f"{path} lacks x_{part} or y_{part}: give images and labels, 0 for all without")
        images_in, labels_in = sources.get(f"x_{part}"), sources.get(f"y_{part}")
        square = images.shape[1:3] in [(size, size) for size in SIZES]
        if images.dtype != "uint8" or not square or images.shape[3:] not in [(), (1,), (3,)]:
            raise UserError(f"{images_in} is {images.dtype} {images.shape}: give uint8 (N, 28, 28), or 32, or (..., 3)")
        if not np.issubdtype(labels.dtype, np.integer) or labels.shape != images.shape[:1]:
            raise UserError(
                f"{labels_in} is {labels.dtype} {labels.shape} for {len(images)} images: give an integer for each"
            )
        if part == "train" and not len(images):
            raise UserError(f"{path} has no training images: give at least one batch")
        if part == "train" and images.max() == 1:
            raise UserError(f"{images_in} has no pixel above 1: give 0 to 255, where 255 is ink")
        most = num_classes or MAX_CLASSES
        if labels.size and not 0 <= labels.min() <= labels.max() < most:
            raise UserError(
                f"{labels_in} has labels {labels.min()} to {labels.max()}, and there are the classes 0 to {most - 1}: "
                "number the classes from 0"
            )
        dataset[f"x_{part}"] = images if images.ndim == 4 else images[..., None]
        dataset[f"y_{part}"] = labels.astype("int32")
    shapes = [dataset[f"x_{part}"].shape[1:] for part in ("train", "test")]
    if shapes[0] != shapes[1]:
        raise UserError(f"{path} mixes images {shapes[0]} and {shapes[1]}: give test images like the training images")
    return Dataset(**dataset)
