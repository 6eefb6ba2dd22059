"""The model of what more machines gain."""

import json
import os
import subprocess
import sys

import pytest
from helpers import ROOT
from PIL import Image

import utils
from benchmarks import scaling
from support.commands import UserError

RESULTS = {
    "speed": [
        {"kind": "one worker, one core", "batch_size": 32, "rates": [2000.0, 2000.0]},
        {"kind": "2 workers, a core each", "batch_size": 32, "rates": [3000.0, 3400.0]},
    ],
    "parameters": 500_000,
}


def test_what_an_exchange_takes(monkeypatch):
    """Of two workers each sends one half and receives the other, twice."""
    monkeypatch.setitem(scaling.LINKS, "slow", (1e6, 0.0))
    monkeypatch.setitem(scaling.LINKS, "far", (1e30, 1.0))
    assert scaling.exchange(2, 2e6, "slow") == pytest.approx(2.0)
    assert scaling.exchange(1, 2e6, "slow") == 0
    assert scaling.exchange(3, 2e6, "far") == pytest.approx(8.0)
    assert scaling.best_number(1.0, 2e6, "slow") == 1 and scaling.best_number(100.0, 2e6, "far") == 5


def test_tables():
    assert "| 2 workers, a core each | 32 | 3,000 to 3,400 | 1.60 |" in scaling.speed_table(RESULTS)
    rows = scaling.model_table(RESULTS).splitlines()
    assert rows[2].startswith("| this core | 32 | 1 Gbit/s | 16.0 | 16.2; 29.4 |")
    assert len({row.count("|") for row in rows}) == 1


def test_a_rate_leaves_the_start_out(tmp_path):
    for name, images, seconds in (("early_04000", 4000, 10.0), ("epoch_001", 24_000, 20.0)):
        about = json.dumps({"images": images, "seconds": seconds})
        utils.save_png(tmp_path / f"{name}.png", Image.new("L", (2, 2)), about=about)
    assert scaling.rate(tmp_path) == 2000


def test_each_worker_has_a_batch_of_its_own(monkeypatch, mnist):
    asked = []

    def train(place, workers, cores, *flags):
        asked.append((workers, cores, flags[-1]))
        return [{"parameters": 1}]

    monkeypatch.setattr(scaling, "train", train)
    monkeypatch.setattr(scaling, "rate", lambda samples_dir: 1.0)
    monkeypatch.setattr(scaling, "load_dataset", lambda name: mnist._replace(x_train=mnist.x_train[:2]))
    scaling.speed(scaling.Config(batch_sizes=(32,), rounds=1), [0, 1])
    assert asked == [(1, [0], "--batch-size=32"), (2, [0, 1], "--batch-size=64"), (1, [0, 1], "--batch-size=32")]


PINNED = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned to cores here")


@PINNED
def test_workers_that_part_are_told(tmp_path, monkeypatch):
    class Popen(subprocess.Popen):
        """Notes an epoch after which the weights are the worker's number."""

        def __init__(self, command, **kwargs):
            index = json.loads(kwargs["env"]["TF_CONFIG"])["task"]["index"]
            notes = json.dumps({"epoch": 1, "weights": index})
            code = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
            super().__init__([sys.executable, "-c", code, command[3], notes], **kwargs)

    monkeypatch.setattr(scaling.subprocess, "Popen", Popen)
    with pytest.raises(UserError, match="differ in their weights"):
        scaling.train(tmp_path, 2, sorted(os.sched_getaffinity(0))[:1])


@PINNED
@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_ends_all_workers(tmp_path, monkeypatch, workers):
    """The first one's command fails at once here; with the last line that it said."""
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, command, **kwargs):
            code = "import sys; sys.exit('no digits')" if not started else "import time; time.sleep(1000)"
            super().__init__([sys.executable, "-c", code], **kwargs)
            started.append(self)

    monkeypatch.setattr(scaling.subprocess, "Popen", Popen)
    with pytest.raises(UserError, match=r"worker 0 failed with exit code 1.*no digits"):
        scaling.train(tmp_path, workers, sorted(os.sched_getaffinity(0))[:1])
    assert len(started) == workers and all(process.poll() is not None for process in started)
    assert (ROOT / "tests" / "worker.py").exists()
