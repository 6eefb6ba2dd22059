"""How long from enter to a picture? generate_digits.py beside what TensorFlow and the models take alone.

    python benchmarks/drawing.py           # a minute on two CPU cores

The bound is a script that imports TensorFlow and loads the same two models, nothing else. Both are started again and
again in turn, so that what else the machine does slows both alike. Writes benchmarks/drawing.json and prints the
sentence of the README.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.seeds import command, machine  # noqa: E402
from support import commands, files  # noqa: E402
from support.commands import Range  # noqa: E402

RESULTS = ROOT / "benchmarks" / "drawing.json"
MODELS = ROOT / "models" / "pretrained"
BOUND = """
import sys, tensorflow, keras
for path in sys.argv[1:]:
    keras.models.load_model(path, compile=False)
"""
MANY = 60_000


@dataclass
class Config:
    pairs: Annotated[int, Range(2, 1000)] = 7  # how many runs of each kind


def sentence(results):
    """What the README says of the results: medians."""
    sheet, bound, many = (np.median(results[key]) for key in ("sheet", "bound", "many"))
    return (
        f"A sheet takes {sheet:.1f} s from enter to PNG, {sheet / bound:.2f} times what importing TensorFlow and "
        f"loading the models take alone; {MANY:,} digits in a .npz {many:.1f} s, {MANY / many:,.0f} a second in all"
    )


def seconds(function, *arguments, **options):
    started = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - started


def benchmark(config):
    """Run everything, write RESULTS and print the sentence."""
    results = {"sheet": [], "bound": [], "many": []}
    models = [MODELS / f"{name}.keras" for name in ("generator", "discriminator")]
    with tqdm(total=3 * config.pairs, unit=" runs") as bar, tempfile.TemporaryDirectory() as directory:
        sheet = ["generate_digits.py", "--models-dir", MODELS, "--output-dir", directory]
        many = [*sheet, "--count", MANY, "--npz", Path(directory) / "digits.npz"]
        for _ in range(config.pairs):
            results["sheet"].append(seconds(command, *sheet))
            bar.update()
            bound = [sys.executable, "-c", BOUND, *models]
            results["bound"].append(seconds(subprocess.run, bound, check=True, capture_output=True))
            bar.update()
            results["many"].append(seconds(command, *many))
            bar.update()
    results["machine"] = machine()
    files.write_json(RESULTS, results)
    print(sentence(json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    commands.run(benchmark, Config)
