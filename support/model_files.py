"""A directory of trained models: both networks, and what run.json says of them."""

import json
import os.path
from pathlib import Path

from support.commands import ROOT, UserError, is_text
from support.dataset import MAX_CLASSES
from support.files import check_unread, read_text, unreadable
from support.networks import load_network
from support.readers import SIZES

NETWORKS = ("generator", "discriminator")  # each in a file of its name, .keras
RESULTS = (*(f"{name}.keras" for name in NETWORKS), "history.csv", "run.json")  # which a run leaves side by side
MODELS_DIR = Path("models")
PRETRAINED_DIR = ROOT / "models" / "pretrained"
MAX_LATENT_DIM = 1024


def default_models(models_dir):
    """The directory asked for, or else that of the user's own models, or else that of the committed ones."""
    if models_dir or os.path.exists(MODELS_DIR / "generator.keras"):
        return models_dir or MODELS_DIR
    print(f"nothing has been trained into {MODELS_DIR} yet: taking the pretrained models")
    return PRETRAINED_DIR


def read_run(models_dir):
    """What run.json in a directory of models says of their training; None if there is none.

    Raises UserError if there is one that cannot be read.
    """
    path = models_dir / "run.json"
    try:
        return json.loads(read_text(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise unreadable(path, error) from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: delete it, or train again") from error


def data_checksum(run):
    """The checksum of the data that models were trained on according to `read_run`; None if it is not known."""
    data = run.get("data") if isinstance(run, dict) else None
    return data.get("sha256") if isinstance(data, dict) else None


def class_names(run, num_classes):
    """What the classes are called according to `read_run`, a list of str; [] if they are numbers, or misnamed."""
    names = run.get("classes") if isinstance(run, dict) else None
    sane = isinstance(names, list) and all(isinstance(name, str) and is_text(name) for name in names)
    if sane and len(names) == num_classes:
        return [name[:255] for name in names]  # as long as a folder's name may be
    return []


def check_no_result(flag, path, models_dir):
    """Raise UserError if writing `path`, which `flag` names, would replace what a run left in `models_dir`."""
    for name in RESULTS:
        check_unread(flag, path, models_dir=models_dir / name)


def load_models(models_dir):
    """Load a generator and its discriminator.

    Returns:
        (generator, discriminator, latent_dim, num_classes).

    Raises:
        UserError: one is missing or cannot be loaded, or they do not belong together.
    """
    models_dir = Path(models_dir)
    generator, discriminator = (load_network(models_dir / f"{name}.keras", "train.py") for name in NETWORKS)
    try:
        (_, noise_and_label), (_, *image) = generator.input_shape, generator.output_shape
        (_, *judged_image), (_, num_classes) = discriminator.input_shape, discriminator.output_shape
        latent_dim = noise_and_label - num_classes
        fit = image == judged_image and image in [[size, size, channels] for size in SIZES for channels in (1, 3)]
        fit = fit and 0 < latent_dim <= MAX_LATENT_DIM and num_classes <= MAX_CLASSES
        run = read_run(models_dir)  # a labelled and an unlabelled network can have shapes that fit
        fit = fit and (run is None or run["config"]["latent_dim"] == latent_dim)
    except (AttributeError, KeyError, TypeError, ValueError):
        fit = False
    if not fit:
        raise UserError(f"the models in {models_dir} do not belong together: give a pair from one training")
    return generator, discriminator, latent_dim, num_classes
