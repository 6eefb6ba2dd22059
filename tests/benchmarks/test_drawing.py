"""What benchmarks/drawing.py says of its times."""

from benchmarks import drawing


def test_digits_a_second_leave_the_start_out():
    times = {"sheet": [6.0], "bound": [4.0], "npz": [10.0], "idx": [14.0], "folders": [34.0]}
    said = drawing.sentence(times)
    assert "6.0 s from enter to PNG, 1.50 times" in said
    assert "10,000 in a .npz, 6,000 as IDX files, 2,000 in folders a second" in said
