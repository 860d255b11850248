"""Whose turn it is and how long, key and chords, the parts, and what is wrong, if something is.

Pure: snapshots, ticks and sizes in, rows out.
"""

from collections.abc import Sequence

from live.dashboard.drawing.big_text import best_scale, big_height, big_text, big_width, write_big
from live.dashboard.drawing.harmony import harmony_rows
from live.dashboard.drawing.rows import Canvas, Row, TextSpan, clean, fit_row, row_width, shorten
from live.ipc.snapshot import PortView, Snapshot
from model.music.tracks import TRACKS

LONGEST_PART = max(map(len, TRACKS))
"""Letters of the longest name of a part."""

_WORDS = {"performer": ("YOU", "performer"), "instrument": ("TWOBAR", "sounded")}
_LABELS = {
    "follow": "plays what you play, when these beats are over",
    "answer": "then it answers",
    "hold": "holds your phrase: turn the knobs",
    "drift": "drifts around your phrase",
    "listen": "finds your tempo; plays what you play",
}
_WAITING = {"listening": "listening for your tempo", "armed": "your first note starts it"}


def beats_left(snapshot: Snapshot, tick: int) -> int:
    """Return the beats until the turn ends, the one that has begun included; 0 when nobody's turn runs.

    Args:
        snapshot: the engine's last.
        tick: the transport's position, counted as the snapshot's own.
    """
    if not snapshot.speaker:
        return 0
    return max(0, -((tick - snapshot.speaker_until) // max(1, snapshot.ticks_per_beat)))


def speaker_rows(snapshot: Snapshot, tick: int, *, width: int, height: int) -> tuple[Row, ...]:
    """Draw whose turn it is in large letters with the beats that are left, key and chords, and the parts.

    Args:
        snapshot: the engine's last.
        tick: the transport's position, counted as the snapshot's own.
        width: in cells.
        height: in rows; from 7 on key and chords are large, from 8 on a line says what the mode does.
    """
    chords = big_height(2 if height >= 12 else 1) if height >= 7 else 1
    below = (*harmony_rows(snapshot, width, chords), last_row(snapshot, width))
    tall = height - len(below)
    if tall < 1:
        return below[-height:] if height > 0 else ()
    label: list[Row] = []
    if tall >= 4 and snapshot.speaker:
        label = [fit_row(((shorten(_label(snapshot), width), "dim"),), width)]
    return (*_word_rows(snapshot, tick, width, tall - len(label)), *label, *below)


def _word_rows(snapshot: Snapshot, tick: int, width: int, height: int) -> tuple[Row, ...]:
    """Draw the word and the count at one scale, or in plain words why there is none."""
    canvas = Canvas(width, height)
    word, ink = _WORDS.get(snapshot.speaker, ("", ""))
    if not word:
        canvas.write(0, height // 2, shorten(_label(snapshot), width), "dim")
        return canvas.rows()
    left = beats_left(snapshot, tick)
    scale = best_scale(f"{word} 00", width, min(height, big_height(3)))
    top = max(0, (height - big_height(scale)) // 2)
    write_big(canvas, 0, top, big_text(word, scale), ink)
    if left:
        count = str(left)
        write_big(
            canvas,
            width - big_width(count, scale),
            top,
            big_text(count, scale),
            ink if left <= 2 else "digits",
        )
    return canvas.rows()


def _label(snapshot: Snapshot) -> str:
    if not snapshot.speaker:
        if snapshot.state == "stopped" and snapshot.model.state == "loading" and snapshot.tick <= 0:
            return "it starts by itself, in a moment"
        return _WAITING.get(snapshot.state, "Space starts it")
    if snapshot.frozen:
        return "frozen: z thaws"
    if snapshot.loop_bars:
        return "the last bars, over and over: L lets go"
    if snapshot.mode == "answer" and snapshot.speaker == "instrument":
        return "it answers; then you"
    return _LABELS.get(snapshot.mode, "")


def last_row(snapshot: Snapshot, width: int) -> Row:
    """Draw what is wrong and the parts that play, in their colours; else what plays."""
    trouble = troubles(snapshot)
    wrong: Row = ()
    if trouble:
        more = f"  +{len(trouble) - 1}" if len(trouble) > 1 else ""
        wrong = ((shorten(trouble[0], width - len(more)), "bad"), (more, "bad"))
    for letters in (LONGEST_PART, 3, 2, 1):
        parts = parts_row(snapshot, letters)
        row: Row = (*wrong, (" " * bool(wrong and parts), ""), *parts)
        if parts and row_width(row) <= width:
            return fit_row(row, width)
    if wrong:
        return fit_row(wrong, width)
    model = snapshot.model
    words = f"{clean(model.name)} {'ready' if model.state == 'ready' else model.state}" if model.name else ""
    return fit_row(((shorten(words, width), "dim"),), width)


def troubles(snapshot: Snapshot) -> list[str]:
    """Return what is wrong as it stands, the worst first, each in a few words."""
    model = snapshot.model
    found = []
    if model.state == "lost":
        found.append(f"✖ {clean(model.name) or 'model'} LOST, bars repeat")
    found += [f"✖ {clean(port.name)} MISSING" for port in _missing(snapshot.ports)]
    if model.state == "loading":
        found.append(f"… {clean(model.name) or 'model'} loading")
    if model.state == "ready" and not model.latent_size:
        found.append("! no map: it continues your bars")
    return found


def _missing(ports: Sequence[PortView]) -> list[PortView]:
    return [port for port in ports if port.state == "missing"]


def parts_row(snapshot: Snapshot, letters: int = LONGEST_PART) -> Row:
    """Draw the parts that play, each in its colour, the muted ones struck out; nothing for a single part.

    Args:
        snapshot: the engine's last.
        letters: of each name, at most.
    """
    tracks = sorted({note[4] for view in snapshot.bars for note in view.notes})
    muted = [TRACKS.index(name) for name in snapshot.muted if name in TRACKS]
    tracks = sorted({*tracks, *muted})
    if len(tracks) < 2 and not muted:
        return ()
    row: list[TextSpan] = []
    for track in tracks:
        name = TRACKS[track] if 0 <= track < len(TRACKS) else "?"
        ink = "sounded" if not track else f"sounded-{name}"
        shown = name[:letters]
        row += [(f"✕{shown} ", "off") if track in muted else (f"█{shown} ", ink)]
    return tuple(row)
