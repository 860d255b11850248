"""The grid: how a phrase's bars divide into steps.  Owns the unit Step and converts it to ticks.

Tested in tests/model/music/test_metre.py, tests/model/music/test_phrase.py.
"""

from dataclasses import dataclass
from typing import NewType

Step = NewType("Step", int)

TICKS_PER_BEAT = 480
"""Ticks in a quarter note, the beat that tempo, MIDI clock and .mid files count."""

EIGHTH, DOTTED = 240, 720
BEATS = {EIGHTH: "an eighth", TICKS_PER_BEAT: "a quarter", DOTTED: "a dotted quarter"}
"""What the beat of a metre may be, by its ticks."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Bars of equal metre, cut into equal steps.

    Attributes:
        bars: whole bars in a phrase, 1..64.
        beats_per_bar: beats in a bar, 1..12.
        steps_per_beat: cells in a beat; must divide its ticks (of a quarter, 4 are sixteenths, 3 and 6 are
            triplets).
        ticks_per_beat: the beat that is felt: 480 is a quarter, 240 an eighth (7/8), 720 a dotted quarter
            (6/8 has two).

    Raises:
        ValueError: a field lies outside its range.
    """

    bars: int = 2
    beats_per_bar: int = 4
    steps_per_beat: int = 4
    ticks_per_beat: int = TICKS_PER_BEAT

    def __post_init__(self) -> None:
        """Refuse a grid that cannot be laid on ticks."""
        if not 1 <= self.bars <= 64:
            msg = f"a grid has 1 to 64 bars, not {self.bars}"
            raise ValueError(msg)
        if not 1 <= self.beats_per_bar <= 12:
            msg = f"a bar has 1 to 12 beats, not {self.beats_per_bar}"
            raise ValueError(msg)
        if self.ticks_per_beat not in BEATS:
            listed = ", ".join(f"{ticks} ({name})" for ticks, name in BEATS.items())
            msg = f"a beat has so many ticks: {listed}, not {self.ticks_per_beat}"
            raise ValueError(msg)
        if self.steps_per_beat < 1 or self.ticks_per_beat % self.steps_per_beat:
            msg = f"steps per beat must divide {self.ticks_per_beat}, {self.steps_per_beat} does not"
            raise ValueError(msg)

    @property
    def beats(self) -> int:
        """Beats in the whole phrase."""
        return self.bars * self.beats_per_bar

    @property
    def steps_per_bar(self) -> int:
        """Steps in one bar."""
        return self.beats_per_bar * self.steps_per_beat

    @property
    def steps(self) -> int:
        """Steps in the whole phrase."""
        return self.bars * self.steps_per_bar

    @property
    def ticks_per_step(self) -> int:
        """Ticks in one step (120 for sixteenths)."""
        return self.ticks_per_beat // self.steps_per_beat

    @property
    def ticks_per_bar(self) -> int:
        """Ticks in one bar (1920 in 4/4)."""
        return self.ticks_per_beat * self.beats_per_bar

    @property
    def ticks(self) -> int:
        """Ticks in the whole phrase."""
        return self.bars * self.ticks_per_bar

    @property
    def quarters(self) -> float:
        """Quarter notes in the whole phrase, whatever its beat is."""
        return self.ticks / TICKS_PER_BEAT
