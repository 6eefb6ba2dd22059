"""The networks: shapes, ranges, and files that need nothing of this repository."""

from typing import get_args

import keras
import numpy as np
import pytest

import train
from discriminator import build_discriminator
from generator import build_generator


@pytest.mark.parametrize("network", get_args(train.Network))
@pytest.mark.parametrize(("num_classes", "channels", "size"), [(10, 1, 28), (1, 1, 28), (26, 3, 28), (10, 3, 32)])
def test_shapes_and_ranges(num_classes, channels, size, network):
    generator = build_generator(16, num_classes, channels, width=8, size=size, network=network)
    discriminator = build_discriminator(num_classes, channels, width=8, size=size, network=network)
    noise_and_label = np.random.default_rng(0).standard_normal((5, 16 + num_classes), "float32")
    images = np.array(generator(100 * noise_and_label, training=True))
    assert images.shape == (5, size, size, channels) and images.dtype == "float32"
    assert images.min() >= -1 and images.max() <= 1
    assert discriminator(images, training=True).shape == (5, num_classes)
    kinds = {type(layer).__name__ for each in (generator, discriminator) for layer in each.layers}
    assert ("Conv2D" in kinds) == ("Conv2DTranspose" in kinds) == (network != "dense")


def test_a_supersampled_image_is_the_mean_of_one_twice_the_size():
    generator = build_generator(16, 10, width=8, network="supersampled")
    drawn = keras.Sequential(generator.layers[:-1])
    inputs = np.random.default_rng(0).standard_normal((5, 26), "float32")
    fine = np.array(drawn(inputs))
    assert fine.shape == (5, 56, 56, 1)
    np.testing.assert_allclose(generator(inputs), fine.reshape(5, 28, 2, 28, 2, 1).mean(axis=(2, 4)), atol=1e-6)


def test_a_supersampled_image_is_first_looked_at_in_full_size():
    plain, first = (build_discriminator(10, width=12, network=network) for network in ("convolutional", "supersampled"))
    assert first.layers[0].output.shape == (None, 28, 28, 8)
    assert [weight.shape for weight in first.weights[4:]] == [weight.shape for weight in plain.weights[2:]]


def test_label_changes_the_image():
    generator = build_generator(16, 10)
    noise = np.zeros((10, 16), "float32")
    images = np.array(generator(np.concatenate([noise, np.eye(10, dtype="float32")], axis=-1), training=False))
    assert len(np.unique(images.reshape(10, -1), axis=0)) == 10


LOAD = """
import keras, numpy as np
generator = keras.models.load_model("generator.keras")
discriminator = keras.models.load_model("discriminator.keras")
assert type(generator) is type(discriminator) is keras.Sequential
num_classes = discriminator.output_shape[-1]
latent_dim = generator.input_shape[-1] - num_classes
assert (latent_dim, num_classes) == (64, 10)
images = generator.predict(np.ones((3, latent_dim + num_classes), "float32"), verbose=0)
assert discriminator.predict(images, verbose=0).shape == (3, num_classes)
"""


def test_saved_models_load_without_this_repository(short_run, run_script):
    done = run_script("-I", "-c", LOAD, cwd=short_run / "models")  # -I: no path to this repository
    assert done.returncode == 0, done.stderr
