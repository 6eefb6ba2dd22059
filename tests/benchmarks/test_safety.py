"""What it costs that a run can be picked up and repeated is measured."""

import json
from pathlib import Path

from benchmarks import safety


def test_what_safety_costs(monkeypatch, tmp_path, capsys, mnist):
    def run_script(script, *flags):
        rate = 2000 if "--no-deterministic" in flags else 1500
        numbers = {"training_seconds": 10, "checkpoint_seconds": 1, "images_per_second": rate}
        (Path(flags[flags.index("--models-dir") + 1]) / "run.json").write_text(json.dumps(numbers))

    monkeypatch.setattr(safety, "run_script", run_script)
    monkeypatch.setattr(safety, "load_dataset", lambda name: mnist._replace(x_train=mnist.x_train[:2]))
    monkeypatch.setattr(safety, "RESULTS", tmp_path / "safety.json")
    safety.benchmark(safety.Config(pairs=2))
    said = capsys.readouterr().out
    assert "takes 10.00 ± 0.00 % of the training time of a short run, determinism 25.0 ± 0.0 %" in said
