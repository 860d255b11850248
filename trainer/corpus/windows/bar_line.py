"""Where the bars of files lie whose ticks or time signature do not say: found from the notes.

Of many files at once: what is counted is counted in one table of all their notes.

Tested in tests/trainer/corpus/windows/test_bar_line.py.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.music.metre_profile import FIRST, LONGEST, RHYTHM_KINDS, STEPS_PER_BEAT, kind_of, profile_of
from trainer.corpus.reading.tracks import Numbers, Track
from trainer.corpus.windows.metre_cues import Onsets, cues_of

MOST_ONSETS = 400
FEWEST_ONSETS = 24  # below, nothing is found
CLEARER = 0.15  # nats an onset by which another bar line must be better than the file's own
OFF_STEP = 0.12  # steps that all notes lie beside the sixteenths, from which they are moved there
TOGETHER = 0.75  # how far they agree on that, 0 to 1: of swung eighths half agree, to 0.5 or, of 57 %, to 0.7
ENOUGH = 0.85  # of the notes on the fullest place of a bar, from which its first place is believed
LIKELY = (3, 4)
"""Quarters of the bars that are looked for where the time signature lies."""
SHORTEST, LONGEST_BAR = 2.0, 12.0  # quarters of a bar that a time signature can mean
KIND_OF_GAP = np.array([kind_of(gap) for gap in range(6)])  # the last of all that are longer


class BarLine(NamedTuple):
    """Where the bars of a file lie.

    Attributes:
        first: tick of a bar line.
        beside: ticks by which all notes lie behind the sixteenths.
        signature: of all bars; None leaves what the file says.
        note: what was assumed, "" nothing.
    """

    first: int = 0
    beside: int = 0
    signature: tuple[int, int] | None = None
    note: str = ""


class Unbarred(NamedTuple):
    """A file whose bars are looked for: its tracks with pitched notes, ticks a quarter, and time signatures.

    These are (tick, numerator, denominator), sorted.
    """

    tracks: Sequence[Track]
    tpq: int
    signatures: Sequence[tuple[int, int, int]]


OWN_BARS = BarLine()
"""Bars where the file says."""


def lies(numerator: int, denominator: int) -> bool:
    """Tell whether a time signature means no bar that music has, such as 1/4."""
    return denominator <= 0 or not SHORTEST <= 4 * numerator / denominator <= LONGEST_BAR


def find(files: Sequence[Unbarred]) -> list[BarLine]:
    """Return where the bars of some files lie.

    The bar line of a file with one metre is looked for in its notes, and taken where it is clearly better
    than the file's own; a time signature that no music has is replaced by the likelier of 3/4 and 4/4.
    """
    notes = _Notes(files)
    wrong = [bool(file.signatures) and all(lies(*each[1:]) for each in file.signatures) for file in files]
    likely = [LIKELY if lie else _written(file.signatures) for file, lie in zip(files, wrong, strict=True)]
    stands = notes.stand([metres[0] if metres else LIKELY[0] for metres in likely])
    stands &= [
        not lie and bool(metres and file.signatures)
        for file, lie, metres in zip(files, wrong, likely, strict=True)
    ]
    onsets = notes.onsets(~stands & [bool(metres) for metres in likely])
    counts = np.bincount(onsets.songs, minlength=len(files)).tolist()
    scores = {beats: scored(onsets, beats, len(files)) for beats in LIKELY if max(counts) >= FEWEST_ONSETS}
    found = []
    each = zip(files, wrong, likely, notes.beside.tolist(), stands.tolist(), counts, strict=True)
    for number, (file, lie, metres, beside, stand, count) in enumerate(each):
        if stand:
            found.append(BarLine(beside, beside, None, _words(shifted=bool(beside), metre=None)))
        elif count < FEWEST_ONSETS:
            metre = 4 if lie else None
            found.append(BarLine(beside, beside, (4, 4) if lie else None, _words(shifted=False, metre=metre)))
        else:
            its = {beats: scores[beats][number] for beats in metres}
            found.append(_likeliest(its, file.tpq, beside, wrong=lie))
    return found


def _written(signatures: Sequence[tuple[int, int, int]]) -> tuple[int, ...]:
    """Return the quarters of a file's bars, if it has one metre, and one whose bars can be found."""
    metres = {each[1:] for each in signatures} or {(4, 4)}
    # bars of 2/4 and 6/8 are seldom found: those stay where they are
    return {(3, 4): (3,), (4, 4): (4,), (2, 2): (4,)}.get(metres.pop(), ()) if len(metres) == 1 else ()


