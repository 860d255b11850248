"""The key, the chord that sounds and the one that comes, in letters for two metres where there is room.

    key Am    Dm  ▸  E7
Pure: snapshots and sizes in, rows out.
"""

import re
from typing import Final

from live.dashboard.drawing.big_text import LETTERS, best_scale, big_height, big_text, big_width, write_big
from live.dashboard.drawing.rows import Canvas, Row, TextSpan, clean, fit_row
from live.ipc.snapshot import Snapshot

LABEL: Final = "key "
ARROW: Final = " ▸ "
_KEY: Final = re.compile(r"(\S+) (major|minor)")
_SHORT: Final = {"maj7": "M7", "dim": "o", "aug": "+", "sus4": "sus"}
"""How qualities are written on lead sheets, for which the letters do."""


def harmony_rows(snapshot: Snapshot, width: int, height: int) -> tuple[Row, ...]:
    """Draw key and chords in large letters; what there is no room for is small, the key first, then the next.

    Args:
        snapshot: the engine's last.
        width: in cells.
        height: in rows; with less than three all is one row of small letters.
    """
    now, coming, key = _symbol(snapshot.chord), _symbol(snapshot.next_chord), _large_key(snapshot)
    small_key = _small_key(snapshot)
    written = height >= big_height(1) and bool(now or (key and not snapshot.chord))
    for named, following in ((key, coming), ("", coming), ("", "")) if written else ():
        if named:
            begins = len(LABEL) + big_width(named, 1) + 2
        else:
            begins = max((len(line) + 1 for line in small_key), default=0)
        small = f"{ARROW}{clean(snapshot.next_chord)}" if snapshot.next_chord and not following else ""
        ends = width - (len(ARROW) + big_width(following, 1) if following else len(small))
        if max(0, big_width(now, 1)) > ends - begins:
            continue
        canvas = Canvas(width, height)
        foot = height - big_height(1)
        for y, text in enumerate(() if named else small_key):
            canvas.write(0, foot + y, text, "strong" if y else "dim")
        if named:
            canvas.write(0, height - 1, LABEL, "dim")
            write_big(canvas, len(LABEL), foot, big_text(named, 1), "digits")
        if now:
            scale = best_scale(now, ends - begins, height)
            write_big(canvas, begins, height - big_height(scale), big_text(now, scale), "planned")
        if following:
            canvas.write(ends, foot + 1, ARROW, "dim")
            write_big(canvas, ends + len(ARROW), foot, big_text(following, 1), "dim")
        canvas.write(ends, height - 1, small, "dim")
        return canvas.rows()
    return (*(fit_row((), width),) * (height - 1), key_row(snapshot, width))


def _symbol(chord: str) -> str:
    """Return a chord as large letters have it; "" where they do not."""
    for name, short in _SHORT.items():
        chord = chord.replace(name, short)
    return chord if set(chord) <= LETTERS else ""


def _large_key(snapshot: Snapshot) -> str:
    """Return a major or minor key as large letters have it, in brackets where it is locked; "" for others."""
    found = _KEY.fullmatch(snapshot.key)
    if found is None or not set(found[1]) <= LETTERS:
        return ""
    name = found[1] + "m" * (found[2] == "minor")
    return f"[{name}]" if snapshot.key_locked else name


def _small_key(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the key in up to three short lines."""
    tonic, _, mode = clean(snapshot.key).partition(" ")
    return ("key", f"[{tonic}]" if snapshot.key_locked else tonic, mode[:8]) if tonic else ()


def key_row(snapshot: Snapshot, width: int) -> Row:
    """Draw the key, in brackets where it is locked, and the chord."""
    row: list[TextSpan] = [("key ", "dim")]
    if snapshot.key:
        key = clean(snapshot.key)
        row.append((f"[{key}]" if snapshot.key_locked else key, "strong"))
    else:
        row.append(("none", "off"))
    if snapshot.chord:
        row += [("   chord ", "dim"), (clean(snapshot.chord), "strong")]
        if snapshot.next_chord:
            row.append((f" ▸ {clean(snapshot.next_chord)}", "dim"))
    return fit_row(row, width)
