"""generate_digits.py: the digits asked for, as pictures and arrays; and refusals."""

import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from discriminator import build_discriminator
from generate_digits import Config, generate
from generator import build_generator
from support import networks
from support.networks import PRETRAINED_DIR


def draw(tmp_path, **options):
    return generate(Config(**{"models_dir": PRETRAINED_DIR, "output_dir": tmp_path} | options))


def test_the_label_asked_for_is_the_label_drawn(reader, tmp_path):
    images, labels = draw(tmp_path, count=1000)
    right = reader(images) == labels
    assert right.mean() > 0.95
    assert all(right[labels == digit].mean() > 0.85 for digit in range(10))


def test_no_collapse_within_a_digit(mnist, tmp_path):
    """The spread of the images of a digit around their mean is like that in MNIST."""
    images, labels = draw(tmp_path, count=2000)

    def spread(images):
        return images.reshape(len(images), -1).var(axis=0).sum()

    for digit in range(10):
        ratio = spread(images[labels == digit]) / spread(mnist.x_train[mnist.y_train == digit])
        assert 0.8 < ratio < 1.2, (digit, ratio)


def test_sheet_has_a_row_a_digit(tmp_path):
    images, labels = draw(tmp_path)
    assert np.bincount(labels).tolist() == [10] * 10
    sheet = (
        np.array(Image.open(tmp_path / "digits.png"))[::2, ::2].reshape(10, 30, 10, 30).swapaxes(1, 2)[:, :, 1:-1, 1:-1]
    )
    for digit in range(10):
        np.testing.assert_array_equal(sheet[digit], images[labels == digit].squeeze(-1))


def test_the_same_seed_gives_the_same_png(tmp_path):
    pictures = []
    for seed in (5, 5, 6):
        draw(tmp_path, seed=seed)
        pictures.append((tmp_path / "digits.png").read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_a_number_is_written_in_one_hand(tmp_path):
    images, labels = draw(tmp_path, digits="20206")
    assert labels.tolist() == [2, 0, 2, 0, 6]
    np.testing.assert_array_equal(images[0], images[2])  # one hand, one z: both twos are the same two
    assert Image.open(tmp_path / "digits.png").size == (2 * 5 * 30, 2 * 30)


def test_only_some_digits_and_each_on_its_own(tmp_path):
    images, labels = draw(tmp_path, only="737", count=5, separate=True)
    assert labels.tolist() == [3, 7, 3, 7, 3]
    files = sorted(path.name for path in tmp_path.glob("digit_*.png"))
    assert files == [f"digit_{label}_{index:05d}.png" for label, index in sorted(zip(labels, range(5), strict=True))]
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "digit_7_00001.png")), images[1].squeeze(-1))


def test_best_of_several_looks_more_real_to_the_discriminator(tmp_path):
    _, discriminator, *_ = networks.load_models(PRETRAINED_DIR)

    def rating(images, labels):
        logits = discriminator.predict(images.astype("float32") / 127.5 - 1, verbose=0)
        return np.take_along_axis(logits, labels[:, None], axis=1)

    for digits in (None, "31415"):
        gains = []
        for seed in range(3):
            first, labels = draw(tmp_path, count=100, digits=digits, seed=seed)
            best, same = draw(tmp_path, count=100, digits=digits, seed=seed, best_of=5)
            np.testing.assert_array_equal(labels, same)
            gains.append(rating(best, labels).mean() - rating(first, labels).mean())
        assert max(gains) > 0 and min(gains) > -1e-4, gains  # a first try can be the best already


def test_film_goes_round(tmp_path):
    draw(tmp_path, digits="17", interpolate=40)
    film = Image.open(tmp_path / "interpolation.gif")
    assert film.n_frames == 40 and film.size == (2 * 2 * 30, 2 * 30)
    frames = []
    for index in (0, 1, 20, 39):
        film.seek(index)
        frames.append(np.array(film.convert("L"), int))
    first, second, opposite, last = frames
    assert np.abs(first - second).mean() < 0.5 * np.abs(first - opposite).mean()
    assert np.abs(first - last).mean() < 0.5 * np.abs(first - opposite).mean()


