"""One process of a run on several devices or machines, which also writes down what the tests want to know of it.

    python tests/worker.py DEVICES NOTES FLAGS...     # DEVICES virtual processors; TF_CONFIG as for train.py

NOTES gets a line with the step that it begins with; a line an epoch with a digest of all weights, averages and
optimizers' states of each replica; and at the end one with the digits that each step of an epoch of 64 gives to each
replica of this process.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import train
from support import commands


def digest(variables, replica):
    parts = (getattr(variable.value, "values", [variable.value] * (replica + 1))[replica] for variable in variables)
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()


def note(path, **what):
    with open(path, "a") as file:
        file.write(json.dumps(what) + "\n")


def taking_notes(path):
    """Have each `gan.fit` write to NOTES."""
    import keras
    import tensorflow as tf

    from gan import GAN
    from training import replicas

    class Notes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            gan = self.model
            parts = [gan.generator, gan.discriminator, gan.averaged_generator]
            variables = [variable for part in parts for variable in part.weights]
            variables += gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
            count = len(getattr(gan.generator.weights[0].value, "values", [None]))
            digests = [digest(variables, replica) for replica in range(count)]
            parameters = sum(int(np.prod(v.shape)) for net in parts[:2] for v in net.trainable_variables)
            note(path, epoch=epoch, digests=digests, parameters=parameters)

    def digits(strategy, count=64, batch_size=16):
        numbers = tf.range(count)
        images = tf.zeros((count, 28, 28, 1), "uint8")
        steps = iter(replicas.shared_batches(strategy, images, numbers, batch_size, 0, count // batch_size))
        for _ in range(count // batch_size):
            _, labels = next(steps)
            yield [share.numpy().tolist() for share in strategy.experimental_local_results(labels)]

    def fit(gan, *args, callbacks, **kwargs):
        note(path, began=gan.step)
        result = original(gan, *args, callbacks=[*callbacks, Notes()], **kwargs)
        note(path, digits=list(digits(gan.generator.distribute_strategy)))
        return result

    original, GAN.fit = GAN.fit, fit


def main(devices, notes, *flags):
    with commands.quiet():
        import tensorflow as tf

    if int(devices) > 1:
        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * int(devices))
    taking_notes(notes)
    commands.run(train.train, train.Config, list(flags))


if __name__ == "__main__":
    main(*sys.argv[1:])
