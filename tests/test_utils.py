"""Pixels and pictures."""

from types import SimpleNamespace

import numpy as np

import utils


def test_what_lies_beyond_black_and_white_is_cut_off():
    """As a last layer of one's own may draw it; turned into bytes as it is, white would become black."""
    shades = np.float32([-1.5, -1, 0.5, 1, 1.5]).reshape(1, 1, 5, 1)
    generator = SimpleNamespace(input_shape=(None, 3), predict_on_batch=lambda inputs: shades)
    drawn = utils.draw(generator, np.zeros((1, 1), "float32"), np.array([0]))
    assert drawn.ravel().tolist() == [0, 0, 191, 255, 255]


def test_sheets_by_label_are_no_ribbons():
    images = np.zeros((100, 28, 28, 1), "uint8")
    for classes, cells in ((10, (10, 10)), (20, (20, 5)), (26, (5, 20)), (47, (5, 20))):
        assert utils.sheet_by_label(images, np.arange(100) % classes).shape == (30 * cells[0], 30 * cells[1], 1)
