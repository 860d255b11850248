"""The vocabulary looked up: which of its phrases begin at a word, in whatever form it has.  Pure.

Tested in tests/live/words/test_reading.py.
"""

import difflib
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from live.settings.knobs import ACTIONS as KNOWN_ACTIONS
from live.settings.knobs import KNOBS
from live.settings.knobs import MODES as KNOWN_MODES
from live.words import vocabulary
from live.words.vocabulary import Degree

LIKELY = 0.86  # so much alike, and a word of five letters or more is taken for a slip of the fingers
SHORTEST_SLIP = 5

Sense = tuple[str, object]
"""What a word or phrase is: ("quality", ((knob, sign), ...)), ("degree", how much), ("turn", sign), ..."""


@cache
def _lexicon() -> dict[tuple[str, ...], Sense]:
    """Return every phrase of the vocabulary by its words, with its sense."""
    found: dict[tuple[str, ...], Sense] = {}

    def enter(listed: str, sense: Sense) -> None:
        for phrase in listed.split(","):
            found.setdefault(tuple(phrase.split()), sense)

    for kind, listed in (("more", vocabulary.MORE), ("less", vocabulary.LESS), ("none", vocabulary.NONE)):
        enter(listed, ("turn", kind))
    enter(vocabulary.ENOUGH, ("enough", None))
    for degree, listed in vocabulary.DEGREES.items():
        enter(listed, ("degree", degree))
    for action, listed in vocabulary.ACTIONS.items():
        if action[0] in KNOWN_ACTIONS:
            enter(listed, ("action", action))
    for knob, quality in vocabulary.QUALITIES.items():
        if knob in KNOBS:
            enter(quality.up, ("quality", ((knob, 1),)))
            enter(quality.down, ("quality", ((knob, -1),)))
    for listed, moved in vocabulary.MOODS.items():
        enter(listed, ("quality", moved))
    for mode, listed in vocabulary.MODES.items():
        if mode in KNOWN_MODES:
            enter(listed, ("mode", mode))
    for metre, listed in vocabulary.METRES.items():
        enter(listed, ("metre", metre))
    enter(vocabulary.REST, ("rest", None))
    enter(vocabulary.AMPLIFIERS, ("size", 1))
    enter(vocabulary.DIMINISHERS, ("size", -1))
    return found


def _listed(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(","))


SIZES = {
    **dict.fromkeys(_listed(vocabulary.AMPLIFIERS), 1),
    **dict.fromkeys(_listed(vocabulary.DIMINISHERS), -1),
}
_NOUNS = _listed(vocabulary.NOUNS)


@cache
def forms_of(word: str) -> tuple[str, ...]:
    """Return a word and what it may come from: "busier" and "busily" from "busy", "chords" from "chord"."""
    forms = [word]
    if word in vocabulary.IRREGULAR:
        forms.append(vocabulary.IRREGULAR[word])
    for ending in ("er", "est", "ly", "ing", "ed", "s", "es", "ness"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 2:
            continue
        forms += [stem, f"{stem}e"]
        if stem.endswith("i"):
            forms.append(f"{stem[:-1]}y")
        if len(stem) > 2 and stem[-1] == stem[-2]:
            forms.append(stem[:-1])
    if word.endswith("ier"):
        forms.append(f"{word[:-3]}y")
    return tuple(dict.fromkeys(forms))


def is_comparative(word: str) -> bool:
    """Tell whether a word compares, as "busier" does."""
    return word.endswith("er") and word not in ("under", "over", "other", "never", "together")


@cache
def _single_words() -> tuple[str, ...]:
    return tuple(phrase[0] for phrase in _lexicon() if len(phrase) == 1 and len(phrase[0]) >= SHORTEST_SLIP)


def words_of(clause: str) -> list[str]:
    """Return a clause's words; "don't" and "isn't" are "not"."""
    words = re.findall(r"[a-z]+(?:'[a-z]+)?|\d+(?:/\d+)?", clause.lower())
    plain: list[str] = []
    for word in words:
        if word.endswith("n't") or word in ("dont", "isnt", "cant", "cannot"):
            plain.append("not")
        else:
            plain.append(word.partition("'")[0] if "'" in word else word)
    return plain


class Match(NamedTuple):
    """A phrase of the vocabulary in a clause."""

    sense: Sense
    words: int
    comparative: bool


def match_at(tokens: Sequence[str], at: int) -> Match | None:
    """Return the longest phrase that begins at a token; little words in it do not count."""
    best: Match | None = None
    length = 0
    for phrase, sense in _starting(tokens[at]):
        place, left = at, list(phrase)
        while left and place < len(tokens):
            if left[0] in forms_of(tokens[place]):
                left.pop(0)
            elif tokens[place] not in vocabulary.FILLERS or place == at:
                break
            place += 1
        if not left and len(phrase) > length:
            best, length = Match(sense, place - at, is_comparative(tokens[at])), len(phrase)
    return best


@cache
def _starting(token: str) -> tuple[tuple[tuple[str, ...], Sense], ...]:
    """Return the phrases that begin with a word, the longest first."""
    forms = forms_of(token)
    found = [(phrase, sense) for phrase, sense in _lexicon().items() if phrase[0] in forms]
    return tuple(sorted(found, key=lambda pair: (-len(pair[0]), forms.index(pair[0][0]))))


def degree_in(clause: str) -> Degree:
    """Return how much a clause says."""
    tokens = words_of(clause)
    for at in range(len(tokens)):
        match = match_at(tokens, at)
        if match is not None and match.sense[0] == "degree":
            return match.sense[1]  # type: ignore[return-value]
    return "usual"


def without_degree(clause: str) -> str:
    """Return a clause without the words that say how much."""
    return " ".join(
        word
        for word in clause.split()
        if not any((form,) in _degree_words() for form in forms_of(word.lower()))
    )


@cache
def _degree_words() -> frozenset[tuple[str, ...]]:
    return frozenset(phrase for phrase, sense in _lexicon().items() if sense[0] == "degree")


def is_filler(token: str) -> bool:
    """Tell whether a word says nothing."""
    return token in vocabulary.FILLERS


def sized(token: str) -> str:
    """Return the adjective of size that a word is a form of; "" for none."""
    return next((form for form in forms_of(token) if form in SIZES), "")


def is_size(token: str, following: Sequence[str]) -> bool:
    """Tell whether an adjective only says how much of the noun behind it there shall be."""
    noun = next((word for word in following if not is_filler(word)), "")
    return bool(sized(token)) and any(form in _NOUNS for form in forms_of(noun))


def has_quality(tokens: Sequence[str]) -> bool:
    """Tell whether words name anything that can be turned."""
    return any(
        (match := match_at(tokens, at)) is not None and match.sense[0] == "quality"
        for at in range(len(tokens))
    )


@cache
def slip(token: str) -> str:
    """Return the word of the vocabulary that was most likely meant, or nothing."""
    if len(token) < SHORTEST_SLIP:
        return ""
    for form in forms_of(token):
        near = (
            difflib.get_close_matches(form, _single_words(), 1, LIKELY) if len(form) >= SHORTEST_SLIP else []
        )
        if near:
            return near[0]
    return ""
