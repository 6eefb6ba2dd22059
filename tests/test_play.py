"""play.py: the page in a real browser, as somebody plays with it; and refusals."""

import io

import keras
import numpy as np
import pytest
from helpers import DEFAULT_WIDTHS
from pages import follow, message, press, save_models, see, state_of, write
from PIL import Image

import play
import utils
from evaluation.judge import load_judge
from page import samples
from play import Config
from support import model_files
from support.datasets import FASHION
from support.model_files import PRETRAINED_DIR


@pytest.fixture(scope="module")
def models():
    return model_files.load_models(PRETRAINED_DIR)


@pytest.fixture(scope="module")
def read():
    """The judge: uint8 (N, 28, 28, 3) to what it reads, a string of figures."""
    judge = load_judge()
    return lambda images: "".join(map(str, utils.look(judge, images[..., :1])[1].argmax(axis=1)))


def test_2026_is_typed_and_read(open_page, play_html, read):
    page = open_page(play_html, "hand=1")
    readings = []
    for hand in range(5):
        write(page, str(hand), "hand")
        write(page, "2026")
        readings.append(read(see(page)))
    assert readings.count("2026") >= 4, readings


def test_pixels_and_opinions_are_those_of_keras(open_page, play_html, models):
    """For two hundred noises and labels, and for the wall's own."""
    generator, discriminator, latent_dim, num_classes = models
    page = open_page(play_html, "view=wall")
    noise = np.random.default_rng(0).standard_normal((200, latent_dim), "float32")
    labels = np.arange(200) % num_classes
    inputs = np.concatenate([noise, np.eye(num_classes)[labels]], axis=1).tolist()
    draw = "(inputs) => inputs.map((input) => Array.from(generator.run(input), (value) => (value + 1) * 127.5))"
    found = np.array(page.evaluate(draw, inputs)).reshape(200, 28, 28, 1)
    expected = utils.draw(generator, noise, labels)
    assert expected.std() > 50 and np.abs(np.round(found) - expected).max() <= 2

    wall = see(page)
    inputs, opinions = page.evaluate("[shown.map(({input}) => Array.from(input)), shown.map(({opinion}) => opinion)]")
    inputs = np.array(inputs, "float32")
    own_labels = inputs[:, latent_dim:].argmax(axis=1)
    assert own_labels.tolist() == [*range(10)] * 10
    expected = utils.draw(generator, inputs[:, :latent_dim], own_labels)
    assert np.abs(wall.astype(int) - expected).max() <= 2
    logits = np.take_along_axis(utils.look(discriminator, wall[..., :1]), own_labels[:, None], axis=1).ravel()
    steps = np.array(page.evaluate("MODELS.opinions"))
    ranks = [
        np.interp(logit, steps[label], np.arange(0, 101, 5)) for logit, label in zip(logits, own_labels, strict=True)
    ]
    assert np.abs(np.array(opinions) - ranks).max() <= 1.5 and np.std(opinions) > 10


def test_one_hand_or_each_figure_in_another(open_page, play_html):
    page = open_page(play_html, "text=5555&hand=3")
    one = see(page)
    assert (one == one[0]).all()
    page.get_by_label("each figure in another hand").check()
    others = see(page)
    assert (others[0] == one[0]).all() and all((others[0] != other).any() for other in others[1:])
    before = page.locator("#hand").input_value()
    page.get_by_role("button", name="New hand").click()
    assert page.locator("#hand").input_value() != before and (see(page) != others).any(axis=(1, 2, 3)).all()


def test_sliders_do_what_they_are_called(open_page, play_html):
    page = open_page(play_html, "view=wall")
    rest = samples.measure(see(page))
    titles = [slider.get_attribute("aria-label") for slider in page.locator("#sliders input").all()]
    assert len(titles) == len(set(titles)) == 6 and any(title.lower() in rest for title in titles)
    for title in titles:
        page.get_by_role("button", name="All to the middle").click()
        press(page.get_by_role("slider", name=title, exact=True), "End")
        if (name := title.lower()) in rest:
            assert (samples.measure(see(page))[name] > rest[name]).mean() > 0.7, name


