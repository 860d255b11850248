"""Listening: in mode *listen* the performer's playing starts the transport and leads it.

The model process finds the beat (`live.worker.listening`): it is told every key that the performer strikes,
and what it finds comes back some milliseconds later.  While it is not there, the transport goes on as it
went, or waits; one that comes is told what was played meanwhile.

While the transport waits, what is played is kept, so that the phrases that the beat was found in are captured
as if it had run all the time; what the instrument plays itself never comes here.
Owns: what is listened for, what was played while it waited, whether the tempo then is the performer's, and
how the transport has followed.
Threads: engine only.
"""

from collections import deque
from typing import NamedTuple

from live.ipc.messages import BeatFound, BeatReport, CannotListen, ExpectTempo, Listen, Onset
from live.jam.input.capture import Capture, Key
from live.jam.protocols import Output
from live.settings.knobs import KNOBS
from live.timing.steady_tempo import SteadyTempo, steady_bars
from live.timing.timeline import Nanos, Tick, Timeline
from live.timing.transport import Transport
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.metre import METRES, metre_of, name_of

MOST_WAITING = 1024  # note-ons and note-offs
MOST_TOLD = 64  # onsets from before that a model process hears: half a millisecond each


class Touch(NamedTuple):
    """A key pressed, or let go with velocity 0, before there was a timeline."""

    nanos: Nanos
    key: Key
    velocity: int


class Listening:
    """Tells the model process what the performer plays, and takes what timeline that implies.

    Attributes:
        waits: whether the transport is to start when a beat is found.
        active: whether anyone is followed, or waited for.
        fault: why nothing can be heard, as the model process says; "" while it can.
    """

    def __init__(self, capture: Capture, transport: Transport, output: Output) -> None:
        self.waits = self.active = False
        self.fault = ""
        self._capture, self._transport, self._output = capture, transport, output
        self._number, self._metre = 0, METRES["4/4"]
        self._chosen = transport.tempo_bpm != KNOBS["tempo"].rest  # whether somebody set that tempo
        self._touches: deque[Touch] = deque(maxlen=MOST_WAITING)
        self._steady: SteadyTempo | None = None

    @property
    def _beats(self) -> int:
        """Quarters whose mean tempo is shown."""
        metre = self._metre
        return steady_bars(metre) * metre.beats_per_bar * metre.ticks_per_beat // TICKS_PER_BEAT

    def tempo_bpm(self, now: Nanos) -> float:
        """Return the tempo that is shown: of who is followed, that of the last bars, else the transport's."""
        if self._steady is None or not self.active or not self._transport.running:
            return self._transport.tempo_bpm
        return self._steady.bpm(self._transport.tick(now))

    def unable(self, grid: Grid) -> str:
        """Return why no beat can be found in a grid's metre, as a sentence, or ""."""
        if grid.ticks_per_bar % TICKS_PER_BEAT:
            return f"listen finds metres of whole quarters; {name_of(grid)} keeps to the click"
        return f"listen keeps to the click: {self.fault}" if self.fault else ""

    def wait(self, grid: Grid) -> None:
        """Wait for somebody to play in a grid's metre, one of whole quarters, near its tempo."""
        self.waits = True
        self._touches.clear()
        self._begin(grid)

    def _begin(self, grid: Grid) -> None:
        self.active, self._metre = True, metre_of(grid)
        self._settle()
        self.tell()

    def _settle(self) -> None:
        """Take it that the transport has run as it does."""
        running = self._transport.running
        self._steady = SteadyTempo(self._transport.timeline, self._beats) if running else None

    def tell(self) -> None:
        """Tell the model process, which may have come just now, what to listen for, if anything."""
        if not self.active:
            return
        self._number += 1
        tempo_bpm, line = self._transport.tempo_bpm, None
        if self._transport.running:
            timeline = self._transport.timeline
            line = (timeline.origin_tick, timeline.origin_nanos, timeline.tempo_bpm)
        onsets: list[tuple[int, int, int]] = [
            (nanos, key[2], velocity) for nanos, key, velocity in self._touches if velocity
        ]
        self._output.ask(
            Listen(
                self._number,
                self._metre,
                tempo_bpm,
                self._chosen and line is None,
                line,
                onsets[-MOST_TOLD:],
            )
        )

    def end(self) -> None:
        """Follow nobody any more; the transport stays as it is."""
        self.waits = self.active = False
        self._touches.clear()

    def expect(self, tempo_bpm: float) -> None:
        """Expect about this tempo, that the performer has set, of whoever has not begun to play."""
        self._chosen = True
        if self.active:
            self._settle()
            self._output.ask(ExpectTempo(tempo_bpm))

    def played(self, key: Key, velocity: int, nanos: Nanos) -> None:
        """Take a key that the performer has pressed, or let go with velocity 0."""
        if self.waits:
            self._touches.append(Touch(nanos, key, velocity))
        if velocity and self.active:
            self._output.ask(Onset(nanos, key[2], velocity))

    def look(self, grid: Grid) -> None:
        """Listen in the metre of the music that is played: another one is listened for anew."""
        if self.unable(grid):
            self.active = False
        elif not self.active or metre_of(grid) != self._metre:
            if self._transport.running:
                self._begin(grid)
            elif self.waits:
                self.wait(grid)

    def take(self, report: BeatReport) -> Timeline | None:
        """Take what the model process tells; returns the timeline that it says."""
        if not self.active or report.number != self._number:
            return None
        match report:
            case BeatFound(_, tick, nanos, tempo_bpm):
                return Timeline(Tick(tick), Nanos(nanos), tempo_bpm)
            case CannotListen(_, text):
                self.fault = text
        return None

    def follow(self, timeline: Timeline, now: Nanos) -> None:
        """Have the transport come to where the performer is."""
        self._transport.follow(timeline, now)
        if self._steady is not None:
            self._steady.bend(self._transport.timeline)

    def hand_over(self) -> None:
        """Capture what was played while it waited, in ticks of the transport that has started."""
        self.waits, self._chosen = False, False
        self._settle()
        timeline = self._transport.timeline
        for nanos, key, velocity in self._touches:
            if velocity:
                self._capture.on(key, velocity, timeline.tick(nanos))
            else:
                self._capture.off(key, timeline.tick(nanos))
        self._touches.clear()
