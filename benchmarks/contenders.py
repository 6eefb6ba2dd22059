"""What benchmarks compare: what train.py builds, and the peers, all with a peer's interface; and how fast they are."""

import time

import train
import utils

OURS = {"train.py --epochs 2": {"epochs": 2}, "train.py": {}}
# Those of benchmarks/peers, which takes seconds to import because of TensorFlow.
PEERS = ("TensorFlow tutorial", "Keras-GAN", "Keras documentation", "Goodfellow", "TF-GAN")
SEED = 0


class Ours:
    """The `gan.GAN` that train.py builds, with a peer's interface."""

    def __init__(self, flags, dataset):
        config = train.Config(**flags)
        self.batch_size = config.batch_size
        self.gan = train.build_gan(config, dataset)
        self.gan.make_train_function()
        self.steps = config.epochs * (len(dataset.x_train) // self.batch_size)
        self.latent_dim = self.gan.latent_dim
        self.parts = {"gan": self.gan}

    def advance(self, batches):
        self.gan.train_function(batches)
        return self.gan.steps_per_execution

    def draw(self, noise, labels):
        return utils.draw(self.gan.averaged_generator, noise, labels)


def build(name, dataset):
    """Build a contender, by name."""
    import keras

    keras.utils.set_random_seed(SEED)
    if name in OURS:
        return Ours(OURS[name], dataset)
    from benchmarks.peers import PEERS as RECIPES

    peer = RECIPES[name]()
    peer.start(dataset.x_train)
    return peer


def speed(contender, dataset, seconds):
    """Seconds of a contender's first call, tracing included; and the images per second that it then trains on."""
    from training.batches import training_batches

    batches = iter(training_batches(dataset.x_train, dataset.y_train, contender.batch_size, SEED))
    started = time.perf_counter()
    contender.advance(batches)
    first, steps = time.perf_counter() - started, 0
    started = time.perf_counter()
    while (taken := time.perf_counter() - started) < seconds:
        steps += contender.advance(batches)
    return first, steps * contender.batch_size / taken
