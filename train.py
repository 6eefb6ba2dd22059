"""Train a GAN on handwritten digits.

    python train.py                              # the default run: three to thirteen minutes on two CPU cores
    python train.py --epochs 2                   # one to five minutes, for a first look
    python train.py --no-conditional             # without labels, as in 2014
    python train.py --dataset my_digits.npz --models-dir my_models --samples-dir my_samples

Writes generator.keras, discriminator.keras, history.csv and run.json into the models directory, and early_NNNNN.png,
epoch_NNN.png, training.gif and losses.png into the samples directory. Rates and penalties of None are set by the loss.
"""

import json
import os.path
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from support import commands, model_files, networks
from support.commands import Range
from support.datasets import load_to_train
from training.run import Run
from training.settings import PENALTIES, settle

Loss = Literal["hinge", "minimax", "non-saturating", "least-squares", "wasserstein", "relativistic"]
Network = Literal["convolutional", "supersampled", "dense"]


@dataclass
class Config:
    # Data
    dataset: str = "mnist"  # mnist, fashion_mnist, stacked_mnist, a .npz, a directory of IDX files or folders of PNGs
    conditional: bool = True  # learn to draw the digit asked for; without it, labels are ignored and quality falls

    # Networks
    network: Network = "convolutional"  # supersampled: steeper edges, more broken digits; dense: fully connected (2014)
    latent_dim: Annotated[int, Range(1, 1024)] = 64  # noise length: how many ways two sevens can differ; try 16 to 128
    generator_width: Annotated[int, Range(2, 512)] = 96  # features at 7x7; more draw more styles; try 32 to 128
    discriminator_width: Annotated[int, Range(2, 512)] = 48  # features at 7x7; more see more, cost most; try 32 to 96

    # Game. None is replaced by what suits the loss (training/settings.py)
    loss: Loss = "hinge"  # what each network minimises; all but wasserstein draw about equally well
    r1_gamma: Annotated[float | None, Range(0, 1000)] = None  # gradient penalty on reals, keeps variety; 1 for hinge
    r2_gamma: Annotated[float | None, Range(0, 1000)] = None  # the same on fake images; 0 for hinge
    slope_penalty: Annotated[float | None, Range(0, 1000)] = None  # Wasserstein's, between real and fake; 0 for hinge
    mismatch: Annotated[float | None, Range(0, 100)] = None  # weight of mislabelled reals as fakes; 0.1 for hinge
    ema_decay: Annotated[float, Range(0, 0.99999)] = 0.999  # inertia of the averaged generator, the one that is saved

    # Training
    epochs: Annotated[int, Range(1, 10_000)] = 6  # passes over the data; up to 60 help; above 20, use --lr-fall 0.9
    batch_size: Annotated[int, Range(2, 8192)] = 32  # images per step; fewer teach more each; 64 and up suit a GPU
    generator_lr: Annotated[float | None, Range(1e-8, 1)] = None  # Adam's rate, by default 2e-3; try 5e-4 to 4e-3
    discriminator_lr: Annotated[float | None, Range(1e-8, 1)] = None  # by default 2e-3, times 0.4 in Muon; 1e-3 to 4e-3
    beta_1: Annotated[float | None, Range(0, 0.999)] = None  # both optimizers' momentum, by default 0.5; keep it low
    lr_fall: Annotated[float, Range(0, 1)] = 0.6  # final share of the run, over which both rates fall to 0; 0: never

    # Run
    evaluate: bool = True  # measure the digits after each epoch and at the end; the models are the same either way
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0  # the same seed gives the same digits, on the same machine
    deterministic: bool = True  # have TensorFlow repeat a run exactly; without it, a GPU may be faster, but less exact
    resume: bool = False  # go on with a stopped run or, given more --epochs, with a finished one
    checkpoint_every: Annotated[int, Range(1, 10**9)] = 1000  # save the run every so many steps, and after each epoch
    models_dir: Path = model_files.MODELS_DIR  # where the models go
    samples_dir: Path = Path("generated_digits")  # where the pictures go
    log_dir: Path | None = None  # also log for TensorBoard (requirements-tensorboard.txt): tensorboard --logdir DIR


def resume_command(config):
    """The shell command that resumes a run, on one line."""
    return commands.command("train.py", "--resume", *commands.flags(config, "resume"))


