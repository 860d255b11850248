"""A clause read word by word: what is wanted, which way, and how much.

Of each phrase of the vocabulary the words before it may turn its sense round ("less", "not so", "too") and
say how much ("a bit", "much", "as possible").
Tested in tests/live/words/test_reading.py.
"""

from collections.abc import Sequence

from live.settings.knobs import KNOBS
from live.words.lexicon import (
    SIZES,
    Match,
    forms_of,
    has_quality,
    is_comparative,
    is_filler,
    is_size,
    match_at,
    sized,
    slip,
    words_of,
)
from live.words.meaning import Meaning
from live.words.vocabulary import Degree

_PART_WORDS = {"melody": "melody", "bass": "bass", "drums": "drums", "drum": "drums"}
"""Parts whose knobs may be meant; "chords" says how many notes sound together."""


class _Way:
    """How what comes next in a clause is meant: which way, how much, and whether a word has said so."""

    def __init__(self) -> None:
        self.sign, self.said = 1, False
        self.degree: Degree = "usual"

    def turn(self, kind: object) -> None:
        """Heed "more", "less" or "no"."""
        self.said = True
        if kind in ("less", "none"):
            self.sign = -self.sign
        if kind == "none":
            self.degree = "most"


class Clause:
    """A clause, read from the left to the right.  `meanings, unknown`: what was found."""

    def __init__(self, text: str) -> None:
        self._tokens = words_of(text)
        self._at = 0
        self._way, self._last, self._joined = _Way(), _Way(), False
        self._moved = 1  # knobs of the last quality
        self._up_or_down = ""  # alone it is the register; beside another quality it says which way
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
            match = match_at(self._tokens, self._at)
            if match is None:
                self._pass_over(word)
                continue
            following = self._tokens[self._at + match.words :]
            if is_size(word, self._tokens[self._at + 1 :]):
                self._way.turn("less" if SIZES[sized(word)] < 0 else "more")
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
        guess = "" if is_filler(word) or word in _PART_WORDS or word.isdecimal() else slip(word)
        if guess:
            self._tokens[self._at] = guess
            return
        if not is_filler(word) and not word.isdecimal() and word not in _PART_WORDS:
            self.unknown.append(word)
        self._at += 1

    def _take(self, word: str, match: Match, following: Sequence[str]) -> None:
        kind, value = match.sense
        alone = all(map(is_filler, following))
        after_swing = bool(self.meanings) and self.meanings[-1].name == "swing"
        match kind:
            case "action" if match.words == 1 and not alone:
                pass  # "go further" is no start
            case "quality" if after_swing and "hard" in forms_of(word):
                self._amend("much")
            case "degree" if "far" in forms_of(word) and not _compares(following):
                self._turn((("stray", 1),), comparative=True)
            case "turn" if word == "stop" and not has_quality(following):
                self.meanings.append(Meaning("action", "stop"))
            case "turn":
                self._way.turn(value)
            case "degree":
                self._way.degree = value  # type: ignore[assignment]
                if alone:
                    self._amend(self._way.degree)
            case "enough":
                self.meanings = [one._replace(sign=-one.sign) for one in self.meanings]
            case "quality" if word in ("up", "down") and match.words == 1 and self._alike():
                self._go(word)
            case "quality":
                said, self._up_or_down = "" if self._joined else self._up_or_down, ""
                self._turn(value, comparative=match.comparative)  # type: ignore[arg-type]
                if word in ("up", "down") and match.words == 1 and len(self.meanings) == 1:
                    self._up_or_down = word
                elif said:
                    self.meanings.pop(0)
                    self._go(said)
            case "action":
                self.meanings.append(Meaning("action", " ".join(filter(None, value))))  # type: ignore[call-overload]
            case "mode" if word == "turn" and not alone:
                pass  # "turn the volume down"
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
        self._moved = len(moved)
        self._last, self._way, self._joined = way, _Way(), False

    def _alike(self) -> bool:
        """Tell whether "up" or "down" belongs to what was said before, as in "calm down"."""
        return not self._joined and bool(self.meanings) and self.meanings[-1].kind == "knob"

    def _go(self, word: str) -> None:
        """Let what is up go down, if that is the word."""
        if word == "down":
            self.meanings = [one._replace(sign=-1) if one.kind == "knob" else one for one in self.meanings]

    def _amend(self, degree: Degree) -> None:
        """Say of the last quality's knobs how much: "slow down a little"."""
        if self.meanings and self.meanings[-1].kind == "knob":
            last = [one._replace(degree=degree) for one in self.meanings[-self._moved :]]
            self.meanings[-self._moved :] = last


def _compares(following: Sequence[str]) -> bool:
    """Tell whether "far" says how much: "far more", "far busier"."""
    return bool(following) and (
        following[0] in ("more", "less", "fewer", "too") or is_comparative(following[0])
    )
