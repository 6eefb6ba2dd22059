"""The numbers in the READMEs are what the benchmarks found."""

import json

import numpy as np
import pytest
from helpers import ROOT

from benchmarks import choosing, losses, modes, page, replicas, safety, scaling, seeds, step_cost, time_to_quality

README, BENCHMARKS = ((ROOT / name).read_text() for name in ("README.md", "benchmarks/README.md"))


def found(benchmark):
    return json.loads(benchmark.RESULTS.read_text())


@pytest.mark.parametrize("benchmark", [losses, modes, seeds, time_to_quality])
def test_tables(benchmark):
    assert benchmark.table(found(benchmark)) in README


@pytest.mark.parametrize("benchmark", [choosing, replicas, step_cost])
def test_tables_of_the_details(benchmark):
    assert benchmark.table(found(benchmark)) in BENCHMARKS


@pytest.mark.parametrize("benchmark", [choosing, page, safety])
def test_sentences(benchmark):
    assert benchmark.sentence(found(benchmark)) in README


def test_what_workers_gain():
    results = found(scaling)
    assert scaling.speed_table(results) in BENCHMARKS and scaling.model_table(results) in BENCHMARKS


def test_what_the_text_says_of_the_tables():
    """A new benchmark changes its table; this finds the sentences that spoke of the old one."""
    runs, floors = found(seeds)["runs"], found(seeds)["floors"]
    epochs = {kind: {run["epochs"] for run in of} for kind, of in found(losses)["runs"]["hinge"].items()}
    assert epochs == {"labelled": {3}, "unlabelled": {2}}

    def percent(kind, key, form=".0f"):
        return f"{100 * np.mean([run[key] for run in runs[kind]]):{form}}"

    def seconds(kind):  # of the run that was alone
        return max(run["seconds"] or 0 for run in runs[kind])

    told = sorted(run["two_sample"] for run in runs["longer"])
    distance = np.mean([run["frechet_distance"] for run in runs["without labels"]])
    unlabelled = 360_000 / found(losses)["rates"]["hinge, unlabelled"]
    text = " ".join(README.split())
    for words in (
        f"{percent('default', 'label_accuracy', '.1f')} % read as the digit asked for",
        f"the default's digits from training digits {percent('default', 'two_sample')} times in a hundred",
        f"those of the long run {percent('long', 'two_sample')} times",
        f"the long one's {percent('long', 'two_sample')},",
        f"teach a classifier {percent('long', 'tstr', '.1f')} % where real digits teach it "
        f"{100 * floors['training']['tstr']:.1f} %; the longer run's teach it {percent('longer', 'tstr', '.1f')} %",
        f"are told apart {percent('longer', 'two_sample')} times, {100 * told[0]:.0f} to {100 * told[-1]:.0f} by seed",
        f"the longer one {seconds('longer') / seconds('long'):.1f} times as long",
        f"a distance of {distance:.2f}, where the test digits have {floors['floor']['frechet_distance']:.2f}",
        f"in about {round(unlabelled, -1):.0f} s by the rate in `benchmarks/losses.json`",
        "three with labels and two without",
    ):
        assert words in text
