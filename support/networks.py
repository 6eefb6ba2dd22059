"""A network's file, which may be anyone's: checked before it is loaded."""

import io
import json
import math
import zipfile
from pathlib import Path

import numpy as np

from support.commands import UserError, import_keras
from support.files import MAX_TEXT, unreadable

# A model file can name any class for Keras to build, and loading one has often been a way to run a stranger's code.
# So only these may appear: layers that do nothing but compute, and, for their settings, what is in these modules.
LAYERS = {
    *("InputLayer", "Dense", "Conv2D", "Conv2DTranspose", "UpSampling2D", "Reshape", "Flatten", "Permute", "Identity"),
    *("BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"),
    *("SpectralNormalization", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Rescaling"),
    *("Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "Cropping2D", "ZeroPadding2D"),
    *("MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D"),
}
PARTS = ("keras.initializers", "keras.regularizers", "keras.constraints")
WINDOWS = ("kernel_size", "pool_size", "strides", "dilation_rate", "size")
NUMBERS = ("scale", "offset", "alpha", "epsilon")  # as lists, these would give other shapes than Keras infers
MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
MAX_LAYERS = 100
MAX_WINDOW = 32  # pixels
MAX_PARAMETERS = 2**27  # train.py can be asked for two thirds of that
MAX_OUTPUT = 2**18  # numbers that a layer gives for one image
MAX_WORK = 2**33  # multiplications of a layer for one image


def load_network(path, source):
    """Load a Keras Sequential of built-in layers, without running any code that its file brings.

    Args:
        path: a .keras file.
        source: the script that makes such files, for the error message.

    Raises:
        UserError: it is missing, damaged, too large, or anything but a sequence of layers from LAYERS.
    """
    keras = import_keras()
    import tensorflow as tf

    path = Path(path)
    try:
        if not path.is_file() and not path.is_dir():  # opening a pipe would wait forever
            raise FileNotFoundError
        _check_file(path)
        network = keras.models.load_model(path, compile=False, safe_mode=True)
        answer = network(np.zeros((1, *network.input_shape[1:]), "float32"))
        if tuple(answer.shape[1:]) != network.output_shape[1:]:
            raise _Refused("it gives another shape than it says")
        if not all(np.isfinite(values).all() for values in (answer, *network.get_weights())):
            raise _Refused("it has numbers that are not finite")
        return network
    except (MemoryError, tf.errors.ResourceExhaustedError):  # not the file's fault
        raise
    except FileNotFoundError as error:
        raise UserError(f"there is no {path}: run {source} first, or give another path") from error
    except (IsADirectoryError, PermissionError) as error:
        raise unreadable(path, error) from error
    except Exception as error:  # Keras, zipfile and HDF5 raise almost any error there is
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

    with h5py.File(weights) as file:  # a small file can claim any size
        arrays = []
        file.visititems(lambda _, item: arrays.append(item) if isinstance(item, h5py.Dataset) else None)
        odd = any(array.dtype.kind not in "fiu" or array.chunks for array in arrays)  # Keras writes in one piece
        if odd or sum(array.size for array in arrays) > MAX_PARAMETERS:
            raise _Refused("its weights are too large, or no numbers")
    waiting = list(global_state.get_global_attribute("uninitialized_variables") or [])
    try:
        with keras.StatelessScope(initialize_variables=False):  # infers all shapes, without taking memory for them
            network = keras.saving.deserialize_keras_object(config, safe_mode=True)
    finally:  # or the next layer that Keras infers a shape for would take that memory; there is no public way
        global_state.set_global_attribute("uninitialized_variables", waiting)
    _check_sizes(network)


def _check_layers(config):
    """Raise _Refused if the `config` of a Sequential has too many layers, or others than those in LAYERS."""
    _check_parts([config["config"], config.get("build_config")])
    if len(config["config"]["layers"]) > MAX_LAYERS:
        raise _Refused(f"it has more than {MAX_LAYERS} layers")


def _check_sizes(network):
    """Raise _Refused if the layers of a Keras Sequential are larger than small images need."""
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
    """Raise _Refused if a part of a serialised model is, or holds, an object that may not be in one."""
    if isinstance(part, list):
        for item in part:
            _check_parts(item)
    elif isinstance(part, dict):
        if "class_name" in part or "registered_name" in part:
            module, name = part.get("module"), part.get("class_name")
            known = name in LAYERS if module == "keras.layers" else (module, name) == ("keras", "DTypePolicy")
            if not (known or module in PARTS) or part.get("registered_name") is not None:
                raise _Refused(f"it holds a {str(name)[:50]!r}, not among the layers that support/networks.py allows")
        for name, item in part.items():
            if name == "activation" and isinstance(item, dict) and "class_name" not in item:  # a lambda
                raise _Refused("it has an activation that is not Keras' own: give one by name, such as 'silu'")
            if name in WINDOWS and np.max(item) > MAX_WINDOW:
                raise _Refused(f"a {name} in it is larger than {MAX_WINDOW}")
            if (name in NUMBERS and isinstance(item, list)) or (name == "activity_regularizer" and item is not None):
                raise _Refused(f"a {name} in it could ask for any memory")
            _check_parts(item)


def check_networks(generator, discriminator, latent_dim, num_classes, shape):
    """Check, before two Keras models are trained, that they fit `num_classes` classes and images of this shape.

    Raises:
        UserError: they do not, or `load_network` would refuse them for their layers.
    """
    import keras

    inputs = (latent_dim + num_classes,)  # noise and label
    for name, network, meant in (
        ("generator", generator, (inputs, shape)),
        ("discriminator", discriminator, (shape, (num_classes,))),
    ):
        try:
            if type(network) is not keras.Sequential or not network.built:
                raise _Refused("it is another kind of model, or lacks an Input")
            takes, gives = (tuple(each[1:]) for each in (network.input_shape, network.output_shape))
            if (takes, gives) != meant:
                right = "have {}.py build one that takes {} and gives {}".format(name, *meant)
                raise UserError(f"the {name} takes {takes} and gives {gives}: {right}")
            try:
                layers = json.loads(network.to_json())
            except (NotImplementedError, TypeError, ValueError) as error:  # a user's own layer, without get_config
                raise _Refused("it has a layer that Keras cannot write down") from error
            _check_layers(layers)
            _check_sizes(network)
        except _Refused as error:
            raise UserError(f"the {name} could not be loaded again ({error}): build another in {name}.py") from error
