"""What the knobs make of music: in key, different by as much as they say, and like music, on songs not seen.

Each model plays held-out phrases of a prepared corpus as it does live, by the requests that the engine makes
of the model process, with one knob turned.  Beside each figure stands that of the music itself, or of chance.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import mean

import numpy as np

from benchmarks.figures import Row
from benchmarks.scale import Scale
from live.ipc.jam_memory import Base
from live.ipc.messages import Decode, Decoded, Encode, Encoded, Ready
from live.ipc.places import Between, Place, Point
from live.jam.latent.path import moved
from live.worker.handler import RequestHandler
from live.worker.variations import sounding
from model.music.attributes import measure as attributes
from model.music.key import key_of
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.playing.variation import note_f1
from trainer.evaluation.features import features
from trainer.evaluation.heldout import songs_on
from trainer.evaluation.two_sample import Side, classify

PREFIX = "music: "
EXPLAINED = (
    "Two-bar phrases of the prepared test split, songs that no model has seen, that are in a key; one knob",
    "is turned. *In scale* is the share of the notes in the major scale that most of the phrase's lie in,",
    "of several that of its key (chance: 7 of 12); F1 that of the notes, by onset and pitch, that are the",
    "phrase's. AUC: how well a classifier tells the answers from music, by songs that it has not learned",
    "from; .5 not at all, 1 always.",
)
PHRASES, MUSIC = 120, 1200
TURNS, FEW = 32, 12
AMOUNTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
MAJOR = (0, 2, 4, 5, 7, 9, 11)
OCTAVE = 12
FAR = 6  # semitones between keys that share least
TEMPERATURES = (0.25, 0.5, 0.75, 1.0)
STRAYS = (0.3, 0.6, 1.0)
WITHIN = 0.02
DIALLED, ERROR, LIKE, MODULATED, ENOUGH = 0.7, 0.05, 0.6, 0.93, 6
AT_REST = {"vary": 0.0, "stray": 0.0, "temperature": 0.0}
QUARTER = 0.25  # of the music that is as wide, or as busy, as answers with the knob at its end


class Study:
    """One model and the phrases that it is tried on."""

    def __init__(self, name: str, scale: Scale) -> None:
        self.name, self._desk = name, RequestHandler()
        ready = self._desk.load(name)
        if not isinstance(ready, Ready):
            raise RuntimeError(f"model {name} is not there")  # noqa: TRY004  a message that reports a fault
        self.codec, self._grid = ready.codec, ready.grid
        for _ in self._desk.write():
            pass  # the writer is opened
        held = songs_on(self.codec, self._grid, scale.data, split="test", limit=MUSIC, seed=1)
        count = scale.count(PHRASES, least=8)
        self.music = [*held.phrases]
        tried = [i for i, one in enumerate(self.music) if self.codec == "drums" or key_of(one.notes)][:count]
        self.songs = held.songs[tried]
        self.phrases: list[Phrase] = []
        self.points: list[Point] = []
        for number in tried:
            found = self._placed(self.music[number])
            self.points.append(found)
            self.phrases.append(Phrase(self._grid, tuple(found.played)))
        self.how: set[str] = set()  # phrases were varied

    def _placed(self, phrase: Phrase) -> Point:
        """Return where a phrase lies."""
        found = self._desk.answer(Encode(0, [*phrase.notes]))
        if not isinstance(found, Encoded):
            raise RuntimeError(f"a phrase was not found: {found}")  # noqa: TRY004  a message that reports a fault
        return Point(found.z, found.attributes, found.played, self._grid)

    def transposed(self, number: int, semitones: int) -> Point:
        """Return where a phrase lies in another key."""
        return self._placed(self.phrases[number].moved(semitones))

    def answer(self, place: Place, temperature: float = 0.0, **turns: float) -> Phrase:
        """Return what is played at a place when all that it waits for is written."""
        while True:
            found = self._desk.answer(Decode(0, 2, place, turns, temperature, seed=0))
            if not isinstance(found, Decoded):
                raise RuntimeError(f"a place was not decoded: {found}")  # noqa: TRY004  a message that reports a fault
            if found.vary != "awaited":
                self.how |= {found.vary} - {""}
                return Phrase(self._grid, tuple(found.notes))
            for _ in self._desk.write():
                pass

    def turned(self, *, turn: int = 0, phrases: Sequence[int] | None = None, **knobs: float) -> list[Phrase]:
        """Return every phrase, or some, with knobs turned, in one of its turns.

        No two phrases are varied in turns of one number: with the same choices for all of them, answers would
        be alike in a way that no jam has.
        """
        turns = {name: value for name, value in knobs.items() if name not in AT_REST}
        present = AT_REST | {name: value for name, value in knobs.items() if name in AT_REST}
        found = []
        for number in range(len(self.points)) if phrases is None else phrases:
            base = Base(self.points[number], "played", None, number)
            of_turn = turn + TURNS * number
            place = moved(base, of_turn, present, drifting=False, turn=of_turn, seed=0)
            found.append(self.answer(place, present["temperature"], **turns))
        return found

    def apart(self, answers: Sequence[Phrase]) -> tuple[float, float]:
        """Return the AUC of answers against the phrases, and its deviation over the halvings of the songs.

        Both are NaN where there are too few songs.
        """
        triples = zip(self.phrases, answers, self.songs.tolist(), strict=True)
        whole = [triple for triple in triples if triple[1].notes]
        real, other = (np.array([features(one[side], self.codec) for one in whole]) for side in (0, 1))
        songs = np.array([song for _, _, song in whole])
        found = classify(Side(real, songs), Side(other, songs), 0, paired=True)
        return (found.best, float(np.std(found.each))) if found else (float("nan"), float("nan"))

    def share(self, answers: Sequence[Phrase]) -> float:
        """Return the mean share of the answers' notes in the scales of the phrases."""
        return mean(in_scale(x, y) for x, y in zip(self.phrases, answers, strict=True) if pitches(y.notes))

    def f1(self, answers: Sequence[Phrase]) -> list[float]:
        """Return the F1 of the notes of each answer with its phrase."""
        return [note_f1(x, y) for x, y in zip(self.phrases, answers, strict=True)]


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