def test_a_blend_ends_at_the_other_hand_and_a_turn_at_the_other_digit(open_page, play_html, read):
    page = open_page(play_html, "text=333&hand=5&other=9&blend=100")
    end = see(page)
    follow(page, "text=333&hand=9")
    np.testing.assert_allclose(see(page).astype(int), end, atol=1)
    follow(page, "text=333&hand=9&other=9&blend=50")
    np.testing.assert_allclose(see(page).astype(int), end, atol=1)  # with itself it is as it is
    write(page, "8", "into")
    press(page.locator("#turn"), "End")
    eights = see(page)
    follow(page, "text=888&hand=9")
    np.testing.assert_array_equal(see(page), eights)
    assert read(eights) == "888"


def test_every_state_has_a_link(open_page, play_html):
    """All that can be set comes back when its link is opened elsewhere."""
    page = open_page(play_html)
    write(page, "314")
    write(page, "77", "hand")
    write(page, "5", "other")
    write(page, "29", "into")
    page.get_by_label("each figure in another hand").check()
    for slider in ("#sliders input >> nth=0", "#blend", "#turn"):
        press(page.locator(slider), "PageUp", "ArrowRight")
    for view in ("One number", "Wall of 100"):
        page.get_by_text(view, exact=True).last.click()
        pixels, link = see(page), state_of(page)
        other = open_page(play_html, link[1:])
        np.testing.assert_array_equal(see(other), pixels)
        assert state_of(other) == link
        assert other.locator("#number").input_value() == "314" and other.locator("#into").input_value() == "29"
        assert "&other=5&" in link
        page.get_by_role("button", name="All to the middle").click()
        page.go_back()
        page.wait_for_function("state.directions.some(Boolean)")
    page.get_by_role("button", name="Start again").click()
    assert page.locator("#number").input_value() == "2026"


def test_a_link_followed_while_another_is_saved_is_followed(open_page, play_html):
    page = open_page(play_html, "text=1")
    page.evaluate("location.hash = 'view=wall'; saveLink()")  # as its timer does, before the page hears of it
    page.locator("#wall").wait_for()
    assert len(see(page)) == 100


def test_the_wall_reacts_and_gives_its_hands(open_page, play_html):
    page = open_page(play_html, f"text=1&view=wall&hand=20&other={play.MAX_HAND}&blend=60")
    before = see(page)
    press(page.locator("#sliders input").first, "End")
    wall = see(page)
    assert (wall != before).any(axis=(1, 2, 3)).all()
    buttons = page.get_by_role("group", name="The wall").get_by_role("button")
    buttons.first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Alt+ArrowDown", "Enter"):  # the last but one is the browser's
        page.keyboard.press(key)
    assert [page.locator(field).input_value() for field in ("#hand", "#other")] == ["22", "1"]
    assert page.locator("#row").is_visible()
    np.testing.assert_array_equal(see(page)[0], wall[21])  # a one in the third row
    assert page.locator("[name=view][value=row]").evaluate("(radio) => radio === document.activeElement")
    page.go_back()
    page.locator("#wall").wait_for()
    np.testing.assert_array_equal(see(page), wall)
    write(page, "7")
    assert len(see(page)) == 1  # there is no number on the wall


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_download(open_page, play_html, scheme):
    """The picture that is downloaded is the one that is seen, ink on paper in a light browser."""
    page = open_page(play_html, "text=47&hand=6", color_scheme=scheme)
    images = see(page)
    assert np.median(images) == (0 if scheme == "dark" else 255)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    assert download.value.suggested_filename == "47-hand-6.png"
    picture = np.array(Image.open(io.BytesIO(download.value.path().read_bytes())).convert("RGB"))
    paper = 0 if scheme == "dark" else 255
    np.testing.assert_array_equal(picture[4::8, 4::8], paper ^ utils.sheet(images ^ paper, 2))


