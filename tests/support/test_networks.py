"""Files from strangers: malformed ones are refused in one line, and nothing in them runs."""

import io
import json
import os
import pickle

import h5py
import keras
import numpy as np
import pytest
from helpers import ROOT
from malformed import members, refusal, zipped

from support import networks
from support.datasets import load_dataset


class Payload:
    """What would be run by unpickling; leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def ran(tmp_path):
    """A path at which a file would appear if anything in a stranger's file had run."""
    path = tmp_path / "it ran"
    yield path
    assert not path.exists()


@pytest.fixture
def generator(short_run):
    return short_run / "models" / "generator.keras"


def refuses_model(path, content):
    path.write_bytes(content)
    error = refusal(networks.load_network, path, "train.py")
    assert error and str(path) in error
    return error


def with_config(path, change):
    """A .keras file with its configuration changed by a function, which gets it and its list of layers."""
    parts = members(path)
    config = json.loads(parts["config.json"])
    change(config, config["config"]["layers"])
    return zipped(parts | {"config.json": json.dumps(config)})


def builtin(module, name, config, **more):
    return {"module": module, "class_name": name, "config": config, "registered_name": None, **more}


def test_a_lambda_is_refused(tmp_path, ran):
    path = str(ran)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: (os.mkdir(path), x)[1])])
    ran.rmdir()  # Keras ran it to build it
    network.save(tmp_path / "lambda.keras")
    assert "Lambda" in refuses_model(tmp_path / "model.keras", (tmp_path / "lambda.keras").read_bytes())


@pytest.mark.parametrize(
    ("module", "name", "config"),
    [
        ("keras.layers", "TFSMLayer", {"filepath": "somewhere"}),
        ("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}),
        ("keras.layers", "TorchModuleWrapper", {"module": "..."}),
        ("keras.src.layers.core.lambda_layer", "Lambda", {}),
        ("keras.config", "enable_unsafe_deserialization", {}),
        ("keras.models", "load_model", {"filepath": "other.keras", "safe_mode": False}),
        ("keras.utils", "get_file", {"fname": "x", "origin": "file:///etc/passwd"}),
        ("keras", "Sequential", {"layers": []}),
        ("os", "system", {"command": "true"}),
        ("builtins", "exec", "open('it ran', 'w')"),
        (None, "__lambda__", {"value": "..."}),
    ],
)
@pytest.mark.parametrize("place", ["layer", "activation"])
def test_only_known_layers_are_built(module, name, config, place, generator, tmp_path):
    def change(_, layers):
        foreign = builtin(module, name, config)
        if place == "layer":
            layers[2] = foreign
        else:
            layers[1]["config"]["activation"] = foreign | {"registered_name": name}

    assert f"it holds a '{name}'" in refuses_model(tmp_path / "model.keras", with_config(generator, change))


def test_a_functional_model_is_refused(tmp_path):
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save(tmp_path / "functional.keras")
    assert "another kind" in refuses_model(tmp_path / "model.keras", (tmp_path / "functional.keras").read_bytes())


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "assets/../../evil.txt", "model.weights.h5/x"])
def test_paths_in_the_archive_lead_nowhere(name, generator, tmp_path):
    assert "nothing else" in refuses_model(tmp_path / "model.keras", zipped(members(generator) | {name: b"evil"}))
    assert not any((root / name).exists() for root in (tmp_path, ROOT))


def test_pickles_are_refused(ran, tmp_path):
    refuses_model(tmp_path / "model.keras", pickle.dumps(Payload(ran)))
    images = np.array([Payload(ran)] * 3, dtype=object)
    np.savez(tmp_path / "objects.npz", images=images, labels=np.zeros(3, int))
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Payload(ran)))
    np.save(tmp_path / "array.npy", images, allow_pickle=True)
    os.replace(tmp_path / "array.npy", tmp_path / "array.npz")
    for name in ("objects.npz", "pickle.npz", "array.npz"):
        assert refusal(load_dataset, str(tmp_path / name))


def test_an_hdf5_file_is_refused(tmp_path):
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file["layer"] = np.zeros(3)
    refuses_model(tmp_path / "model.keras", (tmp_path / "model.h5").read_bytes())


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


def test_numbers_are_finite_and_no_text(generator, tmp_path):
    parts = members(generator)
    weights = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        file["layers/dense/vars/0"][0, 0] = np.nan
    refused = refuses_model(tmp_path / "model.keras", zipped(parts | {"model.weights.h5": weights.getvalue()}))
    assert "not finite" in refused
    with h5py.File(weights, "r+") as file:
        file["layers/dense/text"] = ["a", "b"]
    refused = refuses_model(tmp_path / "model.keras", zipped(parts | {"model.weights.h5": weights.getvalue()}))
    assert "no numbers" in refused


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


def test_weights_come_from_the_file_alone(generator, tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["numbers"] = np.ones((74, 3136), "float32")
    for link in (h5py.ExternalLink(str(secret), "numbers"), h5py.SoftLink("/elsewhere")):
        weights = io.BytesIO(members(generator)["model.weights.h5"])
        with h5py.File(weights, "r+") as file:
            del file["layers/dense/vars/0"]
            file["elsewhere"] = np.ones((74, 3136), "float32")
            file["layers/dense/vars/0"] = link
        changed = members(generator) | {"model.weights.h5": weights.getvalue()}
        refuses_model(tmp_path / "model.keras", zipped(changed))


def test_every_layer_allowed_is_one_of_keras():
    assert all(issubclass(getattr(keras.layers, name), keras.layers.Layer) for name in networks.LAYERS)
