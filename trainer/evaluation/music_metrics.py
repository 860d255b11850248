"""Measures of ensemble phrases, track by track: how a generator's music differs from the data's.

After Dong et al. 2018, "MuseGAN: multi-track sequential generative adversarial networks for symbolic music
generation and accompaniment", "Objective metrics for evaluation": empty bars, used pitch classes, qualified
notes, drum patterns, tonal distance; polyphony as in Dong and Yang 2018, "Convolutional generative
adversarial networks with binary neurons for polyphonic music generation"; and scale consistency as in Mogren
2016, "C-RNN-GAN".  A single figure says nothing: what counts is how near it lies to that of the data, beside
which `trainer.evaluation.evaluate.music` puts it.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from model.codecs.drums import CLASS_OF_KEY
from model.music.phrase import Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS

PITCHED = (MELODY, CHORDS, BASS)
QUALIFIED = 2  # steps: shorter notes are of the finest length that the grid has
MANY = 3  # pitches that sound together
MAJOR = (0, 2, 4, 5, 7, 9, 11)
EVERY = tuple(range(len(TRACKS)))
FIGURES = (
    "empty_bars",
    "notes",
    "rhythm_entropy",
    "pitch_classes",
    "in_scale",
    "qualified",
    "polyphony",
    "drum_kinds",
    "drum_pattern",
    "together",
    "tonal_distance",
)


def ensemble(phrases: Sequence[Phrase], tracks: Sequence[int] = EVERY) -> dict[str, float]:
    """Measure phrases of tracks; a figure without anything to count is left out.

    Args:
        phrases: of any grid.
        tracks: that are measured; the others count for nothing.

    Returns, by name and in the order of `FIGURES` (TRACK is one of `model.music.tracks.TRACKS`):
        empty_bars.TRACK: share of the bars in which no note of the track starts or sounds.
        notes.TRACK: notes in a bar.
        rhythm_entropy.TRACK: of where in the bar the notes of all phrases start, in bits: 0 where all do on
            one step, 4 where each of 16 is as likely.
        pitch_classes.TRACK: distinct pitch classes in a bar that is not empty (not for drums).
        in_scale.TRACK: share of the notes in the major scale that most notes of the phrase's pitched tracks
            lie in, which is also that of its relative minor (not for drums).
        qualified.TRACK: share of the notes at least `QUALIFIED` steps long (not for drums).  The original
            counts notes of at least 3 of 96 steps a bar; on a coarser grid every note is that long, so the
            finest length stands for the fragments that it looks for.
        polyphony.TRACK: share of the steps at which the track sounds with at least `MANY` pitches, among
            those at which it sounds (not for drums).
        drum_kinds: distinct drums, of nine, in a bar in which any is struck.
        drum_pattern: share of the drum notes on the eighths of the bar ("8-beat patterns").
        together.TRACK.TRACK: of the steps on which the first or the second starts, the share on which
            both do, in bars in which both play.
        tonal_distance.TRACK.TRACK: mean distance of the tonal centroids of two tracks in the bars in which
            both sound (see `centroid`); the smaller, the better they go together.
    """
    counts = {track: [0, 0] for track in tracks}  # bars, empty ones
    pitched = [track for track in tracks if track in PITCHED]
    starts_of: dict[int, Counter[int]] = {track: Counter() for track in tracks}
    rows: dict[str, list[float]] = {}
    for phrase in phrases:
        size = phrase.grid.steps_per_bar
        scale = scale_of([note.pitch for note in phrase.notes if note.track in pitched])
        for note in phrase.notes:
            if note.track in pitched:
                rows.setdefault(f"in_scale.{TRACKS[note.track]}", []).append(note.pitch % 12 in scale)
        for bar in range(phrase.grid.bars):
            first, end = bar * size, (bar + 1) * size
            inside = [n for n in phrase.notes if n.onset < end and n.onset + n.length > first]
            parts = {track: [note for note in inside if note.track == track] for track in tracks}
            for track, notes in parts.items():
                name = TRACKS[track]
                struck = [note for note in notes if note.onset >= first]
                counts[track][0] += 1
                counts[track][1] += not notes
                rows.setdefault(f"notes.{name}", []).append(len(struck))
                starts_of[track].update(note.onset - first for note in struck)
                if track == DRUMS:
                    if struck:
                        kinds = {int(CLASS_OF_KEY[note.pitch]) for note in struck}
                        rows.setdefault("drum_kinds", []).append(len(kinds))
                    eighth = phrase.grid.steps_per_beat / 2
                    rows.setdefault("drum_pattern", []).extend(
                        float((note.onset - first) % eighth == 0) for note in struck
                    )
                elif notes:
                    classes = {note.pitch % 12 for note in notes}
                    rows.setdefault(f"pitch_classes.{name}", []).append(len(classes))
                    rows.setdefault(f"qualified.{name}", []).extend(n.length >= QUALIFIED for n in struck)
                    sounding = np.zeros(size, dtype=np.int64)
                    for note in notes:
                        sounding[max(0, note.onset - first) : note.onset + note.length - first] += 1
                    rows.setdefault(f"polyphony.{name}", []).extend(
                        (sounding[sounding > 0] >= MANY).astype(float).tolist()
                    )
            for one, other in combinations(tracks, 2):
                starts = [{n.onset for n in parts[track] if n.onset >= first} for track in (one, other)]
                if all(starts):
                    rows.setdefault(f"together.{TRACKS[one]}.{TRACKS[other]}", []).append(
                        len(starts[0] & starts[1]) / len(starts[0] | starts[1])
                    )
            for one, other in combinations(pitched, 2):
                if parts[one] and parts[other]:
                    places = [centroid([n.pitch for n in parts[track]]) for track in (one, other)]
                    rows.setdefault(f"tonal_distance.{TRACKS[one]}.{TRACKS[other]}", []).append(
                        float(np.linalg.norm(places[0] - places[1]))
                    )
    found = {f"empty_bars.{TRACKS[track]}": empty / bars for track, (bars, empty) in counts.items() if bars}
    found |= {f"rhythm_entropy.{TRACKS[track]}": _bits(held) for track, held in starts_of.items() if held}
    found |= {name: float(np.mean(values)) for name, values in rows.items() if values}
    return {name: found[name] for name in sorted(found, key=_place)}


def _bits(counts: Counter[int]) -> float:
    """Return the entropy of what was counted, in bits."""
    shares = np.array(list(counts.values())) / counts.total()
    return float(-(shares * np.log2(shares)).sum())


def _place(name: str) -> tuple[int, ...]:
    """Return where a figure stands among others."""
    figure, *tracks = name.split(".")
    return FIGURES.index(figure), *map(TRACKS.index, tracks)


def centroid(pitches: Sequence[int]) -> NDArray[np.float64]:
    """Return the tonal centroid of pitches, float64 [6]: on the circles of fifths, minor and major thirds.

    Harte, Sandler and Gasser 2006, "Detecting harmonic change in musical audio": each pitch
    class at its angle on the three circles, of radii 1, 1 and 1/2, averaged over the notes.
    """
    place = np.zeros(6)
    for pitch in pitches:
        for circle, (turn, radius) in enumerate(((7 * pi / 6, 1.0), (3 * pi / 2, 1.0), (2 * pi / 3, 0.5))):
            angle = turn * (pitch % 12)
            place[2 * circle] += radius * sin(angle)
            place[2 * circle + 1] += radius * cos(angle)
    return place / max(1, len(pitches))


def scale_of(pitches: Sequence[int]) -> frozenset[int]:
    """Return the pitch classes of the major scale in which most of the pitches lie; of several the lowest."""
    counts = np.bincount([pitch % 12 for pitch in pitches], minlength=12)
    scales = [frozenset((root + step) % 12 for step in MAJOR) for root in range(12)]
    return max(scales, key=lambda scale: int(counts[sorted(scale)].sum()))
