"""Whole sayings, found in a clause by their patterns: "like B", "no drums", "in D minor".  Pure.

Tested in tests/live/words/test_reading.py.
"""

import re
from typing import NamedTuple

from live.settings.knobs import ANCHORS
from live.words import vocabulary
from live.words.lexicon import degree_in, without_degree
from live.words.meaning import Kind, Meaning
from model.music.tracks import TRACKS

PARTS = "|".join(TRACKS)
_PART = f"(?P<part>{PARTS})s?"
_LETTERS = "".join(ANCHORS) + "".join(ANCHORS).lower()
_ARTICLE = r"(?<=(?-i:a))\s+(?!(?:again|now|please|and|but|then|with|over|or)\b)\w"  # "play a fill"
_NO_ANCHOR = rf"[\w#]|\s+(?:major|minor|bit|little|touch|tad|lot)\b|{_ARTICLE}"
_ANCHOR = rf"(?:anchor\s+)?(?P<anchor>[{_LETTERS}])(?!{_NO_ANCHOR})"
_NUMBER = r"(?P<number>\d|" + "|".join(vocabulary.NUMBERS) + ")"


class Saying(NamedTuple):
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
        degree = degree_in(clause)
        rest = f"{clause[: match.start()]} | {clause[match.end() :]}"
        if self.kind == "knob" and self.name == "morph":
            anchor = found["anchor"].upper()
            if anchor not in "AB":  # the morph knob goes from A to B
                meanings.append(Meaning("recall", anchor))
            else:
                meanings.append(Meaning("knob", "morph", 1 if anchor == "B" else -1, degree))
            return without_degree(rest)
        if self.kind == "knob":
            part = found.get("part")
            knob = f"{self.name}.{part.lower()}" if part else self.name
            meanings.append(Meaning("knob", knob, self.sign, degree))
            return without_degree(rest)
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
            number = word if word.isdecimal() else str(vocabulary.NUMBERS.index(word) + 1)
            name = f"{self.name} {number}".strip()
        elif found.get("metre"):
            name = found["metre"].replace(" ", "")
        elif found.get("tonic"):
            tonic = found["tonic"]
            sharp = {"sharp": "#", "flat": "b"}.get((found.get("accidental") or "").lower(), "")
            name = f"{tonic[0].upper()}{tonic[1:]}{sharp} {(found['mode'] or 'major').lower()}"
        elif found.get("chords"):
            name = " ".join(found["chords"].split())
        meanings.append(Meaning(self.kind, name))
        return rest


def _saying(pattern: str, kind: Kind, name: str = "", sign: int = 0) -> Saying:
    return Saying(re.compile(rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE), kind, name, sign)


