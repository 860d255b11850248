"""Where the performer's line lies: low, where a bass of its own has another role, how high; how loud it is.

Owns: the line's lowest and its mean key, and its mean velocity.  Threads: engine only.
Tested in tests/live/jam/band/test_band.py.
"""

from live.jam.input.capture import Capture
from live.timing.timeline import Tick
from model.music.key import LOW

BEATS = 8  # by whose notes it is known
FEWEST = 3  # notes of a line
LEVEL_BEATS = 4  # by whose notes it is known how loud the performer plays
LOUDER = 5  # velocities by which that must be another to be heeded
VOICES = 1.25  # notes an onset, at most, of one voice


class Register:
    """Knows where the performer plays.

    Args:
        capture: what is played.

    Attributes:
        lowest: lowest key of a low line; None where there is none.
        middle: mean key of the highest notes; None while nothing is played.
        level: mean velocity of what was played last; None before anything was.
    """

    def __init__(self, capture: Capture) -> None:
        self.lowest: int | None = None
        self.middle: int | None = None
        self.level: int | None = None
        self._capture = capture

    def listen(self, now: Tick, *, beat: int, rests: int, begins: bool) -> None:
        """Look at the last beats, as one begins.

        Args:
            now: where it begins.
            beat: its ticks.
            rests: beats after which a line in which nothing is struck is over.
            begins: whether a phrase does: the middle stays within one.
        """
        first = now - max(BEATS, rests) * beat
        notes = [note for note in self._capture.lately(Tick(first)) if note.start >= first]
        if not notes or notes[-1].start < now - rests * beat:
            self.lowest = self.middle = None
            return
        self._weigh([note.velocity for note in notes if note.start >= now - LEVEL_BEATS * beat])
        if len(notes) < FEWEST:
            return
        tops: dict[int, int] = {}
        for note in notes:
            place = round(4 * note.start / beat)
            tops[place] = max(note.pitch, tops.get(place, 0))
        keys = [note.pitch for note in notes]
        is_low = sum(keys) < LOW * len(keys) and len(keys) <= VOICES * len(tops)
        self.lowest = min(keys) if is_low else None
        if begins or self.middle is None:
            self.middle = round(sum(tops.values()) / len(tops))

    def _weigh(self, velocities: list[int]) -> None:
        """Heed how loud some notes were, where that is clearly another level than the last."""
        if len(velocities) < FEWEST:
            return
        level = round(sum(velocities) / len(velocities))
        if self.level is None or abs(level - self.level) >= LOUDER:
            self.level = level
