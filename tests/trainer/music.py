"""Small music for the trainer's tests, written as MIDI files."""

import random
from pathlib import Path

import mido

SCALE = (0, 2, 4, 5, 7, 9, 11)


def tune(seed: int, *, bars: int = 6, beats: int = 4) -> list[tuple[int, int, int]]:
    """Return (tick, pitch, length) of a tune of eighths and quarters."""
    chance = random.Random(seed)
    notes, now, degree = [], 0, 0
    while now < bars * beats * 480:
        length = chance.choice((240, 240, 480))
        degree = max(-7, min(14, degree + chance.choice((-2, -1, 1, 2, 3))))
        notes.append((now, 60 + 12 * (degree // 7) + SCALE[degree % 7], length))
        now += length
    return notes


def write(
    path: Path,
    parts: list[list[tuple[int, int, int]]],
    *,
    metre: tuple[int, int] | None = (4, 4),
    velocities: tuple[int, ...] = (80,),
    channel: int = 0,
    shift: int = 0,
    programs: tuple[int, ...] = (0,),
) -> Path:
    """Write parts, each a track, transposed by a shift."""
    file = mido.MidiFile(ticks_per_beat=480)
    for number, part in enumerate(parts):
        track = mido.MidiTrack()
        if metre is not None and not number:
            track.append(mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1]))
        program = programs[number % len(programs)]
        track.append(mido.Message("program_change", channel=channel, program=program))
        events = []
        for place, (tick, pitch, length) in enumerate(part):
            velocity = velocities[place % len(velocities)]
            events.append((tick, 1, pitch + shift, velocity))
            events.append((tick + length, 0, pitch + shift, 0))
        now = 0
        for tick, on, pitch, velocity in sorted(events):
            kind = "note_on" if on else "note_off"
            track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - now))
            now = tick
        file.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(str(path))
    return path


def chords(seed: int, *, bars: int = 6) -> list[list[tuple[int, int, int]]]:
    """Return a right hand and a left hand that plays triads in quarters."""
    chance = random.Random(seed)
    left = []
    for beat in range(bars * 4):
        root = chance.choice((36, 41, 43))
        left += [(beat * 480, root + up, 480) for up in (0, 4, 7)]
    return [tune(seed, bars=bars), left]
