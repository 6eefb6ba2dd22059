"""What every script needs: errors and flags, files that appear whole or not at all, models to load and draw with."""

import contextlib
import errno
import json
import os
import sys
import tempfile
import typing
from pathlib import Path

import numpy as np
import tyro

# Errors and flags


class UserError(Exception):
    """The user's input is wrong; the message reads `what is wrong: what to do`."""


class Range(typing.NamedTuple):
    """Smallest and largest value that a numeric hyperparameter may have, for use in `typing.Annotated`."""

    low: float
    high: float


def check_ranges(config):
    """Raise UserError where a field of the dataclass `config` lies outside the Range in its annotation."""
    for name, hint in typing.get_type_hints(type(config), include_extras=True).items():
        value, flag = getattr(config, name), "--" + name.replace("_", "-")
        for bounds in getattr(hint, "__metadata__", ()):
            if isinstance(bounds, Range) and not bounds.low <= value <= bounds.high:  # so written, NaN fails too
                raise UserError(f"{flag} {value} is out of range: choose {bounds.low} to {bounds.high}")


def run(main, config_class, flags=None):
    """Run a script: flags (those of the command line) to a `config_class`, that to `main`.

    Bad input ends in one line on stderr and exit code 2.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notices would bury our lines
    try:
        config = tyro.cli(config_class, args=flags, description=sys.modules["__main__"].__doc__)
        check_ranges(config)
        main(config)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


# Files


@contextlib.contextmanager
def whole_file(path):
    """Yield a temporary path beside `path`; what was written there becomes `path` at the end, unless an error came.

    Raises UserError where the file cannot be written. An old file of that name survives any failure.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")  # the suffix stays: Keras and Pillow go by it
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror or error}): choose another place") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_json(path, value):
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, default=str) + "\n")


def check_writable(path):
    """Raise UserError unless a file can be written at `path`; its directory is made if need be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror or error}): choose another place") from error


# Models and digits


@contextlib.contextmanager
def quiet():
    """Drop what native code writes to stderr: TensorFlow greets with notices that heed no log level."""
    sys.stderr.flush()
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


NETWORKS = ("generator", "discriminator")  # each in a file of its name, .keras
MODELS_DIR = Path("models")
PRETRAINED_DIR = Path(__file__).parent / "models" / "pretrained"


def default_models(models_dir):
    """The directory asked for, or else that of the user's own models, or else that of the committed ones."""
    if models_dir or (MODELS_DIR / "generator.keras").exists():
        return models_dir or MODELS_DIR
    print(f"nothing has been trained into {MODELS_DIR} yet: taking the pretrained models")
    return PRETRAINED_DIR


def load_network(path, source):
    """Load a Keras model; raises UserError where it is missing or cannot be loaded: `source` is the script to run."""
    with quiet():
        import keras

    try:
        if not path.is_file():
            raise UserError(f"there is no {path}: run {source} first, or give another path")
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except UserError:
        raise
    except Exception as error:  # Keras raises about any error there is
        raise UserError(
            f"{path} is not a Keras model that can be loaded: run {source} again, or give another path"
        ) from error


def read_run(models_dir):
    """What run.json in a directory of models says of their training; None where there is none that can be read."""
    try:
        return json.loads((models_dir / "run.json").read_text())
    except (OSError, ValueError):
        return None


def load_models(models_dir):
    """Load a generator and its discriminator.

    Returns:
        (generator, discriminator, latent_dim, num_classes).

    Raises:
        UserError: one is missing or no Keras model, or they do not belong together.
    """
    generator, discriminator = (load_network(models_dir / f"{name}.keras", "train.py") for name in NETWORKS)
    try:
        (_, noise_and_label), (_, *image) = generator.input_shape, generator.output_shape
        (_, *judged_image), (_, num_classes) = discriminator.input_shape, discriminator.output_shape
        latent_dim = noise_and_label - num_classes
        fit = image == judged_image and image[:2] == [28, 28] and latent_dim > 0
        run = read_run(models_dir)  # a labelled and an unlabelled network can fit by their shapes
        fit = fit and (run is None or run["config"]["latent_dim"] == latent_dim)
    except (AttributeError, KeyError, TypeError, ValueError):
        fit = False
    if not fit:
        raise UserError(f"the models in {models_dir} do not belong together: give a pair from one training")
    return generator, discriminator, latent_dim, num_classes


def look(network, images):
    """Show images uint8 (N, 28, 28, C) to a network that takes float32 in -1..1; returns its output or outputs."""
    batches = (images[start : start + 500].astype("float32") / 127.5 - 1 for start in range(0, len(images), 500))
    outputs = [network.predict_on_batch(batch) for batch in batches]
    if isinstance(outputs[0], list):
        return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]
    return np.concatenate(outputs)


def draw(generator, noise, labels):
    """Let a generator draw.

    Args:
        generator: float32 (B, latent_dim + num_classes) -> float32 (B, 28, 28, C) in -1..1.
        noise: float32 (N, latent_dim), standard normal.
        labels: int (N,), the class of each image.

    Returns:
        uint8 (N, 28, 28, C), 0..255.
    """
    one_hot = np.eye(generator.input_shape[-1] - noise.shape[-1], dtype="float32")[labels]
    inputs = np.concatenate([noise, one_hot], axis=-1)
    batches = (generator.predict_on_batch(inputs[start : start + 500]) for start in range(0, len(inputs), 500))
    return np.concatenate([np.round((images + 1) * 127.5).astype("uint8") for images in batches])
