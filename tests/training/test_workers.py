"""Runs of several machines: here two workers on this one, as TF_CONFIG has them."""

import json
import socket
import time
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_same_run, resume, run_in, tf_config, write_pngs

import train
from benchmarks.scaling import ports
from support.commands import UserError
from training import checkpoint, cluster
from training.run import Run


@pytest.fixture
def start_workers(start_worker):
    """Start a worker for each configuration."""

    def start_workers(*configs):
        workers = ports(len(configs))
        return [
            start_worker(config, TF_CONFIG=tf_config(index, workers), WORKERS_TIMEOUT="60")
            for index, config in enumerate(configs)
        ]

    return start_workers


def notes(directory):
    lines = [json.loads(line) for line in (directory / "notes.jsonl").read_text().splitlines()]
    return [[line for line in lines if key in line] for key in ("epoch", "digits", "began")]


def last_line(process):
    output, errors = process.communicate()
    return output, errors.splitlines()[-1] if errors else ""


def test_two_workers(start_workers, small_npz, tmp_path):
    """Equal weights on both, each digit once, one writes; one dies; and they go on as if nothing had happened."""
    chief, other, both = (
        run_in(tmp_path / name, small_npz, evaluate=False, checkpoint_every=1) for name in ("chief", "other", "both")
    )
    first, second = processes = start_workers(chief, other)
    said = [last_line(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    line = "MultiWorkerMirroredStrategy: 2 x 1 CPU, 16 images each of a batch of 32\n"
    assert said[0][0].startswith(line) and "models in" in said[0][0] and said[1] == (line, "")
    assert [path.name for path in other.models_dir.parent.iterdir()] == ["notes.jsonl"]
    (ours, digits, _), (theirs, others, _) = (notes(config.models_dir.parent) for config in (chief, other))
    assert len(ours) == 2 and ours == theirs and ours[0]["digests"] != ours[1]["digests"]
    steps = [np.ravel(mine + yours) for mine, yours in zip(*(line["digits"] for line in digits + others), strict=True)]
    assert sorted(np.ravel(steps)) == list(range(64)) and {len(step) for step in steps} == {16}

    first, second = start_workers(both, other)
    while not checkpoint.find(both.models_dir):
        assert first.poll() is None, last_line(first)
        time.sleep(0.05)
    second.kill()
    killed = time.monotonic()
    _, error = last_line(first)
    assert first.returncode == 1 and error.startswith("error: worker 1 (127.0.0.1:") and "--resume" in error
    assert time.monotonic() - killed < 60
    processes = start_workers(replace(both, resume=True), replace(other, resume=True))
    said = [last_line(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert notes(both.models_dir.parent)[2][1]["began"] > 0  # the step that the chief's second process began with
    resume(both)  # as all steps are made, the chief needs no other
    assert_same_run(both.models_dir, both.samples_dir, tmp_path / "chief")


def test_refuses_a_port_that_is_taken(refuses, monkeypatch, small_npz, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("TF_CONFIG", tf_config(0, [address, "host2:4000"]))
        assert address in refuses(train.train, "--dataset", small_npz, "--models-dir", tmp_path / "models")
    assert not any(tmp_path.iterdir())


def test_refuses_a_batch_that_cannot_be_shared(refuses, monkeypatch, small_npz, tmp_path):
    monkeypatch.setenv("TF_CONFIG", tf_config(0, ports(3)))
    error = refuses(train.train, "--dataset", small_npz, "--models-dir", tmp_path / "models")
    assert "--batch-size 32 cannot be shared by 3 workers" in error and not any(tmp_path.iterdir())


@pytest.mark.parametrize("index", [0, 1])
def test_does_not_wait_for_ever(index, refuses, monkeypatch, small_npz, tmp_path):
    workers = ports(2)
    monkeypatch.setenv("TF_CONFIG", tf_config(index, workers))
    monkeypatch.setenv(cluster.PATIENCE, "0.5")
    places = ["--models-dir", tmp_path / "models", "--samples-dir", tmp_path / "samples"]
    error = refuses(train.train, "--dataset", small_npz, *places)
    assert f"({workers[1 - index]}) has not come within 0.5 s" in error
    assert index == 0 or not any(tmp_path.iterdir())
    for never in ("soon", "nan", "inf", "-1"):
        monkeypatch.setenv(cluster.PATIENCE, never)
        assert f"WORKERS_TIMEOUT '{never}' is no number" in refuses(train.train, "--dataset", small_npz, *places)


def test_workers_greet_with_all_that_must_be_the_same(monkeypatch, config):
    """With different epochs, all would hang at the end; different digits would be trained on."""
    said = []
    monkeypatch.setenv("TF_CONFIG", tf_config(0, ports(2)))
    monkeypatch.setattr(cluster.Cluster, "gather", lambda chief, greeting, files: said.append(greeting))
    with Run(config.models_dir, config.samples_dir, "") as run:
        run.begin({"config": asdict(config), "data": {"images": 1344, "sha256": "a1"}}, resume=False)
    assert said[0].keys() >= {"epochs", "seed", "batch_size", "images", "sha256"} and "models_dir" not in said[0]


def test_a_chief_that_fails_tells_the_others_why(monkeypatch, tmp_path):
    told = []
    monkeypatch.setenv("TF_CONFIG", tf_config(0, ports(2)))
    monkeypatch.setattr(cluster.Cluster, "refuse", lambda chief, reason: told.append(reason))
    with pytest.raises(UserError), Run(tmp_path, tmp_path, ""):
        raise UserError("no: none")
    assert told == ["no: none"]


def test_a_worker_that_runs_out_of_memory_says_so_at_once(monkeypatch, config, mnist):
    """No other worker is the cause, so there is nobody to wait for."""

    def fit(*args, **how):
        raise tf.errors.ResourceExhaustedError(None, None, "no memory")

    waited = []
    monkeypatch.setattr(cluster.time, "sleep", waited.append)
    monkeypatch.setenv("TF_CONFIG", tf_config(0, ports(2)))
    run = Run(config.models_dir, config.samples_dir, "")
    run.about, run.batch_size = {"config": asdict(config)}, 32
    generator = SimpleNamespace(distribute_strategy=tf.distribute.get_strategy())
    run.gan = SimpleNamespace(generator=generator, step=0, fit=fit)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        run.fit(mnist._replace(x_train=mnist.x_train[:64], y_train=mnist.y_train[:64]), 1, [])
    assert not waited


def test_refuses_folders_of_pngs(refuses, monkeypatch, mnist, tmp_path):
    """Before others are greeted: TensorFlow has read them, and started too early to wait for anybody."""
    write_pngs(tmp_path / "pictures", mnist.x_train[:64, ..., 0], "01")
    monkeypatch.setenv("TF_CONFIG", tf_config(1, ports(2)))
    assert "folders of PNGs" in refuses(train.train, "--dataset", tmp_path / "pictures", "--models-dir", tmp_path / "m")
