"""Notes, chords and keys by name and by number.  Loads neither numpy nor torch."""

import re
from typing import NamedTuple

from model.errors import ConfigError, nearest
from model.music.key import FLATS, MODES, Key

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

TONES = tuple(QUALITIES.values())
SYMBOLS = ("", "m", "dim", "aug", "sus4", "7", "maj7", "m7")
"""How each quality is written."""
NO_CHORD = ("N", "N.C.", "NC")
MODE_NAMES = {
    "": "major",
    "M": "major",
    "maj": "major",
    "ionian": "major",
    "m": "minor",
    "min": "minor",
    "aeolian": "minor",
    "natural minor": "minor",
    "pentatonic": "major pentatonic",
    "pentatonic major": "major pentatonic",
    "pentatonic minor": "minor pentatonic",
    "minor harmonic": "harmonic minor",
    "minor melodic": "melodic minor",
    "dor": "dorian",
    "mixo": "mixolydian",
}
"""Other names of `model.music.key.MODES`."""
LONGEST = 256  # chords in one text
_PLAIN_CHORDS = 12 * len(TONES)
OCTAVES = re.compile(r"-1|[0-9]")
NOTE = re.compile(r"([A-Ga-g])([#b♯♭]?)(.*)", re.DOTALL)


class Chord(NamedTuple):
    """A chord.

    Attributes:
        root: pitch class, 0 is C.
        quality: index into `QUALITIES`.
        bass: pitch class under it where that is another than its root, as in C/E; else None.
    """

    root: int
    quality: int
    bass: int | None = None

    @property
    def lowest(self) -> int:
        """Pitch class of its bass."""
        return self.root if self.bass is None else self.bass


def read_chords(text: str) -> tuple[Chord | None, ...]:
    """Return the chords of a text such as "C/E Am F G7"; `N` is no chord, and bars may be drawn between them.

    Raises:
        ConfigError: one of them is no chord, or there is none; one sentence.
    """
    symbols = text.replace("|", " ").replace(",", " ").split()
    if not symbols or len(symbols) > LONGEST:
        raise ConfigError(f"chords are 1 to {LONGEST} symbols such as 'C Am F G', not {len(symbols)}")
    return tuple(_chord(symbol) for symbol in symbols)


def _chord(symbol: str) -> Chord | None:
    """Return the chord of one symbol, perhaps with a bass, as C/E."""
    if symbol in NO_CHORD:
        return None
    above, slash, below = symbol.partition("/")
    root, rest = _root(above, "chord")
    if rest not in SUFFIXES:
        raise ConfigError(f"unknown chord '{symbol}'; after its root {nearest(rest, filter(None, SUFFIXES))}")
    bass = root
    if slash:
        match = NOTE.fullmatch(below)
        if match is None or match[3]:
            raise ConfigError(f"'{symbol}' has no note behind '/', which names its bass: A to G, as in 'C/E'")
        bass, _ = _root(below, "bass")
    return Chord(root, list(QUALITIES).index(SUFFIXES[rest]), None if bass == root else bass)


def read_key(text: str) -> int:
    """Return a key of a text such as "F# minor", "Bb", "Am" or "D dorian": tonic + 12 * mode.

    Modes count as `model.music.key.MODES` does: 0 is major, 1 minor.

    Raises:
        ConfigError: it is no key; one sentence.
    """
    tonic, rest = _root(text.strip(), "key")
    mode = " ".join(rest.split())
    if mode not in ("", "M", "m"):
        mode = mode.lower()
    found = MODE_NAMES.get(mode, mode)
    if found not in MODES:
        raise ConfigError(f"unknown key '{text}'; after its tonic {nearest(mode, MODES)}")
    return tonic + 12 * MODES.index(found)


def key_named(text: str) -> Key:
    """Return a key of a text; see `read_key`."""
    number = read_key(text)
    return Key(number % 12, number // 12)


def read_major_minor(text: str) -> int:
    """Return the major or minor key on the tonic of a text's key: its tonic, 12 more in minor.

    Raises:
        ConfigError: it is no key; one sentence.
    """
    key = key_named(text)
    return key.tonic + 12 * key.minor


def chord_name(chord: Chord | None, key: Key | None = None) -> str:
    """Return a chord's symbol, "N" for none, its root as a key spells it."""
    if chord is None:
        return NO_CHORD[0]

    def spelled(pitch: int) -> str:
        return FLATS[pitch] if key is None else key.spelled(pitch)

    name = spelled(chord.root) + SYMBOLS[chord.quality]
    return name if chord.bass is None else f"{name}/{spelled(chord.bass)}"


def chord_number(chord: Chord | None) -> int:
    """Return a chord as it crosses between processes: -1 for none, else root + 12 * quality.

    One with a bass under it has 12 * qualities * (1 + bass) more.
    """
    if chord is None:
        return -1
    return chord.root + 12 * chord.quality + (0 if chord.bass is None else _PLAIN_CHORDS * (1 + chord.bass))


def chord_of(number: int) -> Chord | None:
    """Return the chord of a number; see `chord_number`."""
    if number < 0:
        return None
    below, plain = divmod(number, _PLAIN_CHORDS)
    return Chord(plain % 12, plain // 12, below - 1 if below else None)


def moved(chord: Chord, semitones: int) -> Chord:
    """Return a chord in another key."""
    bass = None if chord.bass is None else (chord.bass + semitones) % 12
    return Chord((chord.root + semitones) % 12, chord.quality, bass)


def tones(chord: Chord) -> tuple[int, ...]:
    """Return the pitch classes of a chord, its root first, without a bass of its own."""
    return tuple((chord.root + tone) % 12 for tone in TONES[chord.quality])


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
