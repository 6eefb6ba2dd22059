"""Images with labels: their classes keep their names, whatever the numbers."""

import numpy as np
import pytest

from support.commands import UserError
from support.dataset import Dataset, numbers_of
from support.model_files import class_names


def test_classes_are_numbered_by_name():
    """Folders are numbered in their order; others have other numbers for the same classes."""
    some = Dataset(np.zeros((3, 28, 28, 1), "uint8"), np.array([0, 1, 1]), *[np.zeros(0, int)] * 2)
    some.class_names = ("3", "7")
    assert some.numbered_as((), "MNIST").y_train.tolist() == [3, 7, 7]
    with pytest.raises(UserError, match="the models has no class '3': give data of 0, 1"):
        some.numbered_as(("0", "1"), "the models")
    some.class_names = ("03", "12")  # as --folders writes them, of models that have more than ten
    assert some.numbered_as((), "models without names").y_train.tolist() == [3, 12, 12]
    assert some.numbered_as(tuple("abcdefghijklm"), "the models").y_train.tolist() == [3, 12, 12]
    with pytest.raises(UserError, match="the models has no class '12': give data of a, b, c"):
        some.numbered_as(tuple("abcdefgh"), "the models")
    some.class_names = ("5", "05")  # two classes, whatever their numbers
    assert some.numbered_as((), "models without names").y_train.tolist() == [0, 1, 1]
    some.class_names = ("cat", "owl")
    owls = some.numbered_as(("ape", "owl", "cat"), "the models")
    assert owls.y_train.tolist() == [2, 1, 1] and owls.class_names == ("ape", "owl", "cat")
    with pytest.raises(UserError, match="the models has no class 'cat': give data of ape, owl"):
        some.numbered_as(("ape", "owl"), "the models")
    assert some.numbered_as((), "models without names").y_train.tolist() == [0, 1, 1]
    some.class_names = ()
    assert some.numbered_as(("ape", "owl"), "the models").y_train.tolist() == [0, 1, 1]


def test_names_that_are_figures_are_numbers():
    """As a model of folders 1 to 9 has them, and the data sets that it draws."""
    some = Dataset(np.zeros((3, 28, 28, 1), "uint8"), np.array([4, 5, 5]), *[np.zeros(0, int)] * 2)
    assert some.numbered_as(tuple("123456789"), "the models").y_train.tolist() == [3, 4, 4]
    with pytest.raises(UserError, match="the models has no class '4': give data of 5, 6"):
        some.numbered_as(("5", "6"), "the models")
    some.class_names = ("00", "01", "02", "03", "04", "05")  # of names that are figures in part: their places
    assert some.numbered_as((*"0123", "A", "B"), "the models").y_train.tolist() == [4, 5, 5]
    some.class_names = tuple("012345")  # or else their names
    with pytest.raises(UserError, match="the models has no class '4'"):
        some.numbered_as((*"0123", "A", "B"), "the models")
    assert numbers_of(("7", "999")) == [7, 999] and numbers_of(("5",)) == numbers_of(("7", "1000")) == []
    years = tuple(f"{year}" for year in range(1990, 1996))  # no labels, so data sets have their places
    some.class_names = ()
    assert some.numbered_as(years, "the models").y_train.tolist() == [4, 5, 5]
    some.class_names = years
    assert some.numbered_as(years[::-1], "the models").y_train.tolist() == [1, 0, 0]
    unlabelled = some._replace(y_train=np.zeros(3, int))
    assert not unlabelled.numbered_as(("5", "6"), "the models").y_train.any()


def test_names_that_would_tell_a_terminal_something_are_none():
    names = ["Ärger", "می‌خواهم", "猫"]
    assert class_names({"classes": names}, 3) == names
    for letters in ("\x1b[31m", "\u2028", "\u202e", "\u2066"):
        assert class_names({"classes": [*names[:2], f"cat{letters}"]}, 3) == []


def test_training_digits_are_split_off_in_class_shares(mnist):
    """As labels are drawn, so that real digits beside the drawn ones have no shares of their own."""
    for count in (7, 5000, 10_000):
        rest, chosen = mnist.split_off(count, np.random.default_rng(1), in_shares=True)
        assert sorted([*rest, *chosen]) == list(range(60_000)) and len(chosen) == count
        drawn = mnist.labels_in_share(count, np.random.default_rng(2))
        np.testing.assert_array_equal(np.sort(mnist.y_train[chosen]), np.sort(drawn))
        for labels in (mnist.y_train[chosen], drawn):
            assert count == 7 or len(set(labels[:100])) == 10  # in random order


def test_real_images_are_split_off_at_random():
    """Data sets are sorted: folders by class, MNIST's test digits by writer."""
    images, numbers = np.zeros((100, 28, 28, 1), "uint8"), np.arange(100)
    some = Dataset(images, numbers, images, numbers)
    *_, held_out = some.hold_out(50, np.random.default_rng(0))
    _, split_off = some.split_off(16, np.random.default_rng(0))
    for chosen in (held_out, split_off):
        assert len(set(chosen)) == len(chosen) and min(chosen) < 25 and max(chosen) >= 75
