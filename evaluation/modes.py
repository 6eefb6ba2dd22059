"""Lost modes: how many of stacked MNIST's 1,000 a generator reaches, and how evenly (Lin et al., 2018: PacGAN).

Each of an image's three channels is read by the judge of single digits; the three figures are its mode.
"""

import functools

import numpy as np

import utils
from evaluation import metrics
from support.datasets import load_dataset, stack_digits

COUNT = 26_000  # images, as in published results: so many real ones have a divergence of 0.02 from themselves
ROUGH = 5_000  # after an epoch: so many real ones have 993 modes, and 0.10


def read_modes(judge, images):
    """Read images uint8 (N, 28, 28, 3); returns their modes, int (N,) in 0..999."""
    figures = [utils.look(judge, images[..., channel, None])[1].argmax(axis=-1) for channel in range(3)]
    return np.stack(figures, axis=-1) @ [100, 10, 1]


@functools.cache
def shares():
    """The share of each mode, float (1000,), if each channel has MNIST's class shares."""
    figures = np.bincount(load_dataset("mnist").y_train) / 60_000
    return np.einsum("a,b,c->abc", figures, figures, figures).ravel()


def score_modes(judge, images):
    """The number of modes seen, and the divergence KL(seen || real) of their shares in nats; a dict."""
    counts = np.bincount(read_modes(judge, images), minlength=1000)
    return {"modes": int((counts > 0).sum()), "mode_divergence": metrics.class_balance(counts, shares())}


def measure_modes(judge, images, seed):
    """`score_modes` of images, and of as many real ones of training and of test digits; columns as in measure.py."""
    mnist, rng = load_dataset("mnist"), np.random.default_rng(seed)
    real = {"training": mnist.x_train, "floor": mnist.x_test}
    columns = {"digits": images} | {name: stack_digits(digits, len(images), rng) for name, digits in real.items()}
    return {name: score_modes(judge, each) for name, each in columns.items()}
