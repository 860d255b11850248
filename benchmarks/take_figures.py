"""What tells how a take sounds: harmony, voicing, repetition and loudness of the band, and of the answers.

Tested in tests/benchmarks/test_takes.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import StatisticsError, correlation, fmean

from benchmarks.band import GRID, classes, likeness, together
from model.edits.arrangement import SECTION
from model.music.accompaniment import figures as of_accompaniment
from model.music.key import key_of
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY

CELL, STEP = GRID.ticks, GRID.ticks_per_step
CHANNELS = {2: MELODY, 3: CHORDS, 4: BASS, 10: DRUMS}
EXPLAINED = {
    "in key": ("key", 2),
    "clash": ("clash", 3),
    "onsets a bar": ("onsets", 1),
    "silent": ("silent", 2),
    "bars repeated": ("repeats", 2),
    "one voice": ("alone", 2),
    "over it": ("over", 2),
    "again": ("again", 2),
    "late": ("late", 2),
    "doubled": ("doubled", 2),
    "kept": ("kept", 2),
    "answer beside": ("beside", 3),
    "answer home": ("home", 2),
    "answer leaps": ("leaps", 3),
    "low thirds": ("mud", 2),
    "as loud": ("loud", 2),
}
"""The columns of the table: which of `figures`, with how many places."""
CLOSE, LOW = 4, 53  # semitones, and the key under which a chord so close is muddy


@dataclass(frozen=True, slots=True)
class Sounded:
    """A note of a take: who, on which channel, from tick to tick."""

    channel: int
    pitch: int
    velocity: int
    start: int
    end: int


def cut(notes: Sequence[Sounded], cell: int, channels: Sequence[int]) -> list[Note]:
    """Return what channels sound in a cell, on the grid; 1 is the performer's, a melody."""
    zero, found = cell * CELL, []
    for note in notes:
        low, high = max(note.start - zero, 0), min(note.end - zero, CELL)
        if note.channel in channels and high - low > STEP // 4:
            step = min(GRID.steps - 1, round(low / STEP))
            length = max(1, min(GRID.steps - step, round((high - low) / STEP)))
            found.append(
                Note(step, note.pitch, note.velocity, length, track=CHANNELS.get(note.channel, MELODY))
            )
    return sorted(found)


