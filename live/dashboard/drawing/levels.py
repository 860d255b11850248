"""How loud the performer and the instrument play.

Pure: snapshots, ticks and widths in, rows out.
"""

from typing import NamedTuple

from live.dashboard.drawing.rows import Row, fit_row
from live.ipc.snapshot import NoteRow, Snapshot

LEVELS = 8
"""Steps of a level: coarse, so that the screen is repainted only when the eye would see it."""

FADE_BEATS = 1.5
"""After so long a struck note counts as silent; one that sounds on keeps half of its level."""


class Loudness(NamedTuple):
    """How loud the performer and the instrument are, 0..LEVELS."""

    performer: int
    instrument: int


def levels_at(snapshot: Snapshot, tick: int) -> Loudness:
    """Return how loud both play at a tick of the snapshot's own count."""
    bar_ticks = max(1, snapshot.beats_per_bar * snapshot.ticks_per_beat)
    performer = instrument = 0
    for view in snapshot.bars:
        age = tick - snapshot.bar_zero - view.bar * bar_ticks
        if age >= 0:  # the bar has begun
            performer = max([performer, *(_level(note, age) for note in view.performed)])
            instrument = max([instrument, *(_level(note, age) for note in view.notes)])
    return Loudness(performer, instrument)


def _level(note: NoteRow, since_bar: int) -> int:
    """Return the level of one note so many ticks after its bar began."""
    onset, length, _, velocity, _ = note
    age = since_bar - onset
    if age < 0 or age > max(length, 480 * FADE_BEATS):
        return 0
    faded = max(0.5 if age < length else 0.0, 1 - age / (480 * FADE_BEATS))
    return max(1, round(LEVELS * velocity / 127 * faded)) if faded else 0


def level_row(levels: Loudness, width: int) -> Row:
    """Draw how loud the performer and the instrument are."""
    size = max(0, (width - 9) // 2)
    lit = [round(size * level / LEVELS) for level in levels]
    return fit_row(
        (
            ("you ", "dim"),
            ("█" * lit[0], "performer"),
            ("░" * (size - lit[0]), "faint"),
            ("  it ", "dim"),
            ("█" * lit[1], "sounded"),
            ("░" * (size - lit[1]), "faint"),
        ),
        width,
    )
