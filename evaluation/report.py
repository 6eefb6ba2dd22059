"""The page that evaluate.py --report writes: one HTML file that holds its utils."""

import base64
import html
import io
import json

import numpy as np
from matplotlib.figure import Figure

import utils
from support.files import whole_file

STYLE = """body { font: 16px/1.5 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em }
td, th { padding: .1em 1em; text-align: right; white-space: pre } td:first-child { text-align: left }
img { max-width: 100%; image-rendering: pixelated } figure { margin: 1em 0 }"""


def embed(picture, caption):
    """An HTML figure that holds a picture: a Pillow image or a matplotlib Figure."""
    buffer = io.BytesIO()
    picture.savefig(buffer, dpi=100) if isinstance(picture, Figure) else picture.save(buffer, format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    image = f'<img src="data:image/png;base64,{data}" alt="">'
    return f"<figure>{image}<figcaption>{html.escape(caption)}</figcaption></figure>"


def confusion_matrix(labels, readings, num_classes):
    """Plot how often each class asked for (rows) was read as each class (columns)."""
    counts = np.zeros((num_classes, num_classes), int)
    np.add.at(counts, (labels, readings), 1)
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(np.log1p(counts), cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if row == column else "black"
        axes.text(column, row, str(count) if count else "", ha="center", va="center", color=colour, fontsize=8)
    ticks = np.arange(num_classes)
    axes.set(xlabel="read as", ylabel="asked for", xticks=ticks, yticks=ticks)
    return figure


def write_report(path, table, digits, real, settings):
    """Write the page.

    Args:
        table: rows of cells, strings; the first is the heading.
        digits: an `evaluate.Reading`.
        real: the `evaluate.Real` digits it was measured against.
        settings: dict, what was evaluated and how.
    """
    conviction = digits.probabilities[np.arange(len(digits.labels)), digits.labels]
    order = np.argsort(conviction, kind="stable")
    by_class = [order[digits.labels[order] == label] for label in np.unique(digits.labels)]
    least, most = (np.concatenate([rows[part] for rows in by_class]) for part in (slice(10), slice(-10, None)))
    close = np.argsort(digits.nearest_distance, kind="stable")[:12]
    pairs = np.concatenate([digits.images[close], real.images[digits.nearest_index[close]]])

    def sheet(chosen):
        return utils.to_picture(utils.sheet_by_label(digits.images[chosen], digits.labels[chosen]))

    cells = [[html.escape(cell) for cell in row] for row in table]
    rows = ["<tr><th>" + "<th>".join(cells[0])] + ["<tr><td>" + "<td>".join(row) for row in cells[1:]]
    readings = digits.probabilities.argmax(axis=1)
    page = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Digits</title><style>{STYLE}</style>',
        "<h1>How good are the digits?</h1>",
        "<table>" + "\n".join(rows) + "</table>",
        embed(sheet(np.arange(min(200, len(digits.labels)))), "The first digits"),
        embed(confusion_matrix(digits.labels, readings, digits.probabilities.shape[1]), "What the judge reads"),
        embed(sheet(most), "The most convincing of each class"),
        embed(sheet(least), "The least convincing of each class"),
        embed(utils.to_picture(utils.sheet(pairs, 12)), "The twelve closest to a training digit, which stands below"),
        f"<h2>Configuration</h2><pre>{html.escape(json.dumps(settings, indent=2, default=str))}</pre></html>",
    ]
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(page), encoding="utf-8")