def figures(notes: Sequence[Sounded], cells: int) -> dict[str, float]:
    """Return what tells how a take sounds.

    Returns, by name:
        key: share of the instrument's pitched notes in the key of what was played in that cell and before it.
        clash: share of the time of its chords and bass a semitone beside the beat's melody.
        onsets: of the instrument, a bar, its drums left out.
        silent: share of beats from the third bar on in which nothing of it sounds.
        repeats: share of its bars that are note for note the one before, its drums left out.
        alone: share of the time of its chords in which they are one note.
        over: share of the time of its chords' notes in which they lie over the beat's melody.
        again: of its chords' strokes and its drums' hits, what those of eight bars before share (F1).
        late: share of the changes of its chords that come a sixteenth behind a beat.
        doubled: share of its bass's strokes in which the performer strikes the same key.
        kept: F1 of its answers' notes with those of the performer's phrase before, where there is one.
        beside: share of the time of its answers a semitone beside its chords and bass, and not in them.
        home: share of its answers whose last note is one that its chords and bass sound.
        leaps: share of the moves of its answers' line over an octave.
        mud: share of the time of its chords with a third or less from a key under F3, the bass counted.
        loud: correlation of the loudness of its chords and bass with the performer's, phrase by phrase.
    """
    inside = count = silent = beats = same = bars = 0
    pairs = []
    alike: list[float] = []
    of_band: list[dict[str, float]] = []
    heard = [cut(notes, cell, (1,)) for cell in range(cells)]
    bands = [cut(notes, cell, (3, 4, 10)) for cell in range(cells)]
    for cell in range(cells):
        key = key_of([*(heard[cell - 1] if cell else ()), *heard[cell]])
        answer = cut(notes, cell, (2, 3, 4))
        if key is not None:
            count += len(answer)
            inside += sum(note.pitch % 12 in key.scale for note in answer)
        melody = heard[cell] or [note for note in answer if note.track == MELODY]
        pairs.append((melody, [note for note in answer if note.track != MELODY]))
        of_band.append(of_accompaniment(Phrase.of(GRID, [*heard[cell], *bands[cell]])))
        alike += again(bands[cell - SECTION], bands[cell]) if cell >= SECTION else []
    strokes = {
        channel: {(round(note.start / STEP), note.pitch) for note in notes if note.channel == channel}
        for channel in (1, 4)
    }
    late = [step % GRID.steps_per_beat == 1 for step in changes(notes)]
    doubled = [stroke in strokes[1] for stroke in strokes[4]]
    started = [note for note in notes if note.channel in CHANNELS]
    pitched = [note for note in started if note.channel != 10]
    beat = GRID.ticks_per_beat
    busy = {tick // beat for note in started for tick in range(note.start, note.end, beat // 4)}
    for number in range(CELL // beat, cells * CELL // beat):
        beats += 1
        silent += number not in busy
    bar = CELL // GRID.bars
    contents = [
        {((note.start % bar) // STEP, note.pitch) for note in pitched if note.start // bar == number}
        for number in range(cells * GRID.bars)
    ]
    for one, other in pairwise(contents[2:]):
        bars += bool(other)
        same += bool(other) and one == other
    return {
        "key": inside / max(1, count),
        "clash": together(pairs)[1],
        "onsets": len({(note.start, note.channel) for note in pitched}) / (cells * GRID.bars),
        "silent": silent / max(1, beats),
        "repeats": same / max(1, bars),
        "alone": mean_of("chords, one voice alone", of_band),
        "over": mean_of("chords above the melody", of_band),
        "again": fmean(alike) if alike else 0.0,
        "late": fmean(late) if late else 0.0,
        "doubled": fmean(doubled) if doubled else 0.0,
        **of_answers(notes, cells),
        "mud": fmean(muddy(cut(notes, cell, (3, 4))) for cell in range(1, cells)),
        "loud": as_loud(notes, cells),
    }


def of_answers(notes: Sequence[Sounded], cells: int) -> dict[str, float]:
    """Return what tells how the answers sound over the band; see `figures`."""
    kept: list[float] = []
    beside: list[bool] = []
    home: list[bool] = []
    moves: list[int] = []
    for cell in range(1, cells):
        line, band = cut(notes, cell, (2,)), classes(cut(notes, cell, (3, 4)), 1)
        played, answered = (
            {(note.onset, note.pitch) for note in side} for side in (cut(notes, cell - 1, (1,)), line)
        )
        kept += [likeness(played, answered)] if played and answered else []
        for note in line:
            sounds = band[note.onset : note.onset + note.length]
            beside += [note.pitch % 12 not in one and bool(near(note.pitch) & one) for one in sounds if one]
        moves += [abs(other.pitch - note.pitch) for note, other in pairwise(line)]
        if line and band[line[-1].onset]:
            home.append(line[-1].pitch % 12 in band[line[-1].onset])
    return {
        "kept": fmean(kept) if kept else 0.0,
        "beside": fmean(beside) if beside else 0.0,
        "home": fmean(home) if home else 0.0,
        "leaps": fmean(move > 12 for move in moves) if moves else 0.0,
    }


def near(pitch: int) -> set[int]:
    """Return the pitch classes a semitone beside one."""
    return {(pitch + 1) % 12, (pitch - 1) % 12}


def muddy(notes: Iterable[Note]) -> float:
    """Return the share of the time of chords in which low keys lie close together."""
    sounding: list[list[Note]] = [[] for _ in range(GRID.steps)]
    for note in notes:
        for step in range(note.onset, note.onset + note.length):
            sounding[step].append(note)
    found = []
    for here in sounding:
        if any(note.track == CHORDS for note in here):
            keys = sorted({note.pitch for note in here})
            found.append(any(low < LOW and high - low <= CLOSE for low, high in pairwise(keys)))
    return fmean(found) if found else 0.0


def as_loud(notes: Sequence[Sounded], cells: int) -> float:
    """Return how far the loudness of chords and bass goes with the performer's; 0 where neither varies."""
    pairs = []
    for cell in range(1, cells):
        zero = cell * CELL
        sides: tuple[list[int], list[int]] = ([], [])
        for note in notes:
            if zero <= note.start < zero + CELL and note.channel in (1, 3, 4):
                sides[note.channel != 1].append(note.velocity)
        if all(sides):
            pairs.append((fmean(sides[0]), fmean(sides[1])))
    try:
        return correlation([one for one, _ in pairs], [other for _, other in pairs])
    except StatisticsError:
        return 0.0


def changes(notes: Sequence[Sounded]) -> list[int]:
    """Return the steps of chords with a pitch class that did not sound at the stroke before."""
    chords = [
        (round(note.start / STEP), round(note.end / STEP), note.pitch % 12)
        for note in notes
        if note.channel == 3
    ]
    found: list[int] = []
    before: set[int] = set()
    for step in sorted({start for start, _, _ in chords}):
        struck = {pitch for start, _, pitch in chords if start == step}
        if len(struck) > 1 and not struck <= before:
            found.append(step)
        before = {pitch for start, end, pitch in chords if start <= step < end}
    return found


def again(before: Sequence[Note], now: Sequence[Note]) -> list[float]:
    """Return the F1 of the strokes of chords and the hits of drums of two phrases, where both have any."""
    found = []
    for track in (CHORDS, DRUMS):
        one, other = (
            {(note.onset, note.pitch if track == DRUMS else 0) for note in side if note.track == track}
            for side in (before, now)
        )
        if one and other:
            found.append(likeness(one, other))
    return found


def mean_of(name: str, rows: Sequence[dict[str, float]]) -> float:
    """Return the mean of a figure over the rows that have it."""
    found = [row[name] for row in rows if name in row]
    return fmean(found) if found else 0.0
