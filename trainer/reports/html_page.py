"""A self-contained HTML page: text, tables and plots as inline SVG, readable on light and on dark.

Nothing is loaded from elsewhere.  Plots are matplotlib's; whatever it drew in `INK` takes the colour of the
page's own text.
"""

import html
import io
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from model.files import atomic_write, readable
from model.music.phrase import Phrase
from model.music.tracks import DRUMS
from trainer.errors import MISSING, OperationError

INK = "#010203"  # stands for the colour of the page's text
COLOURS = ("#3d85c6", "#d9782d", "#3a9d5d", "#c5527a", "#8a6fc9", "#9a8f1f", "#2a9d9a", "#b0574b")
"""Of models and of tracks: told apart on white and on near black."""

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1d2126; --faint: #68707a; --line: #d5d9de; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --ink: #e4e7ea; --faint: #98a1ab; --line: #343a41; }
}
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 68rem; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.4rem; }
p.note, figcaption { color: var(--faint); max-width: 46rem; margin: .3rem 0; }
figure { margin: 1rem 0; overflow-x: auto; } figure svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .8rem .15rem 0; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } tr.section td { font-weight: 600; padding-top: .9rem; }
"""


class Page:
    """A page in the making."""

    def __init__(self, title: str, lead: str = "") -> None:
        self.title = title
        self._parts = [f"<h1>{html.escape(title)}</h1>"]
        if lead:
            self.note(lead)

    def section(self, title: str, note: str = "") -> None:
        """Begin a section, with a sentence that tells what it shows."""
        self._parts.append(f"<h2>{html.escape(title)}</h2>")
        if note:
            self.note(note)

    def note(self, sentence: str) -> None:
        """Add a sentence."""
        self._parts.append(f'<p class="note">{html.escape(sentence)}</p>')

    def table(self, header: Sequence[str], sections: Mapping[str, Sequence[Sequence[str]]]) -> None:
        """Add a table: rows by section; an unnamed section has no heading."""
        rows = ["<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in header) + "</tr>"]
        for name, cells in sections.items():
            if name:
                rows.append(f'<tr class="section"><td colspan="{len(header)}">{html.escape(name)}</td></tr>')
            rows += [
                "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
                for row in cells
            ]
        self._parts.append('<div class="scroll"><table>' + "\n".join(rows) + "</table></div>")

    def plot(self, figure: Any, caption: str = "") -> None:  # noqa: ANN401 - matplotlib publishes no types
        """Add a matplotlib figure as inline SVG."""
        caption_html = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
        self._parts.append(f"<figure>{svg(figure)}{caption_html}</figure>")

    def html(self) -> str:
        """Return the whole page."""
        head = (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{html.escape(self.title)}</title><style>{STYLE}</style></head><body>"
        )
        return "\n".join([head, *self._parts, "</body></html>", ""])

    def write(self, path: Path) -> None:
        """Write the page beside its place, then move it there in one step.

        Raises:
            OperationError: the disk refuses.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as draft:
                draft.write_text(readable(self.html()), encoding="utf-8")
        except OSError as error:
            raise OperationError(f"cannot write '{path}': {error.strerror or error}") from error


def canvas(width: float, height: float) -> Any:  # noqa: ANN401 - matplotlib publishes no types
    """Return an empty figure, inches.

    Raises:
        OperationError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - the trainer extra
    except ImportError as error:
        raise OperationError(MISSING.format("matplotlib")) from error
    return Figure(figsize=(width, height), layout="constrained")


def panels(figure: Any, rows: int, columns: int, **options: Any) -> list[Any]:  # noqa: ANN401 - matplotlib's
    """Return rows x columns of axes in reading order, without upper and right edges."""
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    found = [axes for row in grid for axes in row]
    for axes in found:
        axes.spines[["top", "right"]].set_visible(False)
        axes.patch.set_visible(False)
        for part in (axes.title, axes.xaxis.label, axes.yaxis.label):
            part.set_color(INK)
        axes.tick_params(colors=INK)
        for spine in axes.spines.values():
            spine.set_color(INK)
    return found


def svg(figure: Any) -> str:  # noqa: ANN401 - matplotlib publishes no types
    """Return a figure as an SVG element for a page: no links, text as text, `INK` as the page's colour."""
    import matplotlib as mpl  # noqa: PLC0415 - slow to import

    for axes in figure.axes:
        if (legend := axes.get_legend()) is not None:
            for text in legend.get_texts():
                text.set_color(INK)
            legend.get_frame().set_visible(False)
    if figure._suptitle is not None:  # noqa: SLF001 - there is no other way to it
        figure._suptitle.set_color(INK)  # noqa: SLF001
    held = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "twobar"}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a layout that is tight is no news to the reader
        figure.savefig(held, format="svg", transparent=True, metadata={"Date": None})
    text = held.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    return text.replace(INK, "currentColor")


def label(axes: Any, x: float, y: float, text: str, **options: Any) -> None:  # noqa: ANN401 - matplotlib's
    """Write text in the page's colour right of a place of the data."""
    chosen = {"color": INK, "fontsize": 8, "va": "center", "xytext": (4, 0), "textcoords": "offset points"}
    axes.annotate(text, (x, y), **(chosen | options))


def piano_roll(
    axes: Any,  # noqa: ANN401 - matplotlib publishes no types
    phrase: Phrase,
    *,
    span: tuple[int, int] | None = None,
    title: str = "",
) -> None:
    """Draw a phrase: steps to the right, keys upwards, loud notes strong, tracks in their colours.

    Args:
        axes: to draw on.
        phrase: to draw.
        span: lowest and highest key shown; the phrase's own by default.
        title: above it.
    """
    low, high = span or span_of([phrase])
    steps = phrase.grid.steps
    for beat in range(0, steps + 1, phrase.grid.steps_per_bar):
        axes.axvline(beat, color=INK, alpha=0.35, linewidth=0.6)
    for beat in range(0, steps, phrase.grid.steps_per_beat):
        axes.axvline(beat, color=INK, alpha=0.12, linewidth=0.5)
    for note in phrase.notes:
        length = 0.7 if note.track == DRUMS else note.length - 0.12
        axes.barh(
            note.pitch,
            length,
            left=note.onset,
            height=0.9,
            color=COLOURS[note.track % len(COLOURS)],
            alpha=0.35 + 0.65 * note.velocity / 127,
            align="center",
        )
    axes.set_xlim(-0.3, steps)
    axes.set_ylim(low - 1.5, high + 1.5)
    axes.set_xticks([])
    axes.set_yticks([key for key in range(low - low % 12, high + 12, 12) if low - 1 <= key <= high + 1])
    axes.tick_params(labelsize=6, length=2)
    if title:
        axes.set_title(title, fontsize=8, color=INK)


def span_of(phrases: Iterable[Phrase]) -> tuple[int, int]:
    """Return the lowest and highest key of some phrases, an octave at least."""
    keys = [note.pitch for phrase in phrases for note in phrase.notes] or [60]
    low, high = min(keys), max(keys)
    missing = max(0, 12 - (high - low))
    return max(0, low - missing // 2), min(127, high + missing - missing // 2)
