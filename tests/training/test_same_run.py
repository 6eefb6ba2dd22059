"""training/same_run.py: which runs are one."""

from training import same_run


def test_a_run_from_before_a_flag_can_be_resumed():
    ours = {"config": {"epochs": 2, "r1_gamma": 1.0, "r2_gamma": 0.0}, "data": {}}
    theirs = {"config": {"epochs": 2, "r1_gamma": 1.0}, "data": {}, "architecture": {}}
    same_run.refuse_differences(theirs, ours)
