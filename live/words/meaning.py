"""One thing that somebody who says something wants.

Tested in tests/live/words/test_reading.py.
"""

from typing import Literal, NamedTuple

from live.words.vocabulary import Degree

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
    "chords",
    "scene",
    "rest",
    "keep",
]


class Meaning(NamedTuple):
    """One thing that is wanted.

    Attributes:
        kind: knob: to be turned; value: to be set; keep: to stay; the rest as actions are called.
        name: of the knob, anchor, mode, part, action, metre, key, chords or scene.
        sign: 1 up, -1 down; of a knob.
        degree: how much.
        value: of a knob that is set.
    """

    kind: Kind
    name: str = ""
    sign: int = 0
    degree: Degree = "usual"
    value: float = 0.0
