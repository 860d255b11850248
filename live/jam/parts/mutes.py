"""Which parts are left out: those that were muted, or all but the one that plays alone.  Pure."""

from typing import NamedTuple

from model.music.tracks import TRACKS

EVERY = frozenset(range(len(TRACKS)))


class Mutes(NamedTuple):
    """What the performer has muted, and whether a part plays alone over that.

    Attributes:
        muted: tracks that are left out, also those that come back after a solo.
        alone: track that plays alone; None for none.
    """

    muted: frozenset[int] = frozenset()
    alone: int | None = None

    @property
    def left_out(self) -> frozenset[int]:
        """The tracks that are not played."""
        return self.muted if self.alone is None else EVERY - {self.alone}

    @property
    def solo(self) -> str:
        """Name of the part that plays alone, "" for none."""
        return "" if self.alone is None else TRACKS[self.alone]

    def toggled(self, track: int) -> "Mutes":
        """Return these with one part the other way round; what is heard then is muted by hand, no solo."""
        return Mutes(self.left_out ^ {track})

    def soloed(self, track: int) -> "Mutes":
        """Return these with a part alone; where it is alone already, as they were before."""
        return Mutes(self.muted, None if self.alone == track else track)


def mutes_of(muted: list[int], solo: str) -> Mutes:
    """Return mutes as they are remembered: tracks, and the name of the part that plays alone."""
    return Mutes(frozenset(muted), TRACKS.index(solo) if solo in TRACKS else None)
