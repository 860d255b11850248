"""What the knobs make of music: in key, different by as much as they say, and like music, on songs not seen.

Each model plays held-out phrases of a prepared corpus as it does live, by the requests that the engine makes
of the model process, with one knob turned.  Beside each figure stands that of the music itself, or of chance.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import mean

import numpy as np

from benchmarks.figures import Row
from benchmarks.knob_ends import ends
from benchmarks.scale import Scale
from benchmarks.study import TURNS, Area, Study, Turns
from live.ipc.places import Between
from live.worker.variations import sounding
from model.music.attributes import measure as attributes
from model.music.key import key_of
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.playing.variation import MEASURED, note_f1
from trainer.evaluation.going_on import AMOUNTS, dial_error
from trainer.evaluation.samples import Songs

PREFIX = "music: "
EXPLAINED = (
    "Two-bar phrases of the prepared test split, songs that no model has seen, that are in a key; one knob",
    "is turned. *In scale* is the share of the notes in the major scale that most of the phrase's lie in,",
    "of several that of its key (chance: 7 of 12); F1 that of the notes, by onset and pitch, that are the",
    "phrase's. AUC: how well a classifier tells the answers from music, by songs that it has not learned",
    "from; .5 not at all, 1 always; with its standard error for the songs that happen to be there. *An end",
    "of a knob* is held against phrases of the split that measure the same of what the knob turns.",
)
FEW = 12
MAJOR = (0, 2, 4, 5, 7, 9, 11)
OCTAVE = 12
FAR = 6  # semitones between keys that share least
TEMPERATURES = (0.25, 0.5, 0.75, 1.0)
STRAYS = (0.3, 0.6, 1.0)
WITHIN = 0.02
ERROR, LIKE, MODULATED, ENOUGH = 0.05, 0.6, 0.93, 6
QUARTER = 0.25  # of the music that is as wide, or as busy, as answers with the knob at its end


def measure(scale: Scale) -> list[Row]:
    """Measure every shipped model."""
    rows: list[Row] = []
    for name in ("lead", "keys", "drums", "multitrack"):
        study = Study(name, scale)
        rows += varied(study)
        if name != "drums":
            rows += kept_in_key(study)
        if name in ("lead", "keys"):
            rows += moves(study)
        rows += ends(study)
    return rows


def pitches(notes: Sequence[Note]) -> list[int]:
    """Return the pitches of notes that are no drums."""
    return [note.pitch for note in notes if note.track != DRUMS]


def scale_of(phrase: Phrase) -> frozenset[int]:
    """Return the major scale that most of a phrase's notes lie in."""
    found = [pitch % OCTAVE for pitch in pitches(phrase.notes)]
    scales = [frozenset((degree + tonic) % OCTAVE for degree in MAJOR) for tonic in range(OCTAVE)]
    key = key_of(phrase.notes)
    known = key.scale if key is not None else frozenset(found)
    return max(scales, key=lambda scale: (sum(pitch in scale for pitch in found), len(scale & known)))


def in_scale(phrase: Phrase, answer: Phrase) -> float:
    """Return the share of an answer's notes in the scale of a phrase."""
    scale, found = scale_of(phrase), pitches(answer.notes)
    return sum(pitch % OCTAVE in scale for pitch in found) / len(found)


def row(what: str, budget: str, figures: Sequence[float], beside: str, met: bool) -> Row:
    """Return a line of the table."""
    return Row(f"{PREFIX}{what}", budget, " ".join(f"{one:.3f}" for one in figures), beside, met)


def shared(study: Study, answers: Sequence[Phrase]) -> float:
    """Return the mean share of the answers' notes in the scales of the phrases that they are to."""
    return mean(in_scale(x, y) for x, y in zip(study.phrases, answers, strict=False) if pitches(y.notes))


def f1_with(study: Study, answers: Sequence[Phrase]) -> list[float]:
    """Return the F1 of the notes of each answer with its phrase."""
    return [note_f1(x, y) for x, y in zip(study.phrases, answers, strict=False)]


