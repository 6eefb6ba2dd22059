"""training/same_run.py: which runs are one."""

import keras
import pytest

from support.commands import UserError
from training import same_run


def test_a_run_from_before_a_flag_can_be_resumed():
    ours = {"config": {"epochs": 2, "r1_gamma": 1.0, "r2_gamma": 0.0}, "data": {}}
    theirs = {"config": {"epochs": 2, "r1_gamma": 1.0}, "data": {}, "architecture": {}}
    same_run.refuse_differences(theirs, ours)


def test_as_many_layers_are_asked_for():
    about = {"config": {"epochs": 2}, "data": {}}
    one, two = (about | {"architecture": {"generator": [{"units": 8}] * count}} for count in (1, 2))
    for ours, theirs, said in ((one, two, "1 layers here and 2 in the run"), (two, one, "2 layers here and 1 in the")):
        with pytest.raises(UserError, match=said):
            same_run.refuse_differences(theirs, ours)


def test_of_a_changed_layer_only_the_change_is_told():
    def about(**changed):
        layers = [keras.Input((28, 28, 1)), keras.layers.Conv2D(**{"filters": 8, "kernel_size": 3} | changed)]
        discriminator = same_run.architecture(keras.Sequential(layers))
        return {"config": {"epochs": 2}, "data": {}, "architecture": {"discriminator": discriminator}}

    same_run.refuse_differences(about(), about(name="another"))
    with pytest.raises(UserError) as refused:
        same_run.refuse_differences(about(), about(filters=16, activation="relu"))
    assert str(refused.value) == (
        "layer 1 of the discriminator is {'filters': 16, 'activation': 'relu'} here and "
        "{'filters': 8, 'activation': 'linear'} in the run: make it the same"
    )
