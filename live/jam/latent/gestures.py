"""Gestures on the latent: anchors, morph, pad, recall, a controller's vector, mode, freeze, undo.

The morph knob is warped by arc length: equal turns change the decoded notes equally, where a straight
walk does nothing near its ends and jumps in the middle.
Owns: the warp of the morph knob.  Threads: engine only.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from live.ipc.jam_memory import Anchor, BaseOrigin
from live.ipc.messages import Warped
from live.ipc.places import Moved, OnMap, Place, Point
from live.jam.asking.decoding import Decoding
from live.jam.asking.requests import Requests
from live.jam.asking.stored_places import StoredPlaces
from live.jam.latent.path import PathHistory, attributes, heaviest, morphed, on_pad, points
from live.jam.protocols import Output
from live.jam.sequencing.plan import Plan
from live.jam.turn_taking import TurnTaking
from live.settings.knobs import Mode
from live.timing.timeline import Tick
from model.music.phrase import Phrase

MORPH_ENDS = ("A", "B")
MOST_POINTS = 4  # in an anchor; what would hold more is stored as the point that sounds


class Gestures:
    """What the performer does to the latent itself.  `knobs`: present values by name; read, never written."""

    def __init__(
        self,
        history: PathHistory,
        plan: Plan,
        requests: Requests,
        *,
        turns: TurnTaking,
        places: StoredPlaces,
        decoding: Decoding,
        knobs: Mapping[str, float],
        output: Output,
    ) -> None:
        self._history, self._plan, self._turns, self._requests = history, plan, turns, requests
        self._places, self._decoding = places, decoding
        self._knobs, self._output = knobs, output
        self._warp: tuple[Anchor, Anchor, list[float]] | None = None
        self._warping: tuple[int, Anchor, Anchor] | None = None

    def set_mode(self, mode: Mode, now: Tick) -> None:
        """Change the mode from the next step on."""
        self._history.state.mode = mode
        self._hold(now)
        self._turns.changed(now)

    def freeze(self, now: Tick) -> bool:
        """Switch whether what is played is left alone; returns whether it is now."""
        state = self._history.state
        state.frozen = not state.frozen
        self._hold(now)
        self._plan.mark_stale(now)
        return state.frozen

    def _hold(self, now: Tick) -> None:
        """Let the variation that sounds stay while the phrase is held."""
        state = self._history.state
        if not state.holds:
            state.turn = None
        elif state.turn is None:
            index = self._plan.cell_of(now)
            cell = self._plan.cells.get(index)
            state.turn = max(0, index if cell is None or cell.speaks else index - self._plan.lines.period)

    def store(self, name: str, now: Tick) -> bool:
        """Store what sounds as an anchor; False when there is nothing yet."""
        anchor = self._anchor(now)
        if anchor is None:
            return False
        self._history.state.anchors[name] = anchor
        self.prepare_morph()
        return True

    def _anchor(self, now: Tick) -> Anchor | None:
        """Return what sounds as an anchor; None when there is nothing yet."""
        cell, state = self._plan.sounding(now), self._history.state
        base = cell.base if cell and cell.base else state.base
        if base is None:
            return None
        rest = state.bases[1:]
        if rest and base in state.bases:  # it begins where what was played began
            base = state.bases[0]
        phrase = base.phrase or (cell.phrase if cell else None) or Phrase(self._plan.grid)
        place = self._requests.moved(base, self._plan.cell_of(now), state)
        drifting = isinstance(place, Moved) and place.drifting  # whose walk is of its time, not of its cell
        if drifting or points(place) > MOST_POINTS:
            place = cell.point if cell is not None and cell.point is not None else heaviest(place)
        return Anchor(place, phrase, self._decoding.here or (0.0, 0.0), rest)

    def recall(self, name: str, now: Tick) -> bool:
        """Go to an anchor; False while it is empty."""
        anchor = self._history.state.anchors.get(name)
        if anchor is None:
            return False
        self._places.go(anchor.place, "recall", now, phrase=anchor.phrase, rest=anchor.rest)
        return True

    def morph(self, now: Tick) -> bool:
        """Go where the morph knob points; False while A or B is empty, and without a latent."""
        place = morphed(self._history.state.anchors, self._on_the_way(self._knobs["morph"]))
        return self._slide(place, "morph", now)

    def pad(self, now: Tick) -> bool:
        """Go where the XY pad points; False while no anchor near it is set, and without a latent."""
        place = on_pad(self._history.state.anchors, self._knobs["xy.x"], self._knobs["xy.y"])
        return self._slide(place, "xy", now)

    def go_to(self, z: Sequence[float], now: Tick) -> bool:
        """Go to a vector that a controller sent; False when its length is not the model's."""
        model = self._requests.model
        if model is None or len(z) != model.latent_size or not z:
            return False
        base = self._history.state.base
        return self._slide(Point([*z], dict(attributes(base.place)) if base else {}), "osc", now)

    def go_on_map(self, x: float, y: float, now: Tick) -> bool:
        """Carry what sounds to a point of the map; False before there is anything, and without a latent."""
        base = self._history.state.base
        if base is None:
            return False
        start = base.place.place if isinstance(base.place, OnMap) else base.place
        return self._slide(OnMap(start, x, y), "map", now)

    def _slide(self, place: Place | None, origin: BaseOrigin, now: Tick) -> bool:
        if place is None or not self._requests.has_latent:
            return False
        self._places.go(place, origin, now)
        return True

    # -- the warp of the morph knob ----------------------------------------------------------------

    def prepare_morph(self) -> None:
        """Ask the model how the notes change between A and B."""
        a, b = (self._history.state.anchors.get(name) for name in MORPH_ENDS)
        if a is None or b is None or not self._requests.has_latent:
            return
        request = self._requests.warp(a.place, b.place)
        if self._output.ask(request):
            self._warping = (request.ident, a, b)

    def warped(self, reply: Warped) -> None:
        """Take the way's length at equal steps; an answer for older anchors is left."""
        if self._warping is not None and self._warping[0] == reply.ident:
            _, a, b = self._warping
            self._warp, self._warping = (a, b, reply.lengths), None

    def _on_the_way(self, turn: float) -> float:
        """Return the place on the way at which the notes have changed as far as the knob is turned."""
        anchors = self._history.state.anchors
        if self._warp is None:
            return turn
        a, b, lengths = self._warp
        if anchors.get("A") is not a or anchors.get("B") is not b:
            return turn
        return inverse(turn, lengths)


def inverse(value: float, rising: Sequence[float]) -> float:
    """Return where, 0..1, a function that goes straight through values at equal steps reaches a value.

    Args:
        value: beyond the ends it is reached at the ends.
        rising: at least two values, strictly rising.
    """
    last = len(rising) - 1
    below = bisect_right(rising, value) - 1
    if below < 0:
        return 0.0
    if below >= last:
        return 1.0
    share = (value - rising[below]) / (rising[below + 1] - rising[below])
    return (below + share) / last
