"""Clicks: what a metronome sends on a beat, higher on the first of a bar.  Pure."""

from live.timing.midi_bytes import note_off, note_on
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT

FIRST, OTHER = (76, 110), (77, 90)  # key and velocity: General MIDI's high wood block, and the low one
CLICK_TICKS = TICKS_PER_BEAT // 4


def click(channel: int, *, first: bool) -> bytes:
    """Return the click of a beat on a channel, 1..16; `first` of its bar."""
    return note_on(channel, *(FIRST if first else OTHER))


def click_end(channel: int, tick: Tick, *, first: bool) -> tuple[Tick, bytes]:
    """Return when a click that sounds on a tick ends, and what ends it."""
    return Tick(tick + CLICK_TICKS), note_off(channel, (FIRST if first else OTHER)[0])
