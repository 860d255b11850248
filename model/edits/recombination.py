"""Recombination: another phrase made of what was played, where no model writes one.

Beats exchange their rhythms, fragments change places, move along the scale, go backwards or are turned upside
down within it; what lies on a beat keeps to what sounded under that beat, so that the harmony stays.  Drums
exchange beats and lean on the off-beat; a drum stays that drum.  These are the devices of sequence, inversion
and retrograde (Schoenberg 1967, "Fundamentals of musical composition", chapters III and IV).
"""

from collections.abc import Sequence

import numpy as np

from model.edits.common import CONSONANT, Chords, apart, by_onset, is_monophonic, scale_of
from model.music.distance import position
from model.music.grid import Grid
from model.music.key import degree_shifted
from model.music.phrase import Note, Phrase, resized
from model.music.tracks import DRUMS

SEQUENCES = (-3, -2, -1, 1, 2, 3)  # degrees by which a fragment may move
MARGIN = 3  # semitones beyond what was played that a track may reach
CHORD = 3  # pitch classes that make one
FAR = 14  # semitones round a note in which another is looked for


def recombined(
    phrase: Phrase, seed: int, scale: frozenset[int] | None = None, *, free: bool = False
) -> Phrase:
    """Return another phrase of the same material; deterministic.

    As far as the grid and the scale have room no note of it starts where the same note did.

    Args:
        phrase: what was played.
        seed: each has its own.
        scale: pitch classes that its notes keep to; None for those of the phrase.
        free: whether notes may leave what sounded in their beat and in the phrase at all, for more choice.
    """
    rng = np.random.default_rng([seed, len(phrase)])
    notes: list[Note] = []
    for track, part in apart(phrase).items():
        made = _drums(part, rng) if track == DRUMS else _line(part, rng, scale or scale_of(part), free=free)
        notes += made
    return Phrase.of(phrase.grid, notes)


