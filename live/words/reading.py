"""What somebody says to the instrument, read: text -> meanings.  Pure; knows no state of the instrument.

The text is cut into clauses; of each, whole sayings are found first ("like B", "no drums", "in D minor"),
then words and phrases of the vocabulary, the longest first, each with the words before it that turn its
sense round ("less", "not so", "too") and say how much ("a bit", "much", "as possible").
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Literal, NamedTuple

from live.settings.knobs import ACTIONS as KNOWN_ACTIONS
from live.settings.knobs import ANCHORS, KNOBS
from live.settings.knobs import MODES as KNOWN_MODES
from live.words import vocabulary
from live.words.vocabulary import Degree
from model.music.tracks import TRACKS

LONGEST_TEXT = 300
LIKELY = 0.86  # so much alike, and a word of five letters or more is taken for a slip of the fingers
SHORTEST_SLIP = 5

Kind = Literal[
    "knob",
    "value",
    "recall",
    "store",
    "mode",
    "mute",
    "unmute",
    "only",
    "action",
    "metre",
    "key",
    "scene",
    "rest",
]


class Meaning(NamedTuple):
    """One thing that is wanted.

    Attributes:
        kind: knob: to be turned; value: to be set; the rest as the instrument's actions are called.
        name: of the knob, anchor, mode, part, action, metre, key or scene.
        sign: 1 up, -1 down; of a knob.
        degree: how much.
        value: of a knob that is set.

    """

    kind: Kind
    name: str = ""
    sign: int = 0
    degree: Degree = "usual"
    value: float = 0.0


class Understood(NamedTuple):
    """All that was understood of a text, in its order, and the words that were not."""

    meanings: tuple[Meaning, ...]
    unknown: tuple[str, ...]


def read_words(text: str) -> Understood:
    """Read a text, of which the first 300 characters count."""
    meanings: list[Meaning] = []
    unknown: list[str] = []
    for clause in _clauses(text[:LONGEST_TEXT]):
        rest = clause
        for saying in _SAYINGS:
            rest = saying.taken_from(rest, meanings)
        for part in rest.split("|"):
            words = _Clause(part)
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


_PARTS = "|".join(TRACKS)
_ALONE = rf"(?:only|just)(?!\s+(?:the\s+|your\s+)?(?:{_PARTS}))"
_CUT = re.compile(rf"[;:!?\n,]|\.(?!\d)|\b(?:but|then|plus|{_ALONE}|while|also|with)\b", re.IGNORECASE)


def _clauses(text: str) -> list[str]:
    """Return the parts of a text that stand for themselves."""
    plain = text.translate(_PLAIN)
    return [part.strip() for part in _CUT.split(plain) if part.strip()]


# -- whole sayings -----------------------------------------------------------------------------------

_PART = f"(?P<part>{_PARTS})s?"
_LETTERS = "".join(ANCHORS) + "".join(ANCHORS).lower()
_ANCHOR = rf"(?:anchor\s+)?(?P<anchor>[{_LETTERS}])(?![\w#])(?!\s+(?:major|minor|bit|little|touch|tad|lot)\b)"
_NUMBER = r"(?P<number>\d|" + "|".join(vocabulary.NUMBERS) + ")"


class _Saying(NamedTuple):
    """A pattern, and what is meant by it."""

    pattern: "re.Pattern[str]"
    kind: Kind
    name: str = ""
    sign: int = 0

    def taken_from(self, clause: str, meanings: list[Meaning]) -> str:
        """Add what a clause means by it; returns the clause without it."""
        match = self.pattern.search(clause)
        if match is None:
            return clause
        found = match.groupdict()
        degree = _degree_in(clause)
        rest = f"{clause[: match.start()]} | {clause[match.end() :]}"
        if self.kind == "knob" and self.name == "morph":
            anchor = found["anchor"].upper()
            if anchor not in "AB":  # the morph knob goes from A to B
                meanings.append(Meaning("recall", anchor))
            else:
                meanings.append(Meaning("knob", "morph", 1 if anchor == "B" else -1, degree))
            return _without_degree(rest)
        if self.kind == "value":
            value = float(found["value"]) if "value" in found else 0.5
            meanings.append(Meaning("value", self.name, value=value))
            return rest
        name = self.name
        if found.get("anchor"):
            name = found["anchor"].upper()
        elif found.get("part"):
            name = found["part"].lower()
        elif found.get("number"):
            word = found["number"].lower()
            name = word if word.isdecimal() else str(vocabulary.NUMBERS.index(word) + 1)
        elif found.get("metre"):
            name = found["metre"].replace(" ", "")
        elif found.get("tonic"):
            tonic = found["tonic"]
            sharp = {"sharp": "#", "flat": "b"}.get((found.get("accidental") or "").lower(), "")
            name = f"{tonic[0].upper()}{tonic[1:]}{sharp} {found['mode'].lower()}"
        meanings.append(Meaning(self.kind, name))
        return rest


def _saying(pattern: str, kind: Kind, name: str = "") -> _Saying:
    return _Saying(re.compile(rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE), kind, name)


_OUT = (
    r"(?:no|without|mute|drop|kill|cut|lose|leave\s+out|take\s+out|silence|turn\s+off|stop|remove|minus|skip)"
)
_THE = r"(?:the\s+|your\s+|any\s+|all\s+)?"
_IN_KEY = (
    r"(?:in\s+)?(?:the\s+key\s+of\s+)?(?P<tonic>[A-G][#b]?)(?:\s+(?P<accidental>sharp|flat))?"
    r"\s+(?P<mode>major|minor)"
)
_KEEP = r"(?:store|remember|save|keep|capture|memori[sz]e|mark)\s+(?:this|that|it|what\s+\w+\s+\w+)"
_TOWARDS = (
    r"(?:more\s+like|(?:closer|nearer|further|on)\s+to(?:wards?)?|towards?|in\s+the\s+direction\s+of|more\s+of"
    r"|move\s+to|lean\s+to(?:wards?)?)"
)
_LIKE = (
    r"(?:like|as\s+in|back\s+to|go\s+(?:back\s+)?to|jump\s+(?:back\s+)?to|return\s+to|recall|play|call\s+up|as|to"
    r"|use|take|do)"
)
_MIDDLE = r"(?:half\s*way|midway|in\s+the\s+middle|between|a\s+mix\s+of|mix)"
_BACK = r"(?:bring|put|let|have|get)\s+(?:back\s+)?(?:in\s+)?"
_SAYINGS: tuple[_Saying, ...] = (
    _saying(_IN_KEY, "key"),
    _saying(r"(?P<value>\d{2,3}(?:\.\d+)?)\s*(?:bpm|beats\s+(?:per|a)\s+minute)", "value", "tempo"),
    _saying(r"tempo\s+(?:is\s+)?(?:to|of|at|=)?\s*(?P<value>\d{2,3}(?:\.\d+)?)", "value", "tempo"),
    _saying(r"(?P<metre>(?:2|3|4|5)/4|(?:6|7|9|12)/8)", "metre"),
    _saying(rf"(?:call\s+(?:up\s+)?|go\s+to\s+|play\s+)?scene\s+(?:number\s+)?{_NUMBER}", "scene"),
    _saying(rf"{_KEEP}\s*(?:phrase\s+)?(?:(?:as|in|to|under|for|at|on)\s+)?{_ANCHOR}", "store"),
    _saying(rf"(?:store|capture)\s+{_ANCHOR}", "store"),
    _saying(rf"{_MIDDLE}\s+(?:between\s+|of\s+|from\s+)?a\s+(?:and|to)\s+b", "value", "morph"),
    _saying(r"half\s*way\s+to(?:wards?)?\s+b", "value", "morph"),
    _saying(rf"{_TOWARDS}\s+{_ANCHOR}", "knob", "morph"),
    _saying(rf"{_LIKE}\s+{_ANCHOR}(?:\s+again)?", "recall"),
    _saying(rf"{_ANCHOR}\s+again", "recall"),
    _saying(rf"(?:only|just|nothing\s+except|solo)\s+{_THE}{_PART}", "only"),
    _saying(rf"{_OUT}\s+{_THE}{_PART}(?:\s+out)?", "mute"),
    _saying(rf"{_PART}\s+(?:out|off|away)", "mute"),
    _saying(rf"{_BACK}{_THE}{_PART}\s*(?:back|in|on|play)?(?:\s+(?:in|again))?", "unmute"),
    _saying(rf"(?:unmute|un\s+mute|bring\s+back|add)\s+{_THE}{_PART}", "unmute"),
    _saying(rf"{_PART}\s+(?:back(?:\s+(?:in|on))?|in|on|again)", "unmute"),
)


# -- words -------------------------------------------------------------------------------------------

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


_SIZES = {
    **dict.fromkeys(_listed(vocabulary.AMPLIFIERS), 1),
    **dict.fromkeys(_listed(vocabulary.DIMINISHERS), -1),
}
_NOUNS = _listed(vocabulary.NOUNS)


@cache
def _forms(word: str) -> tuple[str, ...]:
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


def _is_comparative(word: str) -> bool:
    return word.endswith("er") and word not in ("under", "over", "other", "never", "together")


@cache
def _single_words() -> tuple[str, ...]:
    return tuple(phrase[0] for phrase in _lexicon() if len(phrase) == 1 and len(phrase[0]) >= SHORTEST_SLIP)


def _tokens(clause: str) -> list[str]:
    """Return a clause's words; "don't" and "isn't" are "not"."""
    words = re.findall(r"[a-z]+(?:'[a-z]+)?|\d+(?:/\d+)?", clause.lower())
    plain: list[str] = []
    for word in words:
        if word.endswith("n't") or word in ("dont", "isnt", "cant", "cannot"):
            plain.append("not")
        else:
            plain.append(word.partition("'")[0] if "'" in word else word)
    return plain


