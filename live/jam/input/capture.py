"""Capture: what the performer played, in ticks, given out as it was and as phrases on the grid.

Owns: the notes of the last bars, the keys that are down, the pedals that are held and what sounds by them.
Threads: engine only.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import takewhile
from typing import NamedTuple

from live.timing.timeline import Tick, nearest_step
from model.music.grid import Grid
from model.music.phrase import Note, Phrase

MOST_NOTES = 4096
AT_ONCE, MOST_AT_ONCE = 60, 32  # ticks, and how many notes of a storm a phrase takes in them: two forearms'
MOST_A_STEP = 8  # notes of a phrase on the average: nobody plays as many
SLACK = 960  # ticks by which messages of two keyboards may come in another order than they were stamped

PEDAL_DOWN, PEDAL_UP = 64, 48  # between the two a pedal stays as it is: a half-pedal does not flicker

Key = tuple[str, int, int]
"""(port, channel, pitch): two keyboards may hold one key on one channel."""

StruckRow = tuple[int, int, int, int]
"""(start and end of its sound in ticks from a bar line, pitch, velocity) of a key."""


class PlayedNote(NamedTuple):
    """A note of the performer; `end`, of its sound, is None while the key or the pedal is down."""

    start: Tick
    end: Tick | None
    pitch: int
    velocity: int


class Capture:
    """Holds the last few thousand notes that were played while the transport ran.

    Attributes:
        strikes: counts the keys that were struck.
    """

    def __init__(self) -> None:
        self.strikes = 0
        self._done: deque[PlayedNote] = deque(maxlen=MOST_NOTES)
        self._down: dict[Key, PlayedNote] = {}
        self._pedals: set[tuple[str, int]] = set()
        self._ringing: dict[Key, PlayedNote] = {}  # their keys are up, their pedal is down

    def on(self, key: Key, velocity: int, tick: Tick) -> None:
        """Take a note-on; a key that already sounds is struck anew."""
        self._end(self._down, key, tick)
        self._end(self._ringing, key, tick)
        self._down[key] = PlayedNote(tick, None, key[2], velocity)
        self.strikes += 1

    def off(self, key: Key, tick: Tick) -> None:
        """Take a note-off: the note sounds on by its pedal; one without its note-on means nothing."""
        if key[:2] in self._pedals and key in self._down:
            self._ringing[key] = self._down.pop(key)
        else:
            self._end(self._down, key, tick)

    def pedal(self, port: str, channel: int, value: int, tick: Tick) -> None:
        """Take a sustain pedal's value, 0..127; one that comes up ends what sounds by it."""
        if value >= PEDAL_DOWN:
            self._pedals.add((port, channel))
        elif value < PEDAL_UP and (port, channel) in self._pedals:
            self._pedals.discard((port, channel))
            for key in [key for key in self._ringing if key[:2] == (port, channel)]:
                self._end(self._ringing, key, tick)

    def release_port(self, port: str, tick: Tick) -> None:
        """End what a keyboard held that has gone, its pedals too."""
        for held_by, channel in list(self._pedals):
            if held_by == port:
                self.pedal(port, channel, 0, tick)
        for key in [key for key in self._down if key[0] == port]:
            self._end(self._down, key, tick)

    def release_all(self, tick: Tick) -> None:
        """End every note that sounds: everything was silenced.  A pedal is still where the foot is."""
        for sounding in (self._down, self._ringing):
            for key in list(sounding):
                self._end(sounding, key, tick)

    def _end(self, sounding: dict[Key, PlayedNote], key: Key, tick: Tick) -> None:
        note = sounding.pop(key, None)
        if note is not None:
            self._done.append(note._replace(end=Tick(max(tick, note.start + 1))))

    def clear(self) -> None:
        """Forget every note: the transport starts anew."""
        self._done.clear()
        self._down.clear()
        self._ringing.clear()

    def between(self, first: Tick, last: Tick, now: Tick) -> list[PlayedNote]:
        """Return the notes that started in first <= tick < last; what still sounds ends now."""
        return [
            note if note.end is not None else note._replace(end=Tick(max(now, note.start + 1)))
            for note in self.started(first, last)
        ]

    def lately(self, first: Tick) -> list[PlayedNote]:
        """Return the notes that started at a tick or later, and all that sound still, whose end is None."""
        recent = takewhile(lambda note: note.end is None or note.end > first - SLACK, reversed(self._done))
        ended = [note for note in recent if note.start >= first][::-1]
        return ended + self._sounding()

    def down(self) -> list[PlayedNote]:
        """Return the notes that sound still."""
        return self._sounding()

    def struck(self, grid: Grid, zero: Tick, first: Tick, last: Tick) -> list[StruckRow]:
        """Return the notes that started in first <= tick < last, as they were played.

        Args:
            grid: of the phrase.
            zero: the bar line that it starts on; what still sounds is taken to end with it.
            first: see above.
            last: see above.
        """
        end = Tick(zero + grid.ticks)
        return [
            (note.start - zero, max(note.end or end, note.start + 1) - zero, note.pitch, note.velocity)
            for note in playable(self.started(first, last), grid.steps)
        ]

    def still_sounding(self, first: Tick, last: Tick) -> list[PlayedNote]:
        """Return what still sounds of the notes that started in first <= tick < last."""
        return [note for note in self._sounding() if first <= note.start < last]

    def is_sounding(self, notes: Iterable[PlayedNote]) -> bool:
        """Tell whether any of some notes sounds still."""
        sounding = {(note.start, note.pitch) for note in self._sounding()}
        return any((note.start, note.pitch) in sounding for note in notes)

    def end_of(self, note: PlayedNote) -> Tick | None:
        """Return where the sound of a note ended; None while it has not, or where it is forgotten."""
        for known in reversed(self._done):
            if (known.start, known.pitch, known.velocity) == (note.start, note.pitch, note.velocity):
                return known.end
        return None

    def started(self, first: Tick, last: Tick) -> list[PlayedNote]:
        """Return the notes that started in first <= tick < last; those that sound still are the last."""
        return self._ended(first, last) + [note for note in self._sounding() if first <= note.start < last]

    def _ended(self, first: Tick, last: Tick) -> list[PlayedNote]:
        recent = takewhile(lambda note: note.end is None or note.end > first - SLACK, reversed(self._done))
        return [note for note in recent if first <= note.start < last][::-1]

    def _sounding(self) -> list[PlayedNote]:
        return [*self._down.values(), *self._ringing.values()]

    def phrase(self, grid: Grid, zero: Tick) -> Phrase:
        """Return what was played in the phrase that starts at a tick, each onset on its nearest step.

        An onset less than half a step before the phrase belongs to it, one less than half a step
        before its end does not.  What still sounds does so to the end.
        """
        half = grid.ticks_per_step // 2
        notes: list[Note] = []
        for played in playable(self.started(Tick(zero - half), Tick(zero + grid.ticks - half)), grid.steps):
            step, deviation = nearest_step(grid, played.start - zero)
            last, _ = nearest_step(grid, (played.end or zero + grid.ticks) - zero)
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


def playable(notes: list[PlayedNote], steps: int) -> list[PlayedNote]:
    """Return of the notes of so many steps what hands can have struck: the loudest, where there are too many.

    What a model computes grows with the notes; a storm of them must not make its answer late.
    """
    if len(notes) <= MOST_AT_ONCE:
        return notes
    crowds: defaultdict[int, int] = defaultdict(int)
    taken: set[int] = set()
    for place in sorted(range(len(notes)), key=lambda place: -notes[place].velocity):
        moment = notes[place].start // AT_ONCE
        if crowds[moment] < MOST_AT_ONCE and len(taken) < MOST_A_STEP * steps:
            crowds[moment] += 1
            taken.add(place)
    return [note for place, note in enumerate(notes) if place in taken]
