"""A directory of trained models."""

import shutil

import keras
import pytest

from discriminator import build_discriminator
from generate_digits import generate
from generator import build_generator
from support import model_files
from support.commands import UserError
from support.model_files import PRETRAINED_DIR


def test_refuses_a_pair_whose_images_are_none(tmp_path):
    """Two colours, say, would be drawn as grey and transparency."""
    build_generator(4, 1, channels=2, width=4).save(tmp_path / "generator.keras")
    build_discriminator(1, 2, width=4).save(tmp_path / "discriminator.keras")
    with pytest.raises(UserError, match="belong together"):
        model_files.load_models(tmp_path)


def test_a_directory_may_be_named_by_a_string():
    assert model_files.load_models(str(PRETRAINED_DIR))[2:] == (64, 10)


def copy_models(to):
    to.mkdir()
    for name in ("generator", "discriminator"):
        shutil.copy(PRETRAINED_DIR / f"{name}.keras", to)
    return to


@pytest.mark.parametrize("damage", [lambda data: b"no model", lambda data: data[:9999], lambda data: b""])
def test_refuses_a_model_file_that_is_no_model(refuses, tmp_path, damage):
    path = copy_models(tmp_path / "models") / "generator.keras"
    path.write_bytes(damage(path.read_bytes()))
    assert "generator.keras" in refuses(generate, "--models-dir", tmp_path / "models", "--output-dir", tmp_path)


def test_refuses_models_that_do_not_belong_together(refuses, tmp_path):
    models = copy_models(tmp_path / "models")
    build_generator(4, 10, channels=3, width=4).save(models / "generator.keras")
    assert "belong together" in refuses(generate, "--models-dir", models, "--output-dir", tmp_path)
    (models / "run.json").write_text('{"config": {"latent_dim": 64}}')
    shutil.copy(PRETRAINED_DIR / "generator.keras", models)
    build_discriminator(1).save(models / "discriminator.keras")  # 73 + 1 inputs would fit
    assert "belong together" in refuses(generate, "--models-dir", models, "--output-dir", tmp_path)
    for text in ("[]", "{}", '{"config": 1}'):  # JSON, but of no run
        (copy_models(tmp_path / "others") / "run.json").write_text(text)
        assert "belong together" in refuses(generate, "--models-dir", tmp_path / "others", "--output-dir", tmp_path)
        shutil.rmtree(tmp_path / "others")
    keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)]).save(models / "generator.keras")
    assert "belong together" in refuses(generate, "--models-dir", models, "--output-dir", tmp_path)
