import pytest

from model.midi.voices import Voice, parts
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY


def voice(name: str, notes: list[tuple[int, int, int]], *, channel: int = 0, program: int = 0) -> Voice:
    return Voice(channel, name, program, [(onset, end, pitch, 90) for onset, end, pitch in notes])


HIGH = [(0, 10, 80), (10, 20, 82)]
LOW = [(0, 10, 60), (10, 20, 62)]
CHORD = [(0, 20, 84), (0, 20, 88), (0, 20, 91)]


@pytest.mark.parametrize(
    ("voices", "expected"),
    [
        ([voice("Fretless Bass", HIGH), voice("Lead vocal", LOW)], [BASS, MELODY]),
        ([voice("", LOW, program=33), voice("", HIGH)], [BASS, MELODY]),
        ([voice("", CHORD), voice("", LOW), voice("", HIGH)], [CHORDS, CHORDS, MELODY]),
        ([voice("", CHORD), voice("bass guitar", LOW)], [MELODY, BASS]),
        ([voice("Grand Piano", CHORD)], [MELODY]),
        ([voice("Grand Piano", CHORD), voice("", LOW, channel=9)], [MELODY, DRUMS]),
        ([voice("Grand Piano", CHORD), voice("strings", LOW)], [CHORDS, CHORDS]),
        ([voice("melody", LOW), voice("", HIGH)], [MELODY, CHORDS]),
        ([voice("Bassoon", LOW), voice("", HIGH)], [CHORDS, MELODY]),
        ([voice("Contrabass", LOW), voice("", HIGH)], [BASS, MELODY]),
        ([voice("Drums", CHORD, channel=10), voice("", HIGH)], [DRUMS, MELODY]),
        ([voice("Bass Drum", LOW), voice("", HIGH)], [DRUMS, MELODY]),
        ([voice("Steel Drums", HIGH, program=114), voice("", LOW)], [MELODY, CHORDS]),
        ([voice("The little drummer boy", HIGH)], [MELODY]),
        ([], []),
    ],
)
def test_parts_are_known_by_name_then_program_then_pitch(voices: list[Voice], expected: list[int]) -> None:
    assert parts(voices) == expected
