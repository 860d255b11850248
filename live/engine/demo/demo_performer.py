"""Whoever plays the demo: it follows every start and stop of the transport, whoever asked for it.

Owns: where the demo has got to.  Threads: engine only.
"""

from live.engine.demo.tune import PORT, Cue, Demo
from live.jam.jam import Jam
from live.timing.timeline import Nanos, Tick


class DemoPerformer:
    """Plays a demo along a jam's transport."""

    def __init__(self, jam: Jam) -> None:
        self._jam, self._demo = jam, Demo()
        self._tick: Tick | None = None  # None while it rests

    def due(self, now: Nanos) -> list[Cue]:
        """Return what is due of the demo."""
        transport, lines, before = self._jam.transport, self._jam.plan.lines, self._tick
        self._tick = tick = transport.tick(now) if transport.running else None
        if before is not None and (tick is None or tick < before):
            self.release(now)
            self._demo.restart(0, lines)
        elif before is None and tick is not None:
            self._demo.restart(tick, lines)
        elif tick is not None and tick >= lines.start != self._demo.lines.start:
            self.release(now)
            self._demo.restart(tick, lines)
        return self._demo.due(tick) if tick is not None else []

    def coming(self) -> list[int]:
        """Return when to come back."""
        if self._tick is None:
            return []
        return [self._jam.transport.timeline.nanos(self._demo.next_tick())]

    def release(self, now: Nanos) -> None:
        """Let its keys go."""
        self._jam.performer.release(now, port=PORT)
