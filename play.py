"""Write a page to play with: a trained generator that draws in any browser.

    python play.py                               # generated_digits/play.html; open it in any browser
    python play.py --models-dir my_models        # with other models
    python play.py --number 31415                # starting with another number

The page is one file that needs nothing else, not even a network. It draws with the models in models/ or, where nothing
has been trained yet, with those in models/pretrained/.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from page.document import MAX_FIGURES, MAX_HAND, page, shown_names
from support import commands, files, model_files
from support.commands import Range, UserError

MAX_BYTES = 10_000_000  # of the page: small enough to mail; at the default widths, unlabelled 32x32 models need 9 MB


@dataclass
class Config:
    number: str | None = None  # the number on the page at first; by default 2026, if the models draw figures
    hand: Annotated[int, Range(0, MAX_HAND)] = 11  # the hand it is written in: the noise of this seed
    directions: Annotated[int, Range(0, 20)] = 6  # how many sliders, one for each direction in which digits change most
    models_dir: Path | None = None  # directory of the trained models; by default models/, or else models/pretrained/
    output_dir: Path = Path("generated_digits")  # where play.html goes


def play(config):
    """Write the page as `config` says; returns its path.

    Raises:
        UserError: the models cannot be used or have layers that the page cannot run, or it cannot be written.
    """
    number = "2026" if config.number is None else config.number
    if not (number.isascii() and number.isdigit() and len(number) <= MAX_FIGURES):
        raise UserError(f"--number {number[:50]!r} is no number of 1 to {MAX_FIGURES} figures: give one, such as 2026")
    path = config.output_dir / "play.html"
    files.check_writable(path)
    files.sweep(path.parent)
    models_dir = model_files.default_models(config.models_dir)
    models, run = model_files.load_models(models_dir), model_files.read_run(models_dir)
    if config.number is not None and shown_names(run, models[-1]):
        raise UserError(f"--number is for models of figures, which those in {models_dir} are not: leave it out")
    text = page(*models, run, number, config.hand, config.directions)
    size = len(text.encode())
    if size > MAX_BYTES:
        raise UserError(
            f"the page would have {size / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f}: "
            "train with smaller --generator-width and --discriminator-width"
        )
    with files.whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"a page of {size / 1e6:.1f} MB, to open in a browser: {path}")
    return path


if __name__ == "__main__":
    commands.run(play, Config)
