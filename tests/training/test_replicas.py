"""Several devices: virtual processors stand in for GPUs."""

import csv
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from helpers import ROOT, assert_same_run, run_in

import train
from support.datasets import load_dataset
from training import checkpoint
from training.batches import training_batches

FIRST_STEP = """
import sys
from support import commands
with commands.quiet():
    import tensorflow as tf
if __name__ == "__main__":
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    from tests.training import test_replicas
    from training.devices import start_tensorflow
    try:
        start_tensorflow(batch_size=33)
    except commands.UserError as error:
        print(error)
    test_replicas.first_step(sys.argv[1]).tofile(sys.argv[2])
"""


@pytest.mark.parametrize("devices", [2, pytest.param(4, marks=pytest.mark.stress)])
def test_replicas_agree_and_resume(devices, small_npz, start_worker, tmp_path, undisturbed):
    """Equal weights on all after each epoch, each digit once, and a run that was killed ends in the same bits."""
    whole, killed = (run_in(tmp_path / name, small_npz, evaluate=False) for name in ("whole", "killed"))
    uninterrupted, process = start_worker(whole, devices), start_worker(killed, devices)
    while not checkpoint.find(killed.models_dir):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.kill()
    process.communicate()
    killed.resume = True
    processes = [uninterrupted, start_worker(killed, devices)]
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert said[0][0].startswith(f"MirroredStrategy: 1 x {devices} CPU, {32 // devices} images each of a batch of 32\n")
    assert_same_run(killed.models_dir, killed.samples_dir, tmp_path / "whole")
    assert json.loads((killed.models_dir / "run.json").read_text())["replicas"] == devices
    (began, *epochs, digits), (_, resumed, *_) = (
        list(map(json.loads, (tmp_path / name / "notes.jsonl").read_text().splitlines()))
        for name in ("whole", "killed")
    )
    alone, together = (
        next(csv.DictReader((path / "models" / "history.csv").open())) for path in (undisturbed, tmp_path / "whole")
    )
    for loss in ("discriminator_loss", "generator_loss"):  # not their sum
        assert float(together[loss]) == pytest.approx(float(alone[loss]), rel=0.5)
    assert began["began"] == 0 < resumed["began"]
    for epoch in epochs:
        assert len(epoch["digests"]) == devices and len(set(epoch["digests"])) == 1
    assert sorted(np.ravel(digits["digits"])) == list(range(64))


def first_step(dataset):
    """Adam's averages of the gradients after a first step with the same noise and labels for each share."""
    gan = train.build_gan(train.Config(batch_size=32, generator_width=8, discriminator_width=8), load_dataset(dataset))
    strategy = gan.generator.distribute_strategy
    drawn = []

    def no_noise(shape, seed):
        drawn.append(seed)
        return tf.zeros(shape)

    def step(batch):
        gan.train_step(batch)
        return drawn.pop()

    normal, tf.random.stateless_normal = tf.random.stateless_normal, no_noise
    try:
        images = tf.constant(load_dataset(dataset).x_train[:32])
        shares = tf.split(images, strategy.num_replicas_in_sync)
        labels = tf.zeros(len(shares[0]), "int32")
        batches = strategy.experimental_distribute_values_from_function(
            lambda context: (shares[context.replica_id_in_sync_group], labels)
        )
        seeds = tf.function(lambda batch: strategy.run(step, (batch,)), autograph=False)(batches)
    finally:
        tf.random.stateless_normal = normal
    momenta = [v for v in gan.discriminator_optimizer.variables if "momentum" in v.path]
    assert momenta
    seeds = [tuple(seed.numpy()) for seed in strategy.experimental_local_results(seeds)]
    assert len(set(seeds)) == strategy.num_replicas_in_sync  # each draws its own noise
    return np.concatenate([variable.numpy().ravel() for variable in momenta])


def test_the_gradient_is_the_mean_over_the_whole_batch(small_npz, tmp_path):
    """Their sum would be twice as large; Adam hardly tells the two apart, but its averages do."""
    command = [sys.executable, "-c", FIRST_STEP, small_npz, tmp_path / "momenta"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": ".:tests"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "--batch-size 33 cannot be shared by 2 replicas (1 x 2 CPU): choose a multiple of 2\n"
    )
    whole = first_step(small_npz)
    assert np.abs(whole).max() > 1e-3
    np.testing.assert_allclose(np.fromfile(tmp_path / "momenta", "float32"), whole, rtol=1e-3, atol=1e-6)


def test_replicas_share_each_batch_of_one_process():
    """Each in its place, so that the digits of a step do not depend on the number of replicas."""
    numbers, images = np.arange(64, dtype="int32"), np.zeros((64, 28, 28, 1), "uint8")

    def labels(*replicas):
        return [labels.numpy() for _, labels in training_batches(images, numbers, 16, 3, 2, *replicas).take(8)]

    whole, left, right = labels(), labels(range(2), 4), labels(range(2, 4), 4)
    for step in range(4):
        parts = [part for half in (left, right) for part in half[2 * step : 2 * step + 2]]
        np.testing.assert_array_equal(np.concatenate(parts), whole[step])
