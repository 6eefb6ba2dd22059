"""The page of numbers and pictures."""

import io

import numpy as np

from evaluation.report import confusion_matrix


def test_classes_that_have_names_are_called_by_them():
    """Where the font has them."""
    numbers = ["0", "1", "2"]
    costly = ["$a", r"$\\no$", "c"]  # no mathematics
    for names, shown in ((), numbers), (costly, costly), (["ape", "owl", "café"],) * 2, (("お", "き", "す"), numbers):
        figure = confusion_matrix(np.array([0, 1, 2]), np.array([0, 2, 2]), 3, names)
        figure.savefig(io.BytesIO())
        axes = figure.axes[0]
        for axis in axes.xaxis, axes.yaxis:
            assert [label.get_text() for label in axis.get_ticklabels()] == shown