def told(study: Study, *settings: Turns) -> list[Area]:
    """Return how well the answers under each setting are told from the phrases."""
    music = Songs(study.phrases, study.songs)
    answers = study.turned(*settings, phrases=range(len(study.phrases)))
    return [study.apart(music, Songs(found, study.songs)) for found in answers]


def told_row(study: Study, what: str, areas: Sequence[Area]) -> Row:
    """Return a line of areas under the curve."""
    errors = " ".join(f"{area.error:.3f}" for area in areas)
    beside = (
        f"standard error {errors}; {len(study.phrases)} phrases of {len(set(study.songs.tolist()))} songs"
    )
    values = [area.value for area in areas]
    return row(f"{what}, {study.name}: AUC against music", "<= .60", values, beside, max(values) <= LIKE)


def varied(study: Study) -> Iterator[Row]:
    """Measure the dial, the key, the likeness to music, and that no turn is like another."""
    name = study.name
    answers = study.turned(*({"vary": amount} for amount in AMOUNTS))
    f1 = {amount: f1_with(study, found) for amount, found in zip(AMOUNTS, answers, strict=True)}
    away = [dial_error(f1[amount], amount) for amount in AMOUNTS if amount <= MEASURED]
    who = " and ".join(sorted(study.how))
    yield row(f"vary .1 to .7, {name}: error of the dial", "<= .05", away, who, max(away) <= ERROR)
    if study.codec != "drums":
        played, shares = shared(study, study.phrases), [shared(study, found) for found in answers]
        beside = f"played {played:.3f}, chance .583"
        met = min(shares) >= played - WITHIN
        yield row(f"vary .1 to 1, {name}: in scale", "played - .02", shares, beside, met)
    few = [number for number in study.tried if len(study.phrases[number]) >= ENOUGH][:FEW]
    turns = [study.turned({"vary": 0.35}, turn=turn, phrases=few)[0] for turn in range(TURNS)]
    counts = [len({sounding(one) for one in found}) for found in zip(*turns, strict=True)]
    beside = f"the mean and the least of {len(few)} phrases of {ENOUGH} notes or more"
    different = [mean(counts), float(min(counts))]
    yield row(
        f"vary .35, {name}: different ones of {TURNS} turns", "32", different, beside, min(counts) == TURNS
    )
    left = [mean(f1[amount]) for amount in AMOUNTS]
    falls = all(one >= other for one, other in pairwise([1.0, *left])) and left[-1] <= 1 - MEASURED
    yield row(f"vary .1 to 1, {name}: F1 with the phrase", "falls, <= .30 at 1", left, who, falls)
    yield told_row(study, "vary .5 and 1", told(study, {"vary": 0.5}, {"vary": 1.0}))


def kept_in_key(study: Study) -> Iterator[Row]:
    """Measure register, stray, temperature and the way between far keys."""
    name, played = study.name, shared(study, study.phrases)
    beside, least = f"played {played:.3f}, chance .583", played - WITHIN
    shares = [shared(study, found) for found in study.turned(*({"register": at} for at in (-1.0, 0.25, 1.0)))]
    what = f"register -1, .25, 1, {name}: in scale"
    yield row(what, "played - .02", shares, beside, min(shares) >= least)
    shares = [shared(study, found) for found in study.turned(*({"stray": stray} for stray in STRAYS))]
    what = f"stray .3, .6, 1, {name}: in scale"
    yield row(what, "played - .02", shares, beside, min(shares) >= least)
    yield told_row(study, "stray 1", told(study, {"stray": 1.0}))
    heated = study.turned(*({"temperature": heat} for heat in TEMPERATURES))
    shares = [shared(study, found) for found in heated]
    f1 = [mean(f1_with(study, found)) for found in heated]
    falls = all(one > other for one, other in pairwise([1.0, *f1]))
    yield row(f"temperature .25 to 1, {name}: F1 with the phrase", "falls from 1", f1, "1 at 0", falls)
    what = f"temperature .25 to 1, {name}: in scale"
    yield row(what, "played - .02", shares, beside, min(shares) >= least)
    found = []
    for number in range(0, len(study.tried) - 1, 2):
        ends = study.phrases[number : number + 2]
        one, other = (sorted(scale_of(phrase)) for phrase in ends)
        away = tonic(one) + FAR - tonic(other)
        moved_other = study.transposed(number + 1, away % OCTAVE - (OCTAVE if away % OCTAVE > FAR else 0))
        phrases = ends[0], Phrase(ends[0].grid, tuple(moved_other.played))
        for place in (0.4, 0.5, 0.6):
            answer = study.answer(Between(study.points[number], moved_other, place))
            if pitches(answer.notes):
                found.append(max(in_scale(phrase, answer) for phrase in phrases))
    what = f"morph .4 to .6 between far keys, {name}: in the key of the moment"
    yield row(what, ">= .93", [mean(found)], beside, mean(found) >= MODULATED)


