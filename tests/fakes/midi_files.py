"""Small music for the trainer's tests, written as MIDI files."""

import random
from pathlib import Path
from typing import NamedTuple

import mido

from model.music.grid import Grid
from model.music.phrase import Note, Phrase

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


class Track(NamedTuple):
    """One track of a band: (tick, pitch, length, velocity) of its notes, and who plays them."""

    notes: list[tuple[int, int, int, int]]
    program: int = 0
    name: str = ""
    channel: int = 0


def write_band(path: Path, tracks: list[Track], *, metre: tuple[int, int] = (4, 4)) -> Path:
    """Write tracks with programs, names and channels of their own."""
    file = mido.MidiFile(ticks_per_beat=480)
    for number, one in enumerate(tracks):
        track = mido.MidiTrack()
        if not number:
            track.append(mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1]))
        track.append(mido.MetaMessage("track_name", name=one.name))
        track.append(mido.Message("program_change", channel=one.channel, program=one.program))
        events = [(tick, 1, pitch, velocity) for tick, pitch, _, velocity in one.notes]
        events += [(tick + length, 0, pitch, 0) for tick, pitch, length, _ in one.notes]
        now = 0
        for tick, on, pitch, velocity in sorted(events):
            kind = "note_on" if on else "note_off"
            track.append(
                mido.Message(kind, channel=one.channel, note=pitch, velocity=velocity, time=tick - now)
            )
            now = tick
        file.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(str(path))
    return path


def beat(*, bars: int = 6, late: int = 0, beats: int = 4, seed: int = 0) -> Track:
    """Return a beat in eighths of bass drum, snare and hat, with two tom hits a bar that the seed draws."""
    chance = random.Random(seed)
    hits = []
    for bar in range(bars):
        for eighth in range(2 * beats):
            tick = 480 * beats * bar + 240 * eighth + late
            hits.append((tick, 42, 60, 60 + 10 * (eighth % 2)))
            if eighth % 2 == 0:
                hits.append((tick, 38 if eighth % 4 else 36, 60, 100))
        hits += [
            (480 * beats * bar + 240 * chance.randrange(2 * beats) + 120 + late, key, 60, 90)
            for key in (45, 48)
        ]
    return Track([hit for hit in hits if hit[0] >= 0], channel=9, name="Drums")


def band(seed: int, *, bars: int = 6, beats: int = 4) -> list[Track]:
    """Return a flute, a piano's chords, a bass and drums."""
    chance = random.Random(seed)
    lead = [(tick, pitch + 12, length, 90) for tick, pitch, length in tune(seed, bars=bars, beats=beats)]
    roots = [chance.choice((48, 50, 53, 55, 57)) for _ in range(bars)]
    chords = [
        (480 * (beats * bar + begin), root + up, 480 * (end - begin), 60)
        for bar, root in enumerate(roots)
        for turn in (chance.randrange(1, beats),)
        for begin, end in ((0, turn), (turn, beats))
        for up in (0, chance.choice((3, 4, 5)), chance.choice((7, 9)))
    ]
    bass = [
        (480 * (beats * bar + step), root - 12, 480, 80)
        for bar, root in enumerate(roots)
        for step in range(beats)
    ]
    return [
        Track(lead, 73, "Flute", 0),
        Track(chords, 0, "Piano", 1),
        Track(bass, 33, "Bass", 2),
        beat(bars=bars, beats=beats, seed=seed),
    ]


def tune_phrase(seed: int) -> Phrase:
    """Return two bars of a tune as a phrase."""
    notes = [Note(tick // 120, pitch, 80, length // 120) for tick, pitch, length in tune(seed, bars=2)]
    return Phrase.of(Grid(), [note for note in notes if note.onset < 32])
