"""Runs whose numbers go wrong; pictures while one is under way."""

import functools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import flags_of

import train
from gan import LOSSES
from support import model_files
from support.commands import UserError
from training import callbacks, checkpoint
from training.record import Frame, Record


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
    """Wasserstein's loss has no bound: its discriminator may pay less than nothing for ever."""

    def go(discriminator_loss, last):
        with callbacks.Progress(Record(), epochs=6, images=1, batch_size=32) as progress:
            progress.set_model(SimpleNamespace(loss_functions=LOSSES[loss], steps_per_execution=25))
            blind = progress.blind_loss
            known = {"minimax": 2 * np.log(2), "hinge": 2, "least-squares": 0.5, "wasserstein": 0}
            known |= {"non-saturating": known["minimax"], "relativistic": np.log(2)}
            assert blind == pytest.approx(known[loss], abs=1e-5)
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


def test_the_film_of_a_run_that_is_trained_further_has_sheets_at_even_distances(tmp_path):
    def frame(epoch):
        return Frame(np.zeros((30, 300, 1), "uint8"), {"epoch": epoch, "images": epoch, "seconds": epoch})

    sheets = {f"epoch_{number:03d}": frame(number) for number in range(1, 9)}
    record = Record(frames={"early_00032": frame(1), **sheets})
    callbacks.SampleSheets(tmp_path, SimpleNamespace(record=record), epochs=250)
    assert list(record.frames) == ["early_00032", "epoch_001", "epoch_005"]
    assert len(list(tmp_path.glob("epoch_*.png"))) == 8
    kept = {}
    for epochs in (100, 101, 200, 300, 401, 1000):
        film = callbacks.SampleSheets(tmp_path, SimpleNamespace(record=Record()), epochs)
        kept[epochs] = {epoch for epoch in range(1, epochs) if film.is_in_film(epoch)}
        assert 50 <= len(kept[epochs]) <= 100
    assert {epoch for epoch in kept[300] if epoch < 200} <= kept[200]


def test_a_row_of_history_has_the_means_of_its_own_epoch(capsys, monkeypatch):
    """And its distance is told where TQDM_DISABLE has no bar shown, too."""
    monkeypatch.setattr(callbacks, "tqdm", functools.partial(callbacks.tqdm, disable=True))
    curve = [{"images": images, "loss": float(images)} for images in (32, 64, 96, 128)]
    record = Record(curve=curve, epochs=[{"images": 64}])
    with callbacks.Progress(record, epochs=2, images=128, batch_size=32) as progress:
        progress.set_model(SimpleNamespace(metrics=[SimpleNamespace(name="loss")]))
        progress.on_epoch_end(1, {"loss": 0.0, "frechet_distance": 3.0})
    assert capsys.readouterr().err == "epoch 2: Fréchet distance 3.000\n"
    assert record.epochs[-1] == {"epoch": 2, "images": 128, "loss": 112, "frechet_distance": 3}


def test_a_sheet_has_a_column_a_digit_and_a_row_a_hand(tmp_path, reader):
    generator, _, latent_dim, num_classes = model_files.load_models(model_files.PRETRAINED_DIR)
    model = {"averaged_generator": generator, "latent_dim": latent_dim, "num_classes": num_classes}
    run = SimpleNamespace(record=Record(), batch_size=32, seconds=0.0)
    sheets = callbacks.SampleSheets(tmp_path, run, epochs=6)
    sheets.set_model(SimpleNamespace(**model, seed=0, step=1))
    assert (sheets.noise.reshape(10, 10, -1) == sheets.noise.reshape(10, 10, -1)[:, :1]).all()
    assert len(np.unique(sheets.noise, axis=0)) == 10
    cells = sheets.draw("epoch_001", 1).sheet.reshape(10, 30, 10, 30).swapaxes(1, 2)[:, :, 1:-1, 1:-1]
    assert (reader(cells.reshape(100, 28, 28, 1)) == np.tile(np.arange(10), 10)).mean() > 0.9


def test_there_are_pictures_while_it_trains(unfinished):
    names = {path.name for path in unfinished.samples_dir.iterdir()}
    assert names == {"early_00672.png", "epoch_001.png", "losses.png"}


@pytest.mark.parametrize("call", [1, 32, 800, 1024, 8192])
def test_early_sheets_are_those_nearest_to_the_marks(call):
    chosen = [images for images in range(call, 60_000, call) if callbacks.is_early(images, call)]
    marks = [mark for mark in callbacks.EARLY if mark >= call / 2]
    assert {min(chosen, key=lambda images: abs(mark - images)) for mark in marks} == set(chosen)
    assert all(min(abs(mark - images) for images in chosen) <= call / 2 for mark in marks)
