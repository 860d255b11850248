"""What somebody says to the instrument, read: text -> meanings.  Pure; knows no state of the instrument.

The text is cut into clauses; of each, whole sayings are found first ("like B", "no drums", "in D minor"),
then words and phrases of the vocabulary, the longest first, each with the words before it that turn its
sense round ("less", "not so", "too") and say how much ("a bit", "much", "as possible").
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from live.words.clause import Clause
from live.words.meaning import Meaning
from live.words.sayings import PARTS, SAYINGS, UNSAYABLE
from live.words.vocabulary import Degree

LONGEST_TEXT = 300


class Understood(NamedTuple):
    """All that was understood of a text, in its order, and the words that were not."""

    meanings: tuple[Meaning, ...]
    unknown: tuple[str, ...]


def read_words(text: str) -> Understood:
    """Read a text, of which the first 300 characters count."""
    meanings: list[Meaning] = []
    unknown: list[str] = []
    for clause in _clauses(text[:LONGEST_TEXT]):
        unknown += UNSAYABLE.findall(clause)
        rest = UNSAYABLE.sub("|", clause)
        for saying in SAYINGS:
            rest = saying.taken_from(rest, meanings)
        for part in rest.split("|"):
            words = Clause(part)
            words.read()
            meanings += words.meanings
            unknown += words.unknown
    return Understood(tuple(_joined(meanings)), tuple(dict.fromkeys(unknown)))


def _joined(meanings: Sequence[Meaning]) -> Iterator[Meaning]:
    """Yield meanings, each knob once: of "richer harmony" both words say the same."""
    found: dict[tuple[str, str], Meaning] = {}
    for meaning in meanings:
        key = (meaning.kind, meaning.name)
        found[key] = max(found[key], meaning, key=lambda one: _ORDER[one.degree]) if key in found else meaning
    yield from found.values()


_ORDER: Mapping[Degree, int] = {"usual": 0, "bit": 1, "much": 2, "most": 3}


_PLAIN = {0x2019: "'", 0x2013: ",", 0x2014: ",", ord("-"): " "}
"""Typographers' apostrophe and dashes; "off-beat" is two words."""

_COMPLAINT = re.compile(
    r"(?<=\w)(?P<said>(?:'s|'re|\s+(?:is|are|was|were|sounds?|feels?))\s+(?:just\s+)?"
    r"(?:a\s+(?:little\s+)?(?:bit|little|touch|tad|shade|hair)|slightly|somewhat|rather))"
    r"(?!\s+(?:too|more|less|not|like|\w+er)\b)",
    re.IGNORECASE,
)
"""Whoever says that something is a bit high wants it lower."""
_AFTER = re.compile(rf"\b({PARTS})s?\s+(?:only|alone)\b", re.IGNORECASE)
_ALONE = rf"(?:only|just)(?!\s+(?:the\s+|your\s+)?(?:{PARTS}))"
_CUT = re.compile(rf"[;:!?\n,]|\.(?!\d)|\b(?:but|then|plus|{_ALONE}|while|also|with)\b", re.IGNORECASE)


def _clauses(text: str) -> list[str]:
    """Return the parts of a text that stand for themselves."""
    plain = _AFTER.sub(r"only \1", _COMPLAINT.sub(r"\g<said> too", text.translate(_PLAIN)))
    return [part.strip() for part in _CUT.split(plain) if part.strip()]
