"""What a finished run leaves: both models, history.csv and run.json; losses.png and its film."""

import csv
import platform

import utils
from support import files
from support.model_files import RESULTS

PLOT, FILM = "losses.png", "training.gif"


def write(run, quality=None):
    """Write the results of a `run.Run` after its last step; `quality` is a callback of `evaluation.quality`.

    Raises UserError if they cannot be written; then those of the run before stay.
    """
    import keras
    import tensorflow as tf

    run.plot(quality)
    # A quarter of the greys: nobody notices, and the film takes two thirds of the space.
    film = [frame.picture().point(lambda level: level // 4 * 255 // 63) for frame in run.record.frames.values()]
    utils.save_gif(run.samples_dir / FILM, film, [0.5] * (len(film) - 1) + [3])
    results = {
        "config": run.about["config"],
        "data": run.about["data"],
        **({"classes": run.about["classes"]} if run.about.get("classes") else {}),
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__},
        "replicas": replicas[0] if len(replicas := run.count_replicas()) == 1 else replicas,
        "seconds": round(run.seconds, 1),
        "training_seconds": round(run.record.seconds["training"], 1),
        "checkpoint_seconds": round(run.record.seconds["checkpoints"], 3),
        "images_per_second": round(run.record.images / run.record.seconds["training"]),
    }
    with files.whole_files(*(run.models_dir / name for name in RESULTS)) as paths:
        generator, discriminator, history, run_json = paths
        run.gan.averaged_generator.save(generator)
        run.gan.discriminator.save(discriminator)
        with open(history, "w", newline="") as file:
            # The same data, under another name, may have been measured differently in an earlier sitting.
            rows = csv.DictWriter(file, {name: None for epoch in run.record.epochs for name in epoch})
            rows.writeheader()
            rows.writerows(run.record.epochs)
        run_json.write_text(files.to_json(results))
    if quality:
        quality.set_model(run.gan)  # as `fit` did, unless nothing was left to train
        files.write_json(run.models_dir / "run.json", results | {"quality": quality.final()})
