"""The sheets of a run, and the frames of its film."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import digits_of

from support import model_files
from training import sheets
from training.record import Frame, Record


def test_the_film_of_a_run_that_is_trained_further_has_sheets_at_even_distances(tmp_path):
    def frame(epoch):
        return Frame(np.zeros((30, 300, 1), "uint8"), {"epoch": epoch, "images": epoch, "seconds": epoch})

    drawn = {f"epoch_{number:03d}": frame(number) for number in range(1, 9)}
    record = Record(frames={"early_00032": frame(1), **drawn})
    sheets.SampleSheets(tmp_path, SimpleNamespace(record=record), epochs=250)
    assert list(record.frames) == ["early_00032", "epoch_001", "epoch_005"]
    assert len(list(tmp_path.glob("epoch_*.png"))) == 8
    kept = {}
    for epochs in (100, 101, 200, 300, 401, 1000):
        film = sheets.SampleSheets(tmp_path, SimpleNamespace(record=Record()), epochs)
        kept[epochs] = {epoch for epoch in range(1, epochs) if film.is_in_film(epoch)}
        assert 50 <= len(kept[epochs]) <= 100
    assert {epoch for epoch in kept[300] if epoch < 200} <= kept[200]


def test_a_sheet_has_a_column_a_digit_and_a_row_a_hand(tmp_path, reader):
    generator, _, latent_dim, num_classes = model_files.load_models(model_files.PRETRAINED_DIR)
    model = {"averaged_generator": generator, "latent_dim": latent_dim, "num_classes": num_classes}
    run = SimpleNamespace(record=Record(), batch_size=32, seconds=0.0)
    made = sheets.SampleSheets(tmp_path, run, epochs=6)
    made.set_model(SimpleNamespace(**model, seed=0, step=1))
    assert (made.noise.reshape(10, 10, -1) == made.noise.reshape(10, 10, -1)[:, :1]).all()
    assert len(np.unique(made.noise, axis=0)) == 10
    assert (reader(digits_of(made.draw("epoch_001", 1).sheet)) == np.tile(np.arange(10), 10)).mean() > 0.9


def test_without_labels_each_digit_has_a_hand_and_each_seed_others(tmp_path):
    made, noises = sheets.SampleSheets(tmp_path, SimpleNamespace(record=Record()), epochs=6), []
    for seed in (0, 1):
        made.set_model(SimpleNamespace(latent_dim=8, num_classes=1, seed=seed))
        assert len(np.unique(made.noise, axis=0)) == 100
        noises.append(made.noise)
    assert not np.array_equal(*noises)


@pytest.mark.parametrize("call", [1, 32, 800, 1024, 8192])
def test_early_sheets_are_those_nearest_to_the_marks(call):
    chosen = [images for images in range(call, 60_000, call) if sheets.is_early(images, call)]
    marks = [mark for mark in sheets.EARLY if mark >= call / 2]
    assert {min(chosen, key=lambda images: abs(mark - images)) for mark in marks} == set(chosen)
    assert all(min(abs(mark - images) for images in chosen) <= call / 2 for mark in marks)
