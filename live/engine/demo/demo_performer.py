"""Whoever plays the demo: it follows every start and stop of the transport, whoever asked for it.

Owns: where the demo has got to.  Threads: engine only.
"""

from live.engine.demo.tune import PORT, Cue, Demo
from live.ipc.commands import Turn
from live.jam.jam import Jam
from live.settings.knobs import KNOBS
from live.timing.timeline import Nanos, Tick


class DemoPerformer:
    """Plays a demo along a jam's transport.  A knob that somebody else turns is theirs from then on."""

    def __init__(self, jam: Jam) -> None:
        self._jam, self._demo = jam, Demo()
        self._tick: Tick | None = None  # None while it rests
        self._turned: dict[str, float] = {}  # knobs by name, where they were left

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
        return [cue for cue in self._demo.due(tick) if self._may(cue)] if tick is not None else []

    def _may(self, cue: Cue) -> bool:
        turn = cue.command
        if not isinstance(turn, Turn):
            return True
        if not self._is_ours(turn.knob):
            return False
        self._turned[turn.knob] = turn.value
        return True

    def _is_ours(self, knob: str) -> bool:
        return self._jam.knobs[knob] == self._turned.get(knob, KNOBS[knob].rest)

    def coming(self) -> list[int]:
        """Return when to come back."""
        if self._tick is None:
            return []
        return [self._jam.transport.timeline.nanos(self._demo.next_tick())]

    def release(self, now: Nanos) -> None:
        """Let its keys go."""
        self._jam.performer.release(now, port=PORT)

    def turned_back(self) -> list[Turn]:
        """Return what puts its knobs back to rest, but for those that somebody has turned since."""
        ours = [knob for knob in self._turned if self._is_ours(knob)]
        return [Turn(knob, KNOBS[knob].rest, source=PORT) for knob in ours]