def train(config):
    """Train as `config` says, write all files of the run, and return the trained `gan.GAN`.

    Raises:
        UserError: the data or a directory cannot be used, the run to resume is a different one, or numbers go wrong.
        signals.Stopped: a signal came; the run is saved.
    """
    with Run(config.models_dir, config.samples_dir, resume_command(config)) as run:
        dataset, about = load(config)
        run.begin(about, config.resume)
        gan = build_gan(config, dataset, run.cluster)
        run.restore(gan)
        if not run.chief:  # of several workers, only the chief measures and writes
            run.fit(dataset, config.epochs, [])
            return gan
        quality = play(config, dataset, run)
        run.write(quality)
        flags = [] if config.models_dir == model_files.MODELS_DIR else [f"--models-dir={config.models_dir}"]
        draw = commands.command("generate_digits.py", *flags)
        print(f"models in {config.models_dir}, pictures in {config.samples_dir}; draw digits: {draw}")
    return gan


def load(config):
    """Load the training data; returns a `support.dataset.Dataset`, and what a saved state should say about the run."""
    if os.path.isdir(config.dataset):  # perhaps of PNGs, which TensorFlow reads: its threads can be set only once
        from training.devices import configure

        configure(config.deterministic)
    dataset = load_to_train(config.dataset, config.batch_size, config.conditional)
    data = {"images": len(dataset.x_train), "sha256": dataset.checksum}
    if not config.conditional:
        dataset = dataset._replace(y_train=np.zeros_like(dataset.y_train))  # one class
    about = {"config": asdict(settle(config)), "data": data, "classes": dataset.class_names}
    return dataset, json.loads(json.dumps(about, default=str))  # as it will come back from a file


def build_gan(config, dataset, cluster=None):
    """Start TensorFlow on the devices there are; build and compile a `gan.GAN` for a data set."""
    # Imported only here, since TensorFlow takes seconds: --help and refusals should come at once.
    from training.devices import scope, start_tensorflow

    strategy = start_tensorflow(config.deterministic, cluster, config.batch_size)
    keras = commands.import_keras()
    from discriminator import build_discriminator
    from gan import GAN
    from generator import build_generator
    from training.optimizers import build_optimizers

    config = settle(config)
    keras.utils.set_random_seed(config.seed)
    count, size, _, channels = dataset.x_train.shape
    shape = {"size": size, "network": config.network}
    with scope(strategy):
        generator = build_generator(config.latent_dim, dataset.num_classes, channels, config.generator_width, **shape)
        discriminator = build_discriminator(dataset.num_classes, channels, config.discriminator_width, **shape)
    networks.check_networks(generator, discriminator, config.latent_dim, dataset.num_classes, dataset.x_train.shape[1:])
    gan = GAN(generator, discriminator, config.seed)
    steps_per_epoch = count // config.batch_size
    # The work of a step; that of a thousand images at the default widths is 1.
    work = config.batch_size / 1024 * (config.generator_width**2 + config.discriminator_width**2) / (96**2 + 48**2)

    with scope(strategy):
        gan.compile(
            *build_optimizers(config, discriminator, config.epochs * steps_per_epoch, strategy.num_replicas_in_sync),
            **{name: getattr(config, name) for name in ("loss", "ema_decay", *PENALTIES)},
            # Several steps per call save Python's overhead. Their number must divide the epoch, or Keras would run past
            # its end, and they must be over in a fraction of a second, since a signal waits for them.
            steps_per_execution=max(n for n in range(1, 33) if steps_per_epoch % n == 0 and (n == 1 or n * work <= 1)),
        )
    return gan


def play(config, dataset, run):
    """Train from where the run is to its end; returns the `evaluation.quality` callback that measured it, or None."""
    from evaluation.quality import quality_of
    from training.board import Board
    from training.callbacks import Checkpoints, Progress, plot_each
    from training.sheets import SampleSheets

    quality = quality_of(config.dataset, dataset) if config.evaluate else None
    images = config.epochs * (len(dataset.x_train) // config.batch_size) * config.batch_size
    with Progress(run.record, config.epochs, images, config.batch_size) as progress:
        callbacks = [
            *([quality] if quality else []),
            SampleSheets(config.samples_dir, run, config.epochs),
            progress,
            *([Board(config.log_dir, run)] if config.log_dir else []),
            plot_each(run, config.epochs, quality),
            Checkpoints(run.save, config.checkpoint_every, run.signals),
        ]
        run.fit(dataset, config.epochs, callbacks)
    return quality


if __name__ == "__main__":
    commands.run(train, Config)
