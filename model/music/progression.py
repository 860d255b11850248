"""Progressions: chords one after another, each for so many bars, over and over.

Written as musicians write them: one chord a bar, "C Am F G"; bars drawn, "C | Am F | G", where the chords of
a bar share it; or a chord's share of a bar behind it, "C/2 Am/2 F".  A note there is the chord's bass: "C/E",
half a bar of it "C/E/2".  "%" plays the chord before again, "N" is no chord.  Loads neither numpy nor torch.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from model.errors import ConfigError
from model.music.harmony import LONGEST, Chord, read_chords

AGAIN = "%"
SHARE = re.compile(r"(.+)/(\d+)")
MOST_PARTS = 16  # of a bar that chords share


@dataclass(frozen=True, slots=True)
class Progression:
    """Chords and how long each lasts.

    Attributes:
        text: as it was written.
        chords: one after another; None for no chord.
        bars: of each, above 0.
    """

    text: str
    chords: tuple[Chord | None, ...]
    bars: tuple[Fraction, ...]

    @property
    def length(self) -> Fraction:
        """Bars after which it begins again."""
        return sum(self.bars, Fraction(0))

    def at(self, bar: Fraction | int) -> Chord | None:
        """Return the chord that sounds so many bars after the beginning."""
        left = Fraction(bar) % self.length
        for chord, long in zip(self.chords, self.bars, strict=True):
            if left < long:
                return chord
            left -= long
        return self.chords[-1]

    def beats(self, bar: int, bars: int, beats_per_bar: int) -> list[Chord | None]:
        """Return the chord of each beat of some bars, from a bar on."""
        return [
            self.at(Fraction(bar * beats_per_bar + beat, beats_per_bar))
            for beat in range(bars * beats_per_bar)
        ]


def read_progression(text: str) -> Progression:
    """Return the chords of a text, see above.

    Raises:
        ConfigError: it is none; one sentence.
    """
    words = text.replace(",", " ").replace("|", " | ").split()
    drawn = "|" in words
    bars: list[list[str]] = [[]]
    for word in words:
        if word == "|" or not drawn:
            bars.append([] if word == "|" else [word])
        else:
            bars[-1].append(word)
    chords: list[Chord | None] = []
    lengths: list[Fraction] = []
    for bar in bars:
        for word in bar:
            symbol, length = _shared(word, len(bar))
            if symbol != AGAIN:
                (chord,) = read_chords(symbol)
            elif chords:
                chord = chords[-1]
            else:
                raise ConfigError(f"'{AGAIN}' plays the chord before again, and '{text}' begins with it")
            chords.append(chord)
            lengths.append(length)
    if not 0 < len(chords) <= LONGEST:
        raise ConfigError(f"chords are 1 to {LONGEST} symbols such as 'C Am F G', not {len(chords)}")
    return Progression(text, tuple(chords), tuple(lengths))


def _shared(word: str, among: int) -> tuple[str, Fraction]:
    """Return a chord's symbol and how long it lasts, of a bar that so many chords share."""
    match = SHARE.fullmatch(word)
    if match is None:
        return word, Fraction(1, among)
    parts = int(match[2])
    if not 1 <= parts <= MOST_PARTS:
        raise ConfigError(f"'{word}' lasts a part of a bar, 1 to {MOST_PARTS} of which make it up")
    return match[1], Fraction(1, parts)
