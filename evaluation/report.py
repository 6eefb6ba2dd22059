"""The page that evaluate.py --report writes: one HTML file that holds its pictures."""

import base64
import html
import io
import json

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

import utils
from evaluation.two_sample import occlusion
from support.files import whole_file

STYLE = """body { font: 16px/1.5 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em }
td, th { padding: .1em 1em; text-align: right; white-space: pre } [scope=row] { text-align: left; font-weight: normal }
img { max-width: 100% } .sheet { image-rendering: pixelated } figure { margin: 1em 0 }"""


def embed(picture, caption):
    """An HTML figure that holds a picture: a Pillow image or a matplotlib Figure."""
    buffer = io.BytesIO()
    plot, caption = isinstance(picture, Figure), html.escape(caption)
    picture.savefig(buffer, dpi=100) if plot else picture.save(buffer, format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    image = f'<img class="{"plot" if plot else "sheet"}" src="data:image/png;base64,{data}" alt="{caption}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def confusion_matrix(labels, readings, num_classes, names=()):
    """A Matplotlib figure: how often each class asked for (labels, int (N,)), in rows, was read as each, in columns."""
    counts = np.zeros((num_classes, num_classes), int)
    np.add.at(counts, (labels, readings), 1)
    side = min(max(6, num_classes / 3), 40)  # inches: with a hundred classes and more, the numbers overlap
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    shades = np.log1p(counts) / np.log1p(counts.max())
    axes.imshow(shades, cmap="Blues")
    for row, column in np.argwhere(counts):
        colour = "white" if shades[row, column] > 0.7 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=8)
    ticks = np.arange(num_classes)
    axes.set(xlabel="read as", ylabel="asked for", xticks=ticks, yticks=ticks)
    known = get_font(findfont(FontProperties())).get_charmap()
    if len(names) == num_classes and all(ord(letter) in known for letter in "".join(names)):  # not KMNIST's
        axes.set_xticklabels(names, rotation=90, parse_math=False)
        axes.set_yticklabels(names, parse_math=False)
    return figure


def suspicions(measured):
    """The part of the page that says what gives the digits away, a list of HTML."""
    verdict = measured.verdict
    order = np.argsort(-verdict.suspicion, kind="stable")
    generated, real = order[verdict.generated[order]], order[~verdict.generated[order]]

    def sheet(chosen):
        return utils.to_picture(utils.sheet(verdict.images[chosen], 20))

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, of_generated in zip(figure.subplots(1, 2), (True, False), strict=True):
        falls = occlusion(verdict, of_generated)
        drawn = axes.imshow(falls, cmap="viridis")
        axes.set(title="generated digits" if of_generated else "real digits", xticks=(), yticks=())
        figure.colorbar(drawn, ax=axes, label="fall in certainty, log odds")
    versions = {"as they are": verdict.accuracy} | measured.numbers["digits"].get("two_sample_by_version", {})
    rows = "".join(f'<tr><th scope="row">{html.escape(name)}<td>{right:.1%}' for name, right in versions.items())
    return [
        "<h2>What gives them away?</h2><p>A classifier was trained to tell these digits from real ones, on half of "
        "both, and asked about the other half. How often it is right, 50 % being guesses; then others, each trained "
        "anew, with something hidden in both. Trained again, one may be off by three points and more, and there may be "
        f"differences that none of them sees.</p><table>{rows}</table>",
        embed(sheet(generated[:60]), "Generated, the most suspicious"),
        embed(sheet(generated[-60:]), "Generated, the least suspicious"),
        embed(sheet(real[:60]), "Real, the most suspicious"),
        embed(sheet(real[-60:]), "Real, the least suspicious"),
        embed(figure, "Where it looks: how much less certain of the right answer it is when a patch is painted black"),
    ]


@utils.plain_plots()
def write_report(path, heading, table, measured, settings, names=()):
    """Write the page.

    Args:
        heading: what the table shows.
        table: rows of cells, strings; the first is the heading.
        measured: an `evaluation.measure.Measured`.
        settings: dict, what was evaluated and how.
        names: of the classes, str, if they have any.
    """
    digits, real = measured.digits, measured.real
    conviction = digits.probabilities[np.arange(len(digits.labels)), digits.labels]
    order = np.argsort(conviction, kind="stable")
    has_classes = measured.numbers["digits"]["confidence"] is not None  # else the labels say how images are turned
    labels = digits.labels if has_classes else np.zeros_like(digits.labels)
    by_class = [order[labels[order] == label] for label in np.unique(labels)]
    ends = [(rows, min(10, -(-len(rows) // 2))) for rows in by_class]  # a digit in the middle is in both
    least, most = (np.concatenate(parts) for parts in zip(*((rows[:n], rows[-n:]) for rows, n in ends), strict=True))
    convincing = [(most, "The most convincing of each class"), (least, "The least convincing of each class")]
    close = np.argsort(digits.nearest_distance, kind="stable")[:12]
    pairs = np.concatenate([digits.images[close], real.images[digits.nearest_index[close]]])

    def sheet(chosen):
        return utils.to_picture(utils.sheet_by_label(digits.images[chosen], labels[chosen]))

    cells = [[html.escape(cell) for cell in row] for row in table]
    rows = ["<tr><td>" + "<th>".join(cells[0])]
    rows += [f'<tr><th scope="row">{name}<td>' + "<td>".join(row) for name, *row in cells[1:]]
    confused = []
    if measured.numbers["digits"]["label_accuracy"] is not None:
        readings, num_classes = digits.probabilities.argmax(axis=1), digits.probabilities.shape[1]
        confused = [embed(confusion_matrix(digits.labels, readings, num_classes, names), "What the judge reads")]
    page = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Digits</title><style>{STYLE}</style>',
        f"<h1>How good are the digits?</h1><p>{html.escape(heading)}</p>",
        "<table>" + "\n".join(rows) + "</table>",
        embed(sheet(np.arange(min(200, len(digits.labels)))), "The first digits"),
        *confused,
        *(embed(sheet(chosen), caption) for chosen, caption in (convincing if has_classes else ())),
        embed(utils.to_picture(utils.sheet(pairs, 12)), "The twelve closest to a training digit, which stands below"),
        *(suspicions(measured) if measured.verdict else []),
        f"<h2>Configuration</h2><pre>{html.escape(json.dumps(settings, indent=2, default=str))}</pre></html>",
    ]
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(page), encoding="utf-8")
