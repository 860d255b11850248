"""Notes that were held beyond their phrase sound as long as they were held.

Owns: which notes of which base sounded on at its end.  Threads: engine only.
Tested in tests/live/jam/test_feel.py.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs

from live.ipc.jam_memory import Base
from live.ipc.places import Point
from live.jam.input.capture import Capture, PlayedNote
from live.jam.sequencing.periods import Periods
from live.timing.timeline import Tick
from model.music.grid import Grid
from model.music.phrase import Note, Phrase


class Ties:
    """Lengthens a base's last notes when they have been let go."""

    def __init__(self, capture: Capture, periods: Periods) -> None:
        self._capture, self._periods = capture, periods
        self._number = 0
        self._notes: Sequence[PlayedNote] = ()

    def hold(self, number: int, notes: Sequence[PlayedNote]) -> None:
        """Take the notes that sounded on at the end of a base, by its number."""
        self._number, self._notes = number, notes

    def advance(self, now: Tick, next_close: Tick) -> None:
        """Lengthen them when all are let go, or the next phrase closes."""
        notes, base = self._notes, self._periods.numbered(self._number)
        if not notes or (self._capture.is_sounding(notes) and now < next_close):
            return
        self._notes = ()
        if base is None or base.phrase is None:
            return  # something else sounds meanwhile
        if not isinstance(base.place, Point):
            return
        grid = base.phrase.grid
        longer = {
            (note.pitch, note.velocity): (end - note.start) / grid.ticks_per_step
            for note in notes
            for end in (self._capture.end_of(note) or now,)
        }
        phrase = held_on(base.phrase.notes, longer, grid)
        played = held_on(base.place.played, longer, grid)
        place = structs.replace(base.place, played=[*played], grid=grid)
        longer_base = Base(place, base.origin, Phrase(grid, phrase), base.number)
        self._periods.replace(base, longer_base, now)


def held_on(notes: Iterable[Note], longer: Mapping[tuple[int, int], float], grid: Grid) -> tuple[Note, ...]:
    """Return a phrase's notes, those that end with it as long as they were held.

    Args:
        notes: of the phrase.
        longer: (pitch, velocity) of those that were held on -> steps that they sounded.
        grid: of the phrase.
    """
    return tuple(
        note._replace(release=round(longer[note.pitch, note.velocity] - note.length, 3))
        if (note.pitch, note.velocity) in longer and note.onset + note.length >= grid.steps
        else note
        for note in notes
    )
