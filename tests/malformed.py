"""Files as strangers might send them, mutated or made up: Hypothesis strategies, and ways to try what they draw."""

import contextlib
import gzip
import io
import json
import shutil
import struct
import zipfile
from dataclasses import dataclass

from hypothesis import strategies as st

from support import commands, model_files, networks
from support.datasets import load_dataset
from training import checkpoint

SIZES = st.one_of(st.integers(-2, 300), st.sampled_from([2**16, 2**31, 2**32 - 1, 10**12, 2**63 - 1]))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), SIZES, st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)),
    max_leaves=8,
)


@dataclass
class NoFlags:
    pass


def refusal(load, *args):
    """What a script says when `load(*args)` refuses a file, or None where it does not; nothing else may happen."""
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            commands.run(lambda _: load(*args), NoFlags, [])
    except SystemExit as end:
        line = errors.getvalue()
        assert end.code == 2
        assert line.startswith("error: ") and line.count("\n") == 1 and line.count(": ") >= 2, line
        return line
    return None


@st.composite
def mutated(draw, raw):
    """Bytes with up to four places overwritten, cut out, repeated, or cut off."""
    data = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        near_the_ends = st.one_of(st.integers(0, 200), st.integers(-200, -1), st.integers(0, max(len(data) - 1, 0)))
        start = draw(near_the_ends) % max(len(data), 1)
        length = draw(st.integers(1, 16))
        match draw(st.sampled_from(["overwrite", "overwrite", "cut out", "repeat", "cut off"])):
            case "overwrite":
                data[start : start + length] = draw(st.binary(min_size=length, max_size=length))
            case "cut out":
                del data[start : start + length]
            case "repeat":
                data[start:start] = data[start : start + length] * draw(st.integers(1, 100))
            case "cut off":
                del data[start:]
    return bytes(data)


def zipped(members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_config(path, change):
    """A .keras file with its configuration changed by a function, which gets it and its list of layers."""
    parts = members(path)
    config = json.loads(parts["config.json"])
    change(config, config["config"]["layers"])
    return zipped(parts | {"config.json": json.dumps(config)})


def builtin(module, name, config, **more):
    """How a configuration names an object of Keras' own."""
    return {"module": module, "class_name": name, "config": config, "registered_name": None, **more}


def refuses_model(path, content):
    """Write a .keras file and have it refused; returns the line that says so."""
    path.write_bytes(content)
    error = refusal(networks.load_network, path, "train.py")
    assert error and str(path) in error
    return error


@st.composite
def made_up_npz(draw):
    """A well-formed zip of arrays whose headers promise anything."""

    def array():
        shape = tuple(draw(st.lists(SIZES, max_size=4)))
        kind = draw(st.sampled_from(["|u1", "<i8", "|O", "<U9999999", "|V2147483647", "<f8", "x", "<M8[s]"]))
        order = draw(st.booleans())
        header = f"{{'descr': {kind!r}, 'fortran_order': {order}, 'shape': {shape}}}\n".encode()
        if draw(st.booleans()):
            header = draw(mutated(header))
        version = draw(st.sampled_from([1, 1, 1, 2, 3, 9]))
        return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(header)) + header + draw(st.binary())

    names = draw(st.lists(st.sampled_from(["x_train", "y_train", "x_test", "images", "labels", "../x"]), unique=True))
    method = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
    return zipped({f"{name}.npy": array() for name in names}, method)


@st.composite
def idx(draw, good):
    """An IDX file, plain or packed: a good one mutated, or one with any header."""
    if draw(st.booleans()):
        raw = draw(mutated(good))
    else:
        shape = draw(st.lists(st.integers(0, 2**32 - 1), max_size=5))
        kind = draw(st.sampled_from([8, 8, 8, 9, 12, 13]))
        raw = struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape) + draw(st.binary())
    packed = draw(st.sampled_from(["no", "yes", "badly"]))
    if packed == "badly":
        return draw(mutated(gzip.compress(raw))), ".gz"
    return (gzip.compress(raw), ".gz") if packed == "yes" else (raw, "")


@st.composite
def keras_file(draw, good):
    """A .keras file: its bytes mutated; or its weights, packed as they should be; or its configuration."""
    parts = members(good)
    match draw(st.sampled_from(["bytes", "weights", "configuration"])):
        case "bytes":
            return draw(mutated(good.read_bytes()))
        case "weights":
            parts["model.weights.h5"] = draw(mutated(parts["model.weights.h5"]))
        case "configuration":
            config = json.loads(parts["config.json"])
            for _ in range(draw(st.integers(1, 3))):
                place = config
                while True:  # down to somewhere
                    key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
                    if not place[key] or not isinstance(place[key], dict | list) or draw(st.integers(0, 9)) == 0:
                        break
                    place = place[key]
                place[key] = draw(JSON)
            parts["config.json"] = json.dumps(config)
    return zipped(parts, zipfile.ZIP_STORED)


def try_data(data, directory, small_npz):
    """Load a malformed .npz or a directory of IDX files."""
    if data.draw(st.booleans()):
        path = directory / "data.npz"
        path.write_bytes(data.draw(st.one_of(mutated(small_npz.read_bytes()), made_up_npz())))
    else:
        path = directory / "idx"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        images = struct.pack(">HBBIII", 0, 8, 3, 5, 28, 28) + bytes(5 * 784)
        labels = struct.pack(">HBBI", 0, 8, 1, 5) + bytes(5)
        for name, good in (("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)):
            raw, suffix = data.draw(idx(good)) if data.draw(st.booleans()) else (good, "")
            (path / f"{name}{suffix}").write_bytes(raw)
    return refusal(load_dataset, str(path))


def try_models(data, directory, run):
    """Load the models of a run with one of their files malformed."""
    for name in ("generator.keras", "discriminator.keras", "run.json"):
        shutil.copy(run / "models" / name, directory)
    name = data.draw(st.sampled_from(["generator.keras", "discriminator.keras", "run.json"]))
    path = directory / name
    if name == "run.json":
        path.write_bytes(data.draw(st.one_of(mutated(path.read_bytes()), JSON.map(lambda v: json.dumps(v).encode()))))
    else:
        path.write_bytes(data.draw(keras_file(path)))
    return refusal(model_files.load_models, directory)


def try_state(data, directory, run):
    """Find the state of a run with one of its files malformed."""
    state = directory / "finished"
    shutil.rmtree(state, ignore_errors=True)
    shutil.copytree(run / "models" / "finished", state)
    path = data.draw(st.sampled_from(sorted(state.glob("*/*"), key=lambda path: path.name)))
    path.write_bytes(data.draw(mutated(path.read_bytes())))
    return refusal(checkpoint.find, directory)
