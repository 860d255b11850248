"""A key as it was played.

Tested in tests/model/transcription/test_transcribe.py.
"""

from typing import NamedTuple


class Struck(NamedTuple):
    """One key as it was played.

    Attributes:
        start: ticks from the phrase's first bar line; may lie a little before 0.
        end: ticks at which its sound ends, with the pedal.
        pitch: MIDI key, 0..127.
        velocity: 1..127.
    """

    start: int
    end: int
    pitch: int
    velocity: int
