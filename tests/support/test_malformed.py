"""Files that are damaged at random, or made up: each is refused in one line, or read."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malformed import refusal, try_data, try_models, try_state

from support import model_files
from support.datasets import load_dataset

FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@FEW
@given(data=st.data())
def test_malformed_data_is_refused_in_one_line(data, tmp_path_factory, small_npz):
    try_data(data, tmp_path_factory.getbasetemp(), small_npz)


@FEW
@given(data=st.data())
def test_malformed_models_are_refused_in_one_line(data, tmp_path_factory, short_run):
    try_models(data, tmp_path_factory.getbasetemp(), short_run)


@FEW
@given(data=st.data())
def test_malformed_states_are_refused_in_one_line(data, tmp_path_factory, short_run):
    before = {path.name: path.read_bytes() for path in (short_run / "models" / "finished").glob("*/*")}
    refused = try_state(data, tmp_path_factory.getbasetemp(), short_run)
    after = {path.name: path.read_bytes() for path in (tmp_path_factory.getbasetemp() / "finished").glob("*/*")}
    assert bool(refused) == (before != after)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path):
    for name in ("digits.npz", "idx/train-images-idx3-ubyte", "pngs/cat/a.png", "run.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(tmp_path / name)
    for data in ("digits.npz", "idx", "pngs"):
        assert refusal(load_dataset, str(tmp_path / data))
    assert "damaged" in refusal(model_files.read_run, tmp_path)
