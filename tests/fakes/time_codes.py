"""Sources of MIDI time code, for tests and benchmarks: quarter frames and the moments at which they leave."""

from live.timing.midi_bytes import QUARTER_FRAME
from live.timing.midi_clock.time_code import RATES, FrameRate, TimeOfCode

FIRST = 5_000_000_000


def time_at(rate: FrameRate, frames: int) -> TimeOfCode:
    """Return the time of the code after so many frames, counted on from 00:00:00:00 one by one."""
    return TimeOfCode(*(int(part) for part in rate.text(frames).split(":")))


def piece(time: TimeOfCode, rate: FrameRate, number: int) -> bytes:
    """Return a quarter frame: the piece of a time by its number, 0..7."""
    parts = (time.frame, time.second, time.minute, time.hour | RATES.index(rate) << 5)
    return bytes((QUARTER_FRAME, number << 4 | parts[number // 2] >> 4 * (number % 2) & 0x0F))


def full_frame(rate: FrameRate, time: TimeOfCode) -> bytes:
    """Return a full frame, which says where the code stands."""
    hour = time.hour | RATES.index(rate) << 5
    return bytes((0xF0, 0x7F, 0x7F, 0x01, 0x01, hour, time.minute, time.second, time.frame, 0xF7))


def quarter_frames(
    rate: FrameRate, *, frames: int, count: int, first: int = FIRST, speed: float = 1.0
) -> list[tuple[int, bytes]]:
    """Return quarter frames and their moments.

    Args:
        rate: how frames are counted.
        frames: that lie before the time at the first of them; even.
        count: of quarter frames.
        first: moment of the first, nanoseconds.
        speed: seconds of the code in a second.
    """
    gap = 1e9 / rate.per_second / 4 / speed
    return [
        (
            first + round(number * gap),
            piece(time_at(rate, frames + number // 8 * 2), rate, number % 8),
        )
        for number in range(count)
    ]