class _Match(NamedTuple):
    """A phrase of the vocabulary in a clause."""

    sense: Sense
    words: int
    comparative: bool


def _match(tokens: Sequence[str], at: int) -> _Match | None:
    """Return the longest phrase that begins at a token; little words in it do not count."""
    best: _Match | None = None
    length = 0
    for phrase, sense in _starting(tokens[at]):
        place, left = at, list(phrase)
        while left and place < len(tokens):
            if left[0] in _forms(tokens[place]):
                left.pop(0)
            elif tokens[place] not in vocabulary.FILLERS or place == at:
                break
            place += 1
        if not left and len(phrase) > length:
            best, length = _Match(sense, place - at, _is_comparative(tokens[at])), len(phrase)
    return best


@cache
def _starting(token: str) -> tuple[tuple[tuple[str, ...], Sense], ...]:
    """Return the phrases that begin with a word, the longest first."""
    forms = _forms(token)
    found = [(phrase, sense) for phrase, sense in _lexicon().items() if phrase[0] in forms]
    return tuple(sorted(found, key=lambda pair: (-len(pair[0]), forms.index(pair[0][0]))))


def _degree_in(clause: str) -> Degree:
    tokens = _tokens(clause)
    for at in range(len(tokens)):
        match = _match(tokens, at)
        if match is not None and match.sense[0] == "degree":
            return match.sense[1]  # type: ignore[return-value]
    return "usual"


