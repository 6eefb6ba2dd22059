"""Train a GAN on handwritten digits.

    python train.py                              # the default run: about four minutes on two CPU cores
    python train.py --epochs 2                   # less than a minute, for a first look
    python train.py --no-conditional             # Goodfellow's GAN: no labels
    python train.py --dataset my_digits.npz --models-dir my_models --samples-dir my_samples

Writes generator.keras, discriminator.keras, history.csv and run.json into the models directory, and epoch_NNN.png,
training.gif and losses.png into the samples directory.
"""

import contextlib
import csv
import json
import os
import platform
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from tqdm import tqdm

import checkpoint
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
    width: Annotated[int, Range(2, 512)] = 48  # features at 7x7, in both networks; 32 is quicker, 64 a little better

    # Game
    loss: Literal["hinge", "least-squares", "non-saturating"] = "hinge"  # non-saturating is Goodfellow's own
    r1_gamma: Annotated[float, Range(0, 1000)] = 1.0  # R1 gradient penalty, keeps styles alive; 0.1 to 10, 0 is off
    mismatch: Annotated[float, Range(0, 100)] = 0.1  # weight of real images with wrong labels as fakes; 0 is off
    ema_decay: Annotated[float, Range(0, 0.99999)] = 0.999  # inertia of the averaged generator, which is saved

    # Training
    epochs: Annotated[int, Range(1, 10_000)] = 10  # passes over the data; more is better, ever more slowly
    batch_size: Annotated[int, Range(2, 8192)] = 32  # images a step; few teach more each, 64 and up suit a GPU
    generator_lr: Annotated[float, Range(1e-8, 1)] = 2e-3  # Adam's learning rate; 5e-4 to 3e-3
    discriminator_lr: Annotated[float, Range(1e-8, 1)] = 2e-3  # Adam's learning rate; 5e-4 to 3e-3
    beta_1: Annotated[float, Range(0, 0.999)] = 0.5  # Adam's momentum; games want little, 0 to 0.5
    lr_fall: Annotated[float, Range(0, 1)] = 0.6  # last part of the run, over which both rates fall to 0; 0 is never

    # Run
    evaluate: bool = True  # measure the digits after each epoch and at the end; the models are the same without
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0  # the same seed gives the same files
    deterministic: bool = True  # have TensorFlow see to that; without, a GPU may be faster, and less exact
    resume: bool = False  # go on with the run that was stopped; with more epochs, also with a finished one
    checkpoint_every: Annotated[int, Range(1, 10**9)] = 1000  # steps after which the run is saved; also every epoch
    models_dir: Path = Path("models")  # where the models go
    samples_dir: Path = Path("generated_digits")  # where the pictures go


def resume_command(config):
    """The command that goes on with a run, as one line of shell."""
    words = ["--resume"]
    for field in fields(config):
        value, flag = getattr(config, field.name), field.name.replace("_", "-")
        if value != field.default and field.name != "resume":
            switch = f"--{flag}" if value else f"--no-{flag}"
            words.append(switch if isinstance(value, bool) else f"--{flag}={value}")
    return utils.command("train.py", *words)


def train(config):
    """Train as `config` says, write all files of the run, and return the trained `gan.GAN`.

    Raises:
        utils.UserError: the data or a directory cannot be used, the run to resume is another, or the numbers go wrong.
        utils.Stopped: a signal came; the run is saved.
    """
    started = time.perf_counter()
    with utils.Signals() as signals:
        try:
            dataset, about = load(config)
            utils.check_writable(config.models_dir / "run.json")
            utils.check_writable(config.samples_dir / "losses.png")
            with checkpoint.only_run(config.models_dir):
                for directory in (config.models_dir, config.samples_dir):
                    utils.sweep(directory)
                state = checkpoint.find(config.models_dir) if config.resume else None
                if state:
                    checkpoint.refuse_differences(state.about, about)
                elif aside := checkpoint.begin(config.models_dir):
                    print(f"there was an unfinished run; it is now in {aside}, for --resume --models-dir {aside}")
                elif config.resume:
                    print(f"there is no run in {config.models_dir} to resume: starting one")
                return run(config, dataset, about, state, signals, started)
        except utils.Stopped:
            with contextlib.suppress(OSError):  # nobody reads it any more
                print(f"stopped; to go on: {resume_command(config)}", flush=True)
            raise


def load(config):
    """Load the data to learn from; returns the `datasets.Dataset`, and what a checkpoint should say about the run."""
    dataset = load_dataset(config.dataset)
    about = {"config": asdict(config), "data": {"images": len(dataset.x_train), "sha256": dataset.checksum}}
    if not config.conditional:
        dataset = dataset._replace(y_train=np.zeros_like(dataset.y_train))  # one class
    if config.batch_size > len(dataset.x_train):
        raise utils.UserError(
            f"--batch-size {config.batch_size} exceeds the {len(dataset.x_train)} training images: lower it"
        )
    return dataset, json.loads(json.dumps(about, default=str))  # as it will come back from a file


