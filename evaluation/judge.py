"""The judge: a small classifier of real images, by whose features and readings evaluate.py measures drawn ones.

    python -m evaluation.judge           # six to ten minutes on two CPU cores; writes models/pretrained/judge.keras

This one reads MNIST; evaluate.py trains one for other data when it first needs it. A judge learns from the training
digits alone; the test digits are read once, at the end, to report its accuracy.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

import utils
from support import commands, files
from support.commands import Range, UserError
from support.dataset import Dataset
from support.datasets import check_outside, load_dataset
from support.model_files import PRETRAINED_DIR, RESULTS
from support.networks import load_network

JUDGE = PRETRAINED_DIR / "judge.keras"
IMAGES = 8 * 60_000  # shown to a judge in training: by eight passes over MNIST, by 2 to 60 over other data
FEATURES = 128  # that a judge computes for an image
READS = 0.9  # share of a data set's labels that a judge must read right for its readings to count


@dataclass
class Config:
    dataset: str = "mnist"  # what it learns to read: mnist, fashion_mnist, or another that train.py --dataset takes
    epochs: Annotated[int, Range(1, 1000)] = 8  # passes over the training digits
    batch_size: Annotated[int, Range(2, 8192)] = 128  # digits per step
    learning_rate: Annotated[float, Range(1e-8, 1)] = 2e-3  # Adam's at the start, falling to zero along a cosine
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0  # the same seed gives the same judge
    output: Path = JUDGE  # where the judge goes


def build_judge(num_classes=10, shape=(28, 28, 1)):
    """Build a classifier: float32 (B, *shape) in -1..1 -> logits (B, num_classes).

    The layer named "features" gives float32 (B, FEATURES), non-negative.
    """
    import keras
    from keras import layers

    def convolution(filters, size):
        return [
            layers.Conv2D(filters, size, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
        ]

    return keras.Sequential(
        [
            keras.Input(shape),
            *convolution(24, 5),
            layers.MaxPooling2D(),
            *convolution(48, 3),
            *convolution(48, 3),
            layers.MaxPooling2D(),
            *convolution(64, 3),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(FEATURES, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(name="features"),
            layers.Dropout(0.3),
            layers.Dense(num_classes, name="logits"),
        ],
        name="judge",
    )


def fit_classifier(classifier, images, labels, epochs, batch_size=128, learning_rate=2e-3, augment=True):
    """Train a classifier on images uint8 (N, S, S, C) and labels int (N,), with Adam on a cosine schedule.

    `augment` shifts and turns each digit a little, differently in each epoch.
    """
    import keras
    import tensorflow as tf
    from keras import layers

    paper = {"fill_mode": "constant", "fill_value": -1.0}
    move = keras.Sequential([layers.RandomTranslation(0.07, 0.07, **paper), layers.RandomRotation(0.03, **paper)])
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images)).batch(batch_size)
    dataset = dataset.map(lambda image, label: (tf.cast(image, "float32") / 127.5 - 1, label))
    if augment:
        dataset = dataset.map(lambda image, label: (move(image, training=True), label))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * len(dataset))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(optimizer := keras.optimizers.Adam(schedule), loss)
    optimizer.build(classifier.trainable_variables)  # or the step would be traced twice, which takes seconds
    with commands.progress_bar(total=epochs * len(dataset), unit=" steps") as bar:
        step = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: bar.update())
        classifier.fit(dataset.prefetch(2), epochs=epochs, shuffle=False, verbose=0, callbacks=[step])


def load_judge(path=JUDGE, dataset="mnist"):
    """Load a judge: float32 (B, S, S, C) in -1..1 -> features float32 (B, 128) and logits float32 (B, num_classes).

    Args:
        dataset: what it should read, as `Config` has it, for the error message.

    Raises:
        UserError: it is missing, or is not a Keras model with a layer of features.
    """
    flags = [] if Path(path) == JUDGE else ["--output", str(path)]
    flags += [] if dataset == "mnist" else ["--dataset", dataset]
    network = load_network(path, shlex.join(["python", "-m", "evaluation.judge", *flags]))
    try:
        features = network.get_layer("features").output
        if features.shape != (None, FEATURES):
            raise ValueError
    except (AttributeError, ValueError) as error:
        raise UserError(f"{path} is no judge: give one that python -m evaluation.judge made") from error
    import keras

    return keras.Model(network.inputs, [features, network.outputs[0]])


def accuracy_of_training_on(images, labels, test_images, test_labels, num_classes, seed):
    """The accuracy, 0 to 1, on real digits of a classifier trained only on these (Ravuri and Vinyals, 2019).

    Images are uint8 (N, S, S, C), labels int (N,) below `num_classes`.
    """
    import keras

    keras.utils.set_random_seed(seed)
    classifier = build_judge(num_classes, images.shape[1:])
    fit_classifier(classifier, images, labels, epochs=3, augment=False)
    return float((utils.look(classifier, test_images).argmax(axis=1) == test_labels).mean())


def judge_for(dataset, directory):
    """The judge for a data set: the committed one if it can read the data, else `directory`/judge-CHECKSUM.keras.

    The latter is trained when first needed. The data's checksum in its name keeps it from measuring other data.

    Raises:
        UserError: its file is damaged, or cannot be written.
    """
    if dataset.x_train.shape[1:] == (28, 28, 1) and look_at_some(judge := load_judge(), dataset)[1]:
        return judge
    path = directory / f"judge-{dataset.checksum[:12]}.keras"
    if not path.exists():
        print(f"training a judge for this data, once; it is kept as {path}")
        epochs = min(max(round(IMAGES / len(dataset.x_train)), 2), 60)  # more would memorise a small data set
        train_judge(Config(epochs=epochs, output=path), dataset)
    try:
        return load_judge(path)
    except UserError as error:
        raise UserError(f"{path} is damaged: delete it, to have it trained anew") from error


def look_at_some(judge, dataset):
    """A judge's features of up to 10,000 random training images, float32 (N, 128), and whether it reads their labels.

    It may have been trained on other kinds of images: its features still measure these, but it cannot read them.
    """
    some = np.random.default_rng(0).permutation(len(dataset.x_train))[:10_000]
    features, logits = utils.look(judge, dataset.x_train[some])
    reads = dataset.num_classes <= logits.shape[-1] and (logits.argmax(axis=-1) == dataset.y_train[some]).mean() > READS
    return features, reads


def train_judge(config, dataset=None):
    """Train, save and return the judge, a Keras Sequential, for `dataset` or else for the one that `config` names.

    Raises:
        UserError: the data cannot be used, or the output cannot be written.
    """
    if not dataset and config.dataset != "mnist" and files.are_one(config.output, JUDGE):
        raise UserError(f"{JUDGE} is the judge of MNIST: give --output, a file for that of {config.dataset}")
    if config.output.suffix != ".keras":
        raise UserError(f"--output {config.output} is no name of Keras models: give one that ends in .keras")
    if config.output.name in RESULTS:
        raise UserError(f"--output {config.output} has the name of one of train.py's models: choose another")
    if not dataset:
        check_outside(config.dataset, output=config.output)
        dataset = load_dataset(config.dataset)
    files.check_writable(config.output)
    keras = commands.import_keras()
    if dataset.num_classes == 1:
        dataset = turned(dataset)
    keras.utils.set_random_seed(config.seed)
    judge = build_judge(dataset.num_classes, dataset.x_train.shape[1:])
    fit_classifier(judge, dataset.x_train, dataset.y_train, config.epochs, config.batch_size, config.learning_rate)
    plain = keras.models.clone_model(judge)  # without the optimizer, which is two thirds of the file
    plain.set_weights(judge.get_weights())
    with files.whole_file(config.output) as temporary:
        plain.save(temporary)
    if len(dataset.x_test):
        right = (utils.look(judge, dataset.x_test).argmax(axis=-1) == dataset.y_test).mean()
        print(f"{right:.2%} of the test digits right")
    print(f"the judge: {config.output}")
    return judge


def turned(dataset):
    """Turn unlabelled images by quarters, and label them with the turn, which takes features to tell (Gidaris et al.,
    2018)."""
    parts = []
    for images in (dataset.x_train.copy(), dataset.x_test.copy()):
        for quarters in range(4):
            images[quarters::4] = np.rot90(images[quarters::4], quarters, axes=(1, 2))
        parts += [images, np.arange(len(images), dtype="int32") % 4]
    return Dataset(*parts)


if __name__ == "__main__":
    commands.run(train_judge, Config)