def test_npz_holds_what_was_drawn(tmp_path):
    images, labels = draw(tmp_path, count=1500, npz=tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as file:
        assert file["images"].shape == (1500, 28, 28) and file["images"].dtype == "uint8"
        assert file["labels"].shape == (1500,) and file["labels"].dtype == "int64"
        np.testing.assert_array_equal(file["images"], images.squeeze(-1))
        np.testing.assert_array_equal(file["labels"], labels)


def test_more_digits_begin_with_the_same_digits(tmp_path):
    few, _ = draw(tmp_path, count=20)
    many, _ = draw(tmp_path, count=700)
    assert np.abs(many[:20].astype(int) - few).max() <= 1  # another batch size may round another way


def test_takes_the_trained_models_or_else_the_pretrained(checkout, run_script, short_run):
    before = run_script("generate_digits.py", cwd=checkout)
    assert before.returncode == 0, before.stderr
    assert "pretrained" in before.stdout
    shutil.copytree(short_run / "models", checkout / "models", dirs_exist_ok=True)
    after = run_script("generate_digits.py", "--output-dir", "über uns", cwd=checkout)
    assert after.returncode == 0 and "pretrained" not in after.stdout, after.stderr
    assert (checkout / "über uns" / "digits.png").read_bytes() != (
        checkout / "generated_digits/digits.png"
    ).read_bytes()


@pytest.mark.parametrize(
    "flags",
    [
        ("--digits", "20x6"),
        ("--digits", ""),
        ("--digits", "٣"),
        ("--only", "a"),
        ("--digits", "1", "--only", "1"),
        ("--count", 0),
        ("--seed", -1),
        ("--models-dir", "nowhere"),
    ],
)
def test_refuses_bad_flags(refuses, tmp_path, flags):
    output_dir = tmp_path / "out"
    refuses(generate, *flags, "--output-dir", output_dir)
    assert not (output_dir / "digits.png").exists()


def copy_models(to):
    to.mkdir()
    for name in ("generator", "discriminator"):
        shutil.copy(PRETRAINED_DIR / f"{name}.keras", to)
    return to


@pytest.mark.parametrize("damage", [lambda data: b"no model", lambda data: data[:9999], lambda data: b""])
def test_refuses_a_model_file_that_is_no_model(refuses, tmp_path, damage):
    path = copy_models(tmp_path / "models") / "generator.keras"
    path.write_bytes(damage(path.read_bytes()))
    assert "generator.keras" in refuses(generate, "--models-dir", tmp_path / "models", "--output-dir", tmp_path)


def test_refuses_models_that_do_not_belong_together(refuses, tmp_path):
    models = copy_models(tmp_path / "models")
    build_generator(4, 10, channels=3, width=4).save(models / "generator.keras")
    assert "belong together" in refuses(generate, "--models-dir", models, "--output-dir", tmp_path)
    (models / "run.json").write_text('{"config": {"latent_dim": 64}}')
    shutil.copy(PRETRAINED_DIR / "generator.keras", models)
    build_discriminator(1).save(models / "discriminator.keras")  # 73 + 1 inputs would fit
    assert "belong together" in refuses(generate, "--models-dir", models, "--output-dir", tmp_path)
    for text in ("[]", "{}", '{"config": 1}'):  # JSON, but of no run
        (copy_models(tmp_path / "others") / "run.json").write_text(text)
        assert "belong together" in refuses(generate, "--models-dir", tmp_path / "others", "--output-dir", tmp_path)
        shutil.rmtree(tmp_path / "others")
    keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)]).save(models / "generator.keras")
    assert "belong together" in refuses(generate, "--models-dir", models, "--output-dir", tmp_path)


def test_refuses_digits_that_the_models_do_not_know(refuses, tmp_path):
    (tmp_path / "models").mkdir()
    build_generator(4, 1, width=4).save(tmp_path / "models" / "generator.keras")
    build_discriminator(1, width=4).save(tmp_path / "models" / "discriminator.keras")
    flags = ["--models-dir", tmp_path / "models", "--output-dir", tmp_path]
    for number in ("7", "0"):
        assert "no labels" in refuses(generate, "--digits", number, *flags)
    generate(Config(count=3, models_dir=tmp_path / "models", output_dir=tmp_path))


def test_refuses_to_write_where_it_cannot(refuses, tmp_path):
    (tmp_path / "file").write_text("mine")
    refuses(generate, "--output-dir", tmp_path / "file")
    refuses(generate, "--npz", tmp_path / "file" / "out.npz", "--output-dir", tmp_path)
    refuses(generate, "--npz", tmp_path, "--count", 3, "--output-dir", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"
