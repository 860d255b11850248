"""Small MIDI files of chance, as many as are wanted: the same number is the same file everywhere.

A melody that walks over two hands' chords, eight bars of four quarters; every eighth file has drums.
"""

from functools import cache
from pathlib import Path
from random import Random

BARS, TICKS, SIXTEENTH = 8, 480, 120
FOLDERS = 1_000  # files in a folder
HANDS = 256  # chords, and drums, that there are
MOVES = (-4, -2, -1, 1, 2, 3, 5)
END = b"\0\xff\x2f\0"

Event = tuple[int, bytes]


def song(number: int) -> bytes:
    """Return a file's bytes."""
    chunks = [_chunk(_melody(Random(number))), _chords(number * 7919 % HANDS)]
    if number % 8 == 0:
        chunks.append(_drums(number // 8 % HANDS))
    head = b"MThd\0\0\0\6\0\1" + len(chunks).to_bytes(2) + TICKS.to_bytes(2)
    return head + b"".join(chunks)


def write(folder: Path, first: int, after: int) -> None:
    """Write the files of some numbers."""
    for number in range(first, after):
        place = folder / f"{number // FOLDERS:04d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:07d}.mid").write_bytes(song(number))


def _melody(chance: Random) -> list[Event]:
    events: list[Event] = []
    lengths, steps = chance.choices((1, 2, 2, 2, 4), k=16 * BARS), chance.choices(MOVES, k=16 * BARS)
    step, pitch = 0, chance.randint(60, 79)
    for length, move in zip(lengths, steps, strict=True):
        if step >= 16 * BARS:
            break
        pitch = min(90, max(55, pitch + move))
        events += _note(0, step, length, pitch, 60 + 7 * (step % 8))
        step += length
    return events


@cache
def _chords(seed: int) -> bytes:
    chance, events = Random(seed), list[Event]()
    for step in range(0, 16 * BARS, 8):
        root = chance.randint(40, 52)
        for above in (0, chance.choice((3, 4)), 7):
            events += _note(1, step, 8, root + above, chance.randint(50, 80))
    return _chunk(events)


@cache
def _drums(seed: int) -> bytes:
    chance, events = Random(seed), list[Event]()
    for step in range(0, 16 * BARS, 2):
        key = 36 if step % 8 == 0 else 38 if step % 8 == 4 else chance.choice((42, 42, 46))
        events += _note(9, step, 1, key, chance.randint(40, 120))
    return _chunk(events)


def _note(channel: int, step: int, length: int, pitch: int, velocity: int) -> list[Event]:
    on, off = bytes((0x90 | channel, pitch, velocity)), bytes((0x80 | channel, pitch, 0))
    return [(step * SIXTEENTH, on), ((step + length) * SIXTEENTH, off)]


def _chunk(events: list[Event]) -> bytes:
    now, data = 0, bytearray()
    for tick, message in sorted(events):  # on one tick the ends come first: 80 is below 90
        wait = tick - now
        data += bytes((0x80 | wait >> 7, wait & 0x7F)) if wait > 0x7F else bytes((wait,))
        data += message
        now = tick
    data += END
    return b"MTrk" + len(data).to_bytes(4) + bytes(data)
