"""Chords and keys written out: what `model.music.harmony` reads, the other way round."""

from model.music.grid import Grid
from model.music.harmony import NO_CHORD, QUALITIES, SUFFIXES, Chord, read_chords
from model.music.key import MODES
from model.music.phrase import Note, Phrase

ROOTS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def chord_name(chord: Chord | None) -> str:
    if chord is None:
        return NO_CHORD[0]
    wanted = list(QUALITIES)[chord.quality]
    name = ROOTS[chord.root] + next(suffix for suffix, quality in SUFFIXES.items() if quality == wanted)
    return name if chord.bass is None else f"{name}/{ROOTS[chord.bass]}"


def key_name(key: int) -> str:
    return f"{ROOTS[key % 12]} {MODES[key // 12]}"


def triads(names: str) -> Phrase:
    """One chord a beat in close position above C3."""
    notes = []
    for beat, chord in enumerate(read_chords(names)):
        if chord is not None:
            tones = list(QUALITIES.values())[chord.quality]
            notes += [Note(4 * beat, 48 + chord.root + tone, 80, 4) for tone in tones]
    return Phrase.of(Grid(), notes)
