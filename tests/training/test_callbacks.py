"""Runs whose numbers go wrong; pictures while one is under way."""

import functools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import flags_of

import train
from gan import LOSSES
from support.commands import UserError
from training import callbacks, checkpoint
from training.record import Record


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"r1_gamma": 1000.0, "loss": "non-saturating"}, "sees no difference"),
        ({"discriminator_lr": 1e-8}, "sees no difference"),
        ({"generator_lr": 1e-8}, "never deceives"),
    ],
)
def test_a_hopeless_run_is_stopped(change, said, config, refuses, monkeypatch):
    """With the epoch and the knob, and the last state kept."""
    monkeypatch.setattr(callbacks, "COLLAPSE_STEPS", 80)
    error = refuses(train.train, *flags_of(replace(config, epochs=10, **change)))
    assert said in error and "in epoch " in error and ("--r1-gamma" in error or "--discriminator-lr" in error)
    assert checkpoint.find(config.models_dir)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_sane_run_goes_on(loss):
    """Wasserstein's loss has no bound: its discriminator may pay less than nothing forever."""

    def go(discriminator_loss, last):
        with callbacks.Progress(Record(), epochs=6, images=1, batch_size=32) as progress:
            progress.set_model(SimpleNamespace(loss_functions=LOSSES[loss], steps_per_execution=25))
            blind = progress.blind_loss
            known = {"minimax": 2 * np.log(2), "hinge": 2, "least-squares": 0.5, "wasserstein": 0}
            known |= {"non-saturating": known["minimax"], "relativistic": np.log(2)}
            assert blind == pytest.approx(known.get(loss, blind), abs=1e-5)  # a new loss has its own
            steps = np.arange(1, callbacks.COLLAPSE_STEPS + 10)
            rows = [{"images": 32 * int(n), "discriminator_loss": discriminator_loss * (blind or 1)} for n in steps]
            rows[-1]["discriminator_loss"] = last * (blind or 1)
            progress.record.curve += rows
            progress._check({"discriminator_loss": rows[-1]["discriminator_loss"], "generator_loss": 0.0})

    for share in (0.5, 0.9, 0.98):
        go(share, share)
    if loss == "wasserstein":
        go(-0.3, -0.3)
    for share, said in ((0.999, "sees no difference"), (0.01, "never deceives it")):
        go(share, 0.9)  # it recovers
        if loss != "wasserstein":
            with pytest.raises(UserError, match=said):
                go(share, share)


def test_chance_in_calls_of_one_step_does_not_hide_that_a_run_is_hopeless():
    with callbacks.Progress(Record(), epochs=6, images=1, batch_size=64) as progress:
        progress.set_model(SimpleNamespace(loss_functions=LOSSES["hinge"], steps_per_execution=1))
        noise = np.random.default_rng(0).normal(1, 0.01, callbacks.COLLAPSE_STEPS + 10)
        losses = progress.blind_loss * noise
        progress.record.curve += [{"images": 64 * n, "discriminator_loss": loss} for n, loss in enumerate(losses, 1)]
        with pytest.raises(UserError, match="sees no difference"):
            progress._check({"discriminator_loss": 2.0})


def test_a_row_of_history_has_the_means_of_its_own_epoch(capsys, monkeypatch):
    """And its distance is told where TQDM_DISABLE has no bar shown, too."""
    monkeypatch.setattr(callbacks, "tqdm", functools.partial(callbacks.tqdm, disable=True))
    curve = [{"images": images, "loss": float(images)} for images in (32, 64, 96, 128)]
    record = Record(curve=curve, epochs=[{"images": 64}])
    with callbacks.Progress(record, epochs=2, images=128, batch_size=32) as progress:
        progress.set_model(SimpleNamespace(metrics=[SimpleNamespace(name="loss")]))
        measured = {"frechet_distance": 3.0, "modes": 9, "mode_divergence": 0.5}
        progress.on_epoch_end(1, {"loss": 0.0, **measured})
    assert capsys.readouterr().err == "epoch 2: Fréchet distance 3.000\nepoch 2: 9 modes, KL 0.500\n"
    assert record.epochs[-1] == {"epoch": 2, "images": 128, "loss": 112, **measured}


def test_plots_take_a_twentieth_of_the_time_at_most():
    drawn = []
    run = SimpleNamespace(seconds=0.0)

    def plot(quality):
        drawn.append(run.seconds)
        run.seconds += 1

    run.plot = plot
    callback = callbacks.plot_each(run, epochs=100, quality=None)
    for epoch in range(100):
        run.seconds += 3 if epoch < 90 else 30
        callback.on_epoch_end(epoch, {})
    apart = list(np.diff(drawn))
    assert drawn[0] == 3 and min(apart) == 22 and apart[-5:] == [31] * 5 and drawn[-1] == run.seconds - 31


def test_there_are_pictures_while_it_trains(unfinished):
    names = {path.name for path in unfinished.samples_dir.iterdir()}
    assert names == {"early_00672.png", "epoch_001.png", "losses.png"}
