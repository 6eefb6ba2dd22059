"""Which digits a step gets."""

import numpy as np

from training.batches import training_batches


def test_each_digit_once_an_epoch_in_a_new_order():
    count = 64
    numbered = np.zeros((count, 28, 28, 1), "uint8")
    numbered[:, 0, 0, 0] = np.arange(count)

    def orders(seed, steps):
        """The labels of each step, which are the numbers of the digits."""
        batches = training_batches(numbered, np.arange(count, dtype="int32"), 16, seed).take(steps)
        pairs = [(images.numpy()[:, 0, 0, 0], labels.numpy()) for images, labels in batches]
        assert all((images == labels).all() for images, labels in pairs)
        return np.stack([labels for _, labels in pairs])

    first, second = np.split(orders(seed=0, steps=8).ravel(), 2)
    assert sorted(first) == sorted(second) == list(range(count))
    assert first.tolist() != second.tolist()
    assert first.tolist() != orders(seed=1, steps=4).ravel().tolist()
