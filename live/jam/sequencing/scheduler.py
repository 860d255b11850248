"""The scheduler: which message leaves next.

A note's off is queued when its on is sent, never before: whatever is cancelled, what sounds will end.
Owns: what is queued and what sounds, both in ticks.  Threads: engine only.  Realtime: yes.
"""

import heapq
from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from live.timing.midi_bytes import Event, Rank, note_off, note_on, rank_of
from live.timing.timeline import Tick

QueuedRow = tuple[Tick, Tick, int, int, int, int, int, float, float]
"""A note to queue: on, off, step, channel, pitch, velocity, track, offset, displacement; see `QueuedNote`."""


class QueuedNote(NamedTuple):
    """A note that has not been sent yet; tuples compare in sending order.

    Attributes:
        tick: when its on is due.
        sequence: order of planning.
        end: tick of its off.
        step: step of the whole piece that it stands for, by which it is replaced.
        channel: 1..16.
        pitch: 0..127.
        velocity: 1..127.
        track: part that it belongs to, see `model.music.tracks`.
        offset: of its phrase's note, in steps: how far `tick` was to lie from the note's place.
        displacement: of its phrase's note, in steps: how far that place lies from the step.
    """

    tick: Tick
    sequence: int
    end: Tick
    step: int
    channel: int
    pitch: int
    velocity: int
    track: int = 0
    offset: float = 0.0
    displacement: float = 0.0


class Scheduler:
    """Queues notes and other messages and yields what is due, in the order of `Rank` within a tick."""

    def __init__(self) -> None:
        self._notes: list[QueuedNote] = []
        self._others: list[Event] = []
        self._sounding: dict[tuple[int, int], tuple[Tick, int]] = {}
        self._sequence = 0

    def note(
        self,
        tick: Tick,
        end: Tick,
        *,
        step: int,
        channel: int,
        pitch: int,
        velocity: int,
        track: int = 0,
        offset: float = 0.0,
        displacement: float = 0.0,
    ) -> None:
        """Queue a note; `end` is moved to at least one tick after its start."""
        self._sequence += 1
        last = Tick(max(end, tick + 1))
        insort(
            self._notes,
            QueuedNote(
                tick, self._sequence, last, step, channel, pitch, velocity, track, offset, displacement
            ),
        )

    def add(self, rows: Iterable[QueuedRow]) -> None:
        """Queue many notes, in this order where ticks are equal; ends are moved as by `note`."""
        for tick, end, step, channel, pitch, velocity, track, offset, displacement in rows:
            self._sequence += 1
            last = end if end > tick else Tick(tick + 1)
            self._notes.append(
                QueuedNote(
                    tick, self._sequence, last, step, channel, pitch, velocity, track, offset, displacement
                )
            )
        self._notes.sort()

    def message(self, tick: Tick, data: bytes) -> None:
        """Queue any message that is not a note."""
        self._sequence += 1
        heapq.heappush(self._others, Event(tick, rank_of(data), self._sequence, data))

    def drop_notes(self, first: int, last: int) -> int:
        """Forget the queued notes of first <= step < last; returns how many.  What sounds still ends."""
        before = len(self._notes)
        self._notes = [note for note in self._notes if not first <= note.step < last]
        return before - len(self._notes)

    def drop_all_notes(self) -> None:
        """Forget every queued note.  What sounds still ends."""
        self._notes.clear()

    def drop_transport(self) -> None:
        """Forget the queued start, stop and continue bytes."""
        self._others = [event for event in self._others if event.rank is not Rank.TRANSPORT]
        heapq.heapify(self._others)

    def shorten(self, pitches: Callable[[int, int], Tick | None]) -> None:
        """Let sounding notes end earlier: `pitches(channel, pitch)` gives a tick, or None to leave it."""
        for (channel, pitch), (end, step) in self._sounding.items():
            sooner = pitches(channel, pitch)
            if sooner is not None and sooner < end:
                self._sounding[channel, pitch] = (sooner, step)

    def sounding(self) -> dict[tuple[int, int], tuple[Tick, int]]:
        """Return what sounds: (channel, pitch) -> (tick of its off, step of its on)."""
        return dict(self._sounding)

    def queued(self) -> tuple[QueuedNote, ...]:
        """Return the notes to come, in order."""
        return tuple(self._notes)

    def next_tick(self) -> Tick | None:
        """Return the tick of the next message, or None when nothing is queued."""
        candidates = [end for end, _ in self._sounding.values()]
        if self._notes:
            candidates.append(self._notes[0].tick)
        if self._others:
            candidates.append(self._others[0].tick)
        return min(candidates, default=None)

    def due(
        self, now: Tick, *, too_late: Callable[[Tick], bool]
    ) -> Iterator[tuple[Event, QueuedNote | None]]:
        """Yield what is due at or before `now`, in order, with the note of each note-on.

        `too_late(tick)` tells whether a note-on due then must be dropped: it is yielded with empty
        data, and never sounds.  A pitch that sounds is ended before it is struck again.
        """
        while True:
            tick = self.next_tick()
            if tick is None or tick > now:
                return
            yield from self._at(tick, too_late)

    def _at(self, tick: Tick, too_late: Callable[[Tick], bool]) -> Iterator[tuple[Event, QueuedNote | None]]:
        while self._others and self._others[0].tick <= tick and self._others[0].rank == Rank.TRANSPORT:
            yield heapq.heappop(self._others), None
        for place in [place for place, (end, _) in self._sounding.items() if end <= tick]:
            yield Event(tick, Rank.NOTE_OFF, 0, self._end(place)), None
        striking: list[QueuedNote] = []
        while self._notes and self._notes[0].tick <= tick:
            striking.append(self._notes.pop(0))
        late = bool(striking) and too_late(tick)
        # of two that strike one key on one tick the later stands
        struck = [] if late else list({(note.channel, note.pitch): note for note in striking}.values())
        for note in struck:
            if (note.channel, note.pitch) in self._sounding:
                off = self._end((note.channel, note.pitch))
                yield Event(tick, Rank.NOTE_OFF, note.sequence, off), None
        while self._others and self._others[0].tick <= tick:
            yield heapq.heappop(self._others), None
        for note in struck:
            self._sounding[note.channel, note.pitch] = (note.end, note.step)
            on = note_on(note.channel, note.pitch, note.velocity)
            yield Event(tick, Rank.NOTE_ON, note.sequence, on), note
        for note in striking if late else ():
            yield Event(tick, Rank.NOTE_ON, note.sequence, b""), note

    def _end(self, place: tuple[int, int]) -> bytes:
        del self._sounding[place]
        return note_off(*place)

    def silence(self, *, keep_transport: bool = False) -> list[bytes]:
        """End everything that sounds and forget what is queued; returns the offs to send now.

        `keep_transport` leaves start, stop and clock bytes that are still to come.
        """
        self._notes.clear()
        offs = [event.data for event in self._others if event.rank is Rank.NOTE_OFF]
        self._others = [event for event in self._others if keep_transport and event.rank is Rank.TRANSPORT]
        heapq.heapify(self._others)
        return [*offs, *(self._end(place) for place in list(self._sounding))]
