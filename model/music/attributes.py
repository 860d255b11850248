"""Attributes: seven named measures of a phrase, the raw units that the knobs are calibrated in.

They are defined so that none moves another by construction: density counts onsets, polyphony the notes per
onset, complexity and articulation are normalised by what the onsets allow, register and range are a mean and
a spread over the pitches, dynamics a mean over the velocities, which nothing else heeds.  Standard library
only, and fast enough (some 20 microseconds for 40 notes) for a closed loop inside a decode.

Onsets are counted by line: a pitched track is one, and every drum is one of its own, for a hi-hat on all
sixteenths must not hide what the kick does.
"""

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from math import sqrt

from model.music.grid import DOTTED, Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS

NAMES = ("density", "complexity", "register", "range", "dynamics", "polyphony", "articulation")

EMPTY_REGISTER = 60.0
EMPTY_DYNAMICS = 64.0
EMPTY_ARTICULATION = 1.0
REMEMBERED = 64  # phrases that were measured last: a knob's turns begin at the same one again and again
WEIGHT_FLOOR = 8.0  # a span of weights below this says little: one onset, or a nearly full grid

EMPTY = {
    "density": 0.0,
    "complexity": 0.0,
    "register": EMPTY_REGISTER,
    "range": 0.0,
    "dynamics": EMPTY_DYNAMICS,
    "polyphony": 0.0,
    "articulation": EMPTY_ARTICULATION,
}
"""What a phrase without notes measures."""

UNPITCHED = ("density", "complexity", "dynamics")
"""Attributes that drums have."""

TYPICAL: dict[str, tuple[float, float, float, float]] = {
    "density": (1.6, 0.85, 0.5, 3.75),
    "complexity": (0.13, 0.16, 0.0, 0.55),
    "register": (66.0, 7.5, 50.0, 79.0),
    "range": (5.0, 3.0, 1.5, 12.0),
    "dynamics": (75.0, 20.0, 40.0, 115.0),
    "polyphony": (1.8, 0.9, 1.0, 4.0),
    "articulation": (0.81, 0.25, 0.1, 1.0),
}
"""Mean, standard deviation, 2nd and 98th percentile of each over mixed music, raw units, for checkpoints
whose calibration was stored before an attribute was measured."""


def applicable(codec: str) -> tuple[str, ...]:
    """Return the attributes that a codec's phrases can be turned along.

    A single line has no chords, drums have neither pitches nor lengths.
    """
    if codec == "drums":
        return UNPITCHED
    return tuple(name for name in NAMES if not (codec == "melody" and name == "polyphony"))


def measure(phrase: Phrase, *, voices: bool = True) -> dict[str, float]:
    """Measure every attribute of a phrase.

    Args:
        phrase: any.
        voices: follow the voices; without it articulation, which asks for them and takes as long as all the
            others together, is left out.

    Returns, by name:
        density: onsets per quarter note, 0..4 on sixteenths.  A chord is one.  On drums every hit is one, so
            that the bound there is that many for each drum; of several tracks it is the mean.
        complexity: how far the onsets avoid the strong steps, 0..1 (see `complexity`): 0 where they fill the
            strongest steps that so many can have, 1 the weakest.  No velocity counts.
        register: mean pitch of the notes in semitones (MIDI keys), 0..127.
        range: standard deviation of the pitches in semitones, 0..63.5.  It heeds every note, where the
            distance between the highest and the lowest jumps with one of them.
        dynamics: mean velocity, 1..127.
        polyphony: mean number of notes that start together, per onset step of a track, at least 1.
        articulation: how much of what a note could sound until the next onset of its voice it does sound,
            0 (staccato) to 1 (legato), mean over the notes (see `articulation`).

    Register, range, polyphony and articulation are of the pitched notes.  A phrase without notes measures
    density 0, complexity 0, dynamics 64, one without pitched notes register 60, range 0, polyphony 0,
    articulation 1.
    """
    return dict(_measured(phrase, voices=voices))


@lru_cache(REMEMBERED)
def _measured(phrase: Phrase, *, voices: bool) -> dict[str, float]:
    notes = phrase.notes
    steps = phrase.grid.steps
    total = squares = loud = keys = 0
    struck: set[int] = set()  # line and step of what starts
    tracks = set()
    for onset, pitch, velocity, _, _, track, _, _ in notes:
        loud += velocity
        tracks.add(track)
        if track == DRUMS:
            place = (track + pitch) * steps + onset
        else:
            keys += 1
            total += pitch
            squares += pitch * pitch
            place = track * steps + onset
        struck.add(place)
    if not struck:
        return EMPTY
    chords = len(struck)
    if DRUMS in tracks:
        chords = sum(place < DRUMS * steps for place in struck)
    spread = max(0, keys * squares - total * total)
    found = {
        "density": len(struck) / (phrase.grid.quarters * len(tracks)),
        "complexity": complexity(phrase.grid, struck),
        "register": total / keys if keys else EMPTY_REGISTER,
        "range": sqrt(spread) / max(1, keys),
        "dynamics": loud / len(notes),
        "polyphony": keys / max(1, chords),
    }
    if voices:
        found["articulation"] = articulation(notes, gaps(phrase))
    return found


