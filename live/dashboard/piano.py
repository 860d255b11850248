"""The computer's keyboard as a piano: letters to pitches, and notes that end by themselves.

A terminal tells when a key goes down, never when it goes up; so a note lasts a fixed time, and the
terminal's own repeat of a held key makes it last on.
"""

from collections import Counter

NOTE_SECONDS = 0.35
LEGEND = "z s x ... m are C to B, q 2 w ... u above, < > octave"
_LOWER = ("z", "s", "x", "d", "c", "v", "g", "b", "h", "n", "j", "m")
_UPPER = ("q", "2", "w", "3", "e", "r", "5", "t", "6", "y", "7", "u", "i", "9", "o", "p")
_SHIFTS = {"less_than_sign": -1, "comma": -1, "greater_than_sign": 1, "full_stop": 1}
_STEPS = {key: step for row, base in ((_LOWER, 0), (_UPPER, 12)) for step, key in enumerate(row, base)}


class Piano:
    """Which letters sound, and how many of their times still run."""

    def __init__(self) -> None:
        self.on = False
        self.octave = 4
        self._running: Counter[int] = Counter()

    def press(self, key: str) -> int | None:
        """Return the pitch of a key that plays, and count its time as running."""
        step = _STEPS.get(key)
        if step is None:
            return None
        pitch = 12 * (self.octave + 1) + step
        if pitch > 127:
            return None
        self._running[pitch] += 1
        return pitch

    def shift(self, key: str) -> bool:
        """Change the octave if the key asks for it."""
        step = _SHIFTS.get(key)
        if step is None:
            return False
        self.octave = min(8, max(0, self.octave + step))
        return True

    def expire(self, pitch: int) -> bool:
        """Count one time as run out; tell whether the note must end now."""
        if not self._running[pitch]:
            return False
        self._running[pitch] -= 1
        return not self._running[pitch]

    def release(self) -> list[int]:
        """Return the pitches that still sound, and forget them."""
        pitches = sorted(pitch for pitch, count in self._running.items() if count)
        self._running.clear()
        return pitches
