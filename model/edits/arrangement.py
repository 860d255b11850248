"""A band's pattern as it is heard in a phrase: varied, as dense as is wanted, in its chords, with its fills.

What plays live (`live.jam.band.arranger`) and what writes files (`live.cli.offline.generate`) arrange alike.
Neither numpy nor torch.
Tested in tests/live/jam/band/test_band.py, tests/live/cli/offline/test_commands.py.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from model.edits.comping import thinned, varied_bass, varied_chords
from model.edits.groove import varied
from model.edits.reharmonise import HARMONIC, LeadSheet, reharmonised
from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.phrase import Note
from model.music.tracks import BASS, CHORDS, DRUMS

SECTION = 4  # phrases from the first of which a pattern is played as it was written
FORM = 4  # bars after which a fill leads into the next ones; after twice as many a longer one
FOLLOWS = 0.67
"""How far the mean velocity of a part goes towards that of what it plays under.

From phrase to phrase the chords of music go .68 of the way that their melody does and basses .66 (250 pieces
of the train split whose loudness varies, correlations .72 and .68); their medians lie 2 and 1 below it.
"""
FILL_BEATS, LONG_FILL_BEATS = 1, 2

Span = tuple[int, int]
"""First step, and the one behind the last."""


class BandPart(NamedTuple):
    """What a track of the band plays in a phrase, and the chord of each beat that it is written under."""

    notes: list[Note]
    written: list[Chord | None]


def varied_parts(
    pattern: Iterable[Note],
    band: Collection[int],
    written: Sequence[Chord | None],
    *,
    grid: Grid,
    number: int,
    seed: int,
    densities: Mapping[int, float] | None = None,
) -> dict[int, BandPart]:
    """Return a pattern's parts as they are played in one phrase, in the chords that they were written under.

    Args:
        pattern: as it was written; notes of other tracks are left out.
        band: its tracks.
        written: the chord of each beat that it was written under; empty where that is not known.
        grid: of the phrase.
        number: of the phrase, from the music's beginning.
        seed: of all choices.
        densities: -1..1 by track; those that are left away stay as they are.
    """
    times = number % SECTION
    notes = [*pattern]
    known = [*(written or (None,) * grid.beats)]
    found: dict[int, BandPart] = {}
    for track in sorted(band):
        part = [note for note in notes if note.track == track]
        chords = known
        if track == DRUMS:
            part = varied(part, grid, number=times, seed=seed)
        elif track == CHORDS:
            part, chords = varied_chords(part, known, grid, number=times, seed=seed)
        elif track == BASS:
            part = varied_bass(part, grid, number=times, seed=seed)
        turn = (densities or {}).get(track, 0.0)
        found[track] = BandPart(thinned(part, grid, turn) if turn else part, chords)
    return found


def laid(parts: Mapping[int, BandPart], sheet: LeadSheet) -> list[Note]:
    """Return the notes of a band's parts, see `varied_parts`, in the chords of a lead sheet."""
    found: list[Note] = []
    for track, (notes, written) in parts.items():
        if track in HARMONIC and any(sheet.present):
            found += reharmonised(notes, written, sheet)
        else:
            found += notes
    return found


def leading(bar: int, grid: Grid) -> list[Span]:
    """Return where the form asks for fills in a phrase that begins with a bar, in steps of it."""
    found = []
    for within in range(grid.bars):
        over = bar + within + 1
        if over > 0 and over % FORM == 0:
            beats = LONG_FILL_BEATS if over % (2 * FORM) == 0 else FILL_BEATS
            end = (within + 1) * grid.steps_per_bar
            found.append((end - min(beats, grid.beats_per_bar) * grid.steps_per_beat, end))
    return found


def at_level(notes: Iterable[Note], pattern: Iterable[Note], band: Collection[int], level: int) -> list[Note]:
    """Return notes with those of a band as loud as it plays under somebody; accents keep their proportions.

    Args:
        notes: as they are arranged.
        pattern: as it was written, which tells how loud a part is by itself.
        band: its tracks.
        level: mean velocity of what it plays under.
    """
    written: dict[int, list[int]] = {}
    for note in pattern:
        if note.track in band:
            written.setdefault(note.track, []).append(note.velocity)
    factors = {
        track: 1.0 + FOLLOWS * (level * len(velocities) / sum(velocities) - 1.0)
        for track, velocities in written.items()
    }
    return [
        note._replace(velocity=min(127, max(1, round(note.velocity * factors[note.track]))))
        if note.track in factors
        else note
        for note in notes
    ]