def _without_degree(clause: str) -> str:
    return " ".join(
        word
        for word in clause.split()
        if not any((form,) in _degree_words() for form in _forms(word.lower()))
    )


@cache
def _degree_words() -> frozenset[tuple[str, ...]]:
    return frozenset(phrase for phrase, sense in _lexicon().items() if sense[0] == "degree")


class _Way:
    """How what comes next in a clause is meant: which way, how much, and whether a word has said so."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.sign, self.said = 1, False
        self.degree: Degree = "usual"

    def turn(self, kind: object) -> None:
        """Heed "more", "less" or "no"."""
        self.said = True
        if kind in ("less", "none"):
            self.sign = -self.sign
        if kind == "none":
            self.degree = "most"


class _Clause:
    """A clause, read from the left to the right.

    Attributes:
        meanings, unknown: what was found.

    """

    def __init__(self, text: str) -> None:
        """Read nothing yet."""
        self._tokens = _tokens(text)
        self._at = 0
        self._way, self._last, self._joined = _Way(), _Way(), False
        self.meanings: list[Meaning] = []
        self.unknown: list[str] = []

    def read(self) -> None:
        """Read all of it."""
        while self._at < len(self._tokens):
            word = self._tokens[self._at]
            if word in ("and", "or", "nor", "yet"):
                self._joined = True
                self._at += 1
                continue
            match = _match(self._tokens, self._at)
            if match is None:
                self._pass_over(word)
                continue
            following = self._tokens[self._at + match.words :]
            if _is_size(word, self._tokens[self._at + 1 :]):
                self._way.turn("less" if _SIZES[_sized(word)] < 0 else "more")
                self._at += 1
                continue
            self._at += match.words
            self._take(word, match, following)
        part = next((_PART_WORDS[word] for word in self._tokens if word in _PART_WORDS), "")
        if part:
            self._turn_part(part)
        elif not self.meanings and "play" in self._tokens and self._way.said:  # "play less"
            self.meanings.append(Meaning("knob", "density", self._way.sign, self._way.degree))

    def _turn_part(self, part: str) -> None:
        """Turn the knobs of a part instead of all: "busier drums", "less bass"."""
        if not self.meanings and self._way.said:
            self.meanings.append(Meaning("knob", "volume", self._way.sign, self._way.degree))
        of_part = {"dynamics": "volume", "volume": "volume"}
        self.meanings = [
            one._replace(name=name)
            if one.kind == "knob" and (name := f"{of_part.get(one.name, one.name)}.{part}") in KNOBS
            else one
            for one in self.meanings
        ]

    def _pass_over(self, word: str) -> None:
        """Leave a word that says nothing; one that is misspelt is read again."""
        guess = "" if _is_filler(word) or word in _PART_WORDS or word.isdecimal() else _slip(word)
        if guess:
            self._tokens[self._at] = guess
            return
        if not _is_filler(word) and not word.isdecimal() and word not in _PART_WORDS:
            self.unknown.append(word)
        self._at += 1

    def _take(self, word: str, match: _Match, following: Sequence[str]) -> None:
        kind, value = match.sense
        alone = all(map(_is_filler, following))
        after_swing = bool(self.meanings) and self.meanings[-1].name == "swing"
        match kind:
            case "action" if match.words == 1 and not alone:
                pass  # "go further" is no start
            case "quality" if after_swing and "hard" in _forms(word):
                self._amend("much")
            case "degree" if "far" in _forms(word) and not _compares(following):
                self._turn((("stray", 1),), comparative=True)
            case "turn" if word == "stop" and not _has_quality(following):
                self.meanings.append(Meaning("action", "stop"))
            case "turn":
                self._way.turn(value)
            case "degree":
                self._way.degree = value  # type: ignore[assignment]
                if alone:
                    self._amend(self._way.degree)
            case "enough":
                self.meanings = [one._replace(sign=-one.sign) for one in self.meanings]
            case "quality":
                self._turn(value, comparative=match.comparative)  # type: ignore[arg-type]
            case "action":
                self.meanings.append(Meaning("action", " ".join(filter(None, value))))  # type: ignore[call-overload]
            case "mode" | "metre":
                self.meanings.append(Meaning("mode" if kind == "mode" else "metre", str(value)))
            case "rest":
                self.meanings.append(Meaning("rest"))
            case _:  # an adjective with nothing behind it whose size it could say
                self.unknown.append(word)

    def _turn(self, moved: tuple[tuple[str, int], ...], *, comparative: bool) -> None:
        """Turn knobs the way that the words before say; "less busy and loud" says it of both."""
        way = self._way
        if self._joined and not way.said and not comparative:
            way.sign = self._last.sign
        if self._joined and way.degree == "usual":
            way.degree = self._last.degree
        self.meanings += [Meaning("knob", knob, sign * way.sign, way.degree) for knob, sign in moved]
        self._last, self._way, self._joined = way, _Way(), False

    def _amend(self, degree: Degree) -> None:
        """Say of the last knob how much: "slow down a little"."""
        if self.meanings and self.meanings[-1].kind == "knob":
            self.meanings[-1] = self.meanings[-1]._replace(degree=degree)


_PART_WORDS = {"melody": "melody", "bass": "bass", "drums": "drums", "drum": "drums"}
"""Parts whose knobs may be meant; "chords" says how many notes sound together."""


def _is_filler(token: str) -> bool:
    return token in vocabulary.FILLERS


def _sized(token: str) -> str:
    return next((form for form in _forms(token) if form in _SIZES), "")


def _is_size(token: str, following: Sequence[str]) -> bool:
    """Tell whether an adjective only says how much of the noun behind it there shall be."""
    noun = next((word for word in following if not _is_filler(word)), "")
    return bool(_sized(token)) and any(form in _NOUNS for form in _forms(noun))


def _compares(following: Sequence[str]) -> bool:
    """Tell whether "far" says how much: "far more", "far busier"."""
    return bool(following) and (
        following[0] in ("more", "less", "fewer", "too") or _is_comparative(following[0])
    )


def _has_quality(tokens: Sequence[str]) -> bool:
    return any(
        (match := _match(tokens, at)) is not None and match.sense[0] == "quality" for at in range(len(tokens))
    )


@cache
def _slip(token: str) -> str:
    """Return the word of the vocabulary that was most likely meant, or nothing."""
    if len(token) < SHORTEST_SLIP:
        return ""
    for form in _forms(token):
        near = (
            difflib.get_close_matches(form, _single_words(), 1, LIKELY) if len(form) >= SHORTEST_SLIP else []
        )
        if near:
            return near[0]
    return ""