def complexity(grid: Grid, places: Iterable[int]) -> float:
    """Return where a sum of metrical weights lies between the strongest and the weakest choice of steps.

    0: the onsets fill the strongest steps there are for that many of them; 1: the weakest.  Because the
    bounds are those of the same number of onsets, adding notes does not raise it by itself.  Off-beatness
    as a weight per onset follows Toussaint 2003, "The geometry of musical rhythm" (metrical complexity),
    with the normalisation by the attainable span.

    Args:
        grid: of the phrase.
        places: of the onsets, line * grid.steps + step, each once.
    """
    steps = grid.steps
    weights = metrical_weights(grid)
    strongest, weakest = weight_bounds(grid)
    onsets: dict[int, int] = {}
    missing = span = 0.0
    for place in places:
        line = place // steps
        onsets[line] = onsets.get(line, 0) + 1
        missing -= weights[place % steps]
    for count in onsets.values():
        missing += strongest[count]
        span += strongest[count] - weakest[count]
    return missing / max(span, WEIGHT_FLOOR)


def gaps(phrase: Phrase) -> list[int]:
    """Return for each note the steps until its voice goes on, or the phrase ends; 0 for drums.

    Voices are found as one hears them: what starts takes over, from low to high, the voice of its track
    whose last note lies nearest in pitch, chord notes each another one; those left over open new voices.
    Neither transposing, nor scaling the intervals, nor any length changes that, and a line of single notes
    is one voice.
    """
    notes, end = phrase.notes, phrase.grid.steps
    onsets = [note[0] for note in notes]
    if len(set(onsets)) == len(onsets) and len({note[5] for note in notes}) == 1 and notes[0][5] != DRUMS:
        onsets.append(end)  # a line, as it mostly is
        return [later - onset for onset, later in pairwise(onsets)]
    found = [0] * len(notes)
    voices: dict[int, tuple[list[int], list[int]]] = {}  # track -> pitch and place of each voice's last note
    step = -1
    gone: dict[int, int] = {}  # how many voices of a track have gone on at this step: the last of its list
    for place, (onset, pitch, _, _, _, track, _, _) in enumerate(notes):
        if track == DRUMS:
            continue
        if track not in voices:
            voices[track] = [], []
        pitches, places = voices[track]
        if onset != step:
            step = onset
            gone.clear()
        used = gone.get(track, 0)
        free = len(pitches) - used
        if free == 1:
            nearest = 0
        elif free > 1:
            away = [abs(pitch - other) for other in pitches[:free]]
            nearest = away.index(min(away))
        if free > 0:
            before = places.pop(nearest)
            del pitches[nearest]
            found[before] = onset - notes[before][0]
        pitches.append(pitch)
        places.append(place)
        gone[track] = used + 1
    for _, places in voices.values():
        for place in places:
            found[place] = end - notes[place][0]
    return found


def articulation(notes: Sequence[Note], room: Sequence[int]) -> float:
    """Return the mean over the notes of (length - 1) / (gap - 1), each at most 1.

    A grid's shortest note has length 1; a note whose voice goes on at once has no choice and is not
    counted.  So density does not bring legato by itself, as length / gap would.  Without any note that has
    a choice it is 1.

    Args:
        notes: of a phrase.
        room: their gaps, see `gaps`.
    """
    count, held = 0, 0.0
    for note, gap in zip(notes, room, strict=True):
        if gap > 1:
            count += 1
            length = note[3]
            held += 1.0 if length >= gap else (length - 1) / (gap - 1)
    return held / count if count else EMPTY_ARTICULATION


@cache
def metrical_weights(grid: Grid) -> tuple[float, ...]:
    """Return the metrical weight of each step of the phrase, the weakest 0.

    One is added for each level of the metre that a step lies on (Lerdahl and Jackendoff 1983, the metrical
    grid): bar, half bar (of an even number of beats above 2), beat, and the beat's divisions by 2 and 3, of
    a dotted beat by 3 and 2.
    In 4/4 with sixteenths: bar 4, half bar 3, beat 2, eighth 1, sixteenth 0; in 6/8: bar 3, beat 2, eighth
    1, sixteenth 0; in 3/4: bar 3, beat 2, eighth 1, sixteenth 0.
    """
    levels = [grid.steps_per_bar]
    if grid.beats_per_bar > 2 and grid.beats_per_bar % 2 == 0:
        levels.append(grid.steps_per_bar // 2)
    size = grid.steps_per_beat
    if size not in levels:
        levels.append(size)
    for factor in (3, 2, 5) if grid.ticks_per_beat == DOTTED else (2, 3, 5):
        while size % factor == 0:
            size //= factor
            if size > 1:
                levels.append(size)
    return tuple(float(sum(step % level == 0 for level in levels)) for step in range(grid.steps))


@cache
def weight_bounds(grid: Grid) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the largest and the smallest sum of weights that 0..grid.steps onsets can have."""
    weak = sorted(metrical_weights(grid))
    return (0.0, *accumulate(reversed(weak))), (0.0, *accumulate(weak))
