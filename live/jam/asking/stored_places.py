"""The base and the anchors, and the weights that their places belong to.

Vectors of one model's weights mean nothing to another's: what was placed with others is looked for again
from its phrase.
Owns: which weights the places belong to, those that are expected with the next model, and how many bases
there were.
Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_trouble.py, tests/live/engine/test_resume.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from live.ipc.jam_memory import Anchor, Base, BaseOrigin
from live.ipc.places import Place
from live.jam.asking.requests import Reason, Requests, Search
from live.jam.asking.searches import Searches
from live.jam.latent.path import PathHistory
from live.jam.notices import Notices
from live.jam.sequencing.periods import Periods
from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick
from model.music.phrase import Phrase


class Expected(NamedTuple):
    """Places that are taken up with the next model, and the weights that they belong to."""

    bases: tuple[Base, ...]
    anchors: Mapping[str, Anchor]
    ident: str


class StoredPlaces:
    """Sets the base and the anchors.

    Attributes:
        ident: names the weights that the base and the anchors belong to; empty before any.
        bases: how many there were.
    """

    def __init__(
        self,
        plan: Plan,
        periods: Periods,
        history: PathHistory,
        requests: Requests,
        searches: Searches,
        *,
        notices: Notices,
    ) -> None:
        self.ident = ""
        self.bases = 0
        self._plan, self._periods, self._history, self._requests = plan, periods, history, requests
        self._searches, self._notices = searches, notices
        self._expected: Expected | None = None

    def go(
        self,
        place: Place,
        origin: BaseOrigin,
        now: Tick,
        *,
        phrase: Phrase | None = None,
        rest: tuple[Base, ...] = (),
    ) -> None:
        """Sound another place from the next step on, and behind it what belongs to it."""
        self.set_bases((Base(place, origin, phrase, self.bases), *rest), now)

    def set_bases(self, bases: tuple[Base, ...], now: Tick) -> None:
        """Sound other bases from the next step on."""
        self._periods.put(bases, self._plan.cell_of(now))

    def put_anchors(self, anchors: Mapping[str, Anchor | None], ident: str) -> None:
        """Set anchors, or with None empty them; those of other weights are looked for from their phrases."""
        for name, anchor in anchors.items():
            if anchor is not None and ident == self.ident:
                self._history.state.anchors[name] = anchor
                continue
            self._history.state.anchors.pop(name, None)
            if anchor is not None:
                self._searches.ask(Search(anchor.phrase, 0, Reason.ANCHOR, name))

    def put_bases(self, bases: tuple[Base, ...], ident: str, now: Tick) -> None:
        """Sound bases from the next step on; those of other weights are looked for from their phrases."""
        if not bases or ident == self.ident:
            self.set_bases(bases, now)
        else:
            self._look_for(bases)

    def _look_for(self, bases: tuple[Base, ...], otherwise: Phrase | None = None) -> None:
        """Ask where bases lie, by their phrases, or by another where one has none."""
        for place, base in enumerate(bases):
            phrase = base.phrase or otherwise
            if phrase is not None:
                found = Search(phrase, 0, Reason.FOUND_AGAIN, place=place, period=len(bases))
                self._searches.ask(found)

    # -- models come and go ----------------------------------------------------------------------

    def expect(self, bases: tuple[Base, ...], anchors: Mapping[str, Anchor], ident: str) -> None:
        """Take places up with the next model that comes, those of the weights `ident` as they are."""
        self._expected = Expected(bases, anchors, ident)

    def expect_no_more(self, now: Tick) -> None:
        """Take places that were expected with another model up with the present one: it stays."""
        expected, self._expected = self._expected, None
        if expected is not None:
            self.put_anchors(dict(expected.anchors), expected.ident)
            self.put_bases(expected.bases, expected.ident, now)

    def resume(self, ident: str) -> None:
        """Go on with the history's places, which belong to some weights."""
        self.ident = ident
        self.bases = max((self.bases, *(base.number for base in self._history.state.bases)))

    def set_weights(self, ident: str, now: Tick, *, first: bool) -> bool:
        """Go on with a model that has come, with the places that were expected with it.

        Args:
            ident: of its weights.
            now: the present tick.
            first: whether it is the first one.

        Returns:
            Whether its weights are others than those that the places belonged to.
        """
        expected, self._expected = self._expected, None
        state = self._history.state
        if expected is not None:
            state.bases, state.anchors = expected.bases, dict(expected.anchors)
            self.ident = expected.ident
        before, self.ident = self.ident, ident
        if before != ident:
            if first and before:
                self._notices.add("info", "what was stored with other weights of the model is found again")
            self._find_again(now)
            return True
        if expected is not None:
            self._plan.forget_places()
            if expected.bases:
                self.set_bases(expected.bases, now)
        return False

    def _find_again(self, now: Tick) -> None:
        """Ask the new weights where base and anchors lie."""
        old, sounding = self._history.state, self._plan.sounding(now)
        self._history.state = replace(old, bases=(), anchors={})
        self._periods.restart()
        self._plan.forget_places()
        self._look_for(old.bases, sounding.phrase if sounding else None)
        lost = [name for name, anchor in old.anchors.items() if not self._requests.takes(anchor.phrase.grid)]
        if lost:
            self._notices.add(
                "warning", f"anchor {', '.join(lost)} does not fit this model's bars: it is empty now"
            )
        for name, anchor in old.anchors.items():
            self._searches.ask(Search(anchor.phrase, 0, Reason.ANCHOR, name))
