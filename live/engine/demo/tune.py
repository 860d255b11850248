"""The demo: a performer for those who have no keyboard at hand.

It plays its own little tune for two bars, listens for two, and turns a knob now and then, as bytes
that come in like anyone's.
Owns: where in its tune it is.  Threads: engine only.
"""

from typing import NamedTuple

from live.ipc.commands import Command, Turn
from live.timing.bar_lines import BarLines
from live.timing.midi_bytes import note_off, note_on
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT, Grid

PORT = "demo"
BEAT = TICKS_PER_BEAT
BAR = 4 * BEAT
VERSE_BARS = 4

# (beat, length in beats, key, velocity), two bars each: written for this demo
FIRST = (
    (0.0, 1.0, 57, 70), (0.0, 0.75, 64, 84), (0.75, 0.25, 67, 66), (1.0, 0.5, 69, 90), (1.5, 0.5, 67, 72),
    (2.0, 1.5, 53, 70), (2.0, 0.5, 65, 84), (2.5, 0.5, 69, 78), (3.0, 0.75, 72, 92), (3.75, 0.25, 71, 64),
    (4.0, 1.5, 55, 72), (4.0, 1.0, 71, 88), (5.0, 0.5, 67, 74), (5.5, 0.5, 69, 70),
    (6.0, 2.0, 52, 70), (6.0, 1.5, 68, 86), (7.5, 0.5, 64, 66),
)  # fmt: skip
SECOND = (
    (0.0, 2.0, 57, 74), (0.0, 2.0, 60, 66), (0.5, 0.5, 76, 84), (1.0, 0.5, 74, 78), (1.5, 0.5, 72, 80),
    (2.0, 2.0, 50, 72), (2.0, 2.0, 57, 64), (2.25, 0.75, 74, 86), (3.0, 0.5, 77, 90), (3.5, 0.5, 74, 72),
    (4.0, 2.0, 52, 74), (4.0, 2.0, 59, 64), (4.5, 0.5, 71, 84), (5.0, 0.5, 72, 80), (5.5, 0.5, 74, 82),
    (6.0, 2.0, 45, 78), (6.0, 2.0, 64, 70), (6.0, 1.5, 72, 92),
)  # fmt: skip
TURNS = (
    ("density", 0.6), ("density", 0.0), ("register", 0.5),
    ("register", 0.0), ("complexity", 0.6), ("complexity", 0.0),
)  # fmt: skip


class Cue(NamedTuple):
    """Bytes or a command at a tick."""

    tick: Tick
    data: bytes
    command: Command | None


class Demo:
    """Plays along a transport's ticks; a new start plays it from the top.

    In another metre than its own, its bars are cut short or end in a rest.

    Attributes:
        lines: the bar lines that it plays along.
    """

    def __init__(self) -> None:
        self.lines = BarLines(Grid())
        self._cues: list[Cue] = []
        self._verse = 0

    def restart(self, tick: int = 0, lines: BarLines | None = None) -> None:
        """Play from the top, or from the next verse where the transport has gone on for long without it.

        Args:
            tick: where the transport is.
            lines: those of another metre, from their start on.
        """
        self.lines = lines or self.lines
        self._cues.clear()
        gone, bar = tick - self.lines.start, self.lines.grid.ticks_per_bar
        self._verse = -(-gone // (VERSE_BARS * bar)) if gone >= bar else 0

    def next_tick(self) -> Tick:
        """Return the tick of the next cue."""
        if not self._cues:
            self._write(self._verse)
            self._verse += 1
        return self._cues[0].tick

    def due(self, now: Tick) -> list[Cue]:
        """Return the cues up to a tick, in order, each once."""
        cues: list[Cue] = []
        while self.next_tick() <= now:
            cues.append(self._cues.pop(0))
        return cues

    def _write(self, verse: int) -> None:
        size = self.lines.grid.ticks_per_bar
        start = self.lines.start + verse * VERSE_BARS * size
        cues: list[Cue] = []
        for beat, length, pitch, velocity in SECOND if verse % 2 else FIRST:
            bar, within = divmod(round(beat * BEAT), BAR)
            if within >= size:
                continue
            on = start + bar * size + within
            off = start + bar * size + min(size, within + round(length * BEAT)) - 10
            cues.append(Cue(Tick(on), note_on(1, pitch, velocity), None))
            cues.append(Cue(Tick(off), note_off(1, pitch), None))
        name, value = TURNS[verse % len(TURNS)]
        turn = Turn(name, value, source=PORT)
        cues.append(Cue(Tick(start + 2 * size + size // 2), b"", turn))
        self._cues = sorted(cues, key=lambda cue: (cue.tick, cue.data[:1] >= b"\x90"))
