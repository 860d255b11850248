"""What an accompaniment is like: how many voices, how high, how busy, and what of that is unusual in music.

The table holds quantiles of 6,133 phrases of 1,562 ensembles, those of the prepared train split in which
chords and bass play.  Neither numpy nor torch.
"""

from collections.abc import Collection
from itertools import pairwise
from statistics import fmean

from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY

KIT = range(35, 60)
"""The keys of a drum kit, from its second kick to its second ride."""
FIGURES = {
    "chords, one voice alone": (CHORDS, (0.0, 0.0, 0.0, 0.5, 0.5, 0.5)),
    "chords above the melody": (CHORDS, (0.0, 0.0, 0.0, 0.42, 0.58, 0.90)),
    "chords, height": (CHORDS, (42.0, 51.4, 55.4, 68.7, 71.3, 76.4)),
    "chords, highest key": (CHORDS, (50.0, 61.0, 64.0, 85.0, 88.0, 95.0)),
    "chords, silent beats": (CHORDS, (0.0, 0.0, 0.0, 0.125, 0.25, 0.50)),
    "chords, strokes a beat": (CHORDS, (0.25, 0.375, 0.625, 3.75, 4.0, 4.0)),
    "chords, moves on top": (CHORDS, (0.0, 0.60, 1.36, 11.1, 13.9, 20.5)),
    "bass, height": (BASS, (26.2, 30.9, 33.2, 47.0, 51.0, 57.0)),
    "bass above the chords": (BASS, (0.0, 0.0, 0.0, 0.0, 0.0, 0.86)),
    "bass, strokes a beat": (BASS, (0.125, 0.125, 0.125, 1.75, 2.125, 3.875)),
    "bass, moves": (BASS, (0.0, 0.0, 0.0, 7.0, 8.0, 12.0)),
    "drums, outside of a kit": (DRUMS, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
    "drums, hits a beat": (DRUMS, (0.375, 1.0, 1.5, 6.625, 7.25, 8.75)),
}
"""The track of each figure, and its 1st, 5th, 10th, 90th, 95th and 99th percentile in music.

But for chords of one voice for more than half of their time, as two violins have them: 10 % of music's
phrases, and none where a band is to play chords.
"""
BEYOND = (4.0, 2.0, 1.0)
"""What a figure costs that lies beyond the 1st, 5th or 10th percentile, or the same from above."""
USUAL = 2.0
"""What two of three phrases of music cost at most."""


def unusual(phrase: Phrase, tracks: Collection[int]) -> float:
    """Return how unusual the accompaniment on some tracks is, 0 for not at all; see `USUAL`."""
    known = figures(phrase)
    return sum(
        _cost(known[name], percentiles)
        for name, (track, percentiles) in FIGURES.items()
        if track in tracks and name in known
    )


def _cost(value: float, percentiles: tuple[float, ...]) -> float:
    for place, cost in enumerate(BEYOND):
        if not percentiles[place] <= value <= percentiles[-1 - place]:
            return cost
    return 0.0


def figures(phrase: Phrase) -> dict[str, float]:
    """Return the figures of a phrase's chords, bass and drums, by name; none that it has no notes for.

    Shares are of time, 0..1; heights are mean keys; moves are mean semitones from stroke to stroke.
    """
    grid, found = phrase.grid, {}
    chords, bass, drums = (phrase.part(track).notes for track in (CHORDS, BASS, DRUMS))
    sounding = _sounding(chords, grid.steps)
    if chords:
        beats = [sounding[beat * grid.steps_per_beat :][: grid.steps_per_beat] for beat in range(grid.beats)]
        tops: dict[int, int] = {}
        for note in chords:
            tops[note.onset] = max(note.pitch, tops.get(note.onset, 0))
        found["chords, one voice alone"] = fmean(len(keys) == 1 for keys in sounding if keys)
        found["chords, height"] = fmean(note.pitch for note in chords)
        found["chords, highest key"] = float(max(tops.values()))
        found["chords, silent beats"] = fmean(not any(beat) for beat in beats)
        found["chords, strokes a beat"] = len(tops) / grid.beats
        if len(tops) > 1:
            found["chords, moves on top"] = _moves([tops[onset] for onset in sorted(tops)])
        above = [key > top for keys, top in zip(sounding, _line(phrase), strict=True) if top for key in keys]
        if above:
            found["chords above the melody"] = fmean(above)
    if bass:
        low = _sounding(bass, grid.steps)
        found["bass, height"] = fmean(note.pitch for note in bass)
        found["bass, strokes a beat"] = len({note.onset for note in bass}) / grid.beats
        if len(bass) > 1:
            found["bass, moves"] = _moves([note.pitch for note in bass])
        over = [max(one) > min(other) for one, other in zip(low, sounding, strict=True) if one and other]
        if over:
            found["bass above the chords"] = fmean(over)
    if drums:
        found["drums, outside of a kit"] = fmean(note.pitch not in KIT for note in drums)
        found["drums, hits a beat"] = len(drums) / grid.beats
    return found


def _sounding(notes: Collection[Note], steps: int) -> list[set[int]]:
    """Return the keys that sound on each step."""
    found: list[set[int]] = [set() for _ in range(steps)]
    for note in notes:
        for step in range(note.onset, note.onset + note.length):
            found[step].add(note.pitch)
    return found


def _line(phrase: Phrase) -> list[int]:
    """Return the melody's key on each step, where it rests the one before; 0 before the first."""
    found, last = [], 0
    for keys in _sounding(phrase.part(MELODY).notes, phrase.grid.steps):
        last = max(keys, default=last)
        found.append(last)
    return found


def _moves(line: list[int]) -> float:
    return fmean(abs(other - one) for one, other in pairwise(line))
