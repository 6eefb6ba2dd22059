"""What tests of files from strangers share."""

import pytest


@pytest.fixture
def generator(short_run):
    return short_run / "models" / "generator.keras"
