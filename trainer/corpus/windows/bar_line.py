"""Where the bars of a file lie whose ticks or time signature do not say: found from the notes.

Tested in tests/trainer/corpus/windows/test_bar_line.py.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.music.metre_profile import FIRST, LONGEST, STEPS_PER_BEAT, Cues, kind_of, profile_of
from trainer.corpus.reading.tracks import Track

MOST_ONSETS = 400
FEWEST_ONSETS = 24  # below, nothing is found
CLEARER = 0.15  # nats an onset by which another bar line must be better than the file's own
OFF_STEP = 0.12  # steps that all notes lie beside the sixteenths, from which they are moved there
TOGETHER = 0.75  # how far they agree on that, 0 to 1: of swung eighths half agree, to 0.5 or, of 57 %, to 0.7
ENOUGH = 0.85  # of the notes on the fullest place of a bar, from which its first place is believed
LIKELY = (3, 4)
"""Quarters of the bars that are looked for where the time signature lies."""
SHORTEST, LONGEST_BAR = 2.0, 12.0  # quarters of a bar that a time signature can mean


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


OWN_BARS = BarLine()
"""Bars where the file says."""


def lies(numerator: int, denominator: int) -> bool:
    """Tell whether a time signature means no bar that music has, such as 1/4."""
    return denominator <= 0 or not SHORTEST <= 4 * numerator / denominator <= LONGEST_BAR


def find(tracks: Sequence[Track], tpq: int, signatures: Sequence[tuple[int, int, int]]) -> BarLine:
    """Return where the bars of a file lie.

    The bar line of a file with one metre is looked for in its notes, and taken where it is clearly better
    than the file's own; a time signature that no music has is replaced by the likelier of 3/4 and 4/4.

    Args:
        tracks: those with pitched notes.
        tpq: ticks a quarter.
        signatures: (tick, numerator, denominator) of the file.

    """
    ticks, pitches, velocities = _notes(tracks)
    beside = _beside(ticks, tpq)
    wrong = bool(signatures) and all(lies(*each[1:]) for each in signatures)
    if len({each[1:] for each in signatures}) > 1 and not wrong:
        return BarLine(beside, beside)
    own = {(3, 4): (3,), (4, 4): (4,), (2, 2): (4,)}.get(signatures[0][1:], ()) if signatures else (4,)
    likely = LIKELY if wrong else own  # bars of 2/4 and 6/8 are seldom found: those stay where they are
    if not wrong and signatures and likely and _stands(ticks - beside, likely[0], tpq):
        return BarLine(beside, beside, None, _words(shifted=bool(beside), metre=None))
    onsets = _onsets(ticks - beside, pitches, velocities, tpq) if likely else []
    if len(onsets) < FEWEST_ONSETS:
        metre = 4 if wrong else None
        return BarLine(beside, beside, (4, 4) if wrong else None, _words(shifted=False, metre=metre))
    scores = {beats: scored(onsets, beats) for beats in likely}
    beats = max(scores, key=lambda each: float(scores[each].max()))
    found = scores[beats]
    best = int(found.argmax())
    shifted = best != 0 and (wrong or found[best] - found[0] >= CLEARER)
    first = beside + (best * tpq // STEPS_PER_BEAT if shifted else 0)
    metre = beats if wrong else None
    signature = (beats, 4) if wrong else None
    return BarLine(first, beside, signature, _words(shifted=shifted or bool(beside), metre=metre))


def _words(*, shifted: bool, metre: int | None) -> str:
    """Say what was assumed."""
    if metre is None:
        return "bar line found from the notes" if shifted else ""
    found = f"metre taken as {metre}/4, its time signature is none that music has"
    return f"bar line found from the notes, {found}" if shifted else found


def _notes(tracks: Sequence[Track]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return tick, pitch and velocity of all notes by tick."""
    columns = [
        np.concatenate([np.zeros(0, dtype=np.int32), *(track.notes[name] for track in tracks)]).astype(
            np.int64
        )
        for name in ("time", "pitch", "velocity")
    ]
    order = np.argsort(columns[0], kind="stable")
    tick, pitch, velocity = (column[order] for column in columns)
    return tick, pitch, velocity


def _beside(ticks: NDArray[np.int64], tpq: int) -> int:
    """Return how many ticks all notes lie behind the sixteenths, where they agree on it; else 0."""
    if len(ticks) < FEWEST_ONSETS:
        return 0
    mean = np.mean(np.exp(2j * np.pi * STEPS_PER_BEAT * ticks / tpq))
    steps = float(np.angle(mean)) / (2 * np.pi)
    return round(steps * tpq / STEPS_PER_BEAT) if abs(mean) > TOGETHER and abs(steps) > OFF_STEP else 0


def _stands(ticks: NDArray[np.int64], beats: int, tpq: int) -> bool:
    """Tell whether about as much starts where the file's own bars begin as on any place of a bar."""
    steps = np.rint(ticks * (STEPS_PER_BEAT / tpq)).astype(np.int64) % (beats * STEPS_PER_BEAT)
    count = np.bincount(steps, minlength=beats * STEPS_PER_BEAT)
    return bool(count[0] >= ENOUGH * count.max())


def _onsets(
    ticks: NDArray[np.int64], pitches: NDArray[np.int64], velocities: NDArray[np.int64], tpq: int
) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return the first onsets: the sixteenth, and (pitch, velocity) of what starts there."""
    steps = np.rint(ticks * (STEPS_PER_BEAT / tpq)).astype(np.int64).tolist()
    rows = zip(steps, pitches.tolist(), velocities.tolist(), strict=True)
    found = []
    for step, group in groupby(rows, key=lambda row: row[0]):
        found.append((step, [(pitch, velocity) for _, pitch, velocity in group]))
        if len(found) == MOST_ONSETS:
            break
    return found


def scored(onsets: Sequence[tuple[int, list[tuple[int, int]]]], beats: int) -> NDArray[np.float64]:
    """Return, for each sixteenth of a bar, how likely the onsets are if bars begin there: nats an onset.

    Args:
        onsets: as `_onsets` returns them; one or more.
        beats: quarters of a bar.

    """
    first, rhythm, cues = _tables(beats)
    bar = len(first)
    steps = np.array([step for step, _ in onsets])
    places = (steps[:, None] - np.arange(bar)) % bar
    gaps = np.diff(steps)
    kinds = np.array([FIRST, *map(kind_of, gaps.tolist())])[: len(gaps), None]
    following = rhythm[kinds, places[:-1], np.minimum(gaps, LONGEST)[:, None] - 1]
    teller = Cues()
    told = [teller.of(notes) for _, notes in onsets]
    which = np.repeat(np.arange(len(told)), list(map(len, told)))
    spoken = cues[np.concatenate(told)[:, None], places[which]]
    return np.asarray((first[places[0]] + following.sum(axis=0) + spoken.sum(axis=0)) / len(onsets))


@lru_cache(maxsize=2)
def _tables(beats: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return a metre's evidence, see `MetreProfile`: first [place], rhythm [kind, place, distance], cues."""
    profile = profile_of(beats)
    return np.array(profile.first), np.array(profile.rhythm), np.array(profile.cues)
