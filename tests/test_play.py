"""play.py: the page in a real browser, as somebody plays with it; and refusals."""

import io

import keras
import numpy as np
import pytest
from helpers import DEFAULT_WIDTHS, leave_half
from pages import follow, message, press, read, save_models, see, state_of, write
from PIL import Image

import play
import utils
from page import samples
from play import Config
from support import model_files
from support.datasets import FASHION


def test_2026_is_typed_and_read(open_page, play_html):
    page = open_page(play_html, "hand=1")
    readings = []
    for hand in range(5):
        write(page, str(hand), "hand")
        write(page, "2026")
        readings.append(read(see(page)))
    assert readings.count("2026") >= 4, readings


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
    for blend in ("50", "51"):  # a half, unless something was there
        page.get_by_role("button", name="New other hand").click()
        assert page.locator("#blend").input_value() == blend
        page.locator("#blend").press("ArrowRight")


def test_sliders_do_what_they_are_called(open_page, play_html):
    page = open_page(play_html, "view=wall")
    rest = samples.measure(see(page))
    titles = [slider.get_attribute("aria-label") for slider in page.locator("#sliders input").all()]
    assert len(titles) == len(set(titles)) == 6 and any(title.lower() in rest for title in titles)
    edges = page.evaluate("MODELS.directions.map(({edges}) => edges)")
    for title, ends, words in zip(titles, edges, page.locator(".slider .ends").all(), strict=True):
        page.get_by_role("button", name="All to the middle").click()
        slider = page.get_by_role("slider", name=title, exact=True)
        assert words.locator("span").all_text_contents() == (ends or ["\N{MINUS SIGN}", "+"])
        for key, end in zip(("Home", "End"), ends or ("minus", "plus"), strict=True):
            slider.press(key)
            assert slider.get_attribute("aria-valuetext") == f"3.0 {end}"
        if (name := title.lower()) in rest:
            assert (samples.measure(see(page))[name] > rest[name]).mean() > 0.7, name


def test_every_state_has_a_link(open_page, play_html):
    """All that can be set comes back when its link is opened elsewhere."""
    page = open_page(play_html)
    assert state_of(page) == "#text=2026&hand=11&other=12"  # for copies of the page that start with others
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
    page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text } }")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("The link is copied.").wait_for()
    assert page.evaluate("copied") == play_html.as_uri() + link
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
    arrows = [f"Arrow{way}" for way in ("Down", "Down", "Down", "Up", "Right", "Right", "Left")]
    for key in (*arrows, "Alt+ArrowDown"):  # the last is the browser's
        page.keyboard.press(key)
    assert page.evaluate("shown.findIndex(({element}) => element === document.activeElement)") == 21
    page.keyboard.press("Enter")
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
    page, paper = open_page(play_html, color_scheme=scheme), 0 if scheme == "dark" else 255
    for fragment, name, columns in (("text=47&hand=6", "47-hand-6", 2), ("view=wall&hand=6", "wall-hand-6", 10)):
        follow(page, fragment)
        images = see(page)
        assert np.median(images) == paper
        with page.expect_download() as download:
            page.get_by_role("button", name="Download PNG").click()
        assert download.value.suggested_filename == f"{name}.png"
        picture = np.array(Image.open(io.BytesIO(download.value.path().read_bytes())).convert("RGB"))
        np.testing.assert_array_equal(picture[4::8, 4::8], paper ^ utils.sheet(images ^ paper, columns))


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


def test_few_classes_fit_whatever_they_are_called(open_page, tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "COUNT", 50)
    models_dir = save_models(tmp_path / "models", 5, 2, names=("</script><b>", "owl " * 60))
    path = play.play(Config(models_dir=models_dir, output_dir=tmp_path))
    for width, height in ((390, 844), (1366, 650)):
        page = open_page(path, "view=wall&each=true&hand=7", viewport={"width": width, "height": height})
        assert page.locator("#class option").all_text_contents()[1:] == ["</script><b>", "owl " * 60]
        see(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#wall").bounding_box()["height"] < height
        page.locator("#wall .digit").nth(25).click()  # of ten in a row, five hands of both
        assert page.evaluate("({label, hand} = shown[0].cell, [shown.length, label, hand])") == [6, 1, 7 + 12]


def test_models_without_labels_have_room_at_the_default_widths(tmp_path, monkeypatch):
    """They have one more wide layer than others."""
    monkeypatch.setattr(samples, "COUNT", 50)
    models_dir = save_models(tmp_path / "models", 64, 1, widths=tuple(DEFAULT_WIDTHS.values()), size=32)
    assert play.play(Config(models_dir=models_dir, output_dir=tmp_path)).stat().st_size < play.MAX_BYTES


def test_the_page_is_as_its_flags_say_and_alone(tmp_path, monkeypatch):
    """What a killed run left beside it is gone."""
    monkeypatch.setattr(samples, "COUNT", 50)
    models_dir = save_models(tmp_path / "models", 5, 10)
    stale = leave_half(tmp_path, "play.html")
    path = play.play(Config(models_dir=models_dir, output_dir=tmp_path, number="1" * 24, directions=2))
    text = path.read_text("utf-8")
    assert f'"number":"{"1" * 24}"' in text and text.count('"correlation":') == 2
    assert not stale.exists()


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
