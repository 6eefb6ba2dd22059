"""page/network.js: each layer that page/packing.py lets in gives what it gives in Keras."""

import keras
import numpy as np
import pytest
from keras import layers

from page.packing import LAYERS, encode, pack
from support.commands import UserError

NETWORKS = {
    "a generator": [
        keras.Input((9,)),
        layers.Dense(3 * 3 * 10, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Reshape((3, 3, 10)),
        layers.Conv2DTranspose(6, 4, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(0.3),
        layers.Conv2DTranspose(1, 5, strides=2, padding="same", activation="tanh"),
    ],
    "a discriminator": [
        keras.Input((28, 28, 1)),
        layers.Conv2D(6, 4, strides=2, padding="same"),
        layers.LeakyReLU(0.2),
        layers.Dropout(0.5),
        layers.Conv2D(9, 4, strides=2, padding="same", activation="leaky_relu"),
        layers.Flatten(),
        layers.Dense(10),
    ],
    "resize and convolution": [
        keras.Input((12,)),
        layers.Dense(48, activation="relu"),
        layers.Reshape((4, 4, 3)),
        layers.UpSampling2D((2, 3)),
        layers.Conv2D(5, 3, padding="same"),
        layers.UpSampling2D((3, 2), interpolation="bilinear"),
        layers.Conv2D(2, 3, padding="valid", activation="hard_tanh"),
        layers.AveragePooling2D((3, 2), strides=(2, 3)),
    ],
    "normalised wherever it can be": [
        keras.Input((20,)),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.BatchNormalization(scale=False),
        layers.Dense(36),
        layers.Reshape((3, 3, 4)),
        layers.BatchNormalization(),
        layers.BatchNormalization(axis=1, center=False),
        layers.Conv2D(4, 2),
        layers.Flatten(),
        layers.BatchNormalization(),
        layers.Activation("sigmoid"),
        layers.Dense(3),
    ],
    "the rest": [
        keras.Input((4, 4, 3)),
        layers.Rescaling(3, offset=-1),
        layers.Identity(),
        layers.GaussianNoise(0.1),
        layers.SpatialDropout2D(0.1),
        layers.Dense(5),
        layers.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.4),
        layers.Rescaling(0.5),
        layers.GaussianDropout(0.1),
        layers.Activation("sigmoid"),
    ],
}
WINDOWS = [  # (size of the image, kernel, strides, padding)
    (7, 3, 2, "same"),
    (8, 3, 2, "same"),
    (7, 4, 3, "valid"),
    (6, (2, 5), (1, 2), "same"),
    (6, 2, 3, "same"),
    (7, 2, 3, "valid"),
    (5, 1, 1, "valid"),
]


def with_random_weights(network):
    rng = np.random.default_rng(0)
    for weight in network.weights:
        size = 1 / np.sqrt(np.prod(weight.shape[:-1]))
        positive = "variance" in weight.path or "gamma" in weight.path
        weight.assign(rng.uniform(0.3, 2, weight.shape) if positive else size * rng.standard_normal(weight.shape))
    return network


@pytest.fixture(scope="module")
def run_both(browser_page):
    """Run a Sequential in Keras and in the page, with random weights and inputs; returns both outputs.

    In the page a second time too, when the network expects another input.
    """

    def run(network):
        with_random_weights(network)
        inputs = np.random.default_rng(1).standard_normal((5, *network.input_shape[1:]), "float32")
        inputs[3] = np.maximum(inputs[3], 0)
        given = inputs.reshape(len(inputs), -1).tolist()
        script = """([operations, inputs]) => {
            const network = new Network(operations), run = () => inputs.map((input) => Array.from(network.run(input)));
            const first = run();
            network.expect(inputs[4], 1);
            network.expect(inputs[3]);
            return [first, run()];
        }"""
        first, again = (np.array(outputs) for outputs in browser_page.evaluate(script, [pack(network), given]))
        np.testing.assert_allclose(again, first, atol=1e-9)
        return network.predict(inputs, verbose=0).reshape(len(inputs), -1), first

    return run


def assert_close(expected, found):
    assert expected.std() > 0.01  # something to compare
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())  # float16 has eleven bits


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_what_keras_gives(run_both, name):
    assert_close(*run_both(keras.Sequential(NETWORKS[name])))


@pytest.mark.parametrize("kind", [layers.Conv2D, layers.Conv2DTranspose])
@pytest.mark.parametrize(("size", "kernel", "strides", "padding"), WINDOWS)
def test_each_convolution_gives_what_keras_gives(run_both, kind, size, kernel, strides, padding):
    network = keras.Sequential([keras.Input((size, size + 1, 3)), kind(9, kernel, strides=strides, padding=padding)])
    assert_close(*run_both(network))


def test_every_layer_that_is_let_in_was_tried():
    tried = {type(layer).__name__ for network in NETWORKS.values() for layer in network[1:]}
    assert tried | {"InputLayer"} == set(LAYERS)


@pytest.mark.parametrize("numbers", [[1e6, -5e5], [1e-9, 5e-10], [0, 0]])
def test_large_and_small_numbers_arrive(browser_page, numbers):
    with np.errstate(invalid="raise"):
        packed = encode(np.array(numbers))
    assert browser_page.evaluate("(packed) => Array.from(decode(packed))", packed) == numbers


def test_normalisation_vanishes_into_the_layer_before():
    """Also through a Reshape; but not past a ReLU, nor if a channel has several scales."""

    def kinds(name):
        return [operation["do"] for operation in pack(with_random_weights(keras.Sequential(NETWORKS[name])))]

    assert "scale and shift" not in kinds("a generator") and len(kinds("a generator")) == 6
    assert kinds("normalised wherever it can be").count("scale and shift") == 3


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (layers.LayerNormalization(), "LayerNormalization"),
        (layers.Dense(3, activation="gelu"), "gelu"),
        (layers.Conv2D(3, 2, dilation_rate=2), "dilation"),
        (layers.Conv2D(3, 2, groups=3), "groups"),
        (layers.UpSampling2D(interpolation="bicubic"), "bicubic"),
        (layers.AveragePooling2D(2, padding="same"), "padding same"),
        (layers.UpSampling2D(data_format="channels_first"), "channels_first"),
        (layers.ReLU(max_value=float("inf")), "not finite"),
    ],
)
def test_another_layer_is_refused(layer, named):
    with pytest.raises(UserError, match=named) as refusal:
        pack(keras.Sequential([keras.Input((6, 6, 3)), layer]))
    assert "\n" not in str(refusal.value) and ": " in str(refusal.value)


def test_pooling_of_any_number_of_channels_is_refused():
    """As a convolution, it has their square in weights, none of which the file needs to contain."""
    with pytest.raises(UserError, match="100000 channels of the AveragePooling2D"):
        pack(keras.Sequential([keras.Input((1, 1, 100_000)), layers.AveragePooling2D(1)]))
