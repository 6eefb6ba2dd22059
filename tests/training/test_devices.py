"""How TensorFlow is started."""

import pytest
import tensorflow as tf

from training.devices import configure


@pytest.mark.parametrize("deterministic", [True, False])
def test_operations_are_deterministic_unless_that_is_not_wanted(deterministic, monkeypatch):
    asked = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: asked.append(True))
    configure(deterministic)
    assert asked == [True] * deterministic
