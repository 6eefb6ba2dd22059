"""page/canvas.js: what it draws is what was asked for, and what Keras would draw."""

import numpy as np
import pytest
from pages import follow, press, read, see, write

import utils
from support import model_files
from support.model_files import PRETRAINED_DIR


@pytest.fixture(scope="module")
def models():
    return model_files.load_models(PRETRAINED_DIR)


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


def names_of(page):
    """What a screen reader calls the pictures of the row."""
    return [digit.get_attribute("aria-label") for digit in page.locator("#row .digit").all()]


def test_a_blend_ends_at_the_other_hand_and_a_turn_at_the_other_digit(open_page, play_html):
    page = open_page(play_html, "text=333&hand=5&other=9&blend=100")
    end = see(page)
    follow(page, "text=333&hand=5&other=9&blend=50")
    half, *hands = page.evaluate("[styledNoise(5, 9), noiseOf(5), noiseOf(9)].map((noise) => Array.from(noise))")
    np.testing.assert_allclose(half, np.sum(hands, axis=0) / np.sqrt(2), atol=1e-12)
    follow(page, "text=333&hand=9")
    np.testing.assert_allclose(see(page).astype(int), end, atol=1)
    follow(page, "text=333&hand=9&other=9&blend=50")
    np.testing.assert_allclose(see(page).astype(int), end, atol=1)  # with itself it is as it is
    write(page, "8", "into")
    press(page.locator("#turn"), "End")
    eights, named = see(page), names_of(page)
    follow(page, "text=888&hand=9")
    np.testing.assert_array_equal(see(page), eights)
    assert names_of(page) == named
    assert read(eights) == "888"


def test_all_pictures_turn_light_with_the_system(open_page, play_html):
    """Those of the view that is hidden, too."""
    page = open_page(play_html, "view=wall")
    wall = see(page)
    follow(page, "")
    row = see(page)
    page.evaluate("() => { window.turned = new Promise((done) => light.addEventListener('change', done)) }")
    page.emulate_media(color_scheme="light")
    page.evaluate("turned.then(() => null)")
    np.testing.assert_array_equal(see(page), 255 - row)
    follow(page, "view=wall")
    np.testing.assert_array_equal(see(page), 255 - wall)


def test_hands_are_normal_and_keep_their_numbers(open_page, play_html):
    """Else a link would lead elsewhere. Those of hand 11 were computed by another program, in Python."""
    page = open_page(play_html)
    hands = np.array(page.evaluate("Array.from({length: 300}, (_, hand) => Array.from(noiseOf(hand)))"))
    assert abs(hands.mean()) < 0.03 and abs(hands.std() - 1) < 0.03
    assert np.abs(np.corrcoef(hands) - np.eye(300)).max() < 0.6
    np.testing.assert_allclose(hands[11, :3], [-1.137354226021, -0.841587722996, -0.552369968311], atol=1e-9)
