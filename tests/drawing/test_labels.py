"""drawing/labels.py: what flags call classes."""

import pytest
from PIL import Image

from drawing.labels import classes_to_draw, labels_of
from generate_digits import Config
from support.commands import UserError

NAMES = ("ape", "barn owl", "cat")


def test_letters_need_no_commas():
    assert labels_of("CAB", "--digits", list("ABC")).tolist() == [2, 0, 1]
    assert labels_of("AB", "--digits", ["A", "B", "AB"]).tolist() == [2]
    assert labels_of("salt, pepper", "--only", ("cat", "salt, pepper")).tolist() == [1]
    assert labels_of("12,3", "--only", []).tolist() == [12, 3]
    assert labels_of("123", "--only", []).tolist() == [1, 2, 3]
    assert labels_of("11,", "--only", []).tolist() == [11]
    assert labels_of(" cat", "--only", NAMES).tolist() == [2]
    for text, word, names in (("dog", "dog", NAMES), ("CAX", "X", list("ABC"))):
        with pytest.raises(UserError, match=f"--only '{word}' is no class"):
            labels_of(text, "--only", names)
    with pytest.raises(UserError, match="'x' is no class of these models: give their numbers, such as --only 3,8"):
        labels_of("3,x", "--only", [])
    for text in ("", " "):
        with pytest.raises(UserError, match="--only"):
            labels_of(text, "--only", list("ABC"))


def test_digits_like_those_of_a_single_class_that_is_the_first(tmp_path):
    for name in ("ape", "0", "02", "all"):
        (tmp_path / name / name).mkdir(parents=True)
        Image.new("L", (28, 28)).save(tmp_path / name / name / "a.png")
    for name, names, label in (("ape", NAMES, 0), ("0", (), 0), ("02", (), 2)):
        labels, _ = classes_to_draw(Config(like=str(tmp_path / name)), 3, "models", names)
        assert labels.tolist() == [label]
    with pytest.raises(UserError, match="has no labels"):
        classes_to_draw(Config(like=str(tmp_path / "all")), 3, "models", ())
