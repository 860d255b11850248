"""The listener: tells the engine of the performer's beat, onset by onset, beside whatever the models work on.

It has a thread of its own: a model answers between two onsets, and an onset is worked out while it does.
Owns: the beat follower.  Threads: its own.
"""

import queue
from collections.abc import Callable

from live.ipc.messages import (
    BeatFound,
    BeatReport,
    CannotListen,
    ExpectTempo,
    Listen,
    Message,
    Onset,
    ToListener,
)
from live.timing.timeline import Nanos, Tick, Timeline
from live.worker.listening.beat_follower import BeatFollower
from model.errors import sentence

GRACE_NANOS = 3_000_000  # that a key of the same chord may be on its way


class Listener:
    """Feeds a beat follower with what the engine tells; whatever goes wrong becomes one sentence."""

    def __init__(self) -> None:
        self._number = 0
        self._follower: BeatFollower | None = None

    @property
    def due(self) -> Nanos | None:
        """When `advance` has something to do; None until somebody plays."""
        return None if self._follower is None else self._follower.due

    def take(self, message: ToListener) -> BeatReport | None:
        """Take a message; returns what is known newly."""
        if isinstance(message, Listen):
            self._number, self._follower = message.number, None
        return self._guarded(lambda: self._taken(message))

    def advance(self, now: Nanos) -> BeatReport | None:
        """Work out what was played up to now; returns what is known newly."""
        follower = self._follower
        return None if follower is None else self._guarded(lambda: follower.advance(now))

    def _taken(self, message: ToListener) -> bool:
        match message:
            case Listen(_, metre, tempo_bpm, chosen, line, onsets):
                self._follower = BeatFollower(metre, tempo_bpm=tempo_bpm, chosen=chosen)
                if line is not None:
                    self._follower.join(Timeline(Tick(line[0]), Nanos(line[1]), line[2]))
                found = [self._follower.onset(Nanos(nanos), *note) for nanos, *note in onsets]
                return any(found)
            case Onset(nanos, pitch, velocity) if self._follower is not None:
                return self._follower.onset(Nanos(nanos), pitch, velocity)
            case ExpectTempo(tempo_bpm) if self._follower is not None:
                self._follower.expect(tempo_bpm)
        return False

    def _guarded(self, hear: Callable[[], bool]) -> BeatReport | None:
        """Return what is believed if something has been learned."""
        try:
            learned = hear()
        except Exception as error:  # noqa: BLE001  the models must answer on
            self._follower = None
            return CannotListen(self._number, sentence(error))
        found = self._follower.found if learned and self._follower is not None else None
        if found is None:
            return None
        line = found.timeline
        return BeatFound(self._number, line.origin_tick, line.origin_nanos, line.tempo_bpm)


def listen(
    messages: "queue.SimpleQueue[ToListener | None]",
    tell: Callable[[Message], object],
    *,
    now: Callable[[], int],
) -> None:
    """Tell what is heard in messages until None comes.

    Args:
        messages: in the order of time.
        tell: gets what is known newly.
        now: the engine's clock.
    """
    listener = Listener()
    while True:
        due = listener.due
        try:
            message = messages.get(timeout=None if due is None else max(0, due + GRACE_NANOS - now()) / 1e9)
        except queue.Empty:
            report = listener.advance(Nanos(now()))
        else:
            if message is None:
                return
            report = listener.take(message)
        if report is not None:
            tell(report)
