"""What a run leaves, and what it saves and draws as it goes."""

import pytest
from helpers import run_in

import train
import utils
from evaluation import quality
from training import checkpoint


def test_a_run_saves_and_plots_as_it_goes(small_npz, monkeypatch, tmp_path):
    """States every so many steps of each epoch and at its end, which reach the disk; the floor in each plot."""
    config = run_in(tmp_path, small_npz)
    steps, flushed, floors = [], [], []

    def save(models_dir, gan, *rest, save=checkpoint.save):
        save(models_dir, gan, *rest)
        steps.append(gan.step)
        assert flushed[-1] == models_dir / "checkpoint"

    def flush(path, flush=checkpoint.flush):
        flush(path)
        flushed.append(path)

    def plot(path, curve, epochs, floor, plot=utils.plot_run):
        plot(path, curve, epochs, floor)
        floors.append(floor)

    monkeypatch.setattr(checkpoint, "save", save)
    monkeypatch.setattr(checkpoint, "flush", flush)
    monkeypatch.setattr(utils, "plot_run", plot)
    monkeypatch.setattr(quality.Quality, "floor", 7.0)
    train.train(config)
    assert steps == [21, 42, 42, 63, 84, 84] and floors == [7.0, 7.0]


@pytest.mark.parametrize(("batch_size", "together"), [(32, 21), (336, 2), (1344, 1)])
def test_a_signal_waits_for_few_steps(small_npz, batch_size, together):
    """They are made in one call, a fraction of a second long."""
    dataset = train.load_to_train(str(small_npz), batch_size)
    assert train.build_gan(train.Config(batch_size=batch_size), dataset).steps_per_execution == together
