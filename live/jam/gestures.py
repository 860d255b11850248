"""Gestures on the latent: anchors, morph, pad, recall, a controller's vector, undo.

The morph knob is warped by arc length: equal turns change the decoded notes equally, where a straight
walk does nothing near its ends and jumps in the middle.  Threads: engine only.
"""

from collections.abc import Callable, Mapping

import numpy as np

from live.ipc.messages import Warp, Warped
from live.jam.dialogue import Answers
from live.jam.path import Anchor, Base, Origin, PathState, morphed, on_pad
from live.timing.timeline import Tick
from model.latent.geometry import Latent
from model.music.phrase import Phrase

UNDO_DEPTH = 64
MORPH_ENDS = ("A", "B")


class Gestures:
    """What the performer does to the latent itself.

    Args:
        answers: where the latent lives.
        knobs: present values by name; read, never written.
        ask: sends a request to the model; False when there is none.

    """

    def __init__(
        self, answers: Callable[[], Answers], *, knobs: Mapping[str, float], ask: Callable[[Warp], bool]
    ) -> None:
        """Start with nothing to undo."""
        self._answers, self._knobs, self._ask = answers, knobs, ask
        self._undo: list[PathState] = []
        self._warp: tuple[Anchor, Anchor, list[float]] | None = None
        self._warping: tuple[int, Anchor, Anchor] | None = None
        self._ident = 0

    @property
    def _state(self) -> PathState:
        return self._answers().state

    def remember(self) -> None:
        """Keep the present state for `undo`."""
        self._undo.append(self._state.copy())
        del self._undo[:-UNDO_DEPTH]

    def forget(self) -> None:
        """Another model plays: what was kept belongs to the old one."""
        self._undo.clear()

    def undo(self, now: Tick) -> bool:
        """Go back to the state before the last gesture; False when there is none."""
        if not self._undo:
            return False
        answers = self._answers()
        answers.state = self._undo.pop()
        base = answers.state.base
        answers.set_base(base, answers.cell_of(now))
        answers.set_turns(now)
        self.prepare_morph()
        return True

    def set_mode(self, mode: str, now: Tick) -> None:
        """Change the mode from the next step on."""
        if mode != self._state.mode:
            self.remember()
        self._answers().set_mode(mode, now)

    def freeze(self) -> bool:
        """Switch whether her playing is left alone; returns whether it is now."""
        self.remember()
        self._state.frozen = not self._state.frozen
        return self._state.frozen

    def store(self, name: str, now: Tick) -> bool:
        """Store what sounds as an anchor; False when there is nothing yet."""
        answers = self._answers()
        cell = answers.sounding(now)
        base: Base | None = cell.base if cell and cell.base else self._state.base
        if base is None:
            return False
        phrase = base.phrase or (cell.phrase if cell else None) or Phrase(answers.grid)
        self.remember()
        latent = Latent(base.latent.model, answers.moved(base, now), base.latent.attributes)
        self._state.anchors[name] = Anchor(latent, phrase, answers.here or (0.0, 0.0))
        self.prepare_morph()
        return True

    def recall(self, name: str, now: Tick) -> bool:
        """Go to an anchor; False while it is empty."""
        anchor = self._state.anchors.get(name)
        if anchor is None:
            return False
        self.remember()
        self._answers().go(anchor.latent, "recall", now, phrase=anchor.phrase)
        return True

    def morph(self, now: Tick) -> bool:
        """Go where the morph knob points; False while A or B is empty, and without a latent."""
        return self._slide(morphed(self._state.anchors, self._warped(self._knobs["morph"])), "morph", now)

    def pad(self, now: Tick) -> bool:
        """Go where the XY pad points; False while no anchor near it is set, and without a latent."""
        latent = on_pad(self._state.anchors, self._knobs["xy.x"], self._knobs["xy.y"])
        return self._slide(latent, "xy", now)

    def vector(self, values: list[float], now: Tick) -> bool:
        """Go to a vector that a controller sent; False when its length is not the model's."""
        answers = self._answers()
        if answers.model is None or len(values) != answers.model.latent_size or not values:
            return False
        attributes = self._state.base.latent.attributes if self._state.base else {}
        latent = Latent(answers.model.ident, np.asarray(values, dtype=np.float32), attributes)
        return self._slide(latent, "osc", now)

    def _slide(self, latent: Latent | None, origin: Origin, now: Tick) -> bool:
        if latent is None or not self._answers().requests.latent:
            return False
        if self._state.base is None or self._state.base.origin != origin:
            self.remember()
        self._answers().go(latent, origin, now)
        return True

    # -- the warp of the morph knob ----------------------------------------------------------------

    def prepare_morph(self) -> None:
        """Ask the model how the notes change between A and B."""
        anchors = [self._state.anchors.get(name) for name in MORPH_ENDS]
        a, b = anchors
        if a is None or b is None or not self._answers().requests.latent:
            return
        self._ident += 1
        request = Warp(
            ident=self._ident,
            a=a.latent.z.tolist(),
            a_attributes=dict(a.latent.attributes),
            b=b.latent.z.tolist(),
            b_attributes=dict(b.latent.attributes),
        )
        if self._ask(request):
            self._warping = (self._ident, a, b)

    def warped(self, reply: Warped) -> None:
        """Take the way's length at equal steps; an answer for older anchors is left."""
        if self._warping is not None and self._warping[0] == reply.ident:
            _, a, b = self._warping
            self._warp, self._warping = (a, b, reply.lengths), None

    def _warped(self, turn: float) -> float:
        """Return the place on the way at which the notes have changed as far as the knob is turned."""
        anchors = self._state.anchors
        if self._warp is None:
            return turn
        a, b, lengths = self._warp
        if anchors.get("A") is not a or anchors.get("B") is not b:
            return turn
        return float(np.interp(turn, lengths, np.linspace(0.0, 1.0, len(lengths))))
