"""Thousands of malformed files, as tests/support/test_malformed.py has a few, and what they cost in memory."""

import resource
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malformed import try_data, try_models, try_state

pytestmark = pytest.mark.stress


@pytest.mark.parametrize("attempt", [try_data, try_models, try_state], ids=["data", "models", "states"])
def test_malformed_files(attempt, tmp_path, request):
    """At most 20 seconds each, and never more than 2 GB in this process."""
    run = request.getfixturevalue("small_npz" if attempt is try_data else "undisturbed")
    refused = []

    @settings(max_examples=1000, deadline=20_000, suppress_health_check=list(HealthCheck), database=None)
    @given(data=st.data())
    def many(data):
        refused.append(attempt(data, tmp_path, run) is not None)

    many()
    print(f"{len(refused)} files, {sum(refused)} refused")
    assert sum(refused) > 400
    per_kilobyte = 1024 if sys.platform == "darwin" else 1  # macOS counts bytes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_kilobyte < 2 * 2**20
