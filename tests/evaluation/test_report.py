"""The page of numbers and pictures."""

import io
from types import SimpleNamespace

import numpy as np

from evaluation import report
from evaluation.report import confusion_matrix


def test_classes_that_have_names_are_called_by_them():
    """Where the font has them."""
    numbers = ["0", "1", "2"]
    costly = ["$a", r"$\\no$", "c"]  # no mathematics
    for names, shown in ((), numbers), (costly, costly), (["ape", "owl", "café"],) * 2, (("お", "き", "す"), numbers):
        figure = confusion_matrix(np.array([0, 1, 2]), np.array([0, 2, 2]), 3, names)
        figure.savefig(io.BytesIO())
        axes = figure.axes[0]
        np.testing.assert_array_equal(axes.images[0].get_array() > 0, [[1, 0, 0], [0, 0, 1], [0, 0, 1]])
        for axis in axes.xaxis, axes.yaxis:
            assert [label.get_text() for label in axis.get_ticklabels()] == shown


def test_sheets_show_what_they_are_called(monkeypatch, tmp_path):
    """Here the grey of a digit says how convincing it is, how suspicious, and how near to a training digit."""
    shown = {}
    monkeypatch.setattr(report, "embed", lambda picture, caption: shown.update({caption: picture}) or caption)
    monkeypatch.setattr(report, "occlusion", lambda *args: np.zeros((7, 7)))
    grey = np.random.default_rng(0).permutation(240)
    images, same = np.tile(grey.astype("uint8")[:, None, None, None], (1, 28, 28, 1)), np.zeros(240, int)
    near = {"nearest_distance": 255 - grey, "nearest_index": np.flatnonzero(grey == 77)[same]}
    measured = SimpleNamespace(
        digits=SimpleNamespace(images=images, labels=same, probabilities=grey[:, None] / 255, **near),
        real=SimpleNamespace(images=images),
        verdict=SimpleNamespace(images=images, suspicion=grey - 120.0, generated=grey % 2 == 0, accuracy=0.5),
        numbers={"digits": {"label_accuracy": None}},
    )
    report.write_report(tmp_path / "index.html", "", [("",)], measured, {})
    for caption, greys in {
        "The most convincing of each class": range(230, 240),
        "The least convincing of each class": range(10),
        "The twelve closest to a training digit, which stands below": [77, *range(228, 240)],
        "Generated, the most suspicious": range(120, 240, 2),
        "Generated, the least suspicious": range(0, 120, 2),
        "Real, the most suspicious": range(121, 240, 2),
        "Real, the least suspicious": range(1, 120, 2),
    }.items():
        assert set(np.unique(shown[caption])) - {0} == set(greys) - {0}, caption
