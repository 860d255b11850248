"""Measures of ensemble phrases, track by track: how a generator's music differs from the data's.

After Dong et al. 2018, "MuseGAN: multi-track sequential generative adversarial networks for symbolic music
generation and accompaniment", "Objective metrics for evaluation": empty bars, used pitch classes, qualified
notes, drum patterns, tonal distance; and polyphony as in Dong and Yang 2018, "Convolutional generative
adversarial networks with binary neurons for polyphonic music generation".  A single figure says nothing:
what counts is how near it lies to that of the data (`beside`).
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from model.phrase import Phrase
from model.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS

PITCHED = (MELODY, CHORDS, BASS)
QUALIFIED = 2  # steps: shorter notes are of the finest length that the grid has
MANY = 3  # pitches that sound together


def ensemble(phrases: Sequence[Phrase]) -> dict[str, float]:
    """Measure phrases of tracks; a figure without anything to count is left out.

    Returns, by name (TRACK is one of `model.tracks.TRACKS`):
        empty_bars.TRACK: share of the bars in which no note of the track starts or sounds.
        notes.TRACK: notes in a bar.
        pitch_classes.TRACK: distinct pitch classes in a bar that is not empty (not for drums).
        qualified.TRACK: share of the notes at least `QUALIFIED` steps long (not for drums).  The original
            counts notes of at least 3 of 96 steps a bar; on a coarser grid every note is that long, so the
            finest length stands for the fragments that it looks for.
        polyphony.TRACK: share of the steps at which the track sounds with at least `MANY` pitches, among
            those at which it sounds (not for drums).
        drum_pattern: share of the drum notes on the eighths of the bar ("8-beat patterns").
        together.TRACK.TRACK: of the steps on which the first or the second starts, the share on which
            both do, in bars in which both play.
        tonal_distance.TRACK.TRACK: mean distance of the tonal centroids of two tracks in the bars in which
            both sound (see `centroid`); the smaller, the better they go together.

    """
    counts = {track: [0, 0] for track in range(len(TRACKS))}  # bars, empty ones
    rows: dict[str, list[float]] = {}
    for phrase in phrases:
        size = phrase.grid.steps_per_bar
        for bar in range(phrase.grid.bars):
            first, end = bar * size, (bar + 1) * size
            inside = [n for n in phrase.notes if n.onset < end and n.onset + n.length > first]
            parts = {track: [note for note in inside if note.track == track] for track in range(len(TRACKS))}
            for track, notes in parts.items():
                name = TRACKS[track]
                struck = [note for note in notes if note.onset >= first]
                counts[track][0] += 1
                counts[track][1] += not notes
                rows.setdefault(f"notes.{name}", []).append(len(struck))
                if track == DRUMS:
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
            for one, other in combinations(range(len(TRACKS)), 2):
                starts = [{n.onset for n in parts[track] if n.onset >= first} for track in (one, other)]
                if all(starts):
                    rows.setdefault(f"together.{TRACKS[one]}.{TRACKS[other]}", []).append(
                        len(starts[0] & starts[1]) / len(starts[0] | starts[1])
                    )
            for one, other in combinations(PITCHED, 2):
                if parts[one] and parts[other]:
                    places = [centroid([n.pitch for n in parts[track]]) for track in (one, other)]
                    rows.setdefault(f"tonal_distance.{TRACKS[one]}.{TRACKS[other]}", []).append(
                        float(np.linalg.norm(places[0] - places[1]))
                    )
    found = {f"empty_bars.{TRACKS[track]}": empty / bars for track, (bars, empty) in counts.items() if bars}
    return found | {name: float(np.mean(values)) for name, values in rows.items() if values}


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


def beside(model: Mapping[str, float], data: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Return (model, data) of every figure that both have, in the data's order."""
    return {name: (model[name], value) for name, value in data.items() if name in model}
