"""How soon does the page answer a slider? A hundred digits drawn anew, and the discriminator's opinion of each.

    python benchmarks/page.py              # half a minute; needs Chromium

The clock starts when a slider is moved and stops in the first frame with all digits, then in the first with all
opinions; so waiting for a frame, up to 16 ms, is part of it. Writes benchmarks/page.json and docs/play.png, and prints
the sentence of the README.
"""

import contextlib
import io
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import play
from benchmarks.common import machine
from support import commands, files
from support.commands import ROOT, Range, UserError
from support.model_files import PRETRAINED_DIR

RESULTS = ROOT / "benchmarks" / "page.json"
PICTURE = ROOT / "docs" / "play.png"
WARM_UP = 10  # moves until the page's script is compiled
MOVES = """async (moves) => {
  const until = (done) => new Promise((resolve) => {
    const look = () => done() ? resolve() : requestAnimationFrame(look);
    look();
  });
  const drawn = () => !shown.some((tile) => tile.stale), rated = () => !shown.some((tile) => tile.unrated);
  const times = {digits: [], opinions: []};
  await until(() => drawn() && rated());
  for (let move = 0; move < moves; move++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const {input} = sliders[move % sliders.length], started = performance.now();
    input.value = MODELS.reach * (2 * (move * 0.618 % 1) - 1);  // the golden section: never where the slider is
    input.dispatchEvent(new Event("input"));
    await until(drawn);
    times.digits.push(performance.now() - started);
    await until(rated);
    times.opinions.push(performance.now() - started);
  }
  return times;
}"""


@dataclass
class Config:
    moves: Annotated[int, Range(10, 10_000)] = 100  # how often a slider is moved


def find_chromium():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)


@contextlib.contextmanager
def chromium():
    """A headless Chromium without what would use the network by itself; yields a Playwright browser."""
    from playwright.sync_api import sync_playwright

    quiet = ("background-networking", "component-update", "extensions", "gpu", "quic", "sync")
    flags = ["--no-sandbox", "--no-first-run", *(f"--disable-{feature}" for feature in quiet)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=flags)
        yield browser
        browser.close()


def sentence(results):
    """What the README says of the results."""
    digits, opinions = (np.median(results[key]) for key in ("digits", "opinions"))
    return (
        f"A slider redraws the wall of a hundred in {digits:.0f} ms, nineteen times in twenty within "
        f"{np.quantile(results['digits'], 0.95):.0f} ms, and has the discriminator's opinions after {opinions:.0f} ms"
    )


def benchmark(config):
    """Move sliders, write RESULTS and the picture, and print the sentence."""
    if not find_chromium():
        raise UserError("there is no chromium here: install one")
    with tempfile.TemporaryDirectory() as directory:
        path = play.play(play.Config(models_dir=PRETRAINED_DIR, output_dir=Path(directory)))
        with chromium() as browser:
            page = browser.new_page()
            page.goto(f"{path.as_uri()}#view=wall")
            results = page.evaluate(MOVES, WARM_UP + config.moves)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"{path.as_uri()}#view=wall&directions=1.5")
            page.evaluate(MOVES, 0)
            picture = Image.open(io.BytesIO(page.screenshot()))
    results = {key: [round(time, 1) for time in times[WARM_UP:]] for key, times in results.items()}
    with files.whole_file(PICTURE) as temporary:
        picture.convert("RGB").quantize(128).save(temporary, optimize=True)
    files.write_json(RESULTS, {**results, "machine": machine()})
    print(sentence(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
