"""Masters of MIDI clock, for tests and benchmarks: when clocks are sent, and when a wire delivers them."""

import random
from collections.abc import Callable, Sequence

from live.timing.midi_bytes import CLOCKS_PER_BEAT

MS = 1_000_000
FIRST = 5_000_000_000


def sent(tempo_bpm: Callable[[float], float] | float, beats: float) -> list[int]:
    """Return the moments of a master's clocks; the tempo is a number, or a function of the beat."""
    moments, moment = [], float(FIRST)
    for clock in range(round(beats * CLOCKS_PER_BEAT)):
        moments.append(round(moment))
        bpm = tempo_bpm(clock / CLOCKS_PER_BEAT) if callable(tempo_bpm) else tempo_bpm
        moment += 60e9 / bpm / CLOCKS_PER_BEAT
    return moments


def step(before: float, after: float, *, at_beat: float) -> Callable[[float], float]:
    """Return a tempo that changes at once."""
    return lambda beat: before if beat < at_beat else after


def ramp(before: float, after: float, *, first_beat: float, beats: float) -> Callable[[float], float]:
    """Return a tempo that changes evenly, by the beat."""
    return lambda beat: before + (after - before) * min(1.0, max(0.0, (beat - first_beat) / beats))


def jittered(moments: Sequence[int], ms: float, *, seed: int = 1) -> list[int]:
    """Return moments that a wire delivers early or late by up to so many milliseconds, evenly spread."""
    chance = random.Random(seed)
    return sorted(moment + round(chance.uniform(-ms, ms) * MS) for moment in moments)


def buffered(moments: Sequence[int], ms: float) -> list[int]:
    """Return moments as a sequencer sends them that writes buffers of this length: several at once."""
    size = round(ms * MS)
    return [-(-moment // size) * size for moment in moments]


def stalled(moments: Sequence[int], ms: float, *, every_ms: float) -> list[int]:
    """Return moments on a wire that holds everything back for a while, every so often."""
    hold, period = round(ms * MS), round(every_ms * MS)
    late = [(moment - FIRST) % period for moment in moments]
    return [
        moment + (hold - into if into < hold and moment - FIRST > period / 2 else 0)
        for moment, into in zip(moments, late, strict=True)
    ]


def without(moments: Sequence[int], clocks: Sequence[int]) -> list[int]:
    """Return moments of which some, by number, are lost."""
    lost = set(clocks)
    return [moment for clock, moment in enumerate(moments) if clock not in lost]


def doubled(moments: Sequence[int], clocks: Sequence[int], *, ms: float = 1.0) -> list[int]:
    """Return moments of which some, by number, come twice."""
    return sorted([*moments, *(moments[clock] + round(ms * MS) for clock in clocks)])
