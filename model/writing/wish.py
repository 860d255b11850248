"""What a writer is asked for: which notes stay, which are to come, and what was before.

One mechanism serves all: with nothing fixed it goes on from the context, or draws freely where there is none;
with some notes fixed it fills in between; with other tracks fixed it accompanies; with counts it is as dense
as asked.

Tested in tests/model/writing/test_writer.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from model.music.grid import Grid
from model.music.phrase import Phrase
from model.music.tracks import BASS, DRUMS, MELODY, TRACKS

GRID = Grid()
"""The one grid that is written on: two bars of 4/4 in sixteenths."""
STEPS = GRID.steps
BAR = GRID.steps_per_bar
CONTEXT = 4  # phrases before this one that are taken into account


class Kind(IntEnum):
    """What plays: one voice, a keyboard (all on track 0), drums, or melody, chords, bass and drums."""

    MELODY = 0
    KEYBOARD = 1
    DRUMS = 2
    BAND = 3

    @property
    def tracks(self) -> frozenset[int]:
        """The tracks that it can have notes on."""
        return {Kind.DRUMS: frozenset((DRUMS,)), Kind.BAND: frozenset(range(len(TRACKS)))}.get(
            self, frozenset((MELODY,))
        )

    @property
    def lines(self) -> frozenset[int]:
        """Those of its tracks that sound one note at a time."""
        return {Kind.MELODY: frozenset((MELODY,)), Kind.BAND: frozenset((MELODY, BASS))}.get(
            self, frozenset()
        )


KIND_OF_CODEC = {"melody": Kind.MELODY, "poly": Kind.KEYBOARD, "drums": Kind.DRUMS, "multitrack": Kind.BAND}
"""The kind of the phrases that a codec keeps."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A phrase to be written.

    Attributes:
        kind: what plays.
        fixed: notes of this phrase that stay as they are; empty for none.
        context: phrases before this one, the oldest first; the last `CONTEXT` count.
        tracks: which may get new notes; all of the kind's where None.
        span: new notes begin at or after the first of these steps and before the second.
        count: how many new notes tracks get, by track; tracks that it does not name, and None, are free.
        scale: pitch classes that new notes keep to by odds (accidentals of the fixed notes stay); None leaves
            it to the music.
        place: the phrase's number in its piece, from 0 (two bars each); None where it is not known.
        ending: whether the piece ends with this phrase.

    Raises:
        ValueError: a phrase lies on another grid than two bars of 4/4 in sixteenths, or a number lies outside
            its range.
    """

    kind: Kind
    fixed: Phrase = Phrase(GRID)  # noqa: RUF009 - it is immutable
    context: tuple[Phrase, ...] = ()
    tracks: frozenset[int] | None = None
    span: tuple[int, int] = (0, STEPS)
    count: Mapping[int, int] | None = None
    scale: frozenset[int] | None = None
    place: int | None = None
    ending: bool = False

    def __post_init__(self) -> None:
        """Check the grids and ranges."""
        if any(phrase.grid != GRID for phrase in (self.fixed, *self.context)):
            raise ValueError("the writer knows two bars of 4/4 in sixteenths alone")
        first, last = self.span
        if not 0 <= first < last <= STEPS:
            raise ValueError(f"new notes begin within 0..{STEPS}, not {first}..{last}")
        if not self.wanted <= self.kind.tracks or not self.wanted:
            raise ValueError(f"{self.kind.name.lower()} has tracks {sorted(self.kind.tracks)} alone")
        if self.count is not None and any(number < 0 for number in self.count.values()):
            raise ValueError("a track gets 0 new notes or more")
        if self.scale is not None and not self.scale:
            raise ValueError("a scale has one pitch class at least")

    @property
    def wanted(self) -> frozenset[int]:
        """The tracks that may get new notes."""
        return self.kind.tracks if self.tracks is None else self.tracks


def writable(grid: Grid) -> bool:
    """Tell whether phrases of a grid can be written."""
    return grid == GRID
