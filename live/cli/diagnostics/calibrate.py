"""`twobar doctor --calibrate`: how late your keys arrive, from taps with clicks or through a loop cable.

A performer who taps in time taps with the click that is heard; what remains is the way of the sound out and
of the key in.  A cable from the output back to the input says the same without a performer, and nothing of
the ear.
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from live.devices.fluidsynth import open_synth
from live.devices.ports import open_inputs, open_output
from live.errors import FailureError
from live.timing.clock import Clock, MonotonicClock
from live.timing.midi_bytes import Received, is_note_on, note_off, note_on
from live.timing.timeline import Nanos

CLICKS = 20
LISTEN_FIRST = 4  # clicks to find the beat by, which do not count
FEWEST = 8  # taps of which a median says something
BEAT_NANOS = 600_000_000
SETTLE_NANOS = 300_000_000
CLICK_NANOS = 40_000_000
CLICK_CHANNEL, CLICK_KEY, CLICK_VELOCITY = 10, 37, 100
LOOP_NANOS = 100_000_000  # a cable is faster than this, and than any hand
STEADY_MS = 25.0  # quartile distance of taps that a figure may be taken from


class Latency(NamedTuple):
    """What came back.

    Attributes:
        ms: by how much it came after its click, the median; negative before.
        spread_ms: between the lower and the upper quarter.
        taps: that counted.
        looped: whether a cable brought the clicks themselves.
    """

    ms: float
    spread_ms: float
    taps: int
    looped: bool

    @property
    def text(self) -> str:
        """The figure in plain words, with the line for live.toml."""
        way = "the loop cable" if self.looped else f"{self.taps} taps"
        return (
            f"{way}: {self.ms:+.1f} ms, the middle half within {self.spread_ms:.1f} ms\n"
            f"in live.toml, under [midi]:\n  input_latency_ms = {self.ms:.1f}"
        )


def latency(clicks: Sequence[Nanos], received: Sequence[Received]) -> Latency:
    """Return how late keys come after the clicks that they were meant for.

    Args:
        clicks: when each was sent.
        received: what came in, note-ons and whatever else.

    Raises:
        FailureError: there were too few taps, or they were too uneven to say anything.
    """
    keys = [message for message in received if is_note_on(message.data)]
    looped = bool(keys) and all(message.data[1:] == CLICK[1:] for message in keys)
    counted = clicks if looped else clicks[LISTEN_FIRST:]
    away: list[float] = []
    for click in counted:
        near = [key.nanos - click for key in keys if abs(key.nanos - click) < BEAT_NANOS / 2]
        if near:
            away.append(min(near, key=abs) / 1e6)
    if len(away) < FEWEST:
        raise FailureError(f"{len(away)} taps are too few, {FEWEST} are needed: tap a key with every click")
    ordered = sorted(away)
    spread = ordered[3 * len(ordered) // 4] - ordered[len(ordered) // 4]
    looped = looped and all(0 <= one * 1e6 < LOOP_NANOS for one in away)
    if spread > STEADY_MS:
        raise FailureError(
            f"the taps lie {spread:.0f} ms apart, too uneven to say anything; "
            f"under {STEADY_MS:.0f} ms is needed: try again, softly and with the click"
        )
    return Latency(median(away), spread, len(away), looped)


CLICK = note_on(CLICK_CHANNEL, CLICK_KEY, CLICK_VELOCITY)


def clicks(send: Callable[[bytes], object], clock: Clock) -> list[Nanos]:
    """Send the clicks; returns when each left."""
    begin, sent = clock.now() + SETTLE_NANOS, []
    for number in range(CLICKS):
        due = Nanos(begin + number * BEAT_NANOS)
        while clock.now() < due:
            clock.wait_until(due)
        sent.append(clock.now())
        send(CLICK)
        end = Nanos(due + CLICK_NANOS)
        while clock.now() < end:
            clock.wait_until(end)
        send(note_off(CLICK_CHANNEL, CLICK_KEY))
    last = Nanos(begin + CLICKS * BEAT_NANOS)
    while clock.now() < last:  # the last tap may be late
        clock.wait_until(last)
    return sent


def calibrate(source: str, sink: str, *, api: str) -> Latency:
    """Play clicks, listen to the keyboards, and return how late the keys are.

    Args:
        source: as `--in`.
        sink: as `--out`: fluidsynth, virtual or a port.
        api: the system's MIDI driver.

    Raises:
        UsageError: no such port or system.
        PortError: one of them does not answer.
        SoundError: FluidSynth cannot play.
        FailureError: too few taps, or too uneven ones.
    """
    received: list[Received] = []
    inputs = open_inputs(source, api=api, deliver=received.append)
    try:
        if not inputs:
            raise FailureError("no keyboard is plugged in to tap on; name another port with --in")
        output = open_synth()[0] if sink == "fluidsynth" else open_output(sink, api=api)
        try:
            sent = clicks(output.send, MonotonicClock())
        finally:
            output.close()
    finally:
        for port in inputs:
            port.close()
    return latency(sent, received)
