"""The beat, large enough for two metres: digits of half blocks, and a block per beat that lights up.

Pure: ticks and sizes in, rows out.
"""

from typing import NamedTuple

from live.dashboard.drawing.big_text import best_scale, big_height, big_text, big_width, write_big
from live.dashboard.drawing.rows import Canvas, Row
from model.music.grid import TICKS_PER_BEAT

FLASH = 0.2
"""Share of a beat for which its block is lit brightest."""


class Pulse(NamedTuple):
    """Where in the music a tick lies, as musicians count: from bar 1, beat 1 (a count-in is bar 0)."""

    bar: int
    beat: int
    fraction: float


def pulse_at(tick: int, beats_per_bar: int, ticks_per_beat: int = TICKS_PER_BEAT) -> Pulse:
    """Return the bar and beat of a tick, and how far into the beat it lies, 0..1."""
    size = max(1, ticks_per_beat)
    beats, rest = divmod(tick, size)
    bar, beat = divmod(beats, max(1, beats_per_bar))
    return Pulse(bar + 1, beat + 1, rest / size)


def beat_rows(
    tick: int,
    beats_per_bar: int,
    *,
    width: int,
    height: int,
    ticks_per_beat: int = TICKS_PER_BEAT,
    running: bool = True,
    known: bool = True,
    tempo_bpm: float | None = None,
) -> tuple[Row, ...]:
    """Draw bar.beat in large digits, the bar's beats as blocks beside them, and the tempo if there is room.

    From bar 100 on its number is smaller; the beat's is not.

    Args:
        tick: transport position.
        beats_per_bar: at least 1.
        ticks_per_beat: of the metre's beat; at least 1.
        width: in cells.
        height: in rows.
        running: whether the transport moves; blocks stay dark and digits dim when it does not.
        known: whether the engine answers; digits are dashes when it does not.
        tempo_bpm: shown in large digits on a wide screen.
    """
    canvas = Canvas(width, height)
    pulse = pulse_at(tick, beats_per_bar, ticks_per_beat)
    bar, count = (f"{pulse.bar}.", str(pulse.beat)) if known else ("-.", "-")
    # Room is left for a two-digit bar, so that the beat's digit stays where it is, and as large.
    frame = "00." + "0" * len(count)
    scale = best_scale(frame, max(width * 3 // 4, 10), height)
    tall = big_height(scale)
    top = max(0, (height - tall) // 2)
    ink = "digits" if running and known else "digits-off" if not known else "dim"
    right = big_width(frame, scale)
    write_big(canvas, right - big_width(count, scale), top, big_text(count, scale), ink)
    before = right - big_width(count, scale) - scale
    small = best_scale(bar, before, tall) if len(bar) > len("00.") else scale
    foot = top + tall - big_height(small)
    write_big(canvas, before - big_width(bar, small), foot, big_text(bar, small), ink)
    left = right + scale + 1
    room = width - left
    beats = max(1, beats_per_bar)
    size = (room + 1) // beats - 1
    tempo = f"{tempo_bpm:.0f}" if tempo_bpm is not None and known else ""
    if tempo and room - (big_width(tempo, 2) + 3) > beats * (tall + 1):
        size = min(size, tall + 1)
        x = width - big_width(tempo, 2)
        write_big(canvas, x, top, big_text(tempo, 2), "tempo")
        canvas.write(width - 3, top + 6, "bpm", "dim")
    lit = pulse.beat if running and known else 0
    _blocks(canvas, (left, top), (size, tall), beats, lit, flash=pulse.fraction < FLASH)
    return canvas.rows()


def _blocks(
    canvas: Canvas, corner: tuple[int, int], size: tuple[int, int], beats: int, lit: int, *, flash: bool
) -> None:
    """Draw one numbered block per beat, from the corner (x, y), each of (width, height)."""
    (left, top), (wide, tall) = corner, size
    if wide < 1:
        return
    for beat in range(1, beats + 1):
        x = left + (beat - 1) * (wide + 1)
        if beat == lit:
            glyph, ink = "█", "beat-flash" if flash else "beat-one" if beat == 1 else "beat"
        elif beat < lit:
            glyph, ink = "▓", "beat-past"
        else:
            glyph, ink = "░", "beat-off"
        write_big(canvas, x, top, [glyph * wide] * tall, ink)
        number = str(beat)
        if wide > len(number) + 1:
            canvas.write(x + (wide - len(number)) // 2, top + tall // 2, number, f"{ink}-label")
