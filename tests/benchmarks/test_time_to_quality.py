"""The comparison with the peers."""

import json

from benchmarks import time_to_quality
from benchmarks.peers import PEERS
from support.datasets import load_dataset


def test_comparison_goes_on_where_it_was(monkeypatch, tmp_path, small_npz, mnist):
    small = load_dataset(str(small_npz))._replace(x_test=mnist.x_test[:1000], y_test=mnist.y_test[:1000])
    monkeypatch.setattr(time_to_quality, "load_dataset", lambda name: small)
    monkeypatch.setattr(time_to_quality, "MARKS", [1e-3, 2e-3, 1e9])
    monkeypatch.setattr(time_to_quality, "COUNT", 500)
    for name, path in (("RESULTS", "results.json"), ("PICTURE", "picture.png"), ("STATES", "states")):
        monkeypatch.setattr(time_to_quality, name, tmp_path / path)
    monkeypatch.setattr(PEERS["Goodfellow"], "steps", 3)
    for seconds in (1e-3, 1e9, 1e9):  # interrupted after the first mark; to the end of its schedule; nothing left to do
        time_to_quality.run("Goodfellow", seconds)
        results = json.loads((tmp_path / "results.json").read_text())
        points = results["contenders"]["Goodfellow"]["points"]
        assert [point["step"] for point in points] == ([1] if seconds < 1 else [1, 3])
    assert points[1]["seconds"] > points[0]["seconds"] and results["contenders"]["Goodfellow"]["finished"]
    results["contenders"]["train.py"] = {"points": points, "finished": True}
    time_to_quality.plot(results)
    assert "Goodfellow" in time_to_quality.table(results)
