"""Files from strangers: malformed ones are refused in one line, and nothing in them runs."""

import io
import os
import pickle
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest
from helpers import ROOT
from malformed import builtin, members, refusal, refuses_model, with_config, zipped

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


def test_a_name_twice_in_the_archive_is_refused(generator, tmp_path):
    """What is checked might not be what is loaded."""
    shutil.copy(generator, path := tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", members(generator)["config.json"])
    assert "nothing else" in refuses_model(path, path.read_bytes())


def test_an_archive_that_is_packed_in_an_unusual_way_is_refused(generator, tmp_path):
    """Python unpacks bzip2 and LZMA without a bound."""
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        packed = zipped(members(generator), method)
        assert "unusual way" in refuses_model(tmp_path / "model.keras", packed)


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


def test_answers_are_finite(tmp_path):
    """Those of finite weights may not be."""
    layers = [keras.layers.Rescaling(1, offset=1e30), keras.layers.Rescaling(1e30)]
    keras.Sequential([keras.Input((4,)), *layers]).save(path := tmp_path / "model.keras")
    assert "not finite" in refuses_model(path, path.read_bytes())


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
