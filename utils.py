"""What every script needs: errors and flags, files that appear whole or not at all, drawing, image sheets and plots."""

import contextlib
import os
import sys
import typing
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

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
        raise UserError(f"cannot write {path} ({error.strerror or error}): choose another directory") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def check_writable(directory):
    """Raise UserError unless files can be written into `directory`; it is made if need be."""
    with whole_file(Path(directory) / "write-test") as temporary:
        temporary.touch()
    (Path(directory) / "write-test").unlink()


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


def load_models(models_dir):
    """Load a generator and its discriminator.

    Returns:
        (generator, discriminator, latent_dim, num_classes).

    Raises:
        UserError: one is missing or no Keras model, or they do not belong together.
    """
    with quiet():
        import keras

    networks = []
    for name in ("generator", "discriminator"):
        path = models_dir / f"{name}.keras"
        if not path.is_file():
            raise UserError(f"there is no {path}: train first, with python train.py, or give another --models-dir")
        try:
            networks.append(keras.models.load_model(path, compile=False, safe_mode=True))
        except Exception as error:  # Keras raises about any error there is
            raise UserError(f"{path} is not a Keras model that can be loaded: train again or give another") from error
    generator, discriminator = networks
    shapes = [getattr(network, side, None) for network in networks for side in ("input_shape", "output_shape")]
    try:
        (_, noise_and_label), image, judged_image, (_, num_classes) = shapes
        assert image == judged_image and image[1:3] == (28, 28) and noise_and_label > num_classes
    except (TypeError, ValueError, AssertionError) as error:
        raise UserError(f"the models in {models_dir} do not belong together: give a pair from one training") from error
    return generator, discriminator, noise_and_label - num_classes, num_classes


def draw(generator, noise, labels):
    """Let a generator draw.

    Args:
        generator: float32 (B, latent_dim + num_classes) -> float32 (B, 28, 28, C) in -1..1.
        noise: float32 (N, latent_dim), standard normal.
        labels: int (N,), the class of each image.

    Returns:
        uint8 (N, 28, 28, C), 0..255.
    """
    num_classes = generator.input_shape[-1] - noise.shape[-1]
    one_hot = np.eye(num_classes, dtype="float32")[labels]
    images = generator.predict(np.concatenate([noise, one_hot], axis=-1), batch_size=500, verbose=0)
    return np.round((images + 1) * 127.5).astype("uint8")


# Pictures


def sheet(images, columns):
    """Lay out images uint8 (N, 28, 28, C) in rows of `columns`, two pixels apart; returns uint8 (height, width, C)."""
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height + 2, width + 2, channels), "uint8")
    cells[:count, 1:-1, 1:-1] = images
    return (
        cells.reshape(rows, columns, height + 2, width + 2, channels)
        .swapaxes(1, 2)
        .reshape(rows * (height + 2), columns * (width + 2), channels)
    )


def to_picture(image, scale=2):
    """Turn uint8 (H, W, C), C = 1 or 3, into a Pillow image, each pixel `scale` screen pixels wide."""
    picture = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def save_png(path, image, scale=2):
    with whole_file(path) as temporary:
        to_picture(image, scale).save(temporary)


def save_gif(path, images, seconds=0.5):
    """Save a list of uint8 (H, W, C) as an endless film."""
    first, *rest = [to_picture(image) for image in images]
    with whole_file(path) as temporary:
        first.save(temporary, save_all=True, append_images=rest, duration=int(1000 * seconds), loop=0)


def plot_losses(path, history):
    """Plot both losses over the run; `history` is a list of dicts with images, discriminator_loss, generator_loss."""
    from matplotlib.figure import Figure  # only training needs it; a Figure without pyplot needs no display

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for name in ("discriminator_loss", "generator_loss"):
        axes.plot([row["images"] for row in history], [row[name] for row in history], label=name.replace("_", " "))
    axes.set(xlabel="training images seen", ylabel="loss")
    axes.legend()
    axes.grid(alpha=0.3)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
