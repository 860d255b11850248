"""The count-in: a click on every beat before bar 0.  Pure."""

from live.timing.midi_bytes import note_off, note_on
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT, Grid

FIRST, OTHER = (76, 110), (77, 90)  # key and velocity: General MIDI's high wood block, and the low one
CLICK_TICKS = TICKS_PER_BEAT // 4


def count_in(grid: Grid, bars: int, *, channel: int, since: Tick) -> list[tuple[Tick, bytes]]:
    """Return the clicks, each on and off, of some bars before tick 0.

    Args:
        grid: of the music to come.
        bars: how many.
        channel: 1..16, of the drums.
        since: clicks before this tick are left out.

    """
    clicks: list[tuple[Tick, bytes]] = []
    for beat in range(-bars * grid.beats_per_bar, 0):
        tick = Tick(beat * grid.ticks_per_beat)
        if tick >= since:
            pitch, velocity = FIRST if beat % grid.beats_per_bar == 0 else OTHER
            clicks.append((tick, note_on(channel, pitch, velocity)))
            clicks.append((Tick(tick + CLICK_TICKS), note_off(channel, pitch)))
    return clicks
