"""How good are the digits? Every number stands beside the same number for real digits.

    python evaluate.py                              # the models in models/, else models/pretrained/: 1 to 4 minutes
    python evaluate.py --npz digits.npz             # anyone's digits: images uint8 (N, 28, 28), labels (N,)
    python evaluate.py --report report              # and a page to look at: report/index.html
    python evaluate.py --tstr --two-sample          # and classifiers trained from scratch: 15 to 60 minutes more
    python evaluate.py --dataset stacked_mnist      # how many of its 1,000 modes models trained on it reach

Labelled digits are drawn, or taken from the file, in the training set's class shares. Random training digits in the
same shares, measured against the rest, show about what a perfect generator of the training set would reach; test
digits come from other writers.
The methods and their sources are in evaluation/metrics.py; the judge that reads the digits is in evaluation/judge.py.
"""

import platform
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np

from evaluation import modes
from evaluation.digits import check_count, digits_a_column, digits_to_score
from evaluation.judge import JUDGE, judge_for, load_judge
from evaluation.measure import measure
from support import commands, files, model_files
from support.commands import Range, UserError
from support.datasets import STACKED, check_outside, load_dataset, place


@dataclass
class Config:
    models_dir: Path | None = None  # directory of the trained models; by default models/, or else models/pretrained/
    npz: Path | None = None  # score these digits instead: a .npz file, or a directory such as --dataset takes
    dataset: str = "mnist"  # the real digits: mnist, fashion_mnist, or another that train.py --dataset takes
    judge: Path | None = None  # the classifier that measures; by default MNIST's or, for other data, one of its own
    # how many to draw, or to take from --npz; by default 10,000, for stacked_mnist 26,000
    count: Annotated[int | None, Range(1, 60_000)] = None
    seed: Annotated[int, Range(0, 2**31 - 1)] = 12345  # for the digits drawn and everything else random here
    # train one classifier on as many of these as there are training digits (or on all of a smaller file that fit the
    # class shares), another on as many real ones; test both on real digits
    tstr: bool = False
    two_sample: bool = False  # train classifiers to tell generated from real digits; with --report, three more
    json: Path | None = None  # also write the numbers to this file
    report: Path | None = None  # also write a page with numbers and pictures, index.html in this directory


ROWS = {  # key: what the table says, and how
    "frechet_distance": ("Fréchet distance to the training digits", ".3f"),
    "frechet_interval": ("    95 % interval over resamples, ±", ".3f"),
    "kernel_distance": ("kernel distance to training digits, x 1000", ".3f"),
    "kernel_interval": ("    95 % interval, ±", ".3f"),
    "classifier_score": ("classifier score, at most the number of classes", ".3f"),
    "confidence": ("confidence of the judge", ".4f"),
    "label_accuracy": ("the digit asked for is the digit read", ".4f"),
    "class_balance": ("class balance: KL to the training set's, nats", ".5f"),
    "precision": ("precision", ".4f"),
    "recall": ("recall", ".4f"),
    "density": ("density", ".4f"),
    "coverage": ("coverage", ".4f"),
    "nearest_distance": ("pixel distance to the nearest training digit, median", ".3f"),
    "share_nearer": ("    share nearer than a new real digit is; copies have 1", ".4f"),
    "modes": ("modes reached, of 1,000", "d"),
    "mode_divergence": ("KL of the modes to the training set's, nats", ".4f"),
    "tstr": ("test accuracy of a classifier trained on these only", ".4f"),
    "two_sample": ("a classifier tells these from training digits; 0.5 = guessing", ".4f"),
}


def check(config, page):
    """Raise UserError if flags contradict each other, or what is written would replace what is read."""
    if config.dataset == STACKED and (config.tstr or config.two_sample or config.report):
        raise UserError(f"{STACKED} is measured by its modes alone: leave --tstr, --two-sample and --report out")
    if config.npz and config.models_dir:
        raise UserError("--npz and --models-dir exclude each other: give one of them")
    for flag, path in (("--json", config.json), ("--report", page)):
        files.check_unread(flag, path, npz=config.npz, dataset=place(config.dataset), judge=config.judge)
    if config.json and config.json.suffix == ".keras":  # as the judge has that is trained without --judge
        raise UserError(f"--json {config.json} is a name of models: give another, say one that ends in .json")
    if page and config.json and files.are_one(page, config.json):
        raise UserError(f"--json and --report would both write {page}: give each a place of its own")
    for data in filter(None, (config.dataset, config.npz)):
        check_outside(str(data), json=config.json, report=config.report)


