"""How long from pressing Enter to a picture? generate_digits.py beside what TensorFlow and the models take alone.

    python benchmarks/drawing.py           # five minutes on two CPU cores

The bound is a script that imports TensorFlow and loads the same two models, nothing else. Both are run in turn, again
and again, so that other work on the machine slows both alike. Writes benchmarks/drawing.json and prints what it says.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import machine, run_script
from support import commands, files
from support.commands import ROOT, Range

RESULTS = ROOT / "benchmarks" / "drawing.json"
MODELS = ROOT / "models" / "pretrained"
BOUND = """
import sys, tensorflow, keras
for path in sys.argv[1:]:
    keras.models.load_model(path, compile=False)
"""
MANY = 60_000
FORMATS = {"npz": "in a .npz", "idx": "as IDX files", "folders": "in folders"}


@dataclass
class Config:
    pairs: Annotated[int, Range(2, 1000)] = 7  # how many runs of each kind


def sentence(results):
    """The results in words: medians."""
    sheet, bound = (np.median(results[key]) for key in ("sheet", "bound"))
    many = [f"{MANY / (np.median(results[key]) - bound):,.0f} {name}" for key, name in FORMATS.items()]
    return (
        f"A sheet takes {sheet:.1f} s from enter to PNG, {sheet / bound:.2f} times what importing TensorFlow and "
        f"loading the models take alone; after that, {MANY:,} digits come at {', '.join(many)} a second"
    )


def seconds(function, *arguments, **options):
    started = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - started


def benchmark(config):
    """Run everything, write RESULTS and print the sentence."""
    results = {key: [] for key in ("sheet", "bound", *FORMATS)}
    models = [MODELS / f"{name}.keras" for name in ("generator", "discriminator")]
    with tqdm(total=len(results) * config.pairs, unit=" runs") as bar:
        for _ in range(config.pairs):
            with tempfile.TemporaryDirectory() as directory:
                sheet = ["generate_digits.py", "--models-dir", MODELS, "--output-dir", directory]
                results["sheet"].append(seconds(run_script, *sheet))
                bar.update()
                bound = [sys.executable, "-c", BOUND, *models]
                results["bound"].append(seconds(subprocess.run, bound, check=True, capture_output=True))
                bar.update()
                for key in FORMATS:
                    many = [*sheet, "--count", MANY, f"--{key}", Path(directory) / key]
                    results[key].append(seconds(run_script, *many))
                    bar.update()
    results["machine"] = machine()
    files.write_json(RESULTS, results)
    print(sentence(results))


if __name__ == "__main__":
    commands.run(benchmark, Config)