def spread(figures: Sequence[float]) -> str:
    """Return standard deviations of an AUC in words."""
    return f"sd {' '.join(f'{one:.3f}' for one in figures)} over ten halvings of the songs"


def varied(study: Study) -> Iterator[Row]:
    """Measure the dial, the key, the likeness to music, and that no turn is like another."""
    name = study.name
    answers = {amount: study.turned(vary=amount) for amount in AMOUNTS}
    f1 = {amount: study.f1(found) for amount, found in answers.items()}
    away = [mean(abs(left - 1 + amount) for left in f1[amount]) for amount in AMOUNTS if amount <= DIALLED]
    who = " and ".join(sorted(study.how))
    yield row(f"vary .1 to .7, {name}: error of the dial", "<= .05", away, who, max(away) <= ERROR)
    if study.codec != "drums":
        played, shares = study.share(study.phrases), [study.share(found) for found in answers.values()]
        beside = f"played {played:.3f}, chance .583"
        met = min(shares) >= played - WITHIN
        yield row(f"vary .1 to 1, {name}: in scale", "played - .02", shares, beside, met)
    few = [number for number, phrase in enumerate(study.phrases) if len(phrase) >= ENOUGH][:FEW]
    turns = [study.turned(turn=turn, phrases=few, vary=0.35) for turn in range(TURNS)]
    counts = [len({sounding(one) for one in found}) for found in zip(*turns, strict=True)]
    beside = f"the mean and the least of {len(few)} phrases of {ENOUGH} notes or more"
    different = [mean(counts), float(min(counts))]
    yield row(
        f"vary .35, {name}: different ones of {TURNS} turns", "32", different, beside, min(counts) == TURNS
    )
    left = [mean(f1[amount]) for amount in AMOUNTS]
    falls = all(one >= other for one, other in pairwise([1.0, *left])) and left[-1] <= 1 - DIALLED
    yield row(f"vary .1 to 1, {name}: F1 with the phrase", "falls, <= .30 at 1", left, who, falls)
    apart, apart_sd = zip(*(study.apart(answers[amount]) for amount in (0.5, 1.0)), strict=True)
    yield row(
        f"vary .5 and 1, {name}: AUC against music", "<= .60", apart, spread(apart_sd), max(apart) <= LIKE
    )


def kept_in_key(study: Study) -> Iterator[Row]:
    """Measure register, stray, temperature and the way between far keys."""
    name, played = study.name, study.share(study.phrases)
    beside, least = f"played {played:.3f}, chance .583", played - WITHIN
    shares = [study.share(study.turned(register=turn)) for turn in (-1.0, 0.25, 1.0)]
    what = f"register -1, .25, 1, {name}: in scale"
    yield row(what, "played - .02", shares, beside, min(shares) >= least)
    strayed = [study.turned(stray=stray) for stray in STRAYS]
    shares, (auc, away) = [study.share(found) for found in strayed], study.apart(strayed[-1])
    what = f"stray .3, .6, 1, {name}: in scale"
    yield row(what, "played - .02", shares, beside, min(shares) >= least)
    yield row(f"stray 1, {name}: AUC against music", "<= .60", [auc], spread([away]), auc <= LIKE)
    heated = [study.turned(temperature=heat) for heat in TEMPERATURES]
    shares, f1 = [study.share(found) for found in heated], [mean(study.f1(found)) for found in heated]
    falls = all(one > other for one, other in pairwise([1.0, *f1]))
    yield row(f"temperature .25 to 1, {name}: F1 with the phrase", "falls from 1", f1, "1 at 0", falls)
    what = f"temperature .25 to 1, {name}: in scale"
    yield row(what, "played - .02", shares, beside, min(shares) >= least)
    found = []
    for number in range(0, len(study.phrases) - 1, 2):
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
    wide, wider = nearest(study, "range", study.turned(range=1.0))
    leaps = [share_of_moves(found, OCTAVE + 1, 128) for found in (wider, wide)]
    what = f"range 1, {name}: leaps over an octave"
    yield row(
        what, "<= music + .02", leaps[:1], f"music as wide {leaps[1]:.3f}", leaps[0] <= leaps[1] + WITHIN
    )
    if name == "keys":
        chords = [chordal(found) for found in (wider, study.phrases)]
        beside = f"played {chords[1]:.3f}"
        yield row(
            f"range 1, {name}: onsets with chords",
            "played",
            chords[:1],
            beside,
            chords[0] >= chords[1] - 0.05,
        )
    busy, busier = nearest(study, "density", study.turned(density=1.0))
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
        one for one in study.music if len(pitches(one.notes)) > 1 and low <= attributes(one)[name] <= high
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
