"""The comparison with the peers."""

import itertools
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import train
from benchmarks import contenders, time_to_quality
from benchmarks.contenders import Ours
from benchmarks.peers import PEERS
from support.datasets import load_dataset


def test_the_average_is_measured_beside_test_digits(small_npz, mnist):
    """Nearer are the digits that everything is measured against."""
    small = load_dataset(str(small_npz))._replace(x_test=mnist.x_test[:500], y_test=mnist.y_test[:500])
    ours = Ours({"generator_width": 8, "discriminator_width": 8}, small)
    assert ours.steps == train.Config.epochs * 42
    ours.gan.averaged_generator.set_weights([0 * weights for weights in ours.gan.averaged_generator.get_weights()])
    images = ours.draw(np.zeros((2, 64), "float32"), np.arange(2))
    assert (images == 128).all()
    ruler = time_to_quality.Ruler(small)
    assert ruler.measure(small.x_train)["frechet_distance"] == pytest.approx(0, abs=0.01)
    assert ruler.floor == ruler.measure(small.x_test) and ruler.floor["frechet_distance"] > 0.5


def test_a_speed_leaves_the_first_call_out(monkeypatch, small_npz):
    monkeypatch.setattr(contenders, "time", SimpleNamespace(perf_counter=itertools.count().__next__))
    contender = SimpleNamespace(batch_size=100, advance=lambda batches: 2)
    first, speed = contenders.speed(contender, load_dataset(str(small_npz)), seconds=3)
    assert first == 1 and speed == pytest.approx(2 * 2 * 100 / 3)


def test_comparison_goes_on_where_it_was(monkeypatch, tmp_path, small_npz, mnist):
    small = load_dataset(str(small_npz))._replace(x_test=mnist.x_test[:500], y_test=mnist.y_test[:500])
    monkeypatch.setattr(time_to_quality, "load_dataset", lambda name: small)
    monkeypatch.setattr(time_to_quality, "MARKS", [100, 150, 1000])
    monkeypatch.setattr(time_to_quality, "COUNT", 500)
    monkeypatch.setattr(time_to_quality, "SPEED_SECONDS", 0.01)
    for name, path in (("RESULTS", "results.json"), ("PICTURE", "picture.png"), ("STATES", "states")):
        monkeypatch.setattr(time_to_quality, name, tmp_path / path)
    monkeypatch.setattr(PEERS["Goodfellow"], "steps", 3)

    def goodfellow():
        return json.loads((tmp_path / "results.json").read_text())["contenders"]["Goodfellow"]

    time_to_quality.read_speed("Goodfellow")
    second = 1 / goodfellow()["images_per_second"]
    # Interrupted before the second mark; to the end of its schedule; nothing left to do.
    for minutes, images in ((101 * second / 60, [100, 200]), (9e9, [100, 200, 300]), (9e9, [100, 200, 300])):
        time_to_quality.run("Goodfellow", minutes)
        assert [point["images"] for point in goodfellow()["points"]] == images
    points = goodfellow()["points"]
    time_to_quality.read_speed("Goodfellow")
    assert goodfellow()["points"] == points
    shutil.rmtree(tmp_path / "states")
    time_to_quality.read_speed("Goodfellow")
    assert goodfellow()["points"] == points  # how good they were, another machine's speed does not change
    timed = goodfellow() | {"points": []}  # its speed was read, and it has not been trained
    contenders = {"Goodfellow": goodfellow(), "train.py": goodfellow(), "TF-GAN": timed}
    results = {"contenders": contenders, "floor": points[0]}
    time_to_quality.plot(results)
    assert (tmp_path / "picture.png").exists()
    table = time_to_quality.table(results)
    assert "100% of 0.00 million" in table and "1 times sooner" in table
    contenders["train.py"] |= {"machine": "another"}
    assert "sooner" not in time_to_quality.table(results)