def tonic(scale: Sequence[int]) -> int:
    """Return the tonic of a major scale."""
    return next(one for one in range(OCTAVE) if {(one + degree) % OCTAVE for degree in MAJOR} == {*scale})


def moves(study: Study) -> Iterator[Row]:
    """Measure what range and density do to leaps, chords, steps and repeats."""
    name = study.name
    wide, wider = nearest(study, "range", study.turned({"range": 1.0})[0])
    leaps = [share_of_moves(found, OCTAVE + 1, 128) for found in (wider, wide)]
    what = f"range 1, {name}: leaps over an octave"
    yield row(
        what, "<= music + .02", leaps[:1], f"music as wide {leaps[1]:.3f}", leaps[0] <= leaps[1] + WITHIN
    )
    if name == "keys":
        chords = [chordal(found) for found in (wider, study.phrases[: len(study.tried)])]
        beside = f"played {chords[1]:.3f}"
        yield row(
            f"range 1, {name}: onsets with chords",
            "played",
            chords[:1],
            beside,
            chords[0] >= chords[1] - 0.05,
        )
    busy, busier = nearest(study, "density", study.turned({"density": 1.0})[0])
    for kind, low, high in (("repeats", 0, 0), ("steps", 1, 2), ("leaps", 3, 128)):
        ours, theirs = ([share_of_moves([one], low, high) for one in found] for found in (busier, busy))
        spread = float(np.std(theirs))
        met = abs(mean(ours) - mean(theirs)) <= spread
        beside = f"music as busy {mean(theirs):.3f}, 1 sd {spread:.3f}"
        yield row(f"density 1, {name}: {kind}", "within 1 sd of music", [mean(ours)], beside, met)


def nearest(study: Study, name: str, answers: Sequence[Phrase]) -> tuple[list[Phrase], list[Phrase]]:
    """Return music whose attribute lies where that of the answers does, and the answers."""
    found = [one for one in answers if len(pitches(one.notes)) > 1]
    measured = [attributes(one)[name] for one in found]
    low, high = np.quantile(measured, [QUARTER, 1 - QUARTER])
    music = [
        one
        for one in study.music.phrases
        if len(pitches(one.notes)) > 1 and low <= attributes(one)[name] <= high
    ]
    return music or study.phrases, found


def top_line(phrase: Phrase) -> list[int]:
    """Return the highest pitch of every onset."""
    tops: dict[int, int] = {}
    for note in phrase.notes:
        if note.track != DRUMS:
            tops[note.onset] = max(note.pitch, tops.get(note.onset, 0))
    return [tops[onset] for onset in sorted(tops)]


def share_of_moves(phrases: Sequence[Phrase], low: int, high: int) -> float:
    """Return the share of the moves of the top lines that are so many semitones wide."""
    wide = [abs(b - a) for phrase in phrases for a, b in pairwise(top_line(phrase))]
    return sum(low <= one <= high for one in wide) / len(wide) if wide else 0.0


def chordal(phrases: Sequence[Phrase]) -> float:
    """Return the share of onsets with several notes."""
    sizes: list[int] = []
    for phrase in phrases:
        onsets = [note.onset for note in phrase.notes]
        sizes += [onsets.count(onset) for onset in set(onsets)]
    return sum(size > 1 for size in sizes) / len(sizes)
