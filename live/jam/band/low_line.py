"""A line that the performer plays where a bass lies: a riff, under which a bass of its own has another role.

Owns: its lowest key.  Threads: engine only.
Tested in tests/live/jam/band/test_band.py.
"""

from live.jam.input.capture import Capture
from live.timing.timeline import Tick

BEATS = 8  # by whose notes it is known
LOW = 52
"""Mean key below which a line lies low: so high at most lie 95 of 100 basses of ensembles."""
FEWEST = 3  # notes of a line
VOICES = 1.25  # notes an onset, at most, of one voice


class LowLine:
    """Knows whether the performer plays a low line.

    Args:
        capture: what is played.

    Attributes:
        lowest: its lowest key; None where there is no such line.

    """

    def __init__(self, capture: Capture) -> None:
        self.lowest: int | None = None
        self._capture = capture

    def listen(self, now: Tick, *, beat: int, rests: int) -> None:
        """Look at the last beats, as one begins.

        Args:
            now: where it begins.
            beat: its ticks.
            rests: beats after which a line in which nothing is struck is over.

        """
        first = now - max(BEATS, rests) * beat
        notes = [note for note in self._capture.lately(Tick(first)) if note.start >= first]
        if not notes or notes[-1].start < now - rests * beat:
            self.lowest = None
            return
        keys = [note.pitch for note in notes]
        onsets = {round(4 * note.start / beat) for note in notes}
        if len(keys) >= FEWEST:
            is_low = sum(keys) < LOW * len(keys) and len(keys) <= VOICES * len(onsets)
            self.lowest = min(keys) if is_low else None
