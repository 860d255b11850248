"""The base and the anchors, and the weights that their places belong to.

Vectors of one model's weights mean nothing to another's: what was placed with others is looked for again
from its phrase.
Owns: which weights the places belong to, those that are expected with the next model, and how many bases
there were.
Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_trouble.py, tests/live/engine/test_memory.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from live.ipc.messages import Place
from live.jam.asking.requests import Reason, Requests, Search
from live.jam.asking.searches import Searches
from live.jam.notices import Notices
from live.jam.path import Anchor, Base, BaseOrigin, PathHistory
from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick
from model.music.phrase import Phrase


class Expected(NamedTuple):
    """Places that are taken up with the next model, and the weights that they belong to."""

    base: Base | None
    anchors: Mapping[str, Anchor]
    ident: str


class LatentPlaces:
    """Sets the base and the anchors.

    Args:
        plan: sounds the base.
        history: has both.
        requests: know what the model takes.
        searches: find places again.
        notices: for the human.

    Attributes:
        ident: names the weights that the base and the anchors belong to; empty before any.
        bases: how many there were.

    """

    def __init__(
        self, plan: Plan, history: PathHistory, requests: Requests, searches: Searches, *, notices: Notices
    ) -> None:
        """Start without any."""
        self.ident = ""
        self.bases = 0
        self._plan, self._history, self._requests = plan, history, requests
        self._searches, self._notices = searches, notices
        self._expected: Expected | None = None

    def go(self, place: Place, origin: BaseOrigin, now: Tick, *, phrase: Phrase | None = None) -> None:
        """Sound another place from the next step on."""
        self.set_base(Base(place, origin, phrase, self.bases), self._plan.cell_of(now))

    def set_base(self, base: Base | None, first: int) -> None:
        """Let every cell from the first on sound another base."""
        self._history.state.base = base
        self._plan.set_base(base, first)

    def put_anchors(self, anchors: Mapping[str, Anchor | None], ident: str) -> None:
        """Set anchors, or with None empty them; those of other weights are looked for from their phrases."""
        for name, anchor in anchors.items():
            if anchor is not None and ident == self.ident:
                self._history.state.anchors[name] = anchor
                continue
            self._history.state.anchors.pop(name, None)
            if anchor is not None:
                self._searches.ask(Search(anchor.phrase, 0, Reason.ANCHOR, name))

    def put_base(self, base: Base | None, ident: str, now: Tick) -> None:
        """Sound a base from the next step on; one of other weights is looked for from its phrase."""
        if base is None or ident == self.ident:
            self.set_base(base, self._plan.cell_of(now))
        elif base.phrase is not None:
            self._searches.ask(Search(base.phrase, 0, Reason.FOUND_AGAIN))

    # -- models come and go ----------------------------------------------------------------------

    def expect(self, base: Base | None, anchors: Mapping[str, Anchor], ident: str) -> None:
        """Take places up with the next model that comes, those of the weights `ident` as they are."""
        self._expected = Expected(base, anchors, ident)

    def expect_no_more(self, now: Tick) -> None:
        """Take places that were expected with another model up with the present one: it stays."""
        expected, self._expected = self._expected, None
        if expected is not None:
            self.put_anchors(dict(expected.anchors), expected.ident)
            self.put_base(expected.base, expected.ident, now)

    def resume(self, ident: str) -> None:
        """Go on with the history's places, which belong to some weights."""
        self.ident = ident
        base = self._history.state.base
        self.bases = max(self.bases, base.number if base else 0)

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
            state.base, state.anchors = expected.base, dict(expected.anchors)
            self.ident = expected.ident
        before, self.ident = self.ident, ident
        if before != ident:
            if first and before:
                self._notices.add("info", "what was stored with other weights of the model is found again")
            self._find_again(now)
            return True
        if expected is not None:
            self._plan.forget_places()
            if expected.base is not None:
                self.set_base(expected.base, self._plan.cell_of(now))
        return False

    def _find_again(self, now: Tick) -> None:
        """Ask the new weights where base and anchors lie."""
        old, sounding = self._history.state, self._plan.sounding(now)
        self._history.state = replace(old, base=None, anchors={})
        self._plan.forget_places()
        if old.base is not None:
            phrase = old.base.phrase or (sounding.phrase if sounding else None)
            if phrase is not None:
                self._searches.ask(Search(phrase, 0, Reason.FOUND_AGAIN))
        lost = [name for name, anchor in old.anchors.items() if not self._requests.takes(anchor.phrase.grid)]
        if lost:
            self._notices.add(
                "warning", f"anchor {', '.join(lost)} does not fit this model's bars: it is empty now"
            )
        for name, anchor in old.anchors.items():
            self._searches.ask(Search(anchor.phrase, 0, Reason.ANCHOR, name))
