"""Chords and keys written out: what `model.music.harmony` reads, the other way round."""

from model.music.harmony import MODES, NO_CHORD, QUALITIES, SUFFIXES, Chord

ROOTS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def chord_name(chord: Chord | None) -> str:
    if chord is None:
        return NO_CHORD[0]
    wanted = list(QUALITIES)[chord.quality]
    return ROOTS[chord.root] + next(suffix for suffix, quality in SUFFIXES.items() if quality == wanted)


def key_name(key: int) -> str:
    return f"{ROOTS[key % 12]} {MODES[key // 12]}"
