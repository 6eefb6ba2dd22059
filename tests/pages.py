"""What tests do with the page of play.py, in a browser."""

import base64
import json

import numpy as np

import utils
from discriminator import build_discriminator
from evaluation import judge
from generator import build_generator

SETTLED = """() => new Promise((resolve) => {
    const look = () => shown.some((tile) => tile.stale || tile.unrated) ? requestAnimationFrame(look) : resolve();
    look();
})"""
FOLLOWED = """(fragment) => new Promise((resolve) => {
    if (location.hash.slice(1) === fragment) return resolve();
    addEventListener("hashchange", resolve, {once: true});
    location.hash = fragment;
}).then(() => null)"""
PIXELS = """() => shown.map(({context}) =>
    btoa(String.fromCharCode(...context.getImageData(0, 0, WIDTH, HEIGHT).data)))"""


def settle(page):
    page.evaluate(SETTLED)


def see(page):
    """What the canvases show: uint8 (N, 28, 28, 3)."""
    settle(page)
    pixels = np.frombuffer(b"".join(map(base64.b64decode, page.evaluate(PIXELS))), "uint8").reshape(-1, 28, 28, 4)
    assert (pixels[..., 3] == 255).all()
    return pixels[..., :3]


def read(images):
    """What the judge reads of uint8 (N, 28, 28, 3): a string of figures."""
    return "".join(map(str, utils.look(judge.load_judge(), images[..., :1])[1].argmax(axis=1)))


def write(page, number, field="number"):
    page.locator(f"#{field}").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(number)


def follow(page, fragment):
    """Follow a link within the page."""
    page.evaluate(FOLLOWED, fragment)


def press(slider, *keys):
    for key in keys:
        slider.press(key)


def message(page):
    return page.locator("#message").inner_text()


def state_of(page):
    """The link, once it is saved."""
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 400))")
    return page.evaluate("location.hash")


def save_models(directory, latent_dim, num_classes, channels=1, widths=(8, 8), size=28, names=()):
    """Untrained models, small ones where nothing else is said."""
    directory.mkdir()
    build_generator(latent_dim, num_classes, channels, widths[0], size=size).save(directory / "generator.keras")
    build_discriminator(num_classes, channels, widths[1], size=size).save(directory / "discriminator.keras")
    (directory / "run.json").write_text(json.dumps({"config": {"latent_dim": latent_dim}, "classes": names}))
    return directory
