"""Pixels and pictures."""

from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import utils
from support.commands import UserError


def test_what_lies_beyond_black_and_white_is_cut_off():
    """As a last layer of one's own may draw it; turned into bytes as it is, white would become black."""
    shades = np.float32([-1.5, -1, 0.51, 1, 1.5]).reshape(1, 1, 5, 1)
    generator = SimpleNamespace(input_shape=(None, 3), predict_on_batch=lambda inputs: shades)
    drawn = utils.draw(generator, np.zeros((1, 1), "float32"), np.array([0]))
    assert drawn.ravel().tolist() == [0, 0, 193, 255, 255]  # 192.5 rounded


def test_numbers_that_are_not_finite_are_refused():
    network = SimpleNamespace(predict_on_batch=lambda images: np.full((len(images), 3), np.nan, "float32"))
    with pytest.raises(UserError, match="not finite"):
        utils.look(network, np.zeros((2, 28, 28, 1), "uint8"))


def test_captions_are_whole_below_pictures_of_any_width():
    narrow, wide = (
        np.array(utils.with_caption(Image.new("L", (width, 20)), ["epoch 1 · 60,000 images"]))[20:]
        for width in (20, 900)
    )
    assert narrow.sum() == wide.sum() > 0


def test_films_have_room_for_the_largest_picture_and_go_on_for_ever(tmp_path):
    pictures = [Image.new("L", (30, 40), 9), Image.new("L", (50, 20), 99)]
    utils.save_gif(tmp_path / "film.gif", pictures, [0.1, 0.1])
    film = Image.open(tmp_path / "film.gif")
    assert film.size == (50, 40) and film.info["loop"] == 0


def test_sheets_by_label_are_no_ribbons():
    images = np.zeros((100, 28, 28, 1), "uint8")
    for classes, cells in ((10, (10, 10)), (20, (20, 5)), (26, (5, 20)), (47, (5, 20))):
        assert utils.sheet_by_label(images, np.arange(100) % classes).shape == (30 * cells[0], 30 * cells[1], 1)


def test_each_line_of_a_plot_is_what_it_is_called(monkeypatch, tmp_path):
    plotted = {}

    def look(figure, *args, savefig=Figure.savefig, **kwargs):
        plotted.update({line.get_label(): line.get_ydata()[0] for axes in figure.axes for line in axes.lines})
        savefig(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", look)
    row = {"images": 1000, "discriminator_loss": 1.0, "generator_loss": 2.0, "real_output": 3.0, "fake_output": 4.0}
    utils.plot_run(tmp_path / "losses.png", [row], [{"images": 1000, "frechet_distance": 5.0}], floor=6.0)
    assert plotted == {
        "discriminator": 1.0,
        "generator": 2.0,
        "on real digits": 3.0,
        "on fake digits": 4.0,
        "generated digits": 5.0,
        "real test digits": 6.0,
    }


def test_plots_need_nothing_that_the_user_has_set_for_others(monkeypatch, tmp_path):
    """Here a TeX that is not there: a run would end at its first plot, and on resuming end there again."""
    monkeypatch.setenv("PATH", "")
    names = ("discriminator_loss", "generator_loss", "real_output", "fake_output")
    with matplotlib.rc_context({"text.usetex": True}):
        utils.plot_run(tmp_path / "losses.png", [{"images": 1000, **dict.fromkeys(names, 1.0)}], [])
        assert matplotlib.rcParams["text.usetex"]
    assert (tmp_path / "losses.png").exists()
