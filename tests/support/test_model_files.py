"""A directory of trained models."""

import pytest

from discriminator import build_discriminator
from generator import build_generator
from support import model_files
from support.commands import UserError


def test_refuses_a_pair_whose_images_are_none(tmp_path):
    """Two colours, say, would be drawn as grey and transparency."""
    build_generator(4, 1, channels=2, width=4).save(tmp_path / "generator.keras")
    build_discriminator(1, 2, width=4).save(tmp_path / "discriminator.keras")
    with pytest.raises(UserError, match="belong together"):
        model_files.load_models(tmp_path)
