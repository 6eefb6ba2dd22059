"""The table of quality over seeds: each kind of run is evaluated as it can be, once, and kept."""

import json

import pytest

from benchmarks import seeds


def test_each_run_is_trained_and_evaluated_once(monkeypatch, tmp_path):
    """Without labels a classifier has nothing to learn from; a kind keeps its earlier numbers until it is done anew."""
    monkeypatch.setattr(seeds, "ROOT", tmp_path)
    monkeypatch.setattr(seeds, "RESULTS", tmp_path / "seeds.json")
    earlier = {name: [{"frechet_distance": 3.0}] for name in ("default", "without labels", "long")}
    seeds.RESULTS.write_text(json.dumps({"runs": earlier, "floors": {}, "machines": {"long": "another"}}))
    done = []

    def run_script(script, *words):
        if len(done) == 6:
            raise KeyboardInterrupt
        done.append([script, *words])
        if script == "train.py":
            directory = words[words.index("--models-dir") + 1]
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "run.json").write_text('{"seconds": 5}')
        else:
            numbers = {"frechet_distance": 1.0, **({"two_sample": 0.6} if "--two-sample" in words else {})}
            training = {"frechet_distance": 0.3 if "without" in str(words[1]) else 0.1}
            evaluation = {"digits": numbers, "training": training, "floor": {"frechet_distance": 0.2}}
            words[words.index("--json") + 1].write_text(json.dumps(evaluation))

    monkeypatch.setattr(seeds, "run_script", run_script)
    config = seeds.Config(kinds=("default", "without labels"), seeds=2, classifiers=1)
    with pytest.raises(KeyboardInterrupt):
        seeds.benchmark(config)
    results = json.loads(seeds.RESULTS.read_text())
    runs, machines = results["runs"], results["machines"]
    assert set(machines) == {"long", "default"} and machines["long"] == "another"
    assert len(runs.pop("default")) == 2 and earlier.pop("default") and runs == earlier
    before, done[:] = list(done), []
    seeds.benchmark(config)
    trained = [words for words in before + done if words[0] == "train.py"]
    kinds = [("--no-conditional" in words, words[words.index("--seed") + 1]) for words in trained]
    assert kinds == [(False, 0), (False, 1), (True, 0), (True, 1)]
    evaluated = [words for words in before + done if words[0] == "evaluate.py"]
    assert len(evaluated) == 4 and ["--tstr" in words for words in evaluated] == [True, False, False, False]
    assert ["--two-sample" in words for words in evaluated] == [True, False, True, False]
    done.clear()
    seeds.benchmark(config)
    assert not done
    results = json.loads(seeds.RESULTS.read_text())
    assert "1.000 ± 0.000" in seeds.table(results) and results["floors"]["training"]["frechet_distance"] == 0.1


def test_seconds_are_those_of_runs_that_were_alone(monkeypatch, tmp_path):
    """In all of their sittings: what is gone on with has the seconds of those before."""
    monkeypatch.setattr(seeds, "ROOT", tmp_path)
    sittings = iter([KeyboardInterrupt, None] * 3)

    def run_script(script, *words):
        directory = words[words.index("--models-dir") + 1]
        directory.mkdir(parents=True, exist_ok=True)
        if script == "evaluate.py":
            text = json.dumps({key: {"frechet_distance": 1.0} for key in ("digits", *seeds.FLOORS)})
            (directory / "evaluation.json").write_text(text)
        elif stop := next(sittings):
            raise stop
        else:
            (directory / "run.json").write_text('{"seconds": 5}')

    monkeypatch.setattr(seeds, "run_script", run_script)
    for seed, first, second, seconds in ((0, False, True, None), (1, True, True, 5), (2, True, False, None)):
        with pytest.raises(KeyboardInterrupt):
            seeds.measure("default", seed, classifiers=False, alone=first)
        run, _ = seeds.measure("default", seed, classifiers=False, alone=second)
        assert run["seconds"] == seconds
