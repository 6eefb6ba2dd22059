"""What a loss wants comes with it, and a flag always wins."""

import typing

import pytest

import train
from gan import LOSSES
from training.settings import PENALTIES, RATES, WANTED, settle


def test_every_loss_is_a_flag_and_has_settings():
    names = typing.get_args(typing.get_type_hints(train.Config)["loss"])
    assert set(names) == set(LOSSES) == set(WANTED)
    assert all(set(wanted) == {*RATES, *PENALTIES} for wanted in WANTED.values())


@pytest.mark.parametrize("loss", LOSSES)
def test_a_flag_wins_and_nothing_stays_open(loss):
    settled = settle(train.Config(loss=loss))
    assert all(getattr(settled, name) is not None for name in (*RATES, *PENALTIES))
    given = settle(train.Config(loss=loss, r1_gamma=7.0, generator_lr=1e-5, mismatch=0.0))
    assert (given.r1_gamma, given.generator_lr, given.mismatch) == (7.0, 1e-5, 0.0)
