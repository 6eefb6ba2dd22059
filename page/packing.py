"""A Keras Sequential as page/network.js runs it: a list of operations in JSON's types, weights in float16."""

import base64
import math

import numpy as np

from support.commands import UserError

IDLE = ("InputLayer", "Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "Identity")
MAX_POOLING = 2**22  # weights of a pooling as a convolution: a file of a few bytes can ask for any number of channels
SHAPING = ("Reshape", "Flatten")  # nothing moves: the page keeps all numbers in a row, channels last


def pack(network):
    """Turn a Sequential of the layers in LAYERS into operations.

    Reshaping and dropout vanish, and BatchNormalization is folded into the layer before it if that can take it;
    otherwise it stays, as a scale and a shift.

    Raises:
        UserError: it has a layer, or an option of one, that the page does not know.
    """
    operations = []
    for layer in network.layers:
        kind = type(layer).__name__
        if kind not in LAYERS:
            raise UserError(
                f"a page cannot run the {kind} layer in the {network.name}: use only {', '.join(sorted(LAYERS))}"
            )
        if getattr(layer, "data_format", None) == "channels_first":
            _refuse(layer, "data_format channels_first")
        LAYERS[kind](layer, operations)
        for value in operations[-1].values() if operations else ():
            if isinstance(value, float | np.ndarray) and not np.isfinite(value).all():
                _refuse(layer, "numbers that are not finite")  # which JSON has no words for
        if activation := getattr(layer, "activation", None):
            name = getattr(activation, "__name__", str(activation))
            if name not in ACTIVATIONS:
                _refuse(layer, f"the activation {name}")
            operations += [dict(operation) for operation in ACTIVATIONS[name]]
    return [{name: _encoded(value) for name, value in operation.items()} for operation in operations]


def encode(numbers):
    """Numbers as page/network.js decodes them: base64 of float16 in -1..1, and what to multiply them by."""
    scale = float(np.abs(numbers).max()) or 1.0  # else large ones are infinite in float16, and small ones imprecise
    data = base64.b64encode((numbers / scale).astype("<f2").tobytes()).decode()
    return {"data": data, "scale": scale}


def _encoded(value):
    return encode(value) if isinstance(value, np.ndarray) else value


def _refuse(layer, what):
    raise UserError(f"a page cannot run {what} of the {type(layer).__name__} layer {layer.name}: change that layer")


def _relu(negative_slope=0.0, threshold=0.0, max_value=None):
    return {"do": "relu", "slope": float(negative_slope), "threshold": float(threshold), "max": max_value}


ACTIVATIONS = {
    "linear": [],
    "relu": [_relu()],
    "leaky_relu": [_relu(0.2)],
    "tanh": [{"do": "tanh"}],
    "hard_tanh": [{"do": "hard_tanh"}],
    "sigmoid": [{"do": "sigmoid"}],
}


def _dense(layer, operations):
    kernel = layer.kernel.numpy().astype(float)
    rows = math.prod(layer.output.shape[1:-1])
    operations.append({"do": "dense", "rows": rows, "weights": kernel, "bias": _bias(layer, kernel.shape[1])})


def _bias(layer, length):
    return layer.bias.numpy().astype(float) if layer.use_bias else np.zeros(length)


def _convolution(layer, operations):
    if max(layer.dilation_rate) > 1 or getattr(layer, "groups", 1) > 1:
        _refuse(layer, "dilation or groups")
    kernel = layer.kernel.numpy().astype(float)  # (rows, columns, the large image's channels, the small one's)
    transposed = type(layer).__name__ == "Conv2DTranspose"
    operations.append(_windows(layer, kernel, _bias(layer, layer.output.shape[-1]), transposed))


def _average_pooling(layer, operations):
    if layer.padding != "valid":  # at the margin, "same" averages fewer pixels
        _refuse(layer, f"the padding {layer.padding}")
    channels, size = layer.output.shape[-1], layer.pool_size
    if channels**2 * math.prod(size) > MAX_POOLING:
        _refuse(layer, f"{channels} channels")
    kernel = np.tile(np.eye(channels) / math.prod(size), (*size, 1, 1))  # each channel by itself
    operations.append(_windows(layer, kernel, np.zeros(channels)))


def _windows(layer, kernel, bias, transposed=False):
    """The operation of a layer from a large image to a small one or, transposed, from the small to the large."""
    images = list(layer.input.shape[1:]), list(layer.output.shape[1:])
    small, large = images if transposed else images[::-1]
    weights = kernel.reshape(-1, small[2])
    sizes = zip(large, small, kernel.shape[:2], layer.strides, strict=False)
    # TensorFlow's "same" puts the odd pixel of the margin last; "valid" has no margin, and the formula gives 0.
    before = [max((after - 1) * stride + size - whole, 0) // 2 for whole, after, size, stride in sizes]
    return {
        "do": "transposed convolution" if transposed else "convolution",
        "large": large,
        "small": small,
        "kernel": list(kernel.shape[:2]),
        "strides": list(layer.strides),
        "before": before,
        "weights": weights.T if transposed else weights,  # (what goes in, what comes out)
        "bias": bias,
    }


def _up_sampling(layer, operations):
    if layer.interpolation not in ("nearest", "bilinear"):
        _refuse(layer, f"the interpolation {layer.interpolation}")
    shape, size = list(layer.input.shape[1:]), list(layer.size)
    operations.append({"do": "resize", "shape": shape, "size": size, "bilinear": layer.interpolation == "bilinear"})


def _batch_normalization(layer, operations):
    shape = layer.output.shape[1:]
    statistics = [weight.numpy().astype(float) for weight in (layer.moving_mean, layer.moving_variance)]
    scale = 1 / np.sqrt(statistics[1] + layer.epsilon) * (layer.gamma.numpy() if layer.scale else 1)
    shift = (layer.beta.numpy() if layer.center else 0) - statistics[0] * scale
    axis = layer.axis if layer.axis < 0 else layer.axis - len(shape) - 1
    along = [1] * len(shape)
    along[axis] = -1
    _scale_and_shift(operations, *(np.broadcast_to(each.reshape(along), shape) for each in (scale, shift)))


def _rescaling(layer, operations):
    shape = layer.output.shape[1:]
    _scale_and_shift(operations, *(np.broadcast_to(each, shape) for each in (layer.scale, layer.offset)))


def _scale_and_shift(operations, scale, shift):
    """Scale and shift an image: within the layer before, if these are the same throughout each of its channels.

    Args:
        scale, shift: one for each number of the image.
    """
    before = operations[-1] if operations else {}
    if "weights" in before:
        channels = len(before["bias"])
        if _repeats(scale, channels) and _repeats(shift, channels):
            scale, shift = (each.ravel()[:channels] for each in (scale, shift))
            before["weights"] = before["weights"] * np.resize(scale, before["weights"].shape[1])
            before["bias"] = before["bias"] * scale + shift
            return
    channels = scale.shape[-1]
    length = channels if _repeats(scale, channels) and _repeats(shift, channels) else scale.size
    operations.append({"do": "scale and shift", "scale": scale.ravel()[:length], "shift": shift.ravel()[:length]})


def _repeats(numbers, period):
    rows = numbers.reshape(-1, period)
    return (rows == rows[0]).all()


LAYERS = {
    **dict.fromkeys((*IDLE, *SHAPING, "Activation"), lambda layer, operations: None),
    "Dense": _dense,
    "Conv2D": _convolution,
    "Conv2DTranspose": _convolution,
    "AveragePooling2D": _average_pooling,
    "UpSampling2D": _up_sampling,
    "BatchNormalization": _batch_normalization,
    "Rescaling": _rescaling,
    "ReLU": lambda layer, operations: operations.append(
        _relu(layer.negative_slope, layer.threshold, None if layer.max_value is None else float(layer.max_value))
    ),
    "LeakyReLU": lambda layer, operations: operations.append(_relu(layer.negative_slope)),
}
