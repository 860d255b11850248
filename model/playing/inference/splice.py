"""How phrases are laid behind each other: what was given, what has sounded, what is answered.  No numpy.

Tested in tests/model/playing/test_checkpoint_player.py.
"""

from dataclasses import replace

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, MELODY

ONE_VOICE = {"melody": (MELODY,), "multitrack": (MELODY, BASS)}
"""Tracks of a codec in which one note sounds at a time."""

LEGATO = 2.0  # steps that a note of one voice may sound into the next


def on_whole_grid(grid: Grid, context: Phrase | None, prefix: Phrase | None, context_steps: int) -> Phrase:
    """Return a context's end in the first `given` steps of a grid, and a prefix behind it.

    A context that is shorter has silence before it; of a longer one the notes that begin in its last steps
    are taken.

    Raises:
        ValueError: one of them has another metre or other steps.
    """
    notes: list[Note] = []
    for part, begin in (
        (context, context_steps - context.grid.steps if context else 0),
        (prefix, context_steps),
    ):
        if part is None:
            continue
        if replace(part.grid, bars=grid.bars) != grid:
            raise ValueError("a phrase with another metre or other steps cannot be continued")
        moved = (note._replace(onset=note.onset + begin) for note in part.notes)
        notes += [note for note in moved if 0 <= note.onset < grid.steps]
    return Phrase.of(grid, notes)


def after(prefix: Phrase, steps: int, phrase: Phrase, codec: str) -> Phrase:
    """Return what has sounded up to a step and the phrase from there on.

    A key that still sounds is cut where the phrase strikes it again; in one voice it ends at the next onset
    of any key, unless more than one was played in it.
    """
    joined = prefix.spliced(steps, phrase)
    for track in ONE_VOICE.get(codec, ()):
        if overlapping(prefix, track) or overlapping(phrase, track):
            continue
        later = [note.onset for note in joined.notes if note.track == track and note.onset >= steps]
        if not later:
            continue
        notes = (
            note._replace(length=later[0] - note.onset, release=0.0)
            if note.track == track and note.onset < steps and note.onset + note.length > later[0]
            else note
            for note in joined.notes
        )
        joined = Phrase.of(joined.grid, notes)
    return joined


def overlapping(phrase: Phrase, track: int) -> bool:
    """Tell whether two notes of a track sound together for longer than in a legato: it is no single voice."""
    end = 0.0
    for note in phrase.notes:
        if note.track != track:
            continue
        start = note.onset + note.displacement
        if end > start + LEGATO:
            return True
        end = max(end, note.onset + note.displacement + note.length + note.release)
    return False
