"""Several machines: here two workers on this one, as TF_CONFIG has them."""

import json
import socket
import subprocess
import threading
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
from helpers import assert_same_run, resume, run_in, tf_config

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


def door(worker):
    """The address, host:port, as a socket takes it."""
    host, _, port = worker.rpartition(":")
    return host, int(port)


def notes(directory):
    lines = [json.loads(line) for line in (directory / "notes.jsonl").read_text().splitlines()]
    return [[line for line in lines if key in line] for key in ("epoch", "digits", "began")]


def last_line(process):
    output, errors = process.communicate()
    return output, errors.splitlines()[-1] if errors else ""


def test_two_workers(start_workers, small_npz, tmp_path):
    """Equal weights on both, each digit once, one writes; one dies; and together they go on as if nothing had been."""
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


@pytest.fixture
def meet():
    """Have workers meet in threads; returns what each came to: files, None for the chief, or its UserError."""

    def meet(*greetings, files=None, refusal=None):
        workers, ends = ports(len(greetings)), [None] * len(greetings)

        def work(index):
            with cluster.Cluster(workers, index) as one:
                try:
                    if index:
                        ends[index] = one.join(greetings[index])
                    elif refusal:
                        one.refuse(refusal)
                    else:
                        one.gather(greetings[0], files or {})
                    if not refusal:
                        with one.training(OSError):
                            pass
                except UserError as error:
                    ends[index] = str(error)
                    one.refuse(str(error))

        threads = [threading.Thread(target=work, args=(index,)) for index in range(len(greetings))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        return ends

    return meet


def test_the_others_begin_with_what_the_chief_gives(meet):
    files = {"a": b"1" * 3_000_000, "b": b""}
    assert meet({}, {}, {}, files=files) == [None, files, files]


def test_strangers_at_the_door_are_passed_over():
    workers = ports(2)
    with cluster.Cluster(workers, 0) as chief:
        for message in (b'{"worker": 1}', b'{"worker": 1, "greeting": [1]}', b"[" * 100_000, b"1", b'{"worker": 7}'):
            with socket.create_connection(door(workers[0])) as stranger:
                cluster._send(stranger, message)
        chief.deadline = time.monotonic() + 1
        assert chief._await() == {}


def test_a_chief_that_is_long_in_loading_finds_those_who_wait(monkeypatch):
    monkeypatch.setenv(cluster.PATIENCE, "1")
    workers = ports(2)
    with cluster.Cluster(workers, 0) as chief, socket.create_connection(door(workers[0])) as worker:
        cluster._send(worker, b'{"worker": 1, "greeting": {}}')
        time.sleep(1.1)
        chief.gather({}, {})
        chief.watching = False
        assert chief.peers[1].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)  # or one that vanishes is not missed
    assert list(chief.greetings) == [1]


def test_a_stranger_who_says_nothing_holds_nobody_up(monkeypatch):
    workers = ports(2)
    with cluster.Cluster(workers, 0) as chief, socket.create_connection(door(workers[0])):
        time.sleep(0.1)
        with socket.create_connection(door(workers[0])) as worker:
            cluster._send(worker, b'{"worker": 1, "greeting": {}}')
            chief.deadline = time.monotonic() + 30
            waiting = threading.Thread(target=chief._await, daemon=True)
            waiting.start()
            waiting.join(20)
    assert list(chief.greetings) == [1]


def test_workers_greet_with_all_that_must_be_the_same(monkeypatch, config):
    """Others' epochs would hang all of them at the end, others' digits be trained on."""
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


def test_a_worker_that_loses_the_chief_says_so_and_ends(start):
    """Also while it waits within TensorFlow, and while what TensorFlow says as it starts is silenced."""
    workers = ports(2)
    lines = [
        "import time; from support.commands import quiet; from training.cluster import Cluster",
        f"one = Cluster({workers}, 1).__enter__(); one.join({{}})",
        "with quiet(): time.sleep(60)",
    ]
    process = start("-c", "\n".join(lines), stderr=subprocess.PIPE)
    with cluster.Cluster(workers, 0) as chief:
        chief.gather({}, {})
    _, error = process.communicate(timeout=50)
    assert process.returncode == 1
    assert error == f"error: the chief ({workers[0]}) has gone: start all again, with --resume\n"


def test_all_refuse_where_one_was_started_otherwise(meet):
    ends = meet({"seed": 1}, {"seed": 1}, {"seed": 2})
    assert ends[0] == ends[1] == ends[2] and "worker 2" in ends[0] and "seed 2" in ends[0]


def test_the_others_follow_a_chief_that_refuses(meet):
    assert meet({}, {}, refusal="no: none")[1] == "no: none"
