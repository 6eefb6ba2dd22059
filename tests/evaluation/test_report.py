"""The page of numbers and pictures."""

import numpy as np

from evaluation.report import confusion_matrix


def test_classes_that_have_names_are_called_by_them():
    """Where the font has them."""
    numbers = ["0", "1", "2"]
    for names, shown in ((), numbers), (("ape", "owl", "café"), ["ape", "owl", "café"]), (("お", "き", "す"), numbers):
        axes = confusion_matrix(np.array([0, 1, 2]), np.array([0, 2, 2]), 3, names).axes[0]
        for axis in axes.xaxis, axes.yaxis:
            assert [label.get_text() for label in axis.get_ticklabels()] == shown
