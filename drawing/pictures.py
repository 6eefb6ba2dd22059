"""How the pictures of generate_digits.py look: their size, ink and lines, and what they carry."""

from dataclasses import dataclass
from pathlib import Path

from PIL import ImageOps

import utils
from support.commands import UserError, progress_bar

WIDTH = 20  # digits: the longest line of a number
PIXELS = 600  # about how wide pictures become, magnified
MAX_ON_SHEET = 1000  # digits; more would be specks
MAX_FILM = 2**28  # bytes of all frames; drawing them takes some 25 times their unmagnified size


def columns_of(count):
    """How many digits of a number stand in a line, for lines of about equal length."""
    return -(-count // -(-count // WIDTH))


@dataclass
class Pictures:
    """The pictures of a run of the command.

    Attributes:
        directory: where they go.
        scale: screen pixels per pixel; 0 for one that suits the width.
        invert: whether the ink is dark, on white.
        about: dict, text that each PNG carries.
    """

    directory: Path
    scale: int
    invert: bool
    about: dict

    def _scale(self, width):
        return self.scale or min(12, max(2, PIXELS // width))

    def _picture(self, image, scale, *caption):
        picture = utils.to_picture(image, scale)
        picture = utils.with_caption(picture, caption) if caption else picture
        return ImageOps.invert(picture) if self.invert else picture

    def save_sheet(self, name, image, *caption):
        """Save a sheet, uint8 (H, W, C), with lines of text below."""
        picture = self._picture(image, self._scale(image.shape[1]), *caption)
        utils.save_png(self.directory / name, picture, **self.about)

    def save_digit(self, name, image):
        """Save a single digit, uint8 (S, S, C), pixel by pixel unless another scale was asked for."""
        utils.save_png(self.directory / name, self._picture(image, self.scale or 1), **self.about)

    def save_film(self, name, frames, holds=()):
        """Save a film, uint8 (frames, N, S, S, C), in which the frames `holds` stay longer."""
        columns = columns_of(frames.shape[1])
        pictures = []
        for images in progress_bar(frames, unit=" frames"):
            sheet = utils.sheet(images, columns)
            pictures.append(self._picture(sheet, self._scale(sheet.shape[1])))
        seconds = [0.6 if index in holds else 0.05 for index in range(len(pictures))]
        utils.save_gif(self.directory / name, pictures, seconds)

    def check_film(self, flag, frames, digits, shape):
        """Raise UserError if a film of so many digits, each of `shape` (S, S, C), would take too much memory."""
        cell = shape[0] + 2
        scale = max(2, self._scale(cell * columns_of(digits)))
        if frames * digits * cell**2 * shape[-1] * scale**2 > MAX_FILM:
            raise UserError(f"{flag} would be too large a film: ask for fewer frames or digits, or a smaller --scale")
