"""Escape sequences that arrive in pieces: put together, so that none becomes Esc and letters.

A terminal sends an arrow as Esc, `[` and `A`.  Over a slow line they come one after the other, and Textual,
after a tenth of a second, takes them for keys.  So a lone Esc is held for a moment, in which the rest may
come; a rest that comes even later is left out.  A terminal that speaks Kitty's keyboard protocol says Esc in
a way of its own, which is not held.
"""

from collections.abc import Sequence
from typing import Final

from textual.events import Key

HOLD_SECONDS = 0.3
"""How long an Esc waits for its rest, after the tenth of a second that Textual has waited."""

REST_NANOS: Final = 1_000_000_000
"""How long a sequence that has begun waits for each next piece."""

ESC: Final = "\x1b"
_LETTERS: Final = {
    "A": "up", "B": "down", "C": "right", "D": "left", "F": "end", "H": "home",
    "P": "f1", "Q": "f2", "R": "f3", "S": "f4", "Z": "shift+tab",
}  # fmt: skip
_NUMBERS: Final = {
    "1": "home", "2": "insert", "3": "delete", "4": "end", "5": "pageup", "6": "pagedown",
    "11": "f1", "12": "f2", "13": "f3", "14": "f4", "15": "f5", "17": "f6", "18": "f7", "19": "f8",
    "20": "f9", "21": "f10", "23": "f11", "24": "f12",
}  # fmt: skip


def key_of(sequence: str) -> str:
    """Return the key that a whole sequence without its Esc means, as `[A`; "" for none that is known."""
    body, end = sequence[1:-1], sequence[-1]
    if end == "~":
        return _NUMBERS.get(body, "")
    return _LETTERS.get(end, "") if not body else ""


class Escapes:
    """Puts keys that are pieces of a sequence together."""

    def __init__(self) -> None:
        self._held: Key | None = None
        self._pieces = ""
        self._until = self._late_until = 0

    @property
    def held(self) -> Key | None:
        """The Esc that waits, if one does."""
        return self._held

    def feed(self, key: Key, nanos: int) -> Sequence[Key]:
        """Return the keys that are known to have been pressed."""
        letter = key.character or ""
        if self._pieces and nanos <= self._until and len(letter) == 1 and " " <= letter <= "~":
            return self._go_on(letter, nanos)
        self._pieces = ""
        before = [] if self._held is None else [self._held]
        self._held = None
        if key.key == "escape" and letter == ESC:
            self._held = key
            return before
        late = bool(before) or key.key.startswith("alt") or nanos <= self._late_until
        if letter == "[" or (letter == "O" and late):
            self._pieces, self._until = letter, nanos + REST_NANOS
            return []  # a `[` alone is the rest of a sequence whose Esc Textual has dropped
        return [*before, key]

    def _go_on(self, letter: str, nanos: int) -> Sequence[Key]:
        self._pieces += letter
        self._until = nanos + REST_NANOS
        if self._pieces[0] == "[" and not "@" <= letter <= "~":
            return []
        sequence, self._pieces = self._pieces, ""
        name = key_of(sequence)
        return [Key(name, None)] if name else []

    def release(self, key: Key, nanos: int) -> bool:
        """Let go of an Esc that has waited long enough; False where it was the beginning of something."""
        if self._held is not key:
            return False
        self._held, self._late_until = None, nanos + REST_NANOS
        return True
