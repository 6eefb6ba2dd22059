"""page/samples.py: images are measured as an eye would, and directions have the names of what they change."""

import keras
import numpy as np
import pytest
from scipy import ndimage

import utils
from page import samples


def bar(angle=0.0, length=18, thickness=3):
    """An upright bar, turned clockwise; uint8 (1, 28, 28, 1)."""
    image = np.zeros((28, 28))
    image[14 - length // 2 : 14 + length // 2, 14 - thickness // 2 : 14 + (thickness + 1) // 2] = 255
    return ndimage.rotate(image, -angle, reshape=False, order=1).clip(0, 255).astype("uint8")[None, ..., None]


def ring(radius):
    distance = np.hypot(*(np.indices((28, 28)) - 13.5))
    return ((abs(distance - radius) < 1.5) * 255).astype("uint8")[None, ..., None]


@pytest.mark.parametrize(
    ("name", "less", "more", "called"),
    [
        ("slant", bar(0), bar(20), "to the right"),
        ("slant", bar(-20), bar(0), "to the right"),
        ("thickness", bar(thickness=2), bar(thickness=5), "thick"),
        ("height", bar(length=12), bar(length=20), "tall"),
        ("width", ring(4), ring(9), "wide"),
        ("roundness", bar(), ring(8), "round"),
    ],
)
def test_measures_go_by_what_one_sees_and_are_called_so(name, less, more, called):
    measures = samples.measure(np.concatenate([less, more]))[name]
    assert measures[1] > measures[0] and samples.EDGES[name][1] == called


def test_an_empty_image_is_measured_too():
    assert all(np.isfinite(values).all() for values in samples.measure(np.zeros((2, 28, 28, 3), "uint8")).values())


def moving_bar(by):
    """A generator whose first number of noise turns its bar, as far as `by`, and whose third does a little."""
    network = keras.Sequential([keras.Input((4 + 2,)), keras.layers.Dense(784), keras.layers.Reshape((28, 28, 1))])
    network.add(keras.layers.Activation("hard_tanh"))
    rest, turned = bar(-by).astype("float32"), bar(by).astype("float32")
    kernel = np.zeros((6, 784), "float32")
    kernel[0] = (turned - rest).ravel() / 127.5 / 6
    kernel[2] = np.random.default_rng(0).normal(scale=0.005, size=784)
    network.layers[0].set_weights([kernel, ((turned + rest) / 2).ravel() / 127.5 - 1])
    return network


def test_a_direction_is_found_named_and_turned_the_right_way():
    for by in (25, -25):
        generator = moving_bar(by)
        noise = np.random.default_rng(1).standard_normal((500, 4), "float32")
        labels = np.arange(500) % 2
        images = utils.draw(generator, noise, labels)
        first, *rest = samples.principal_directions(generator, noise, labels, images, 3)
        assert first["name"] == "slant" and first["correlation"] > 0.9
        np.testing.assert_allclose(first["direction"], [np.sign(by), 0, 0, 0], atol=0.05)
        assert len(rest) == 2 and all(each["name"] != "slant" for each in rest)
        assert all(abs(first["direction"] @ each["direction"]) < 1e-5 for each in rest)


def test_a_name_goes_to_the_strongest_and_none_to_the_weak():
    names = samples._named(np.array([[0.9, -0.95], [0.2, 0.99], [0.7, 0.1], [0.5, 0.5]]), ["slant", "width"])
    assert names == [("slant", 0.9), ("width", 0.99), (None, 0.0), (None, 0.0)]
    assert samples._named(np.diag([0.6, 0.59]), ["slant", "width"]) == [("slant", 0.6), (None, 0.0)]


def test_opinions_are_of_each_class_by_itself():
    """Those of a class that was not drawn are of all."""
    discriminator = keras.Sequential([keras.Input((1, 1, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    discriminator.layers[1].set_weights([np.array([[1, 10, 100]]), np.zeros(3)])
    shades = np.arange(82, dtype="uint8")
    found = samples.quantiles(discriminator, shades.reshape(-1, 1, 1, 1), shades % 2, 3)
    np.testing.assert_allclose(found[0], shades[::4] / 127.5 - 1, rtol=1e-5)
    np.testing.assert_allclose(found[1], 10 * (shades[1::4] / 127.5 - 1), rtol=1e-5)
    assert found[2, [0, -1]].tolist() == [found[:2].min(), found[:2].max()]
