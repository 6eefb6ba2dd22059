"""Pixels and pictures."""

from types import SimpleNamespace

import matplotlib
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


def test_plots_need_nothing_that_the_user_has_set_for_others(monkeypatch, tmp_path):
    """Here a TeX that is not there: a run would end at its first plot, and on resuming end there again."""
    monkeypatch.setenv("PATH", "")
    names = ("discriminator_loss", "generator_loss", "real_output", "fake_output")
    with matplotlib.rc_context({"text.usetex": True}):
        utils.plot_run(tmp_path / "losses.png", [{"images": 1000, **dict.fromkeys(names, 1.0)}], [])
        assert matplotlib.rcParams["text.usetex"]
    assert (tmp_path / "losses.png").exists()
