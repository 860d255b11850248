"""A transport that follows a simulated master: how far from it each of the master's clocks finds it."""

from collections.abc import Sequence
from typing import NamedTuple

from live.jam.leaders.timeline_follower import FOLLOW_BEATS
from live.timing.midi_bytes import CLOCK, CLOCKS_PER_BEAT, START
from live.timing.midi_clock.clock_in import ClockIn
from live.timing.midi_clock.clock_out import CLOCK_TICKS
from live.timing.timeline import Nanos
from live.timing.transport import Transport


class Found(NamedTuple):
    """The transport at the true moment of one of the master's clocks.

    Attributes:
        beat: the master's.
        late_ms: by how much the transport is behind it; negative is ahead.
        tempo_bpm: that the follower takes it to have.
        moving_bpm: at which the transport moves.
    """

    beat: float
    late_ms: float
    tempo_bpm: float
    moving_bpm: float


def followed(true: Sequence[int], received: Sequence[int], *, tempo_bpm: float = 120.0) -> list[Found]:
    """Return what each of a master's clocks finds; the master starts with its first one.

    Args:
        true: the moments at which the master means its clocks.
        received: the moments at which they come in, sorted.
        tempo_bpm: that the follower begins with.
    """
    clock_in, transport = ClockIn(tempo_bpm), Transport(tempo_bpm=tempo_bpm)
    clock_in.feed(bytes((START,)), Nanos(min(true[0], received[0])))
    events = sorted(
        [(moment, 1, number) for number, moment in enumerate(true)] + [(at, 0, 0) for at in received]
    )
    found: list[Found] = []
    for moment, is_true, number in events:
        now = Nanos(moment)
        if not is_true:
            move = clock_in.feed(bytes((CLOCK,)), now)
            if move is not None and move.timeline is not None:
                if move.kind == "begin":
                    transport.resume(move.timeline)
                else:
                    transport.follow(move.timeline, now, beats=FOLLOW_BEATS)
        elif transport.running:
            line = transport.timeline
            place = line.origin_tick + (moment - line.origin_nanos) / line.nanos_per_tick
            late = (number * CLOCK_TICKS - place) * line.nanos_per_tick / 1e6
            found.append(Found(number / CLOCKS_PER_BEAT, late, clock_in.tempo_bpm, line.tempo_bpm))
    return found