def use_threads():
    """Give each operation half of the cores, so that two run side by side.

    A step's operations are small: split over all cores each is done later than two of them, a core each. (On two cores
    it is a fifth faster, see benchmarks/README.md.) Where TensorFlow has already started, its threads stay as they are.
    """
    import tensorflow as tf

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(max(1, cores // 2))


def build_gan(config, dataset):
    """Build and compile a `gan.GAN` for a data set."""
    import keras

    from discriminator import build_discriminator
    from gan import GAN, HoldThenFall
    from generator import build_generator

    keras.utils.set_random_seed(config.seed)
    count, *_, channels = dataset.x_train.shape
    gan = GAN(
        build_generator(config.latent_dim, dataset.num_classes, channels, config.width),
        build_discriminator(dataset.num_classes, channels, config.width),
        seed=config.seed,
    )
    steps_per_epoch = count // config.batch_size
    gan.compile(
        *(
            keras.optimizers.Adam(
                HoldThenFall(lr, config.lr_fall, config.epochs * steps_per_epoch), beta_1=config.beta_1
            )
            for lr in (config.generator_lr, config.discriminator_lr)
        ),
        loss=config.loss,
        ema_decay=config.ema_decay,
        r1_gamma=config.r1_gamma,
        mismatch=config.mismatch,
        # Several steps a call spare Python's share of each. It must divide the epoch: Keras would run over its end.
        # And it must be over in a fraction of a second, so about a thousand images: a signal waits for it.
        steps_per_execution=max(
            n
            for n in range(1, 33)
            if steps_per_epoch % n == 0 and (n == 1 or n * config.batch_size * config.width**2 <= 1024 * 48**2)
        ),
    )
    return gan


def run(config, dataset, about, state, signals, started):
    """Train on from a `checkpoint.State`, or from nothing where that is None; write all files, return the `gan.GAN`."""
    # TensorFlow takes seconds to import: here, so that --help and refusals come at once.
    with utils.quiet():
        import keras
        import tensorflow as tf

    from callbacks import Checkpoints, Progress, Quality, SampleSheets
    from judge import load_judge

    use_threads()
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    gan = build_gan(config, dataset)
    about["architecture"] = {name: checkpoint.architecture(getattr(gan, name)) for name in networks.NETWORKS}
    record = checkpoint.Record()
    if state:
        checkpoint.refuse_differences(state.about, about)  # now with the architecture
        record = checkpoint.restore(state, gan)
    earlier = record.seconds["total"]

    def save():
        now = time.perf_counter()
        record.seconds["total"] = earlier + now - started
        checkpoint.save(config.models_dir, gan, record, about)
        record.seconds["checkpoints"] += time.perf_counter() - now

    quality = Quality(dataset, load_judge()) if config.evaluate and dataset.x_train.shape[-1] == 1 else None
    tensors = dataset.with_tensors()
    steps_per_epoch = len(dataset.x_train) // config.batch_size
    total = config.epochs * steps_per_epoch * config.batch_size
    try:
        with tqdm(
            initial=record.images,
            total=total,
            unit=" images",
            unit_scale=True,
            smoothing=0.05,
            dynamic_ncols=True,
            file=utils.StandardError(),
        ) as bar:
            callbacks = keras.callbacks.CallbackList(
                [
                    *([quality] if quality else []),
                    SampleSheets(config.samples_dir, record),
                    Progress(bar, record, config.batch_size),
                    Checkpoints(save, config.checkpoint_every, signals),
                ],
                add_history=True,
                model=gan,
                epochs=config.epochs,
            )
            while (epoch := len(record.epochs)) < config.epochs:
                steps_left = (epoch + 1) * steps_per_epoch - gan.step
                if not steps_left:  # stopped after the last step of the epoch, before its end
                    callbacks.on_train_begin()
                    callbacks.on_epoch_end(epoch, {})
                    continue
                gan.fit(  # an epoch, or what is left of it: Keras has no way to resume within one
                    training_batches(tensors, config.batch_size, config.seed, gan.step),
                    initial_epoch=epoch,
                    epochs=epoch + 1,
                    steps_per_epoch=steps_left,
                    callbacks=callbacks,
                    shuffle=False,  # training_batches has
                    verbose=0,  # Progress shows more
                )
        write(config, about, gan, record, quality, earlier + time.perf_counter() - started)
    except utils.Stopped:
        if record.images == gan.step * config.batch_size:  # else within a call: what was saved before is whole
            save()
        raise
    checkpoint.finish(config.models_dir)
    return gan


def write(config, about, gan, record, quality, seconds):
    """Write the results of a run that is done, and say where they are."""
    import keras
    import tensorflow as tf

    pictures.plot_run(config.samples_dir / "losses.png", record.curve, record.epochs)
    pictures.save_gif(config.samples_dir / "training.gif", list(record.frames.values()))
    results = {
        "config": asdict(config),
        "data": about["data"],
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__},
        "seconds": round(seconds, 1),
        "training_seconds": round(record.seconds["training"], 1),
        "checkpoint_seconds": round(record.seconds["checkpoints"], 3),
        "images_per_second": round(record.images / record.seconds["training"]),
    }
    names = [f"{name}.keras" for name in networks.NETWORKS]
    with utils.whole_files(*(config.models_dir / name for name in [*names, "history.csv", "run.json"])) as paths:
        generator, discriminator, history, run_json = paths
        gan.averaged_generator.save(generator)
        gan.discriminator.save(discriminator)
        with open(history, "w", newline="") as file:
            rows = csv.DictWriter(file, record.epochs[0].keys())
            rows.writeheader()
            rows.writerows(record.epochs)
        run_json.write_text(utils.to_json(results))
    if quality:
        utils.write_json(config.models_dir / "run.json", results | {"quality": quality.final()})
    flags = [] if config.models_dir == Config.models_dir else [f"--models-dir={config.models_dir}"]
    draw = utils.command("generate_digits.py", *flags)
    print(f"models in {config.models_dir}, pictures in {config.samples_dir}; draw digits: {draw}")


if __name__ == "__main__":
    utils.run(train, Config)
