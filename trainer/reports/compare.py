"""`evaluate --compare`: the figures of several checkpoints as one page with plots."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from trainer.reports.html_page import COLOURS, INK, Page, canvas, label, panels
from trainer.reports.table import lines, titles

Results = Sequence[Mapping[str, Any]]
Found = Sequence[Mapping[str, Any]]
Rows = Sequence[tuple[str, str]]
WIDTH = 9.0
RECONSTRUCTED = (
    ("step_accuracy", "step accuracy"),
    ("step_accuracy_sampled", "step accuracy, sampled"),
    ("note_f1", "note F1"),
    ("note_f1_sampled", "note F1, sampled"),
    ("note_f1_length", "note F1 with length"),
    ("exact", "phrases without an error"),
)
SHARES = ("empty_bars", "in_scale", "qualified", "polyphony", "drum_pattern", "together")
KINDS = ("held_out", "answers", "samples")


def page(results: Results, *, data: str, split: str) -> Page:
    """Return the page: the table, and a plot for each of its parts that a checkpoint has figures for.

    Args:
        results: what `evaluate.evaluate` returned, one for each checkpoint; `speed` where measured.
        data: what was measured on, in words.
        split: of the data.
    """
    made = Page("Models compared", f"Measured free-running on {data} ({split}), phrases held out.")
    names = titles(results)
    made.table(
        ["", *names],
        {title: [(key, *cells) for key, cells in rows] for title, rows in lines(results).items()},
    )
    for title, note, draw in PARTS:
        made.section(title, note)
        figure = draw(results, names)
        if figure is None:
            made.note("None of these models has figures for this.")
        else:
            made.plot(figure)
    return made


def colour(number: int) -> str:
    """Return the colour of a model by its place."""
    return COLOURS[number % len(COLOURS)]


def bars(axes: Any, found: Found, rows: Rows) -> None:  # noqa: ANN401 - matplotlib publishes no types
    """Draw groups of horizontal bars: a group for each row, in it a bar for each model, its value beside it.

    Args:
        axes: to draw on.
        found: figures of each model, by key.
        rows: (key, label), from the top.
    """
    thick, top = 0.8 / len(found), 0.0
    for number, figures in enumerate(found):
        for row, (key, _) in enumerate(rows):
            value = figures.get(key)
            if value is None:
                continue
            place = row + (number - (len(found) - 1) / 2) * thick
            axes.barh(place, value, height=thick * 0.9, color=colour(number))
            label(axes, max(value, 0.0), place, f"{value:.3f}", fontsize=7)
            top = max(top, value)
    axes.set_yticks(range(len(rows)), [title for _, title in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlim(0, top * 1.14 if top > 0 else 1.0)


def bar_panels(names: Sequence[str], rows: Rows, shown: Sequence[tuple[str, Found]]) -> tuple[Any, list[Any]]:
    """Return a figure of panels of bars side by side, and their axes.

    Args:
        names: of the models.
        rows: as `bars` takes them.
        shown: of each panel, its title and the figures of each model.
    """
    figure = canvas(WIDTH, 0.9 + len(rows) * ((0.24 if len(shown) > 1 else 0.22) + 0.17 * len(names)))
    axes = panels(figure, 1, len(shown), sharey=len(shown) > 1)
    for place, (title, found) in zip(axes, shown, strict=True):
        bars(place, found, rows)
        place.set_title(title, fontsize=9)
    legend(figure, names)
    return figure, axes


def legend(figure: Any, names: Sequence[str]) -> None:  # noqa: ANN401 - matplotlib publishes no types
    """Put the models' names above a figure."""
    if len(names) < 2:
        return
    from matplotlib.patches import Patch  # noqa: PLC0415 - slow to import

    held = figure.legend(
        handles=[Patch(color=colour(number), label=name) for number, name in enumerate(names)],
        loc="outside upper left",
        ncols=min(4, len(names)),
        frameon=False,
        fontsize=8,
    )
    for text in held.get_texts():
        text.set_color(INK)


