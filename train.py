"""Train a GAN on handwritten digits.

    python train.py                              # the default run: about four minutes on two CPU cores
    python train.py --epochs 1                   # about a minute, for a first look
    python train.py --no-conditional             # Goodfellow's GAN: no labels
    python train.py --dataset my_digits.npz --models-dir my_models --samples-dir my_samples

Writes generator.keras, discriminator.keras, history.csv and run.json into the models directory, and epoch_NNN.png,
training.gif and losses.png into the samples directory.
"""

import contextlib
import csv
import platform
import shlex
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

import networks
import pictures
import utils
from datasets import load_dataset, training_batches
from utils import Range


@dataclass
class Config:
    # Data
    dataset: str = "mnist"  # mnist, fashion_mnist, a .npz file, or a directory of IDX files
    conditional: bool = True  # learn to draw the digit asked for; without, labels are ignored and quality falls

    # Networks
    latent_dim: Annotated[int, Range(1, 1024)] = 64  # length of the noise: ways in which two sevens differ; 16 to 128
    width: Annotated[int, Range(2, 512)] = 64  # features at 7x7, in both networks; 48 is quicker, 96 a little better

    # Game
    loss: Literal["hinge", "least-squares", "non-saturating"] = "hinge"  # non-saturating is Goodfellow's own
    r1_gamma: Annotated[float, Range(0, 1000)] = 1.0  # R1 gradient penalty, keeps styles alive; 0.1 to 10, 0 is off
    ema_decay: Annotated[float, Range(0, 0.99999)] = 0.999  # inertia of the averaged generator, which is saved

    # Training
    epochs: Annotated[int, Range(1, 10_000)] = 6  # passes over the data; more is better, ever more slowly
    batch_size: Annotated[int, Range(2, 8192)] = 16  # images a step; few teach more each, 64 and up suit a GPU
    generator_lr: Annotated[float, Range(1e-8, 1)] = 2e-3  # Adam's learning rate; 5e-4 to 3e-3
    discriminator_lr: Annotated[float, Range(1e-8, 1)] = 2e-3  # Adam's learning rate; 5e-4 to 3e-3
    beta_1: Annotated[float, Range(0, 0.999)] = 0.5  # Adam's momentum; games want little, 0 to 0.5
    lr_fall: Annotated[float, Range(0, 1)] = 0.5  # last part of the run, over which both rates fall to 0; 0 is never

    # Run
    evaluate: bool = True  # measure the digits after each epoch and at the end; the models are the same without
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0  # the same seed gives the same files
    models_dir: Path = Path("models")  # where the models go
    samples_dir: Path = Path("generated_digits")  # where the pictures go


def train(config):
    """Train as `config` says, write all files of the run, and return the trained `gan.GAN`.

    Raises:
        utils.UserError: the data or a directory cannot be used.
    """
    started = time.perf_counter()
    dataset = load_dataset(config.dataset)
    checksum = dataset.checksum
    if not config.conditional:
        dataset = dataset._replace(y_train=np.zeros_like(dataset.y_train))  # one class
    count, *_, channels = dataset.x_train.shape
    if config.batch_size > count:
        raise utils.UserError(f"--batch-size {config.batch_size} exceeds the {count} training images: lower it")
    utils.check_writable(config.models_dir / "run.json")
    utils.check_writable(config.samples_dir / "losses.png")

    # TensorFlow takes seconds to import: here, so that --help and refusals come at once.
    with utils.quiet():
        import keras
        import tensorflow as tf

    from callbacks import Progress, Quality, SampleSheets
    from discriminator import build_discriminator
    from gan import GAN, HoldThenFall
    from generator import build_generator
    from judge import load_judge

    keras.utils.set_random_seed(config.seed)
    gan = GAN(
        build_generator(config.latent_dim, dataset.num_classes, channels, config.width),
        build_discriminator(dataset.num_classes, channels, config.width),
        seed=config.seed,
    )
    steps_per_epoch = count // config.batch_size
    total_steps = config.epochs * steps_per_epoch
    gan.compile(
        *(
            keras.optimizers.Adam(HoldThenFall(lr, config.lr_fall, total_steps), beta_1=config.beta_1)
            for lr in (config.generator_lr, config.discriminator_lr)
        ),
        loss=config.loss,
        ema_decay=config.ema_decay,
        r1_gamma=config.r1_gamma,
        # Several steps a call spare Python's share of each. It must divide the epoch: Keras would run over its end.
        steps_per_execution=max(n for n in range(1, 33) if steps_per_epoch % n == 0),
    )
    quality = Quality(dataset, load_judge()) if config.evaluate and channels == 1 else None
    progress = Progress(config.epochs, steps_per_epoch, config.batch_size)
    sheets = SampleSheets(config.samples_dir)
    gan.fit(
        training_batches(dataset, config.batch_size, config.seed),
        epochs=config.epochs,
        steps_per_epoch=steps_per_epoch,
        callbacks=[*([quality] if quality else []), progress, sheets],
        shuffle=False,  # training_batches has
        verbose=0,  # Progress shows more
    )

    pictures.plot_run(config.samples_dir / "losses.png", progress.curve, progress.epochs)
    pictures.save_gif(config.samples_dir / "training.gif", sheets.frames)
    with contextlib.ExitStack() as stack:  # both are written before either takes its place
        for name, network in zip(networks.NETWORKS, (gan.averaged_generator, gan.discriminator), strict=True):
            network.save(stack.enter_context(utils.whole_file(config.models_dir / f"{name}.keras")))
    with utils.whole_file(config.models_dir / "history.csv") as temporary, open(temporary, "w", newline="") as file:
        rows = csv.DictWriter(file, progress.epochs[0].keys())
        rows.writeheader()
        rows.writerows(progress.epochs)
    run = {
        "config": asdict(config),
        "data": {"images": count, "sha256": checksum},
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__},
        "seconds": round(time.perf_counter() - started, 1),
        "training_seconds": round(progress.seconds, 1),
        "images_per_second": round(total_steps * config.batch_size / progress.seconds),
    }
    utils.write_json(config.models_dir / "run.json", run)
    if quality:
        utils.write_json(config.models_dir / "run.json", run | {"quality": quality.final()})
    draw = ["python", "generate_digits.py"]
    if config.models_dir != Config.models_dir:
        draw += ["--models-dir", str(config.models_dir)]
    print(f"models in {config.models_dir}, pictures in {config.samples_dir}; draw digits: {shlex.join(draw)}")
    return gan


if __name__ == "__main__":
    utils.run(train, Config)
