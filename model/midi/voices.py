"""Which part of an ensemble each voice of a MIDI file plays.

A voice is what one track of the file holds on one channel.  Names are heeded first, then General MIDI
programs, then how the notes lie.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from model.music.tracks import BASS, CHORDS, DRUMS, MELODY

DRUM_CHANNEL = 9
BASS_PROGRAMS = range(32, 40)
DRUM_BANKS = frozenset((120, 126, 127))
"""Values of controller 0 that choose a drum kit, on any channel (General MIDI 2; Yamaha XG)."""
TIMPANI = 47
PERCUSSION = re.compile(
    r"drums?\b|drum ?(kit|set|machine)|\w+drummer\b|percuss|\bperc\b|\bhi-?hats?\b|\bcymbals?\b|\bsnares?\b"
)
"""What the name of a track of drums says, on any channel; `drummer` alone is the hero of many a reel."""
PITCHED = re.compile(r"steel|timpani|drum ?(and|&|'?n'?) ?bass")
WORDS: dict[int, re.Pattern[str]] = {
    BASS: re.compile(r"bass(?!oon|et|on\b)"),
    MELODY: re.compile(r"melody|lead|vocal|voice|solo"),
    CHORDS: re.compile(r"chord|piano|guitar|string|pad|organ|keys|comp"),
}
"""What a track's name may say, in the order in which it is asked ("bass guitar" is a bass)."""

ONE_LINE = 0.2  # of a line's notes, at most so many start while another sounds

Span = tuple[int, int, int, int]
"""Onset tick, end tick, pitch, velocity."""


@dataclass
class Voice:
    """What one track holds on one channel.

    Attributes:
        channel: 0..15.
        name: of the track.
        program: General MIDI program of most of its notes, 0..127.
        spans: its notes.
        kit: whether a drum bank was chosen for it.
    """

    channel: int
    name: str = ""
    program: int = 0
    spans: list[Span] = field(default_factory=list)
    kit: bool = False

    @property
    def is_drums(self) -> bool:
        """Whether its channel, its bank or its track's name says that it is drums."""
        return is_drums(self.channel, self.name, self.program, kit=self.kit)


def parts(voices: Sequence[Voice]) -> list[int]:
    """Return the track, see `model.music.tracks`, of each voice.

    Where no name and no program tells, the highest single line is the melody (for want of one, the highest
    voice), and the rest are chords.  One pitched voice alone is MELODY whatever it holds.
    """
    found = [_by_label(voice) for voice in voices]
    pitched = [index for index, part in enumerate(found) if part != DRUMS]
    if MELODY not in found:
        free = [index for index in pitched if found[index] is None]
        lines = [index for index in free if _one_line(voices[index].spans)]
        if lines or free:
            found[max(lines or free, key=lambda index: _height(voices[index].spans))] = MELODY
    if len(pitched) == 1:
        found[pitched[0]] = MELODY
    return [CHORDS if part is None else part for part in found]


def is_drums(channel: int, name: str, program: int, *, kit: bool = False) -> bool:
    """Tell whether a voice's channel, its bank or its track's name says that it is drums."""
    if channel == DRUM_CHANNEL or kit:
        return True
    low = name.lower()
    return program != TIMPANI and PERCUSSION.search(low) is not None and PITCHED.search(low) is None


def _by_label(voice: Voice) -> int | None:
    """Return what a voice's channel, bank, name or program says, or None."""
    if voice.is_drums:
        return DRUMS
    name = voice.name.lower()
    by_name = next((part for part, word in WORDS.items() if word.search(name)), None)
    if by_name is None and voice.program in BASS_PROGRAMS:
        return BASS
    return by_name


def _one_line(spans: Sequence[Span]) -> bool:
    """Tell whether hardly a note starts while another one sounds."""
    ordered = sorted(spans)
    together = sum(before[1] > after[0] for before, after in pairwise(ordered))
    return together <= ONE_LINE * len(ordered)


def _height(spans: Sequence[Span]) -> float:
    """Return the mean pitch."""
    return sum(span[2] for span in spans) / max(1, len(spans))
