"""Where the performer's line lies: low, where a bass of its own has another role, and how high.

Owns: the line's lowest and its mean key.  Threads: engine only.
Tested in tests/live/jam/band/test_band.py.
"""

from live.jam.input.capture import Capture
from live.timing.timeline import Tick
from model.music.key import LOW

BEATS = 8  # by whose notes it is known
FEWEST = 3  # notes of a line
VOICES = 1.25  # notes an onset, at most, of one voice


class Register:
    """Knows where the performer plays.

    Args:
        capture: what is played.

    Attributes:
        lowest: lowest key of a low line; None where there is none.
        middle: mean key of the highest notes; None while nothing is played.
    """

    def __init__(self, capture: Capture) -> None:
        self.lowest: int | None = None
        self.middle: int | None = None
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
