"""What fake models of several parts play: rows as messages carry them, made from the performer's."""

from model.music.phrase import Note
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY

STEPS = 32
KICK, HAT = 36, 42


def drums_of(rows: list[Note]) -> list[Note]:
    """A hat a quarter of a step behind each of the onsets, and a kick as much ahead of every second beat."""
    hats = {Note(onset, HAT, 70, 1, 0.25, DRUMS) for onset, *_ in rows}
    kicks = {Note(onset, KICK, 100, 1, -0.25, DRUMS) for onset, *_ in rows if onset % 8 == 0}
    return in_order([*hats, *kicks])


def band_of(rows: list[Note]) -> list[Note]:
    """The line itself; long chords with the melody's very key; a bass whose notes overlap; drums."""
    parts = [*drums_of(rows)]
    for onset, pitch, velocity, length, offset, *_ in rows:
        parts.append(Note(onset, pitch, velocity, length, offset, MELODY))
        if onset % 8 == 0:
            parts += [Note(onset, key, 70, min(8, STEPS - onset), 0.0, CHORDS) for key in (pitch - 5, pitch)]
        if onset % 4 == 0:
            parts.append(Note(onset, pitch - 24, 80, min(6, STEPS - onset), 0.0, BASS))
    return in_order(parts)


def in_order(rows: list[Note]) -> list[Note]:
    return sorted(rows, key=lambda row: (row[0], row[1], row[5]))
