"""What else a decoder may be conditioned on beside z, as numbers for every beat: chords, key and style.

A condition array is float32 [B, beats, condition]: for each of the configuration's conditions, in order, a
one-hot vector.  `chords`: 12 roots, the qualities of `music.harmony`, none.  `key`: 12 major, 12 minor, none.
`style`: the configuration's styles, none.  All zeros of a condition say nothing about it: it is withheld.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.codecs import chords as hearing
from model.codecs.base import Arrays
from model.config import ModelConfig, known
from model.errors import ConfigError
from model.music.harmony import QUALITIES, Chord, read_chords, read_major_minor

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
CHORDS = 12 + len(QUALITIES) + 1
KEYS = 24 + 1


def condition_width(config: ModelConfig) -> int:
    """Count the numbers a beat that the configuration's conditions take."""
    return sum(_widths(config).values())


def _widths(config: ModelConfig) -> dict[str, int]:
    """Return how many numbers each condition takes, in their order."""
    widths = {"chords": CHORDS, "key": KEYS, "style": len(config.styles) + 1}
    return {name: widths[name] for name in config.conditions}


def columns_of(config: ModelConfig, name: str) -> slice:
    """Return where one of the configuration's conditions lies in the last dimension."""
    widths = _widths(config)
    begin = sum(width for other, width in list(widths.items())[: list(widths).index(name)])
    return slice(begin, begin + widths[name])


def estimated(config: ModelConfig, arrays: Arrays, styles: Ints | None = None) -> Floats:
    """Return what packed phrases sound [B, steps, ...] on the model's whole grid, [B, beats, condition].

    Args:
        config: whose conditions they are.
        arrays: of the codec.
        styles: index of each phrase's style, -1 for none; without them style is withheld.
    """
    grid = config.grid.build()
    count = len(next(iter(arrays.values())))
    parts = []
    for name, width in _widths(config).items():
        if name == "chords":
            parts.append(_chords(hearing.chords(arrays, grid)))
        elif name == "key":
            parts.append(_classes(hearing.keys_of(arrays, grid), width, grid.beats))
        elif styles is not None:
            parts.append(_classes(styles, width, grid.beats))
        else:
            parts.append(np.zeros((count, grid.beats, width), dtype=np.float32))
    if not parts:
        return np.zeros((count, grid.beats, 0), dtype=np.float32)
    return np.concatenate(parts, axis=-1)


def without(condition: Floats, config: ModelConfig, share: float, rng: np.random.Generator) -> Floats:
    """Return the array with each condition of each phrase withheld with a chance of `share`.

    So that the decoder learns to do without (as Ho and Salimans 2022, "Classifier-free diffusion guidance",
    drop a condition while training).
    """
    reduced = condition.copy()
    for name in config.conditions:
        reduced[rng.random(len(condition)) < share, :, columns_of(config, name)] = 0
    return reduced


def encode_texts(config: ModelConfig, wanted: Mapping[str, str]) -> Floats:
    """Return what texts ask of an answer, [1, beats, condition] on the whole grid; nothing of the given bars.

    Args:
        config: whose conditions they are; texts for others are left out.
        wanted: `chords` as "C Am F G", spread evenly over the answer; `key` as "F# minor"; `style` a label.

    Raises:
        ConfigError: a text is no chords, no key or no known style; one sentence.
    """
    grid, answer = config.grid.build(), config.answer_grid
    parts = []
    for name, width in _widths(config).items():
        encoded = np.zeros((1, answer.beats, width), dtype=np.float32)
        if name in wanted:
            encoded = _encode_text(config, name, wanted[name], answer.beats)
        before = np.zeros((1, grid.beats - answer.beats, width), dtype=np.float32)
        parts.append(np.concatenate((before, encoded), axis=1))
    return np.concatenate(parts, axis=-1)


def _encode_text(config: ModelConfig, name: str, text: str, beats: int) -> Floats:
    """Return one condition's text as numbers [1, beats, width]."""
    if name == "chords":
        chords = read_chords(text)
        if len(chords) > beats:
            raise ConfigError(f"{len(chords)} chords do not fit into {beats} beats")
        at = [chords[beat * len(chords) // beats] for beat in range(beats)]
        return _chords(np.array([[_index(chord) for chord in at]], dtype=np.int64))
    if name == "key":
        return _classes(np.array([read_major_minor(text)], dtype=np.int64), KEYS, beats)
    known("condition", "style", text, config.styles)
    return _classes(np.array([config.styles.index(text)], dtype=np.int64), len(config.styles) + 1, beats)


def _index(chord: Chord | None) -> int:
    """Return a chord as `hearing.chords` counts them."""
    return -1 if chord is None else chord.root + 12 * chord.quality


def _chords(index: Ints) -> Floats:
    """Return chords [B, beats] as numbers."""
    quality, root = np.divmod(index, 12)
    found = np.zeros((*index.shape, CHORDS), dtype=np.float32)
    row, beat = np.nonzero(index >= 0)
    found[row, beat, root[row, beat]] = 1
    found[row, beat, 12 + quality[row, beat]] = 1
    found[index < 0, -1] = 1
    return found


def _classes(index: Ints, width: int, beats: int) -> Floats:
    """Return one class for a phrase, [B], as numbers for all its beats; -1 is the last."""
    found = np.zeros((len(index), width), dtype=np.float32)
    found[np.arange(len(index)), index] = 1
    return np.repeat(found[:, None], beats, axis=1)
