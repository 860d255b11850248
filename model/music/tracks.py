"""The parts of an ensemble that a note can belong to.  Loads nothing.

A single part's phrase is MELODY whatever it holds; drum notes are always DRUMS and their pitches General
MIDI percussion keys.

Tested in tests/model/midi/test_voices.py.
"""

MELODY, CHORDS, BASS, DRUMS = range(4)

TRACKS = ("melody", "chords", "bass", "drums")
