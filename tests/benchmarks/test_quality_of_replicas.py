"""The comparison of replicas: what is there is not repeated, each run has a core, and all is shown."""

import json
import os

import pytest

from benchmarks import replicas


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores that processes can be pinned to",
)
def test_comparison_goes_on_where_it_was(monkeypatch, tmp_path, capsys):
    runs = []

    def distance(name, seed):
        assert len(os.sched_getaffinity(0)) == 1
        runs.append((name, seed))
        return seed + 0.5

    monkeypatch.setattr(replicas, "distance", distance)
    monkeypatch.setattr(replicas, "RESULTS", tmp_path / "replicas.json")
    replicas.benchmark(replicas.Config(kinds=("4 workers", "one process"), seeds=2))
    replicas.benchmark(replicas.Config(kinds=("one process", "2 replicas"), seeds=3))
    names = [name for name, _ in runs]
    assert len(runs) == len(set(runs)) == 8 and names.count("one process") == 3
    results = json.loads(replicas.RESULTS.read_text())
    assert list(results["runs"]) == ["one process", "2 replicas", "4 workers"]
    assert "| 4 workers, 2 seeds | of each share | 1.00 ± 0.71 |" in replicas.table(results)
    assert replicas.table(results) in capsys.readouterr().out


def test_statistics_are_those_that_the_table_says(monkeypatch):
    """What a run patches: batch normalisation as Keras has it, or of the whole batch."""
    configs = []
    monkeypatch.setattr(replicas, "in_process", lambda function, *words: configs.append(words))
    for name in ("one process", "2 replicas", "2 replicas, synchronised", "4 replicas, batch 128, rates 0.004"):
        with pytest.raises(FileNotFoundError):  # for nothing has trained
            replicas.distance(name, 1)
    assert [words[:2] for words in configs] == [(1, True), (2, False), (2, True), (4, False)]
    assert configs[3][2].batch_size == 128 and configs[3][2].generator_lr == 0.004 and configs[3][2].seed == 1
