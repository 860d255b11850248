"""Notes, chords and keys by name and by number.  Loads neither numpy nor torch."""

import re
from typing import NamedTuple

from model.errors import ConfigError, nearest

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}

QUALITIES: dict[str, tuple[int, ...]] = {
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "diminished": (0, 3, 6),
    "augmented": (0, 4, 8),
    "suspended": (0, 5, 7),
    "dominant seventh": (0, 4, 7, 10),
    "major seventh": (0, 4, 7, 11),
    "minor seventh": (0, 3, 7, 10),
}
"""Semitones above the root."""

SUFFIXES = {
    "": "major",
    "maj": "major",
    "M": "major",
    "m": "minor",
    "min": "minor",
    "-": "minor",
    "dim": "diminished",
    "o": "diminished",
    "aug": "augmented",
    "+": "augmented",
    "sus": "suspended",
    "sus4": "suspended",
    "7": "dominant seventh",
    "maj7": "major seventh",
    "M7": "major seventh",
    "m7": "minor seventh",
    "min7": "minor seventh",
    "-7": "minor seventh",
}
"""How a chord's symbol ends, and what it means."""

NO_CHORD = ("N", "N.C.", "NC")
MODES = ("major", "minor")
LONGEST = 256  # chords in one text
OCTAVES = re.compile(r"-1|[0-9]")
NOTE = re.compile(r"([A-Ga-g])([#b♯♭]?)(.*)", re.DOTALL)


class Chord(NamedTuple):
    """A chord without its bass.

    Attributes:
        root: pitch class, 0 is C.
        quality: index into `QUALITIES`.

    """

    root: int
    quality: int


def read_chords(text: str) -> tuple[Chord | None, ...]:
    """Return the chords of a text such as "C Am F G7"; `N` is no chord, and bars may be drawn between them.

    Raises:
        ConfigError: one of them is no chord, or there is none; one sentence.

    """
    symbols = text.replace("|", " ").replace(",", " ").split()
    if not symbols or len(symbols) > LONGEST:
        raise ConfigError(f"chords are 1 to {LONGEST} symbols such as 'C Am F G', not {len(symbols)}")
    return tuple(_chord(symbol) for symbol in symbols)


def _chord(symbol: str) -> Chord | None:
    """Return the chord of one symbol."""
    if symbol in NO_CHORD:
        return None
    root, rest = _root(symbol, "chord")
    if rest not in SUFFIXES:
        raise ConfigError(f"unknown chord '{symbol}'; after its root {nearest(rest, filter(None, SUFFIXES))}")
    return Chord(root, list(QUALITIES).index(SUFFIXES[rest]))


def read_key(text: str) -> int:
    """Return a key of a text such as "F# minor", "Bb" or "Am": its tonic, 12 more in minor.

    Raises:
        ConfigError: it is no key; one sentence.

    """
    tonic, rest = _root(text.strip(), "key")
    mode = rest.strip()
    if mode not in ("", "M", "m"):
        mode = mode.lower()
    found = {"": "major", "M": "major", "maj": "major", "m": "minor", "min": "minor"}.get(mode, mode)
    if found not in MODES:
        raise ConfigError(f"unknown key '{text}'; after its tonic {nearest(mode, MODES)}")
    return tonic + 12 * MODES.index(found)


def read_note(text: str) -> int:
    """Return the MIDI key of a note such as "C3" (48), "F#2" or "Bb-1".

    Raises:
        ConfigError: it is no note, or none of the 128 keys; one sentence.

    """
    match = NOTE.fullmatch(text)
    octave = match[3] if match else ""
    if match and OCTAVES.fullmatch(octave):
        key = LETTERS[match[1].upper()] + ACCIDENTALS[match[2]] + 12 * (int(octave) + 1)
        if 0 <= key <= 127:
            return key
    raise ConfigError(f"unknown note '{text}'; there is C-1 to G9, as 'C3' or 'F#2'")


def _root(text: str, what: str) -> tuple[int, str]:
    """Return the pitch class that a text begins with, and the rest."""
    match = NOTE.fullmatch(text)
    if match is None:
        raise ConfigError(f"unknown {what} '{text}'; it begins with a note, A to G, and perhaps # or b")
    letter, accidental, rest = match.groups()
    return (LETTERS[letter.upper()] + ACCIDENTALS[accidental]) % 12, rest