def _likeliest(scores: dict[int, NDArray[np.float64]], tpq: int, beside: int, *, wrong: bool) -> BarLine:
    """Return the bars of one file by the scores of each metre, whose signature may be wrong."""
    beats = max(scores, key=lambda each: float(scores[each].max()))
    found = scores[beats]
    best = int(found.argmax())
    shifted = best != 0 and (wrong or found[best] - found[0] >= CLEARER)
    first = beside + (best * tpq // STEPS_PER_BEAT if shifted else 0)
    words = _words(shifted=shifted or bool(beside), metre=beats if wrong else None)
    return BarLine(first, beside, (beats, 4) if wrong else None, words)


def _words(*, shifted: bool, metre: int | None) -> str:
    """Say what was assumed."""
    if metre is None:
        return "bar line found from the notes" if shifted else ""
    found = f"metre taken as {metre}/4, its time signature is none that music has"
    return f"bar line found from the notes, {found}" if shifted else found


class _Notes:
    """The notes of some files, file by file and by tick.

    Attributes:
        beside: int64 [files], ticks by which all notes of each lie behind the sixteenths, where they agree
            on it; else 0.
    """

    def __init__(self, files: Sequence[Unbarred]) -> None:
        tracks = [track for file in files for track in file.tracks]
        counts = np.array([len(track.notes["time"]) for track in tracks], dtype=np.int64)
        songs = np.repeat(np.repeat(np.arange(len(files)), [len(file.tracks) for file in files]), counts)
        ticks, pitches, velocities = (
            np.concatenate([np.zeros(0, dtype=np.int32), *(track.notes[name] for track in tracks)])
            for name in ("time", "pitch", "velocity")
        )
        order = np.argsort(songs << 32 | ticks, kind="stable")
        self._songs, self._pitches, self._velocities = songs[order], pitches[order], velocities[order]
        tpq = np.array([file.tpq for file in files], dtype=np.int64)
        self.beside = _beside(ticks[order].astype(np.int64), self._songs, tpq)
        ticks = ticks[order] - self.beside[self._songs]
        self._steps = np.rint(ticks * (STEPS_PER_BEAT / tpq)[self._songs]).astype(np.int64)

    def stand(self, beats: Sequence[int]) -> NDArray[np.bool_]:
        """Tell where about as much starts on the bars' first places as on any other of a bar.

        Args:
            beats: quarters of a bar, of each file.
        """
        bar = np.array(beats, dtype=np.int64) * STEPS_PER_BEAT
        most = int(bar.max(initial=1))
        places = self._songs * most + self._steps % bar[self._songs]
        count = np.bincount(places, minlength=most * len(bar)).reshape(-1, most)
        return np.asarray(count[:, 0] >= ENOUGH * count.max(axis=1))

    def onsets(self, chosen: NDArray[np.bool_]) -> Onsets:
        """Return the first onsets of the chosen files."""
        among = np.flatnonzero(chosen[self._songs])
        songs, steps = self._songs[among], self._steps[among]
        new = np.ones(len(among), dtype=bool)
        new[1:] = (songs[1:] != songs[:-1]) | (steps[1:] != steps[:-1])
        onset = np.cumsum(new) - 1
        songs_of = songs[new]
        early = (np.arange(len(songs_of)) - np.searchsorted(songs_of, songs_of) < MOST_ONSETS)[onset]
        among, begins = among[early], np.flatnonzero(new[early])
        return Onsets(
            songs[early][begins],
            steps[early][begins],
            begins,
            self._pitches[among].astype(np.int64),
            self._velocities[among].astype(np.int64),
        )


def _beside(ticks: Numbers, songs: Numbers, tpq: Numbers) -> Numbers:
    """Return `_Notes.beside` of all files, by their notes' ticks and files."""
    sixteenth = STEPS_PER_BEAT * ticks % tpq[songs] * (2 * np.pi / tpq[songs])
    count = np.bincount(songs, minlength=len(tpq))
    x, y = (
        np.bincount(songs, weights=part, minlength=len(tpq)) / np.maximum(1, count)
        for part in (np.cos(sixteenth), np.sin(sixteenth))
    )
    steps = np.arctan2(y, x) / (2 * np.pi)
    agreed = (np.hypot(x, y) > TOGETHER) & (np.abs(steps) > OFF_STEP) & (count >= FEWEST_ONSETS)
    return np.where(agreed, np.rint(steps * tpq / STEPS_PER_BEAT), 0).astype(np.int64)


def scored(onsets: Onsets, beats: int, files: int) -> NDArray[np.float64]:
    """Return how likely each file's onsets are if bars begin on each sixteenth of a bar: nats an onset.

    What speaks for a place is counted first, [file, evidence, place], and then weighed in one product.

    Args:
        onsets: of the files.
        beats: quarters of a bar.
        files: how many there are; of one without onsets the score says nothing.

    Returns:
        float64 [files, sixteenths of a bar].
    """
    bar = beats * STEPS_PER_BEAT
    first, rhythm, cues = _weights(beats)
    songs, places, gaps = onsets.songs, onsets.steps % bar, np.diff(onsets.steps)
    begins = np.ones(len(songs), dtype=bool)
    begins[1:] = songs[1:] != songs[:-1]
    kinds = np.where(begins[:-1], FIRST, np.roll(KIND_OF_GAP[np.clip(gaps, 0, len(KIND_OF_GAP) - 1)], 1))
    following = np.flatnonzero(~begins[1:])
    evidence, of = cues_of(onsets)
    score = _counted(songs[begins], places[begins], bar, files) @ first
    rows = (kinds * bar + places[:-1]) * LONGEST + np.minimum(gaps, LONGEST) - 1
    score += _counted(songs[following], rows[following], RHYTHM_KINDS * bar * LONGEST, files) @ rhythm
    score += _counted(songs[of], evidence * bar + places[of], len(cues), files) @ cues
    return np.asarray(score / np.maximum(1, np.bincount(songs, minlength=files))[:, None])


def _counted(songs: Numbers, rows: Numbers, width: int, files: int) -> NDArray[np.float64]:
    """Return [files, width], how often each row of evidence stands in each file."""
    return np.bincount(songs * width + rows, minlength=files * width).reshape(files, width).astype(np.float64)


@lru_cache(maxsize=2)
def _weights(beats: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return a metre's evidence (see `MetreProfile`) for each bar line, float64 [evidence, bar line].

    Of the first onset, by place; of rhythm, by kind, place and distance; of cues, by cue and place.
    """
    profile = profile_of(beats)
    places = (np.arange(profile.steps)[:, None] - np.arange(profile.steps)) % profile.steps
    rhythm = np.array(profile.rhythm)[:, places].transpose(0, 1, 3, 2)
    cues = np.array(profile.cues)[:, places]
    first = np.array(profile.first)[places]
    return first, rhythm.reshape(-1, profile.steps), cues.reshape(-1, profile.steps)
