"""Networks from strangers: what would take too much memory or time is refused before it does."""

import io

import h5py
import keras
import pytest
from malformed import builtin, members, refuses_model, with_config, zipped


@pytest.mark.parametrize(
    ("layer", "changes"),
    [
        (0, {"batch_shape": [None, 10**9]}),
        (0, {"batch_shape": [10**9, 74]}),
        (1, {"units": 10**12}),
        (1, {"units": 10**6}),
        (5, {"filters": 10**9}),
        (5, {"filters": 2000}),
        (5, {"filters": 1000, "kernel_size": [32, 32]}),  # within all limits but that of the work
        (5, {"strides": [10**5, 10**5]}),
        (5, {"kernel_size": [10**5, 10**5]}),
    ],
)
def test_sizes_are_sane(layer, changes, generator, tmp_path):
    def change(config, layers):
        layers[layer]["config"] |= changes
        for each in [config, *layers]:
            each.pop("build_config", None)  # which would contradict
        if {"units", "filters"} & changes.keys():
            del layers[layer + 1 :]  # which would, too

    assert "larg" in refuses_model(tmp_path / "model.keras", with_config(generator, change))


def test_a_thousand_layers_are_refused_at_once(generator, tmp_path):
    def change(config, layers):
        layers[2:2] = [builtin("keras.layers", "Identity", {"name": f"identity_{n}"}) for n in range(1000)]

    assert "layers" in refuses_model(tmp_path / "model.keras", with_config(generator, change))


@pytest.mark.parametrize(
    ("shape", "name", "config"),
    [
        ((60_000, 60_000, 1), "GlobalMaxPooling2D", {}),  # of which nothing else is large
        ((28, 28, 1), "Rescaling", {"scale": [1.0] * 3}),  # Keras infers one colour
        ((28, 28, 1), "ELU", {"alpha": [1.0] * 3}),
        ((1,), "Dense", {"units": 9, "activity_regularizer": {"class_name": "L2", "module": "keras.regularizers"}}),
    ],
)
def test_what_layers_do_not_show_is_sane(shape, name, config, tmp_path):
    keras.Sequential([keras.Input((8, 8, 1)), keras.layers.GlobalMaxPooling2D()]).save(tmp_path / "small.keras")

    def change(config_of_all, layers):
        config_of_all.pop("build_config", None)
        layers[0]["config"]["batch_shape"] = [None, *shape]
        layers[1:] = [builtin("keras.layers", name, {"name": "last", **config})]

    refused = refuses_model(tmp_path / "model.keras", with_config(tmp_path / "small.keras", change))
    assert "too large" in refused or "any memory" in refused


def test_weights_in_pieces_are_refused(generator, tmp_path):
    """One of them can unpack to more than all weights; Keras writes none."""
    weights = io.BytesIO(members(generator)["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        file.create_dataset("layers/dense/piece", (1,), "f8", maxshape=(None,), chunks=(10**6,), compression="gzip")
    changed = members(generator) | {"model.weights.h5": weights.getvalue()}
    assert "weights" in refuses_model(tmp_path / "model.keras", zipped(changed))


def test_a_refused_model_takes_no_memory_later(generator, tmp_path):
    """Keras keeps a list of variables to be made; what was refused must not stay in it."""

    def change(_, layers):
        layers[1]["config"]["units"] = 10**12

    refuses_model(tmp_path / "model.keras", with_config(generator, change))
    with keras.StatelessScope():  # its end makes what is in the list, as does a layer whose shape Keras infers
        pass


def test_weights_are_as_large_as_they_seem(generator, tmp_path):
    parts = members(generator)
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:  # kilobytes that unpack to a terabyte
        file.create_dataset("layers/dense/vars/0", (10**6, 10**6), "u1", chunks=(1000, 1000), compression="gzip")
    assert "weights" in refuses_model(
        tmp_path / "model.keras", zipped(parts | {"model.weights.h5": weights.getvalue()})
    )
    assert "too large" in refuses_model(tmp_path / "model.keras", zipped(parts | {"config.json": bytes(2**25)}))
