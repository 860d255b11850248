"""Undo and redo: what each gesture has changed, slot by slot, and the way back and forth again.

A sweep of a knob is one gesture, as long as no other kind comes between and it does not rest.  A phrase
that was played is taken back only where the performer has changed nothing lately, for the next
phrase takes its place anyway.
Owns: what undo and redo bring back.  Threads: engine only.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from live.jam.latent.path import PathHistory
from live.jam.scenes.jam_state import ANCHOR, Slots
from live.settings.knobs import ANCHORS
from live.timing.timeline import Nanos

UNDO_DEPTH = 64
SWEEP_NANOS = 2_000_000_000  # a knob that rests so long begins a new gesture
LATELY_NANOS = 20_000_000_000
MOST_SWEPT = 4  # knobs that one pair of hands sweeps at a time
PHRASE = "your last phrase"
PLACE = ("base", "ident")
PLACES = frozenset(("base", *(ANCHOR + name for name in ANCHORS)))


class State(Protocol):
    """What has slots that can be read and set."""

    def slots(self) -> Slots:
        """Return the present value of each slot; none of them is ever altered."""

    def put(self, slots: Slots, now: Nanos) -> None:
        """Set some slots; "ident" among them names the weights that their places belong to."""


@dataclass
class Gesture:
    """A gesture: its slots before and after.

    Attributes:
        text: what the performer is shown.
        before: only what was changed.
        after: the same slots.
        nanos: when it was made, of a sweep the last turn.
        sweep: name of the knob that was swept, "" for another gesture.
    """

    text: str
    before: Slots
    after: Slots
    nanos: Nanos
    sweep: str = ""


class UndoHistory:
    """The gestures that can be taken back, and those that were."""

    def __init__(self, state: State, history: PathHistory) -> None:
        self._state, self._history = state, history
        self._done: deque[Gesture] = deque(maxlen=UNDO_DEPTH)
        self._undone: list[Gesture] = []

    def record(self, text: str, before: Slots, after: Slots, now: Nanos, *, sweep: str = "") -> None:
        """Take a gesture down, if it has changed anything.

        Args:
            text: what the performer is shown.
            before: all slots before it.
            after: all slots after it.
            now: the present moment.
            sweep: name of the knob that was turned, "" for another gesture.
        """
        changed = changed_slots(before, after)
        if not changed:
            return
        self._undone.clear()
        earlier = self._sweep(sweep, now) if sweep else None
        if earlier is not None and earlier.after["ident"] == after["ident"]:
            earlier.nanos = now
            for name in changed:
                earlier.before.setdefault(name, before.get(name))
                earlier.after[name] = after.get(name)
            return
        names = {*changed, "ident"}
        self._done.append(Gesture(text, picked(before, names), picked(after, names), now, sweep))

    def _sweep(self, knob: str, now: Nanos) -> Gesture | None:
        """Return the sweep of a knob that goes on: among the last gestures, which are all sweeps."""
        for gesture in list(self._done)[: -MOST_SWEPT - 1 : -1]:
            if not gesture.sweep or now - gesture.nanos > SWEEP_NANOS:
                return None
            if gesture.sweep == knob:
                return gesture
        return None

    def undo(self, now: Nanos) -> str:
        """Take the last gesture back; returns what it was, "" where there is none."""
        last = self._done[-1] if self._done else None
        phrase = self._history.replaced[-1] if self._history.replaced else None
        if last is not None and (
            phrase is None or phrase.nanos < last.nanos or now - last.nanos < LATELY_NANOS
        ):
            gesture = self._done.pop()
        elif phrase is not None:
            self._history.replaced.pop()
            present = self._state.slots()
            gesture = Gesture(
                PHRASE, {"base": phrase.bases, "ident": present["ident"]}, picked(present, PLACE), now
            )
        else:
            return ""
        self._undone.append(gesture)
        self._state.put(gesture.before, now)
        return gesture.text

    def redo(self, now: Nanos) -> str:
        """Make the gesture again that was taken back last; returns what it was, "" where there is none."""
        if not self._undone:
            return ""
        gesture = self._undone.pop()
        gesture.nanos = now
        if gesture.text == PHRASE:
            self._history.remember_base(now)
        else:
            self._done.append(gesture)
        self._state.put(gesture.after, now)
        return gesture.text


def changed_slots(before: Slots, after: Slots) -> set[str]:
    """Return the names of the slots that differ; with another model all that its places are in."""
    changed = {
        name
        for name in before.keys() | after.keys()
        if (old := before.get(name)) is not (new := after.get(name)) and old != new
    } - {"ident"}
    if "model" in changed:
        changed |= PLACES
    return changed


def picked(slots: Slots, names: Iterable[str]) -> Slots:
    """Return some of the slots; those that are not there are None."""
    return {name: slots.get(name) for name in names}
