"""The plots of a report: each takes phrases, latents or figures and returns one matplotlib figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.latent.geometry import Latent, between
from model.music.attributes import NAMES
from model.music.phrase import Note, Phrase
from model.playing.player import Player
from trainer.errors import MISSING, OperationError
from trainer.evaluation.knobs import SPREADS, TURNS, Turned
from trainer.evaluation.measures import Matches, key_of, positions
from trainer.reports.html_page import COLOURS, INK, canvas, panels, piano_roll, span_of

WIDTH = 9.6
STAGES = (0.0, 0.25, 0.5, 0.75, 1.0)
COUNTERS = {"step", "seconds", "phrases", "share", "speed", "beta"}
FEWEST_ON_A_MAP = 20
WRONG = "#d64545"


def curves(log: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - matplotlib publishes no types
    """Draw every figure of a run's log over its minutes, all losses in one panel; None without a log."""
    log = [row for row in log if isinstance(row.get("seconds"), int | float)]
    names = list(dict.fromkeys(name for row in log for name in row if name not in COUNTERS))
    numeric = [name for name in names if any(isinstance(row.get(name), int | float) for row in log)]
    losses = [name for name in numeric if name.startswith("loss_")]
    shown = [[name] for name in numeric if name not in losses] + ([losses] if losses else [])
    if not shown:
        return None
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = canvas(WIDTH, 2.2 * rows)
    axes = panels(figure, rows, columns)
    for place, group in zip(axes, shown, strict=False):
        for number, name in enumerate(group):
            points = [
                (row["seconds"] / 60, row[name]) for row in log if isinstance(row.get(name), int | float)
            ]
            mark = "o-" if len(points) < 3 else "-"
            place.plot(
                *zip(*points, strict=True),
                mark,
                markersize=3,
                color=COLOURS[number % len(COLOURS)],
                label=name[5:],
            )
        place.set_title(group[0].replace("_", " ") if group is not losses else "losses, nats", fontsize=9)
        place.tick_params(labelsize=7)
        if group is losses:
            place.legend(fontsize=6)
    for place in axes[len(shown) :]:
        place.set_visible(False)
    for place in axes[-columns:]:
        place.set_xlabel("minutes", fontsize=8)
    return figure


