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
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("read as", "asked for")


def test_sheets_show_what_they_are_called(monkeypatch, tmp_path):
    """Here the grey of a digit says how convincing it is, how suspicious, and how near to a training digit."""
    shown = {}
    monkeypatch.setattr(report, "embed", lambda picture, caption: shown.update({caption: picture}) or caption)
    monkeypatch.setattr(report, "occlusion", lambda _, of_generated: np.full((7, 7), 1.0 * of_generated))
    grey = np.random.default_rng(0).permutation(240)
    images, same = np.tile(grey.astype("uint8")[:, None, None, None], (1, 28, 28, 1)), np.zeros(240, int)
    near = {"nearest_distance": 255 - grey, "nearest_index": np.flatnonzero(grey == 77)[same]}
    measured = SimpleNamespace(
        digits=SimpleNamespace(images=images, labels=same, probabilities=grey[:, None] / 255, **near),
        real=SimpleNamespace(images=images),
        verdict=SimpleNamespace(images=images, suspicion=grey - 120.0, generated=grey % 2 == 0, accuracy=0.5),
        numbers={"digits": {"label_accuracy": None, "confidence": 1.0, "two_sample_by_version": {"all hidden": 0.75}}},
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
    closest = np.array(shown["The twelve closest to a training digit, which stands below"])
    above, below = ({*np.unique(half)} - {0} for half in np.split(closest, 2))
    assert below == {77} and above == {*range(228, 240)}
    (where,) = (picture for caption, picture in shown.items() if caption.startswith("Where it looks"))
    falls = {axes.get_title(): axes.images[0].get_array().max() for axes in where.axes if axes.images}
    assert falls == {"generated digits": 1, "real digits": 0}
    assert "all hidden<td>75.0%" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_digits_are_convincing_as_what_was_asked_for(monkeypatch, tmp_path):
    """Here the judge is surer of all other classes, and what it reads stands beside what was asked for."""
    shown, confused = {}, []
    monkeypatch.setattr(report, "embed", lambda picture, caption: shown.update({caption: picture}) or caption)
    monkeypatch.setattr(report, "confusion_matrix", lambda *args: confused.append(args))
    grey, labels = np.arange(22, 10, -1), np.arange(12) % 4
    images = np.tile(grey.astype("uint8")[:, None, None, None], (1, 28, 28, 1))
    probabilities = np.tile(1 - grey[:, None] / 255, (1, 4))
    probabilities[np.arange(12), labels] = grey / 255
    near = {"nearest_distance": grey, "nearest_index": grey - 11}
    digits = SimpleNamespace(images=images, labels=labels, probabilities=probabilities, **near)
    numbers = {"digits": {"label_accuracy": 0.0, "confidence": 0.9}}
    measured = SimpleNamespace(digits=digits, real=digits, verdict=None, numbers=numbers)
    report.write_report(tmp_path / "index.html", "", [("",)], measured, {}, ("a", "b", "c", "d"))
    ((asked_for, read, *how),) = confused
    assert asked_for is labels and np.array_equal(read, probabilities.argmax(axis=1))
    assert how == [4, ("a", "b", "c", "d")]
    least = {*np.unique(shown["The least convincing of each class"])} - {0}
    assert (min(least), max(least)) == (11, 18)


def test_only_middle_digits_are_at_both_ends_and_images_without_labels_have_no_classes(monkeypatch, tmp_path):
    """All that the judge of those reads is how they are turned."""
    shown = {}
    monkeypatch.setattr(report, "embed", lambda picture, caption: shown.update({caption: picture}) or caption)
    grey = np.arange(10, 22)
    images, labels = np.tile(grey.astype("uint8")[:, None, None, None], (1, 28, 28, 1)), np.arange(12) % 4
    probabilities, near = np.tile(grey[:, None] / 255, (1, 4)), {"nearest_distance": grey, "nearest_index": grey - 10}
    digits = SimpleNamespace(images=images, labels=labels, probabilities=probabilities, **near)
    for confidence, ends in ((0.9, ([10, 11, 12, 13, 14, 15, 16, 17], [14, 15, 16, 17, 18, 19, 20, 21])), (None, None)):
        numbers = {"digits": {"label_accuracy": None, "confidence": confidence}}
        measured = SimpleNamespace(digits=digits, real=digits, verdict=None, numbers=numbers)
        report.write_report(tmp_path / "index.html", "", [("",)], measured, {})
        least, most = (shown.pop(f"The {which} convincing of each class", None) for which in ("least", "most"))
        found = least and most and tuple(sorted({*np.unique(each)} - {0}) for each in (least, most))
        assert found == ends, found
        assert shown["The first digits"].height == (4 if ends else 1) * 60
