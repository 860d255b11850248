"""Which chords and which key are heard in packed phrases.  Of pitched parts only."""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import Arrays
from model.codecs.melody import HOLD, REST
from model.codecs.poly import LOWEST
from model.music.grid import Grid
from model.music.harmony import QUALITIES

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

NEIGHBOUR = 0.35  # weight of the beats beside one: a single line tells little of its chord on one beat
BELOW = 0.2  # what the lowest pitch class of a beat adds to a chord that has it as its root
SEVENTH = 0.03  # a fourth tone must tell more than this to be preferred to the triad

PROFILES = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
"""How well each pitch class fits a major and a minor key, from the tonic up: the probe-tone ratings of
Krumhansl and Kessler 1982, "Tracing the dynamic changes in perceived tonal organization", table 1."""


def sounding(arrays: Mapping[str, NDArray[np.generic]]) -> Floats:
    """Return which keys sound at each step of packed phrases, float32 [B, steps, 128], counted over parts."""
    found: Floats | None = None
    for name, value in arrays.items():
        kind = name.rpartition(".")[2]
        if kind == "token":
            keys = _of_tokens(np.asarray(value, dtype=np.int64))
        elif kind == "roll":
            keys = np.zeros((*value.shape[:2], 128), dtype=np.float32)
            played = np.asarray(value[:, :, :2], dtype=np.float32).sum(2)
            keys[..., LOWEST : LOWEST + played.shape[-1]] = played
        else:
            continue
        found = keys if found is None else found + keys
    if found is None:
        first = next(iter(arrays.values()))
        return np.zeros((*first.shape[:2], 128), dtype=np.float32)
    return found


def _of_tokens(token: Ints) -> Floats:
    """Return the keys of a melody's classes [B, steps]."""
    pitch = np.full(token.shape[0], REST)
    keys = np.zeros((*token.shape, 129), dtype=np.float32)
    rows = np.arange(token.shape[0])
    for step in range(token.shape[1]):
        now = token[:, step]
        pitch = np.where(now < HOLD, now, np.where(now == HOLD, pitch, REST))
        keys[rows, step, np.minimum(pitch, 128)] = 1  # what does not sound goes to the column that is cut off
    return keys[..., :128]


def chromas(keys: Floats, grid: Grid) -> Floats:
    """Return how long each pitch class sounds in each beat, in steps, [B, beats, 12]."""
    folded = np.pad(keys, ((0, 0), (0, 0), (0, 4))).reshape(*keys.shape[:2], 11, 12).sum(2)
    beats = folded.reshape(keys.shape[0], grid.beats, grid.steps_per_beat, 12).sum(2)
    return np.asarray(beats, dtype=np.float32)


@cache
def _templates() -> Floats:
    """Return unit vectors of all chords, [12 roots, qualities, 12 pitch classes]."""
    found = np.zeros((12, len(QUALITIES), 12), dtype=np.float32)
    for root in range(12):
        for index, tones in enumerate(QUALITIES.values()):
            found[root, index, [(root + tone) % 12 for tone in tones]] = 1
    found /= np.linalg.norm(found, axis=-1, keepdims=True)
    return found


def chords(arrays: Arrays, grid: Grid) -> Ints:
    """Return each beat's chord in packed phrases, int64 [B, beats]: root + 12 x quality, -1 for none.

    The binary template with the largest cosine to the beat's pitch classes (Fujishima 1999, "Realtime chord
    recognition of musical sound"), the beats beside it counting a little, the lowest key helping its root.
    """
    keys = sounding(arrays)
    chroma = chromas(keys, grid)
    near = chroma.copy()
    near[:, 1:] += NEIGHBOUR * chroma[:, :-1]
    near[:, :-1] += NEIGHBOUR * chroma[:, 1:]
    length = np.linalg.norm(near, axis=-1, keepdims=True)
    fit = np.einsum("bnc,rqc->bnrq", near / np.maximum(length, 1e-9), _templates())
    fit[..., [len(tones) > 3 for tones in QUALITIES.values()]] -= SEVENTH
    sounds = keys.reshape(keys.shape[0], grid.beats, grid.steps_per_beat, 128).sum(2) > 0
    lowest = np.where(sounds.any(-1), sounds.argmax(-1), -1)
    fit += BELOW * ((lowest[..., None] % 12 == np.arange(12)) & (lowest[..., None] >= 0))[..., None]
    best = fit.reshape(*fit.shape[:2], -1).argmax(-1)
    root, quality = np.divmod(best, len(QUALITIES))
    return np.where(length[..., 0] > 0, root + 12 * quality, -1)


def keys_of(arrays: Arrays, grid: Grid) -> Ints:
    """Return each packed phrase's key, int64 [B]: its tonic, 12 more in minor, -1 where nothing sounds.

    The profile with the largest correlation to the time that each pitch class sounds (Krumhansl 1990,
    "Cognitive foundations of musical pitch", chapter 4).
    """
    chroma = chromas(sounding(arrays), grid).sum(1)
    away = chroma - chroma.mean(-1, keepdims=True)
    profiles = np.array(
        [np.roll(profile, tonic) for profile in PROFILES for tonic in range(12)], dtype=np.float32
    )
    profiles -= profiles.mean(-1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=-1, keepdims=True)
    return np.where(np.abs(away).sum(-1) > 0, (away @ profiles.T).argmax(-1), -1)
