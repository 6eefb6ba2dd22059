"""The networks' files, which may be anybody's: checked before they are loaded."""

import io
import json
import math
import os.path
import zipfile
from pathlib import Path

import numpy as np

from support.commands import ROOT, UserError, is_text, quiet
from support.dataset import MAX_CLASSES
from support.files import MAX_TEXT, check_unread, read_text, unreadable
from support.readers import SIZES

NETWORKS = ("generator", "discriminator")  # each in a file of its name, .keras
RESULTS = (*(f"{name}.keras" for name in NETWORKS), "history.csv", "run.json")  # that a run leaves beside each other
MODELS_DIR = Path("models")
PRETRAINED_DIR = ROOT / "models" / "pretrained"


def default_models(models_dir):
    """The directory asked for, or else that of the user's own models, or else that of the committed ones."""
    if models_dir or os.path.exists(MODELS_DIR / "generator.keras"):
        return models_dir or MODELS_DIR
    print(f"nothing has been trained into {MODELS_DIR} yet: taking the pretrained models")
    return PRETRAINED_DIR


# A model file can name any class for Keras to build, and loading one has often been a way to run a stranger's code.
# So only these may appear: layers that do nothing but compute, and the modules of what is set within them.
LAYERS = {
    *("InputLayer", "Dense", "Conv2D", "Conv2DTranspose", "UpSampling2D", "Reshape", "Flatten", "Permute", "Identity"),
    *("BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"),
    *("SpectralNormalization", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Rescaling"),
    *("Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "Cropping2D", "ZeroPadding2D"),
    *("MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D"),
}
PARTS = ("keras.initializers", "keras.regularizers", "keras.constraints")
WINDOWS = ("kernel_size", "pool_size", "strides", "dilation_rate", "size")
NUMBERS = ("scale", "offset", "alpha", "epsilon")  # of which a list would give other shapes than Keras infers
MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
MAX_LAYERS = 100
MAX_WINDOW = 32  # pixels
MAX_PARAMETERS = 2**27  # train.py can be asked for two thirds of that
MAX_OUTPUT = 2**18  # numbers that a layer gives for one image
MAX_WORK = 2**33  # multiplications of a layer for one image
MAX_LATENT_DIM = 1024


def load_network(path, source):
    """Load a Keras Sequential of built-in layers, without running anything that its file brings.

    Args:
        path: a .keras file.
        source: the script that makes such files, for the error message.

    Raises:
        UserError: it is missing, damaged, too large, or anything else than layers of LAYERS in a row.
    """
    with quiet():
        import keras

    try:
        if not path.is_file() and not path.is_dir():  # opening a pipe would wait for ever
            raise FileNotFoundError
        _check_file(path)
        network = keras.models.load_model(path, compile=False, safe_mode=True)
        answer = network(np.zeros((1, *network.input_shape[1:]), "float32"))
        if tuple(answer.shape[1:]) != network.output_shape[1:]:
            raise _Refused("it gives another shape than it says")
        if not all(np.isfinite(values).all() for values in (answer, *network.get_weights())):
            raise _Refused("it has numbers that are not finite")
        return network
    except FileNotFoundError as error:
        raise UserError(f"there is no {path}: run {source} first, or give another path") from error
    except (IsADirectoryError, PermissionError) as error:
        raise unreadable(path, error) from error
    except Exception as error:  # Keras, zipfile and HDF5 raise about any error there is
        reason = f" ({error})" if isinstance(error, _Refused) else ""
        raise UserError(
            f"{path} is no Sequential that can be loaded{reason}: run {source} again, or give another path"
        ) from error


class _Refused(Exception):
    """A model file holds what it should not."""


def _check_file(path):
    """Raise an error unless the .keras file `path` holds a Sequential of sane size and nothing else."""
    import h5py
    import keras
    from keras.src.backend.common import global_state

    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if {member.filename for member in members} != MEMBERS or len(members) != len(MEMBERS):
            raise _Refused(f"it should hold {', '.join(sorted(MEMBERS))} and nothing else")
        for member in members:
            limit = 5 * MAX_PARAMETERS if member.filename.endswith(".h5") else MAX_TEXT
            if member.file_size > limit or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _Refused(f"{member.filename} in it is too large, or packed in an unusual way")
        config = json.loads(archive.read("config.json"))
        weights = io.BytesIO(archive.read("model.weights.h5"))
    if (config["module"], config["class_name"], config["registered_name"]) != ("keras", "Sequential", None):
        raise _Refused("it is another kind of model")
    config.pop("compile_config", None)  # Keras is told to leave it alone
    _check_layers(config)

    with h5py.File(weights) as file:  # a small file can promise any size
        arrays = []
        file.visititems(lambda _, item: arrays.append(item) if isinstance(item, h5py.Dataset) else None)
        odd = any(array.dtype.kind not in "fiu" or array.chunks for array in arrays)  # Keras writes in one piece
        if odd or sum(array.size for array in arrays) > MAX_PARAMETERS:
            raise _Refused("its weights are too large, or no numbers")
    waiting = list(global_state.get_global_attribute("uninitialized_variables") or [])
    try:
        with keras.StatelessScope(initialize_variables=False):  # infers all shapes, and takes no memory for them
            network = keras.saving.deserialize_keras_object(config, safe_mode=True)
    finally:  # or the next layer that Keras infers a shape for would take that memory; there is no public way
        global_state.set_global_attribute("uninitialized_variables", waiting)
    _check_sizes(network)


def _check_layers(config):
    """Raise _Refused where the `config` of a Sequential has too many layers, or others than those of LAYERS."""
    _check_parts([config["config"], config.get("build_config")])
    if len(config["config"]["layers"]) > MAX_LAYERS:
        raise _Refused(f"it has more than {MAX_LAYERS} layers")


def _check_sizes(network):
    """Raise _Refused where the layers of a Keras Sequential are larger than those of small images need to be."""
    work = [layer.count_params() * math.prod(layer.output.shape[1:-1]) for layer in network.layers]
    outputs = [math.prod(shape[1:]) for shape in (network.input_shape, *(each.output.shape for each in network.layers))]
    if (
        network.input_shape[0] is not None
        or network.count_params() > MAX_PARAMETERS
        or max(outputs) > MAX_OUTPUT
        or max(work) > MAX_WORK
    ):
        raise _Refused("its layers are too large")


def _check_parts(part):
    """Raise _Refused where a part of a serialised model is none of the objects that may be in one."""
    if isinstance(part, list):
        for item in part:
            _check_parts(item)
    elif isinstance(part, dict):
        if "class_name" in part or "registered_name" in part:
            module, name = part.get("module"), part.get("class_name")
            known = name in LAYERS if module == "keras.layers" else (module, name) == ("keras", "DTypePolicy")
            if not (known or module in PARTS) or part.get("registered_name") is not None:
                raise _Refused(
                    f"it holds a {str(name)[:50]!r}, not among the layers that support/model_files.py allows"
                )
        for name, item in part.items():
            if name in WINDOWS and np.max(item) > MAX_WINDOW:
                raise _Refused(f"a {name} in it is larger than {MAX_WINDOW}")
            if (name in NUMBERS and isinstance(item, list)) or (name == "activity_regularizer" and item is not None):
                raise _Refused(f"a {name} in it could ask for any memory")
            _check_parts(item)


def check_networks(**networks):
    """Raise UserError where a file of one of these Keras models would be refused by `load_network`, for its layers."""
    import keras

    for name, network in networks.items():
        try:
            if type(network) is not keras.Sequential:
                raise _Refused("it is another kind of model")
            _check_layers(json.loads(network.to_json()))
            _check_sizes(network)
        except _Refused as error:
            raise UserError(f"the {name} could not be loaded again ({error}): build another in {name}.py") from error


def read_run(models_dir):
    """What run.json in a directory of models says of their training; None where there is none.

    Raises UserError where there is one that cannot be read.
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
    """The checksum of the data that models were trained on according to `read_run`; None where it is not known."""
    data = run.get("data") if isinstance(run, dict) else None
    return data.get("sha256") if isinstance(data, dict) else None


def class_names(run, num_classes):
    """What the classes are called according to `read_run`, a list of str; [] where they are numbers, or misnamed."""
    names = run.get("classes") if isinstance(run, dict) else None
    sane = isinstance(names, list) and all(isinstance(name, str) and is_text(name) for name in names)
    if sane and len(names) == num_classes:
        return [name[:255] for name in names]  # as long as that of a folder may be
    return []


def check_no_result(flag, path, models_dir):
    """Raise UserError where to write `path`, which `flag` names, would replace what a run left in `models_dir`."""
    for name in RESULTS:
        check_unread(flag, path, models_dir=models_dir / name)


def load_models(models_dir):
    """Load a generator and its discriminator.

    Returns:
        (generator, discriminator, latent_dim, num_classes).

    Raises:
        UserError: one is missing or cannot be loaded, or they do not belong together.
    """
    generator, discriminator = (load_network(models_dir / f"{name}.keras", "train.py") for name in NETWORKS)
    try:
        (_, noise_and_label), (_, *image) = generator.input_shape, generator.output_shape
        (_, *judged_image), (_, num_classes) = discriminator.input_shape, discriminator.output_shape
        latent_dim = noise_and_label - num_classes
        fit = image == judged_image and image in [[size, size, channels] for size in SIZES for channels in (1, 3)]
        fit = fit and 0 < latent_dim <= MAX_LATENT_DIM and num_classes <= MAX_CLASSES
        run = read_run(models_dir)  # a labelled and an unlabelled network can fit by their shapes
        fit = fit and (run is None or run["config"]["latent_dim"] == latent_dim)
    except (AttributeError, KeyError, TypeError, ValueError):
        fit = False
    if not fit:
        raise UserError(f"the models in {models_dir} do not belong together: give a pair from one training")
    return generator, discriminator, latent_dim, num_classes
