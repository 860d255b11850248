"""Every key: one table that makes the bindings, the help and the line of hints.

Idents are what a user's keymap names; several keys of one action are separated by commas.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from textual.binding import Binding

from live.dashboard.drawing.rows import Row, TextSpan, fit_row, row_width
from live.ipc.commands import Command, SwitchThru, action
from live.settings.knobs import ANCHORS, MODES
from model.music.tracks import TRACKS

SOURCE: Final = "dashboard"


class Hotkey(NamedTuple):
    """A key of the computer and what it does.

    Attributes:
        ident: name for the user's keymap.
        keys: Textual's names of the keys, separated by commas; "" for one that only a keymap gives a key.
        action: of the App, or the command that is sent.
        group: heading in the help.
        text: a few words.
        tip: one sentence.
        always: whether it works while a window (help, notices) covers the screen.
        hint: word in the line of hints, "" to leave it out.
    """

    ident: str
    keys: str
    action: str | Command
    group: str
    text: str
    tip: str
    always: bool = False
    hint: str = ""


_MODE_TIPS = {
    "follow": "every two bars, what you played becomes what it plays",
    "answer": "your two bars, then its two",
    "hold": "the latent stays; the knobs move it",
    "drift": "a slow walk, back after 32 bars",
    "listen": "no click: it finds your tempo and bar lines, and follows them",
}

_MODE_KEYS = {"listen": "e"}  # by ear; l learns


def _do(name: str, argument: str = "") -> Command:
    return action(name, argument, source=SOURCE)


KEYS: Final[tuple[Hotkey, ...]] = (
    Hotkey("panic", "0", _do("panic"), "Transport", "panic", "every note off, now", always=True,
           hint="panic"),
    Hotkey("panic-escape", "escape", "escape", "Transport", "panic",
           "every note off, now; while something is open, closes that alone"),
    Hotkey("start-stop", "space", "start_stop", "Transport", "start or stop",
           "start the transport, or stop it", hint="start/stop"),
    Hotkey("arm", "9", _do("arm"), "Transport", "start on first note",
           "the first key that you play starts it, on the one"),
    Hotkey("tap", "enter", _do("tap"), "Transport", "tap tempo", "tap the beat a few times"),
    Hotkey("metronome", "j", _do("metronome"), "Transport", "metronome on or off",
           "a click on every beat, and a bar of it before a start"),
    Hotkey("metre-next", "m", "metre(1)", "Transport", "next metre",
           "from 4/4 to 5/4, 6/8, ..., from the next bar line on"),
    Hotkey("metre-previous", "M", "metre(-1)", "Transport", "previous metre", "from 4/4 to 3/4, 2/4, ..."),
    Hotkey("thru", "t", SwitchThru(source=SOURCE), "Transport", "thru on or off",
           "whether your own keys sound"),
    *(Hotkey(f"mode-{mode}", _MODE_KEYS.get(mode, mode[0]), _do("mode", mode), "Modes", mode, tip, hint=mode)
      for mode, tip in _MODE_TIPS.items()),
    Hotkey("record", "f12", _do("record"), "Transport", "record or not",
           "end the take, or begin another one"),
    Hotkey("freeze", "z", _do("freeze"), "Modes", "freeze or thaw", "keep the plan as it is", hint="freeze"),
    Hotkey("loop", "L", "loop", "Modes", "loop",
           "the last bars, as many as a phrase has, over and over, until L again"),
    Hotkey("phrase-shorter", "left_parenthesis", "phrase(-1)", "Modes", "shorter phrases",
           "of 4 bars, of 2, of 1"),
    Hotkey("phrase-longer", "right_parenthesis", "phrase(1)", "Modes", "longer phrases",
           "of 2 bars, of 4, of 8"),
    Hotkey("key-lock", "y", _do("key", "lock"), "Modes", "lock the key",
           "stay in the key that you play in now, until y again"),
    Hotkey("undo", "u", _do("undo"), "Modes", "undo", "take the last change back", hint="undo"),
    Hotkey("redo", "r", _do("redo"), "Modes", "redo", "make again what undo took back"),
    Hotkey("next", "full_stop", _do("next"), "Scenes", "next in the song",
           "the next scene of the song, then the next song"),
    Hotkey("previous", "comma", _do("previous"), "Scenes", "back in the song",
           "the scene before, or the song before"),
    Hotkey("store", "s", "store", "Anchors", "store ...",
           "then a to d: this phrase as an anchor; 1 to 9: a scene"),
    *(Hotkey(f"capture-{name}", "", _do("capture", name), "Anchors", f"store anchor {name}",
             f"keep this phrase as anchor {name}") for name in ANCHORS),
    *(Hotkey(f"recall-{name}", str(number), _do("recall", name), "Anchors", f"recall anchor {name}",
             f"play from anchor {name}") for number, name in enumerate(ANCHORS, 1)),
    *(Hotkey(f"mute-{name}", str(number), _do("mute", name), "Parts", f"mute {name}",
             f"leave its {name} out, or let it play again") for number, name in enumerate(TRACKS, 5)),
    *(Hotkey(f"solo-{name}", key, _do("solo", name), "Parts", f"{name} alone",
             f"its {name} alone, or again all that played before")
      for name, key in zip(TRACKS, "ocbp", strict=True)),
    Hotkey("fill", "g", _do("fill"), "Parts", "drums fill", "let the drums fill up to the next bar line"),
    Hotkey("break", "x", _do("break"), "Parts", "break", "all of it rests, and comes in again on the one"),
    Hotkey("vary-up", "greater_than_sign", _do("vary", "up"), "Knobs", "vary up",
           "more of the answer new, by a tenth"),
    Hotkey("vary-down", "less_than_sign", _do("vary", "down"), "Knobs", "vary down",
           "less of the answer new, by a tenth"),
    Hotkey("knob-next", "right", "choose(1)", "Knobs", "next knob", "choose the knob to turn", hint="knob"),
    Hotkey("knob-previous", "left", "choose(-1)", "Knobs", "previous knob", "choose the knob to turn"),
    Hotkey("knob-up", "up,plus,equals_sign", "nudge(1)", "Knobs", "turn up", "turn the chosen knob a little",
           hint="turn"),
    Hotkey("knob-down", "down,minus", "nudge(-1)", "Knobs", "turn down", "turn the chosen knob a little"),
    Hotkey("knob-up-more", "pageup", "nudge(5)", "Knobs", "turn up, more",
           "turn the chosen knob by a good step"),
    Hotkey("knob-down-more", "pagedown", "nudge(-5)", "Knobs", "turn down, more",
           "turn the chosen knob by a good step"),
    Hotkey("knob-rest", "backspace", "rest", "Knobs", "back to rest",
           "put the chosen knob where it does nothing"),
    *(Hotkey(f"scene-{number}", f"f{number}", _do("scene", str(number)), "Scenes", f"scene {number}",
             f"go to scene {number}") for number in range(1, 10)),
    *(Hotkey(f"store-{number}", "", _do("store", str(number)), "Scenes", f"store scene {number}",
             f"keep all that is set as scene {number}") for number in range(1, 10)),
    Hotkey("piano", "k", "piano", "Screen", "play on this keyboard",
           "letters become piano keys, until k again"),
    Hotkey("info", "i", "info", "Screen", "ports and health", "every port, lateness, the take, the latent",
           hint="info"),
    Hotkey("learn", "l", "learn", "Screen", "learn a control",
           "choose a knob or an action, then touch what is to do it", hint="learn"),
    Hotkey("code", "v", "code", "Screen", "the page", "its address as a code to scan"),
    Hotkey("words", "w", "words", "Screen", "words", "say it: sparser, a bit darker, like B"),
    Hotkey("notices", "n", "notices", "Screen", "all notices", "read the older ones again"),
    Hotkey("palette", "ctrl+p", "command_palette", "Screen", "every action", "find an action by its name"),
    Hotkey("help", "question_mark", "help", "Screen", "this help", "every key", hint="help"),
    Hotkey("quit", "q", "quit", "Screen", "quit", "asks first; the music goes on until you say yes",
           hint="quit"),
)  # fmt: skip

_COMMANDS: Final = {key.ident: key.action for key in KEYS if not isinstance(key.action, str)}
_HINTS = ("help", "panic", "start/stop", *MODES, "knob", "turn", "freeze", "undo", "learn", "info", "quit")
"""The hints, from the most needed to the least."""

_SIGNS = {
    "less_than_sign": "<", "greater_than_sign": ">", "full_stop": ".", "comma": ",",
    "left_parenthesis": "(", "right_parenthesis": ")",
    "question_mark": "?", "escape": "Esc", "space": "Space", "enter": "Enter", "backspace": "⌫", "plus": "+",
    "minus": "-", "equals_sign": "=", "left": "←", "right": "→", "up": "↑", "down": "↓", "pageup": "PgUp",
    "pagedown": "PgDn",
}  # fmt: skip


def bindings() -> list[Binding]:
    """Return the App's bindings, each with an ident that a keymap can name."""
    return [
        Binding(
            key.keys,
            key.action if isinstance(key.action, str) else f"command('{key.ident}')",
            key.text,
            id=key.ident,
            tooltip=key.tip,
            priority=key.always,
            show=False,
        )
        for key in KEYS
        if key.keys
    ]