def _beats(chords: Chords, grid: Grid) -> list[list[tuple[int, list[Note]]]]:
    """Return each beat's chords, with their steps within the beat."""
    size = grid.steps_per_beat
    beats: list[list[tuple[int, list[Note]]]] = [[] for _ in range(grid.beats)]
    for onset, chord in chords.items():
        beats[onset // size].append((onset % size, chord))
    return beats


def _exchanged(sounding: Sequence[int], rng: np.random.Generator) -> dict[int, int]:
    """Return which beat each of some takes over from, none itself where there are several."""
    order = [int(one) for one in rng.permutation(sounding)]
    return dict(zip(order, [*order[1:], *order[:1]], strict=True))


def _line(part: Phrase, rng: np.random.Generator, scale: frozenset[int], *, free: bool) -> list[Note]:
    """Return one pitched track recombined."""
    grid, size = part.grid, part.grid.steps_per_beat
    chords = by_onset(part)
    beats = _beats(chords, grid)
    sounding = [beat for beat, chord in enumerate(beats) if chord]
    rhythms, fragments = _exchanged(sounding, rng), _exchanged(sounding, rng)
    known = {position(note) for note in part.notes}
    pitches = [note.pitch for note in part.notes]
    low, high = min(pitches) - MARGIN, max(pitches) + MARGIN
    centre = sum(pitches) / len(pitches)
    single = is_monophonic(part)
    used = scale & {pitch % 12 for pitch in pitches}
    palette = used if len(used) >= CHORD and not free else scale
    notes: list[Note] = []
    for beat in sounding:
        rhythm = beats[rhythms[beat]]
        fragment = _transformed([chord for _, chord in beats[fragments[beat]]], rng, scale, centre)
        harmony = _harmony(beats, beat, grid.beats_per_bar, palette)
        for number, (within, source) in enumerate(rhythm):
            onset = beat * size + within
            wanted = fragment[number % len(fragment)]
            allowed = harmony if number == 0 and harmony and not free else palette
            taken: set[int] = set()
            for place, old in enumerate(source):
                aim = _folded(wanted[min(place, len(wanted) - 1)], low, high)
                pitch = _free(aim, (allowed, palette, scale), known, taken, (onset, old.track))
                if pitch is None:
                    continue
                taken.add(pitch)
                length = min(old.length, grid.steps - onset)
                notes.append(old._replace(onset=onset, pitch=pitch, length=length, release=0.0))
    return _single(notes) if single else notes


def _transformed(
    chords: Sequence[Sequence[Note]], rng: np.random.Generator, scale: frozenset[int], centre: float
) -> list[list[int]]:
    """Return a fragment's pitches, chord by chord, moved, turned upside down or backwards."""
    device, degrees = int(rng.integers(4)), int(rng.choice(SEQUENCES))
    pitches = [[note.pitch for note in chord] for chord in chords]
    if device == 0:
        pitches.reverse()
    elif device == 1:
        pitches = [sorted(round(2 * centre) - pitch for pitch in chord) for chord in pitches]
    if device != 0 or len(pitches) < 2:
        pitches = [[degree_shifted(pitch, degrees, scale) for pitch in chord] for chord in pitches]
    return pitches


def _harmony(
    beats: Sequence[Sequence[tuple[int, list[Note]]]], beat: int, bar: int, palette: frozenset[int]
) -> frozenset[int]:
    """Return the pitch classes of a palette that sounded in a beat.

    Where that is no chord what is consonant with one of them comes with it, and what sounded in the beat
    that pairs with this one.
    """
    found = {note.pitch % 12 for _, chord in beats[beat] for note in chord}
    if len(found) < CHORD:
        found |= {other for other in palette if any((other - one) % 12 in CONSONANT for one in found)}
    other = beat ^ 1
    if len(found) < CHORD and other < len(beats) and other // bar == beat // bar:
        found |= {note.pitch % 12 for _, chord in beats[other] for note in chord}
    return palette & found


def _folded(pitch: int, low: int, high: int) -> int:
    """Move a pitch by octaves to where the track plays."""
    while pitch > high and pitch - 12 >= 0:
        pitch -= 12
    while pitch < low and pitch + 12 <= 127:
        pitch += 12
    return min(127, max(0, pitch))


def _free(
    aim: int,
    allowed: Sequence[frozenset[int]],
    known: set[tuple[int, ...]],
    taken: set[int],
    place: tuple[int, int],
) -> int | None:
    """Return the pitch nearest to an aim that is allowed and new there; of the first set that has one."""
    onset, track = place
    for pitches in allowed:
        for away in range(FAR):
            for pitch in (aim - away, aim + away):
                new = (onset, pitch, track) not in known and pitch not in taken
                if new and 0 <= pitch <= 127 and pitch % 12 in pitches:
                    return pitch
    return None


def _single(notes: Sequence[Note]) -> list[Note]:
    """Return a line whose notes end where the next one starts."""
    ordered = sorted(notes)
    ends = [note.onset for note in ordered[1:]]
    return [
        resized(note, min(note.length, end - note.onset))
        for note, end in zip(ordered, [*ends, 10**6], strict=True)
        if end > note.onset
    ]


def _drums(part: Phrase, rng: np.random.Generator) -> list[Note]:
    """Return a groove with beats exchanged; a drum that would play the same there leans on another step."""
    grid, size = part.grid, part.grid.steps_per_beat
    beats = _beats(by_onset(part), grid)
    sounding = [beat for beat, chord in enumerate(beats) if chord]
    sources = _exchanged(sounding, rng)
    known = {position(note) for note in part.notes}
    notes: list[Note] = []
    for beat in sounding:
        line = beat * size
        drums: dict[int, list[tuple[int, Note]]] = {}
        for within, chord in beats[sources[beat]]:
            for note in chord:
                drums.setdefault(note.pitch, []).append((within, note))
        for drum, hits in drums.items():
            leans = [0, *(1 + int(one) for one in rng.permutation(size - 1))]

            def same(lean: int, drum: int = drum, line: int = line) -> int:
                return sum((line + (within + lean) % size, drum, DRUMS) in known for within, _ in hits)  # noqa: B023

            lean = min(leans, key=same)
            notes += (resized(hit, 1)._replace(onset=line + (within + lean) % size) for within, hit in hits)
    return notes
