"""Several machines: how their workers meet, watch one another, and part."""

import contextlib
import socket
import subprocess
import sys
import threading
import time

import pytest
import tensorflow as tf

from benchmarks.scaling import ports
from support.commands import UserError
from training import cluster
from training.devices import start_tensorflow


def door(worker):
    """The address, host:port, as a socket takes it."""
    host, _, port = worker.rpartition(":")
    return host, int(port)


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
                        one.meet()
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


def test_all_meet_before_tensorflow_has_them_wait_deaf_to_all(monkeypatch):
    def start(chief):
        with contextlib.suppress(SystemExit):
            start_tensorflow(cluster=chief, batch_size=32)

    workers = ports(2)
    with cluster.Cluster(workers, 0) as chief, socket.create_connection(door(workers[0])) as worker:
        cluster._send(worker, b'{"worker": 1, "greeting": {}}')
        chief.gather({}, {})
        chief.watching = False
        starting = threading.Thread(target=start, args=(chief,), daemon=True)
        monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda resolver: sys.exit("they have met"))
        starting.start()
        starting.join(1)
        assert starting.is_alive()
        worker.sendall(cluster.READY)
        starting.join(20)
        assert not starting.is_alive()


@pytest.mark.parametrize(("error", "waited"), [(OSError, [60]), (BlockingIOError, []), (ValueError, [])])
def test_only_a_failure_that_others_may_have_caused_gives_the_watch_time(error, waited, monkeypatch):
    slept = []
    monkeypatch.setattr(cluster.time, "sleep", slept.append)
    one = cluster.Cluster(["host1:4000", "host2:4000"], 0)
    one.watching = True
    with pytest.raises(error), one.training(OSError, BlockingIOError):
        raise error
    assert slept == waited and one.watching == bool(waited)


def test_the_others_follow_a_chief_that_refuses(meet):
    assert meet({}, {}, refusal="no: none")[1] == "no: none"