@pytest.mark.parametrize(("num_classes", "channels", "names"), [(1, 1, ()), (10, 1, FASHION), (15, 3, ())])
def test_other_models_get_another_page(open_page, tmp_path, monkeypatch, num_classes, channels, names):
    """Classes by their names, or none; and no number."""
    monkeypatch.setattr(samples, "COUNT", 300)
    models_dir = save_models(tmp_path / "models", 5, num_classes, channels, names=names)
    path = play.play(Config(models_dir=models_dir, output_dir=tmp_path, directions=3, hand=play.MAX_HAND))
    page = open_page(path)
    assert page.locator("#other").input_value() == "0"  # after the last hand the first
    generator, *_ = model_files.load_models(models_dir)
    row, wall = {1: (6, 100), 10: (10, 100), 15: (12, 90)}[num_classes]
    for fragment, count in (("", row), ("view=wall", wall), ("text=1&turn=30&into=3", 1)):
        follow(page, fragment)
        images = see(page)
        if num_classes > 1 or "text" not in fragment:
            assert len(images) == count and message(page) == ""
        inputs = np.array(page.evaluate("shown.map(({input}) => Array.from(input))"), "float32")
        expected = (generator.predict(inputs, verbose=0) + 1) * 127.5
        assert np.abs(images - expected).max() <= 2
        if fragment == "view=wall":
            assert page.locator("#wall-name").text_content() == f"Wall of {len(images)}"
            page.locator("#wall .digit").nth(2 * num_classes - 1).click()
            see(page)  # that one is there, though a row of every class would leave some out
            assert num_classes - 1 in page.evaluate("shown.map(({cell}) => cell.label)")
    assert not page.locator("#number").is_visible() and not page.locator("#into").is_visible()
    assert page.locator("#class").is_visible() == page.locator("#turning").is_visible() == (num_classes > 1)
    assert page.title() == "Pictures that nobody made"
    if num_classes > 1:
        every = page.locator("#class option").first.text_content()
        assert every == ("several classes" if num_classes > 12 else "every class")
        page.locator("#class").select_option("bag" if names else "class 8")
        page.get_by_label("several hands side by side").check()
        see(page)
        assert page.evaluate("shown.map(({cell}) => cell.label)") == [8] * 6
        follow(page, "into=")
        assert "no such class" in message(page) and page.locator("#into-class").input_value() == "0"


def test_few_classes_with_long_names_fit(open_page, tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "COUNT", 50)
    models_dir = save_models(tmp_path / "models", 5, 2, names=("cat", "owl " * 60))
    path = play.play(Config(models_dir=models_dir, output_dir=tmp_path))
    for width, height in ((390, 844), (1366, 650)):
        page = open_page(path, "view=wall&each=true&hand=7", viewport={"width": width, "height": height})
        see(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#wall").bounding_box()["height"] < height
        page.locator("#wall .digit").nth(25).click()  # of ten in a row, five hands of both
        assert page.evaluate("({label, hand} = shown[0].cell, [shown.length, label, hand])") == [6, 1, 7 + 12]


def test_models_without_labels_have_room_at_the_default_widths(tmp_path, monkeypatch):
    """They have a wide layer more than others."""
    monkeypatch.setattr(samples, "COUNT", 50)
    models_dir = save_models(tmp_path / "models", 64, 1, widths=tuple(DEFAULT_WIDTHS.values()), size=32)
    assert play.play(Config(models_dir=models_dir, output_dir=tmp_path)).stat().st_size < play.MAX_BYTES


def test_refuses_what_it_cannot_do(refuses, tmp_path, monkeypatch):
    models_dir = save_models(tmp_path / "models", 5, 10)
    flags = ["--models-dir", models_dir, "--output-dir", tmp_path / "out"]
    for number in ("", "12a", "1" * 25, "٣"):
        assert "--number" in refuses(play.play, "--number", number, *flags)
    refuses(play.play, "--directions", 21, *flags)
    refuses(play.play, "--models-dir", tmp_path / "nowhere", "--output-dir", tmp_path / "out")
    monkeypatch.setattr(samples, "COUNT", 50)
    monkeypatch.setattr(play, "MAX_BYTES", 1000)
    assert "-width" in refuses(play.play, *flags)
    strange = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.MaxPooling2D(), keras.layers.Flatten()])
    strange.add(keras.layers.Dense(10))
    strange.save(models_dir / "discriminator.keras")
    assert "MaxPooling2D" in refuses(play.play, *flags)
    assert not (tmp_path / "out" / "play.html").exists()