def reconstruction(results: Results, names: Sequence[str]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw how well phrases come back."""
    found = [result["reconstruction"] for result in results]
    keys = [
        (key, title) for key, title in RECONSTRUCTED if any(figures.get(key) is not None for figures in found)
    ]
    if not keys:
        return None
    figure, (axes,) = bar_panels(names, keys, [("", found)])
    axes.set_xlim(0, 1.1)
    return figure


def by_part(results: Results, names: Sequence[str]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw how well each part comes back."""
    found = [result.get("parts") or {} for result in results]
    rows = list(dict.fromkeys(part for figures in found for part in figures))
    if not rows:
        return None
    shown = [
        (title, [{row: figures.get(row, {}).get(key) for row in rows} for figures in found])
        for key, title in (("note_f1", "note F1"), ("note_f1_sampled", "note F1, sampled"))
    ]
    figure, every = bar_panels(names, [(row, row) for row in rows], shown)
    for axes in every:
        axes.set_xlim(0, 1.15)
    return figure


def music(results: Results, names: Sequence[str]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw what is counted in music: of phrases held out, of the answers to them, of samples."""
    found = [result.get("music") or {} for result in results]
    rows = list(dict.fromkeys(key for figures in found for kind in figures.values() for key in kind))
    if not rows:
        return None
    shares = [row for row in rows if row.split(".")[0] in SHARES]
    figure = canvas(WIDTH, 1.1 + 0.22 * max(len(shares), len(rows) - len(shares)))
    numbers = [row for row in rows if row not in shares]
    shown = (("shares", shares), ("in a bar, or a distance", numbers))
    for axes, (title, some) in zip(panels(figure, 1, 2), shown, strict=True):
        for number, figures in enumerate(found):
            for kind in KINDS:
                known = figures.get(kind, {})
                aside = (number - (len(found) - 1) / 2) * 0.5 / len(found) if kind != "held_out" else 0.0
                marked = [(known[row], place + aside) for place, row in enumerate(some) if row in known]
                style = {"marker": "|", "color": INK, "markersize": 12}
                if kind != "held_out":
                    fill = "full" if kind == "samples" else "none"
                    style = {"marker": "o", "color": colour(number), "markersize": 5, "fillstyle": fill}
                axes.plot(*zip(*marked, strict=True), linestyle="none", **style)
        axes.set_yticks(range(len(some)), [row.replace("_", " ").replace(".", " ") for row in some])
        axes.set_ylim(len(some) - 0.5, -0.5)
        axes.tick_params(labelsize=7)
        axes.grid(axis="y", alpha=0.2)
        axes.set_title(title, fontsize=9)
    legend(figure, names)
    return figure


def headline(result: Mapping[str, Any]) -> tuple[str, float | None]:
    """Return the figure that a codec is known by: note F1 of several voices, step accuracy of one line."""
    key = "note_f1" if result["codec"] in {"poly", "roll", "multitrack"} else "step_accuracy"
    return key, result["reconstruction"].get(key)


def rate(results: Results, names: Sequence[str]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw accuracy over the bits that are spent on it: the mean of the posterior, and one sample of it."""
    shown: list[tuple[int, float, str, float]] = []
    for number, result in enumerate(results):
        (key, value), bits = headline(result), result["reconstruction"].get("kl_bits")
        if value is not None and bits is not None:
            shown.append((number, bits, key, value))
    if not shown:
        return None
    figure = canvas(WIDTH * 0.75, 3.8)
    (axes,) = panels(figure, 1, 1)
    for number, bits, key, value in shown:
        sampled = results[number]["reconstruction"].get(f"{key}_sampled")
        if sampled is not None:
            axes.plot([bits, bits], [value, sampled], color=colour(number), linewidth=1, alpha=0.6)
            axes.plot(bits, sampled, "o", color=colour(number), markersize=7, fillstyle="none")
        axes.plot(bits, value, "o", color=colour(number), markersize=7)
        label(axes, bits, value, names[number], xytext=(8, 0))
    axes.set_xlabel("KL, bits a phrase", fontsize=8)
    axes.set_ylabel("step accuracy (melody, drums) or note F1", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.margins(x=0.25, y=0.2)
    return figure


def knobs(results: Results, names: Sequence[str]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw, for each knob, how it moves its own attribute and how much it leaks."""
    rows = list(dict.fromkeys(name for result in results for name in result["knobs"]))
    if not rows:
        return None
    shown = [
        (title, [{row: result["knobs"].get(row, {}).get(key) for row in rows} for result in results])
        for key, title in (("spearman", "Spearman with its own"), ("leak", "leak into another"))
    ]
    figure, (left, right) = bar_panels(names, [(row, row) for row in rows], shown)
    left.set_xlim(0, 1.15)
    right.set_xlim(0, max(0.3, right.get_xlim()[1]))
    for axes, goal in ((left, 0.97), (right, 0.15)):
        axes.axvline(goal, color=INK, linewidth=0.8, linestyle=":")
    return figure


def glides(results: Results, names: Sequence[str]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw the distance to the first phrase over the way to the second."""
    found = [result["interpolation"] or {} for result in results]
    if not any(figures.get("curve") for figures in found):
        return None
    figure = canvas(WIDTH, 3.4)
    shown = (("curve", "on the arc"), ("curve_warped", "as the morph knob goes"))
    for axes, (key, title) in zip(panels(figure, 1, 2, sharey=True), shown, strict=True):
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        for number, figures in enumerate(found):
            if figures.get(key):
                way = np.linspace(0, 1, len(figures[key]))
                axes.plot(way, figures[key], "o-", color=colour(number), markersize=3, linewidth=1.5)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("way gone", fontsize=8)
        axes.set_ylabel("share of the distance", fontsize=8)
        axes.tick_params(labelsize=7)
    legend(figure, names)
    return figure


def separation(results: Results, names: Sequence[str]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw how often samples and answers are distinguished from data."""
    keys = [("auc", "samples"), ("auc_reconstructed", "answers to real phrases")]
    keys += [("auc_training", "training phrases")]
    found = [result["samples"] or {} for result in results]
    if all(figures.get("auc") is None for figures in found):
        return None
    figure, (axes,) = bar_panels(names, keys, [("", found)])
    axes.axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 1.1)
    return figure


def cost(results: Results, names: Sequence[str]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw milliseconds and parameters."""
    found = [result.get("speed") or {} for result in results]
    if all(figures.get("total_ms") is None for figures in found):
        return None
    figure = canvas(WIDTH, 0.9 + 0.3 * len(names))
    left, right = panels(figure, 1, 2, sharey=True)
    for number, (figures, result) in enumerate(zip(found, results, strict=True)):
        decode = figures.get("decode_ms") or figures.get("total_ms") or 0.0
        begin = 0.0
        for value, strength in ((figures.get("encode_ms") or 0.0, 0.5), (decode, 1.0)):
            left.barh(number, value, left=begin, height=0.7, color=colour(number), alpha=strength)
            begin += value
        label(left, begin, number, f"{begin:.2f} ms")
        size = (result.get("parameters") or 0) / 1e6
        right.barh(number, size, height=0.7, color=colour(number))
        label(right, size, number, f"{size:.2f} M")
    left.set_yticks(range(len(names)), names, fontsize=8)
    left.set_ylim(len(names) - 0.5, -0.5)
    left.set_title("encode (pale) and decode, ms", fontsize=9)
    right.set_title("parameters, millions", fontsize=9)
    for axes in (left, right):
        axes.tick_params(axis="x", labelsize=7)
        axes.set_xlim(0, axes.get_xlim()[1] * 1.15)
    return figure


PARTS: tuple[tuple[str, str, Callable[[Results, Sequence[str]], Any]], ...] = (
    (
        "Reconstruction",
        "All knobs at the centre. Sampled: from one draw around the phrase's point instead of the point.",
        reconstruction,
    ),
    ("Parts", "The same of each part by itself, silence in both left out.", by_part),
    (
        "What it costs in bits",
        "Of two at one height the left one was had for less. Full: the posterior's mean; hollow: a sample.",
        rate,
    ),
    ("Knobs", "Each knob turned through 9 values. Dotted: .97 and .15, what is aimed at.", knobs),
    ("Glides", "Distance to the first phrase, mean over pairs; dotted is even.", glides),
    (
        "Samples",
        "How well a classifier tells samples from phrases held out: .5 (dotted) is guessing, 1 always right.",
        separation,
    ),
    (
        "Music",
        "Line: phrases held out. Hollow: answers to them. Full: samples. The nearer the line, the better.",
        music,
    ),
    ("Speed and size", "One phrase on one thread, median.", cost),
)