def table_of(numbers, columns):
    """Those rows of ROWS for which there are numbers, as tuples of str, below a heading.

    Args:
        numbers: as `measure.Measured` has them.
        columns: dict, which of them to show, and what to call each.
    """
    table = [("", *columns.values())]
    for key, (name, form) in ROWS.items():
        if any(key in numbers[column] for column in columns):
            cells = (numbers[column].get(key) for column in columns)
            table.append((name, *("-" if cell is None else format(cell, form) for cell in cells)))
    return table


def evaluate(config):
    """Score digits as `config` says; print the table, write what was asked for, and return the numbers as a dict.

    Raises:
        UserError: digits, models, data or judge cannot be used, or a file cannot be written.
    """
    stacked = config.dataset == STACKED
    config = replace(config, count=config.count or (modes.COUNT if stacked else 10_000))
    page = config.report and config.report / "index.html"
    check(config, page)
    if page:  # if matplotlib is missing, this says so now; its search through all fonts is spared where not needed
        from evaluation.report import write_report
    dataset, asked, reason = load_dataset(config.dataset), config.count, "as --count says"
    if not stacked:
        count, reason = digits_a_column(config, dataset)
        config = replace(config, count=count)
    for path in (page, config.json):  # which may be the report's directory
        if path:
            files.check_writable(path)
    data = "mnist" if stacked else config.dataset
    judge = load_judge(config.judge or JUDGE, data) if config.judge or stacked else None  # before anything slow
    if stacked and (judge.input_shape[1:], judge.outputs[1].shape[-1]) != ((28, 28, 1), 10):
        raise UserError(f"{config.judge} is no judge of the digits that {STACKED} stacks: leave --judge out")
    whole = dataset
    images, labels, source, dataset = digits_to_score(config, whole)  # its classes numbered as in the models
    run = model_files.read_run(source)  # now: a run may end in the minutes that follow
    if (checksum := model_files.data_checksum(run)) and checksum != whole.checksum:
        print(f"run.json in {source} names other data than {config.dataset} holds: is that what was meant?")
    beside = config.models_dir or model_files.MODELS_DIR
    shape = dataset.x_train.shape[1:]
    if images.shape[1:] != shape:  # now, not after minutes of training a judge
        raise UserError(f"{source} has images {images.shape[1:]}: give {shape}, as {config.dataset} has")
    if labels is None and config.tstr:
        lacking = source if whole.y_train.any() else config.dataset
        raise UserError(f"{lacking} has no labels to learn from: leave --tstr out")
    if labels is not None and not dataset.y_train.any():
        raise UserError(f"{config.dataset} has no labels, by which {source} draws: give models trained without")
    if (count := len(images)) < config.count:
        reason = f"all that {source} has" + ("" if labels is None else f" in the class shares of {config.dataset}")
        config = replace(config, count=count)
        if not stacked:
            check_count(count, reason)
    if (count := config.count) < asked:
        print(f"each column is of {count} digits, {reason}")
    if stacked:
        measured, numbers = None, modes.measure_modes(judge, images[:count], config.seed)
    else:
        judge = judge or judge_for(dataset, beside)
        if not len(dataset.x_test):
            print(f"{config.dataset} has no test images: the judge may have learned from the real ones beside these")
        measured = measure(config, dataset, judge, images, labels, source)
        numbers = measured.numbers

    columns = {"digits": "these", "training": "training"} | ({"floor": "test"} if len(dataset.x_test) else {})
    table = table_of(numbers, columns)
    others = " and ".join(f"{name} digits" for name in list(columns.values())[1:])
    heading = f"{count} digits of {source} beside as many {others} of {config.dataset}"
    print(f"{heading}:")
    for name, *cells in table:
        print(f"{name:<62}" + "".join(f"{cell:>10}" for cell in cells))

    if shares := numbers["digits"].get("label_accuracy_by_class"):
        named = zip(dataset.class_names or range(len(shares)), shares, strict=False)
        listed = ", ".join(f"{name} {share:.1%}" for name, share in named if share is not None)
        print(f"read as asked for, by class: {listed}")

    if config.json or config.report:
        import keras
        import tensorflow as tf

        versions = {module.__name__: module.__version__ for module in (np, tf, keras)}
        settings = {
            "evaluation": asdict(config) | {"source": str(source)},
            "sha256": {"data": whole.checksum, "judge": files.fingerprint(judge.get_weights())},
            "versions": {"python": platform.python_version(), **versions},
            "run": run,
        }
    if config.json:
        files.write_json(config.json, settings | numbers)
    if config.report:
        write_report(page, heading, table, measured, settings, dataset.class_names)
        print(f"the report: {page}")
    return numbers


if __name__ == "__main__":
    commands.run(evaluate, Config)
