"""Which digits a step gets."""

from dataclasses import replace

import numpy as np
import pytest

import train
from support.commands import UserError
from training import replicas
from training.batches import training_batches


def test_each_digit_once_an_epoch_in_a_new_order():
    """Of 70 digits in batches of 16, six sit each epoch out, never the same."""
    count = 70
    numbered = np.zeros((count, 28, 28, 1), "uint8")
    numbered[:, 0, 0, 0] = np.arange(count)

    def orders(seed, steps):
        """The labels of each step, which are the numbers of the digits."""
        batches = training_batches(numbered, np.arange(count, dtype="int32"), 16, seed).take(steps)
        pairs = [(images.numpy()[:, 0, 0, 0], labels.numpy()) for images, labels in batches]
        assert all((images == labels).all() for images, labels in pairs)
        return np.stack([labels for _, labels in pairs])

    epochs = np.split(orders(seed=0, steps=24).ravel(), 6)
    assert all(len(set(epoch)) == 64 for epoch in epochs) and set(np.ravel(epochs)) == set(range(count))
    first, second, *_ = epochs
    assert set(first) != set(second) and first.tolist() != second.tolist()
    assert first.tolist() != orders(seed=1, steps=4).ravel().tolist()


def test_a_run_has_the_order_of_its_seed(config, monkeypatch):
    asked = []

    def no_batches(strategy, images, labels, *how):
        asked.append(how)
        raise UserError("none: stop here")

    monkeypatch.setattr(replicas, "shared_batches", no_batches)
    with pytest.raises(UserError):
        train.train(replace(config, seed=7))
    assert asked == [(32, 7, 0)]
