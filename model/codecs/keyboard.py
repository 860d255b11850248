"""What one keyboard plays, divided among the parts: by line, or at a fixed key.

A keyboard's notes are all of track 0; a phrase with pitched notes of another track is somebody's division
already and stays as it is.  Live playing divides so; training splits at C3 (`model.codecs.multitrack.split`).
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from model.codecs.base import table_of
from model.codecs.multitrack import split
from model.music.lines import lines, read_split
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS, MELODY

Division = Callable[[Phrase], Phrase]
"""From a keyboard's phrase to the same one with a track for each note."""


def division(text: str) -> Division:
    """Return the division that a setting names: "line", or a note name for a fixed key.

    Raises:
        ConfigError: it names neither.
    """
    return partial(divided, key=read_split(text))


def divided(phrase: Phrase, key: int | None = None) -> Phrase:
    """Return a keyboard's phrase with each note's track: MELODY, CHORDS or BASS.

    Args:
        phrase: any; drums stay drums.
        key: 0..127, at which it is split as in training; None divides by line.
    """
    if not phrase.notes or any(note.track not in (MELODY, DRUMS) for note in phrase.notes):
        return phrase
    drums = phrase.part(DRUMS).notes
    keys = phrase.part(MELODY) if drums else phrase
    if key is None:
        tracks = lines(keys.notes, phrase.grid.steps_per_beat)
    else:
        table = table_of(keys)
        tracks = split(table, np.zeros(len(table), dtype=np.int64), 1, key=key).tolist()
    notes = [Note(*note[:5], track, *note[6:]) for note, track in zip(keys.notes, tracks, strict=True)]
    return Phrase.of(phrase.grid, [*notes, *drums]) if drums else Phrase(phrase.grid, tuple(notes))


def melody_of(phrase: Phrase, division: Division) -> Phrase:
    """Return the melody alone of a keyboard's phrase; all of a phrase that has none."""
    melody = division(phrase).part(MELODY)
    return melody if melody.notes else phrase
