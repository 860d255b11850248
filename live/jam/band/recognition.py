"""Anchors recognised: a phrase that is played again is known by its notes, and which anchor it is is told.

Owns: which anchor was played last.  Threads: engine only.
"""

from typing import NamedTuple

from live.ipc.places import Point
from live.jam.band.loops import FEWEST, likeness, rows_of
from live.jam.latent.path import PathHistory, heaviest
from live.jam.protocols import Output
from model.music.phrase import Phrase

NEAR = 0.55
"""F1 of steps and pitch classes from which a phrase is an anchor's.

Of held-out phrases played again with every fifth note at fault (left out, wrong or a step beside) .99 to 1.0
are known (n 149 to 279 of each kind); of 10,000 of other songs 1 to 16 are taken for one.
"""


class KnownAnchor(NamedTuple):
    """An anchor that was played: its name, and the part of it that is most like what was."""

    name: str
    place: Point


class Recognition:
    """Compares what is played with the anchors.

    Attributes:
        shown: name of the anchor that the last phrase was; "" for none.
    """

    def __init__(self, history: PathHistory, output: Output) -> None:
        self.shown = ""
        self._history, self._output = history, output

    def restart(self) -> None:
        """Start at bar 0 again."""
        self._show("")

    def hear(self, phrase: Phrase) -> KnownAnchor | None:
        """Return which anchor a phrase of the performer is, if it is near enough to one."""
        found = self._nearest(phrase)
        self._show(found.name if found is not None else "")
        return found

    def _nearest(self, phrase: Phrase) -> KnownAnchor | None:
        rows = rows_of(phrase)
        best, found = NEAR, None
        if len(rows) < FEWEST:
            return None
        for name, anchor in sorted(self._history.state.anchors.items()):
            for known, place in (
                (anchor.phrase, anchor.place),
                *((base.phrase, base.place) for base in anchor.rest),
            ):
                if known is None or known.grid != phrase.grid:
                    continue
                alike = likeness(rows, rows_of(known))
                if alike >= best and (found is None or alike > best):
                    best, found = alike, KnownAnchor(name, heaviest(place))
        return found

    def _show(self, name: str) -> None:
        if name != self.shown:
            self.shown = name
            self._output.publish("recognised", name or "none")
