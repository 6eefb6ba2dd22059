"""The page itself: page/play.html with its scripts and the models put in."""

import base64
import hashlib
import json
import re
from pathlib import Path

from page.packing import pack
from page.samples import sample
from support import model_files

ROOM = Path(__file__).parent
MAX_FIGURES = 24  # of a number on the page
MAX_HAND = 999_999  # hands are numbered


def shown_names(run, num_classes):
    """What the classes are called; None if they are figures (ten without names), which can be combined into numbers.

    Args:
        run: what run.json says, or None.
    """
    if names := model_files.class_names(run, num_classes):
        return names
    return None if num_classes == 10 else [f"class {label}" for label in range(num_classes)]


def page(generator, discriminator, latent_dim, num_classes, run, number, hand, directions):
    """The text of the page.

    Args:
        generator, discriminator, latent_dim, num_classes, run: as support/model_files.py loads them.
        number, hand: what to write at first, a string of figures, and in which hand.
        directions: how many sliders the page has.

    Raises:
        UserError: the page cannot run the networks.
    """
    packed = {"generator": pack(generator), "discriminator": pack(discriminator)}  # first: it may refuse them
    models = {
        "latentDim": latent_dim,
        "numClasses": num_classes,
        "classNames": shown_names(run, num_classes),
        "shape": list(generator.output_shape[1:]),
        "number": number,
        "maxFigures": MAX_FIGURES,
        "hand": hand,
        "maxHand": MAX_HAND,
        **sample(generator, discriminator, latent_dim, num_classes, directions),
        **packed,
    }
    return assemble(json.dumps(models, separators=(",", ":"), ensure_ascii=True))


def assemble(models):
    """Put the scripts, which the template names, and the models, a string of JSON, into the template."""
    text = (ROOM / "play.html").read_text(encoding="utf-8")
    style = _hash(re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1])
    scripts = []

    def inline(match):
        script = "\n" + (ROOM / match[1]).read_text(encoding="utf-8")
        scripts.append(_hash(script))
        return f"<script>{script}</script>"

    text = re.sub(r'<script src="(.*?)"></script>', inline, text)
    # The browser is told to run these scripts and nothing else, and to fetch nothing at all.
    policy = f"default-src 'none'; img-src data: blob:; style-src {style}; script-src {' '.join(scripts)}"
    text = text.replace("<!-- policy -->", f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    return text.replace("<!-- models -->", models.replace("<", "\\u003c"))  # no text in them can end the script


def _hash(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
