"""Capture: what the performer played, in ticks, given out as phrases on the grid.

Owns: the notes of the last bars, and the keys that are down.  Threads: engine only.
"""

from collections import deque
from itertools import takewhile
from typing import NamedTuple

from live.timing.timeline import Tick, nearest_step
from model.music.grid import Grid
from model.music.phrase import Note, Phrase

MOST_NOTES = 4096
SLACK = 960  # ticks by which messages of two keyboards may come in another order than they were stamped

Key = tuple[str, int, int]
"""(port, channel, pitch): two keyboards may hold one key on one channel."""


class PlayedNote(NamedTuple):
    """A note of the performer; `end` is None while the key is down."""

    start: Tick
    end: Tick | None
    pitch: int
    velocity: int


class Capture:
    """Holds the last few thousand notes that were played while the transport ran."""

    def __init__(self) -> None:
        """Start empty."""
        self._done: deque[PlayedNote] = deque(maxlen=MOST_NOTES)
        self._down: dict[Key, PlayedNote] = {}

    def on(self, key: Key, velocity: int, tick: Tick) -> None:
        """Take a note-on; a key that is already down is struck anew."""
        self.off(key, tick)
        self._down[key] = PlayedNote(tick, None, key[2], velocity)

    def off(self, key: Key, tick: Tick) -> None:
        """Take a note-off; one without its note-on means nothing."""
        note = self._down.pop(key, None)
        if note is not None:
            self._done.append(note._replace(end=Tick(max(tick, note.start + 1))))

    def release_all(self, tick: Tick) -> None:
        """End every key that is down: its keyboard has gone, or everything was silenced."""
        for key in list(self._down):
            self.off(key, tick)

    def clear(self) -> None:
        """Forget everything: the transport starts anew."""
        self._done.clear()
        self._down.clear()

    def between(self, first: Tick, last: Tick, now: Tick) -> list[PlayedNote]:
        """Return the notes that started in first <= tick < last; keys still down end now."""
        ended = takewhile(lambda note: note.end is None or note.end > first - SLACK, reversed(self._done))
        found = [note for note in ended if first <= note.start < last][::-1]
        held = [note for note in self._down.values() if first <= note.start < last]
        return found + [note._replace(end=Tick(max(now, note.start + 1))) for note in held]

    def phrase(self, grid: Grid, zero: Tick, now: Tick) -> Phrase:
        """Return what was played in the phrase that starts at a tick, each onset on its nearest step.

        An onset less than half a step before the phrase belongs to it, one less than half a step
        before its end does not.  Keys still down sound to the end.
        """
        half = grid.ticks_per_step // 2
        notes: list[Note] = []
        for played in self.between(Tick(zero - half), Tick(zero + grid.ticks - half), now):
            step, deviation = nearest_step(grid, played.start - zero)
            held = (played.pitch, played.start) in self._held()
            end = zero + grid.ticks if held or played.end is None else played.end
            last, _ = nearest_step(grid, end - zero)
            notes.append(
                Note(
                    step,
                    played.pitch,
                    played.velocity,
                    max(1, min(last, grid.steps) - step),
                    round(deviation, 3),
                )
            )
        return Phrase.of(grid, notes)

    def _held(self) -> set[tuple[int, Tick]]:
        return {(note.pitch, note.start) for note in self._down.values()}
