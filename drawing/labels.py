"""Which classes to draw: figures, names or the shares of a data set, as the flags of generate_digits.py say."""

import numpy as np

from drawing.pictures import MAX_ON_SHEET
from support.commands import UserError
from support.dataset import MAX_CLASSES
from support.datasets import load_dataset


def figures(text, flag):
    """Turn a string of figures into int64 (N,); raises UserError, which names the flag, if it is not one."""
    if not (text.isascii() and text.isdigit()):
        raise UserError(f"{flag} {text!r} is not a number: give figures, such as {flag} 2026")
    if len(text) > MAX_ON_SHEET:
        raise UserError(f"{flag} has {len(text)} figures: give at most {MAX_ON_SHEET}")
    return np.array([int(figure) for figure in text])


def labels_of(text, flag, names):
    """Turn figures, or names of classes with commas between, into labels, int (N,); single letters need no commas.

    If classes have no names, 11 is the figures 1 and 1, and "11," the class. Raises UserError for an unknown class.
    """
    words = [text] if text in names else [word.strip() for word in text.split(",")]
    if not names and len(words) == 1:
        return figures(words[0], flag)
    if not names and not words[-1]:
        del words[-1]  # of "11,"
    wanted = f"some of {', '.join(names)[:500]}" if names else f"their numbers, such as {flag} 3,8"
    names = names or list(map(str, range(MAX_CLASSES)))
    if len(words) == 1 and words[0] not in names and any(letter in names for letter in words[0]):
        words = list(words[0])
    if len(words) > MAX_ON_SHEET:
        raise UserError(f"{flag} names {len(words)} classes: give at most {MAX_ON_SHEET}")
    for word in words:
        if word not in names:
            raise UserError(f"{flag} {word!r} is no class of these models: give {wanted}")
    return np.array([names.index(word) for word in words])


def classes_to_draw(config, num_classes, source, names=()):
    """The labels to draw, again and again in this order, or a number's figures; and those to morph: int (N,), each.

    Args:
        config: a `generate_digits.Config`.
        source: where the models are, for error messages.
        names: of their classes, if they have any.

    Raises:
        UserError: the models do not know what is asked for.
    """
    if num_classes == 1 and not (config.digits is config.only is config.like is config.morph is None):
        raise UserError(f"the models in {source} know no labels: leave --digits, --only, --like and --morph out")
    if config.like is not None:
        like = load_dataset(config.like)
        labels = np.random.default_rng(0).permutation(like.numbered_as(names, f"the generator in {source}").y_train)
        known = all(name in names or name.isdecimal() for name in like.class_names) and like.class_names
        if not (known or labels.any()):
            raise UserError(f"--like {config.like} has no labels: give a data set that has")
    elif config.digits is not None:
        labels = labels_of(config.digits, "--digits", names)
    elif config.only is not None:
        labels = np.unique(labels_of(config.only, "--only", names))
    else:
        labels = np.arange(num_classes)
    morphs = labels if config.morph is None else labels_of(config.morph, "--morph", names)
    if config.morph is not None and len(set(morphs)) < 2:
        raise UserError(f"--morph {config.morph} changes nothing: give two figures or more, such as --morph 38")
    if max(labels.max(), morphs.max()) >= num_classes:
        raise UserError(f"the models in {source} know the classes 0 to {num_classes - 1}: ask for those")
    return labels, morphs
