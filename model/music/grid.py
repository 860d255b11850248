"""The grid: how a phrase's bars divide into steps.  Owns the unit Step and converts it to ticks.

Tested in tests/model/music/test_attributes.py, tests/model/music/test_phrase.py.
"""

from dataclasses import dataclass
from typing import NewType

Step = NewType("Step", int)

TICKS_PER_BEAT = 480


@dataclass(frozen=True, slots=True)
class Grid:
    """Bars of equal metre, cut into equal steps.

    Attributes:
        bars: whole bars in a phrase, 1..64.
        beats_per_bar: quarter notes in a bar, 1..12 (6/8 is 3).
        steps_per_beat: cells in a beat; must divide 480 (4 is a sixteenth, 3 and 6 are triplets).

    Raises:
        ValueError: a field lies outside its range.

    """

    bars: int = 2
    beats_per_bar: int = 4
    steps_per_beat: int = 4

    def __post_init__(self) -> None:
        """Refuse a grid that cannot be laid on ticks."""
        if not 1 <= self.bars <= 64:
            msg = f"a grid has 1 to 64 bars, not {self.bars}"
            raise ValueError(msg)
        if not 1 <= self.beats_per_bar <= 12:
            msg = f"a bar has 1 to 12 beats, not {self.beats_per_bar}"
            raise ValueError(msg)
        if self.steps_per_beat < 1 or TICKS_PER_BEAT % self.steps_per_beat:
            msg = f"steps per beat must divide {TICKS_PER_BEAT}, {self.steps_per_beat} does not"
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
        return TICKS_PER_BEAT // self.steps_per_beat

    @property
    def ticks_per_bar(self) -> int:
        """Ticks in one bar (1920 in 4/4)."""
        return TICKS_PER_BEAT * self.beats_per_bar

    @property
    def ticks(self) -> int:
        """Ticks in the whole phrase."""
        return self.bars * self.ticks_per_bar