def also_bound(keymap: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (keys, action of the App) of what only a keymap gives a key."""
    return [
        (keymap[key.ident], f"command('{key.ident}')") for key in KEYS if not key.keys and key.ident in keymap
    ]


def command_of(ident: str) -> Command:
    """Return the command that a key sends."""
    return _COMMANDS[ident]


def key_label(keys: str) -> str:
    """Return keys as they are printed on a keyboard."""
    names = [name.strip() for name in keys.split(",") if name.strip()]
    return " ".join(
        _SIGNS.get(n, n.upper() if len(n) > 1 and n[0] == "f" and n[1:].isdigit() else n) for n in names
    )


def hints() -> list[Hotkey]:
    """Return the keys of the line of hints, from the most needed on."""
    return sorted((key for key in KEYS if key.hint), key=lambda key: _HINTS.index(key.hint))


def hint_row(bound: Mapping[str, str], width: int) -> Row:
    """Draw the most needed keys, as many as fit whole: two spans each."""
    spans: list[TextSpan] = []
    left = width
    for key in hints():
        pair: list[TextSpan] = [
            (f" {key_label(bound[key.ident].split(',')[0])}", "key"),
            (f" {key.hint} ", "dim"),
        ]
        left -= row_width(tuple(pair))
        if left < 0:
            break
        spans += pair
    return fit_row(spans, width)


def rebound(keymap: Mapping[str, str]) -> dict[str, str]:
    """Return the keys of every ident under a user's keymap."""
    return {key.ident: keymap.get(key.ident, key.keys) for key in KEYS}


def unknown_idents(keymap: Mapping[str, str]) -> list[str]:
    """Return the names in a keymap that no key has."""
    known = {key.ident for key in KEYS}
    return sorted(name for name in keymap if name not in known)