_OUT = (
    r"(?:no|without|mute|drop|kill|cut|lose|leave\s+out|take\s+out|silence|turn\s+off|stop|remove|minus|skip)"
)
_THE = r"(?:the\s+|your\s+|any\s+|all\s+)?"
_TONIC = r"(?P<tonic>[A-G][#b]?)(?:\s+(?P<accidental>sharp|flat))?(?!\s+(?:bit|little|touch|tad|lot)\b)"
_SCALE = "(?P<mode>major|minor|dorian|phrygian|lydian|mixolydian|locrian)"
_IN_KEY = rf"(?:in\s+)?(?:the\s+key\s+of\s+)?{_TONIC}\s+{_SCALE}"
_KEY_OF = rf"(?:change\s+|in\s+)?(?:the\s+)?key\s+(?:of|is|to)\s+{_TONIC}(?:\s+{_SCALE})?"
_CHORD = r"(?-i:[A-G][#b]?(?:maj7|m7|m|7|dim|aug|sus4)?(?:/[A-G][#b]?)?)"
_CHORDS = rf"(?:(?:play\s+|the\s+)?chords\s+|play\s+)(?P<chords>{_CHORD}(?:\s+{_CHORD})+)"
_LOOP = r"loop\s+(?:\w+\s+){0,3}?(?P<number>1|2|4|8|one|two|four|eight)(?:\s+bars?)?"
_OTHER = (
    r"(?:(?:new|another|different|other|next)\s+(?:key|tonality)(?!\w)|(?:change|switch)\s+(?:the\s+)?key$)"
)
UNSAYABLE = re.compile(
    rf"(?<!\w)(?:{_OTHER}|loop\s+(?:the\s+last\s+)?(?!(?:1|2|4|8)\b)\d+\s+bars?)", re.IGNORECASE
)
"""What would be mistaken for something else: it names no key, or bars of which there is no loop."""
_NO_LOOP = (
    r"(?:(?:stop|end|quit|no\s+more|let\s+go\s+of|don't|do\s+not)\s+(?:the\s+)?loop(?:ing)?|loop(?:ing)?\s+off"
    r"|leave\s+(?:the\s+)?loop(?!\s+(?:on|as|alone|running|going)\b))"
)
_AS_IS = r"(?:keep|hold|same|leave|(?:don't|not)\s+change)"
_LOWER = r"(?:lower|drop|reduce|decrease|(?:bring|take)\s+down)"
_UNHEARD = r"(?:can't|cant|cannot|can\s+not|barely|hardly)\s+hear"
_ALL = r"(?:all|everything|every\s*one|every\s*body)"
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
SAYINGS: tuple[Saying, ...] = (
    _saying(r"^(?:(?:please|now)\s+)?play(?:\s+(?:please|now|again))*$", "action", "start"),
    _saying(r"(?:play|do)\s+(?:it|that|this)(?:\s+once)?\s+(?:again|more)|one\s+more\s+time", "mode", "hold"),
    _saying(_CHORDS, "chords"),
    _saying(_KEY_OF, "key"),
    _saying(_IN_KEY, "key"),
    _saying(_NO_LOOP, "action", "loop off"),
    _saying(_LOOP, "action", "loop"),
    _saying(rf"(?:unmute|un\s+mute|bring\s+back)\s+{_ALL}", "unmute", "all"),
    _saying(rf"(?:bring|let|have)\s+{_ALL}\s+(?:back|in|play)", "unmute", "all"),
    _saying(rf"mute\s+{_ALL}|{_ALL}\s+out", "mute", "all"),
    _saying(r"(?P<value>\d{2,3}(?:\.\d+)?)\s*(?:bpm|beats\s+(?:per|a)\s+minute)", "value", "tempo"),
    _saying(r"tempo\s+(?:is\s+)?(?:to|of|at|=)?\s*(?P<value>\d{2,3}(?:\.\d+)?)", "value", "tempo"),
    _saying(r"(?P<metre>(?:2|3|4|5)/4|(?:6|7|9|12)/8)", "metre"),
    _saying(rf"(?:call\s+(?:up\s+)?|go\s+to\s+|play\s+)?scene\s+(?:number\s+)?{_NUMBER}", "scene"),
    _saying(rf"{_KEEP}\s*(?:phrase\s+)?(?:(?:as|in|to|under|for|at|on)\s+)?{_ANCHOR}", "store"),
    _saying(rf"(?:store|capture)\s+{_ANCHOR}", "store"),
    _saying(rf"{_AS_IS}\s+(?:the\s+|this\s+|that\s+)?tempo", "keep"),
    _saying(rf"{_LOWER}\s+(?:the\s+)?tempo", "knob", "tempo", -1),
    _saying(rf"{_UNHEARD}\s+{_THE}{_PART}", "knob", "volume", 1),
    _saying(rf"{_MIDDLE}\s+(?:between\s+|of\s+|from\s+)?a\s+(?:and|to)\s+b", "value", "morph"),
    _saying(r"half\s*way\s+to(?:wards?)?\s+b", "value", "morph"),
    _saying(rf"{_TOWARDS}\s+{_ANCHOR}", "knob", "morph"),
    _saying(rf"{_LIKE}\s+{_ANCHOR}(?:\s+again)?", "recall"),
    _saying(rf"{_ANCHOR}\s+again", "recall"),
    _saying(rf"(?:only|just|nothing\s+except|solo)\s+{_THE}{_PART}", "only"),
    _saying(rf"{_PART}\s+solo", "only"),
    _saying(rf"{_OUT}\s+{_THE}{_PART}(?:\s+out)?", "mute"),
    _saying(rf"{_PART}\s+(?:out|off|away)", "mute"),
    _saying(rf"{_BACK}{_THE}{_PART}\s*(?:back|in|on|play)?(?:\s+(?:in|again))?", "unmute"),
    _saying(rf"(?:unmute|un\s+mute|bring\s+back|add)\s+{_THE}{_PART}", "unmute"),
    _saying(rf"{_PART}\s+(?:back(?:\s+(?:in|on))?|in|on|again)", "unmute"),
)