def pairs(rows: Sequence[tuple[Phrase, Phrase]], *, marked: bool = True) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw phrases beside their answers; marked: notes that were not played red, those left out hollow."""
    figure = canvas(WIDTH, 1.45 * len(rows))
    axes = panels(figure, len(rows), 2)
    for number, (played, answer) in enumerate(rows):
        span = span_of([played, answer])
        left, right = axes[2 * number : 2 * number + 2]
        title = ""
        if marked:
            found = Matches()
            found.add(positions(answer), positions(played))
            title = f"note F1 {found.f1:.3f}"
        piano_roll(left, played, span=span, title="played" if not number else "")
        piano_roll(right, answer, span=span, title=title)
        if marked:
            _mark(right, played, answer)
    return figure


def _mark(axes: Any, played: Phrase, answer: Phrase) -> None:  # noqa: ANN401 - matplotlib publishes no types
    """Draw over an answer what it has too much, and what it lacks."""
    wanted, got = ({_place(note) for note in phrase.notes} for phrase in (played, answer))
    for note in answer.notes:
        if _place(note) not in wanted:
            axes.barh(note.pitch, max(0.7, note.length - 0.12), left=note.onset, height=0.9, color=WRONG)
    for note in played.notes:
        if _place(note) not in got:
            axes.barh(
                note.pitch,
                max(0.7, note.length - 0.12),
                left=note.onset,
                height=0.9,
                fill=False,
                edgecolor=WRONG,
            )


def _place(note: Note) -> tuple[int, int, int]:
    """Return what makes two notes the same one."""
    return note.onset, key_of(note), note.track


def glides(player: Player, ways: Sequence[tuple[Latent, Latent]]) -> Any:  # noqa: ANN401 - matplotlib's
    """Draw ways from phrase to phrase, a row each."""
    figure = canvas(WIDTH, 1.5 * len(ways))
    axes = panels(figure, len(ways), len(STAGES))
    for row, (one, other) in enumerate(ways):
        line = [player.decode(between(one, other, t), turns={}) for t in STAGES]
        span = span_of(line)
        for column, (t, phrase) in enumerate(zip(STAGES, line, strict=True)):
            piano_roll(
                axes[row * len(STAGES) + column], phrase, span=span, title=f"{t:.2f}" if not row else ""
            )
    return figure


def rolls(named: Sequence[tuple[str, Phrase]]) -> Any:  # noqa: ANN401 - matplotlib publishes no types
    """Draw phrases in rows of three."""
    rows = -(-len(named) // 3)
    figure = canvas(WIDTH, 1.6 * rows)
    axes = panels(figure, rows, 3)
    for place, (name, phrase) in zip(axes, named, strict=False):
        piano_roll(place, phrase, title=name)
    for place in axes[len(named) :]:
        place.set_visible(False)
    return figure


def sweeps(player: Player, latents: Sequence[Latent]) -> Any:  # noqa: ANN401 - matplotlib publishes no types
    """Draw what each knob does to every attribute; None for a player that heeds none."""
    names = [name for name in player.card.knobs if name in NAMES]
    if not names or not latents:
        return None
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = canvas(WIDTH, 2.5 * rows)
    axes = panels(figure, rows, columns, sharex=True)
    spreads = np.array([SPREADS.get(name, 1.0) for name in NAMES])
    for place, name in zip(axes, names, strict=False):
        table = Turned(player, latents, name).measures(range(len(latents)), [TURNS] * len(latents))
        moved = (table - table[:, len(TURNS) // 2 : len(TURNS) // 2 + 1]) / spreads  # [latents, turns, names]
        for number, other in enumerate(NAMES):
            turned = other == name
            colour = COLOURS[number % len(COLOURS)]
            place.plot(
                TURNS, moved[..., number].mean(0), color=colour, linewidth=2.2 if turned else 0.9, label=other
            )
            if turned:
                low, high = np.percentile(moved[..., number], (10, 90), axis=0)
                place.fill_between(TURNS, low, high, color=colour, alpha=0.2, linewidth=0)
        place.axhline(0, color=INK, linewidth=0.5, alpha=0.5)
        place.set_title(name, fontsize=9)
        place.tick_params(labelsize=7)
    for place in axes[len(names) :]:
        place.set_visible(False)
    held = figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=7, fontsize=7)
    held.get_frame().set_visible(False)
    for text in held.get_texts():
        text.set_color(INK)
    return figure


def atlas(z: np.ndarray, measured: np.ndarray, names: Sequence[str], *, seed: int = 0) -> Any:  # noqa: ANN401
    """Draw two maps of the latents, coloured by the attributes that vary most steadily.

    PCA is exact and keeps distances; t-SNE (van der Maaten and Hinton 2008, "Visualizing data using t-SNE")
    keeps neighbours and nothing else.

    Args:
        z: float [n, d].
        measured: float [n, attributes], raw units.
        names: of the attributes.
        seed: of t-SNE.

    Returns:
        The figure; None for fewer than 20 latents, or if they are all one.

    Raises:
        OperationError: scikit-learn is not installed.
    """
    if len(z) < FEWEST_ON_A_MAP or not np.ptp(z, axis=0).any():
        return None
    try:
        from sklearn.decomposition import PCA  # noqa: PLC0415 - the trainer extra
        from sklearn.manifold import TSNE  # noqa: PLC0415
    except ImportError as error:
        raise OperationError(MISSING.format("scikit-learn")) from error
    varied = [number for number in range(len(names)) if np.ptp(measured[:, number]) > 1e-6]
    shown = varied[:4] or [0]
    size = min(len(z), z.shape[1], 30)
    pca = PCA(n_components=size, random_state=seed).fit(z)
    reduced = pca.transform(z)
    start = "pca" if size > 1 else "random"
    many = min(30.0, (len(z) - 1) / 3)
    near = TSNE(n_components=2, perplexity=many, init=start, random_state=seed).fit_transform(reduced)
    explained = 100 * pca.explained_variance_ratio_[:2].sum()
    figure = canvas(WIDTH, 5.0)
    axes = panels(figure, 2, len(shown))
    for row, (title, places_) in enumerate(
        ((f"PCA, {explained:.0f} % of the variance", reduced), ("t-SNE", near))
    ):
        for column, number in enumerate(shown):
            place = axes[row * len(shown) + column]
            low, high = np.percentile(measured[:, number], (2, 98))
            second = places_[:, 1] if places_.shape[1] > 1 else np.zeros(len(z))
            drawn = place.scatter(
                places_[:, 0],
                second,
                c=measured[:, number],
                cmap="viridis",
                vmin=low,
                vmax=max(high, low + 1e-6),
                s=5,
                linewidths=0,
                rasterized=True,
            )
            place.set_xticks([])
            place.set_yticks([])
            place.set_title(names[number] if not row else "", fontsize=9)
            if not column:
                place.set_ylabel(title, fontsize=8)
            if row:
                bar = figure.colorbar(drawn, ax=place, location="bottom", aspect=30)
                bar.ax.tick_params(labelsize=6, colors=INK)
                bar.outline.set_visible(False)
    return figure
