"""Windows over the screen: keys, notices, where to store, the engineer's figures, and whether to quit."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from live.dashboard.drawing.rows import Row, clean, fit, fit_row
from live.dashboard.drawing.status import clock_row, latent_row, notice_in_full, plan_row, status_rows
from live.dashboard.keys import KEYS, SOURCE, key_label
from live.dashboard.windows.window import ModalWindow, closing, painted
from live.ipc.commands import Command, action
from live.ipc.snapshot import AnchorView, Notice, SceneView, Snapshot
from live.settings.knobs import ACTIONS, ANCHORS
from live.words.intention import EXAMPLES, Situation, intention_of
from live.words.reading import LONGEST_TEXT

KEY_WIDTH, TEXT_WIDTH = 11, 24
COLUMN = KEY_WIDTH + TEXT_WIDTH


def help_lines(keys: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (group, keys, text) for every key; a row of usual keys (F1 to F9) becomes one line."""
    lines: list[tuple[str, str, str]] = []
    bound = [key for key in KEYS if keys.get(key.ident, key.keys)]
    for (group, stem), family in groupby(bound, lambda key: (key.group, key.text.rpartition(" ")[0])):
        members = list(family)
        first, last = members[0], members[-1]
        if stem and len(members) > 3 and all(keys.get(k.ident, k.keys) == k.keys for k in members):
            text = f"{first.text} to {last.text.rpartition(' ')[2]}"
            lines.append((group, f"{key_label(first.keys)} … {key_label(last.keys)}", text))
        else:
            lines += [(group, key_label(keys.get(k.ident, k.keys)), k.text) for k in members]
    return lines


def help_rows(keys: Mapping[str, str], width: int, height: int = 100) -> list[Row]:
    """Draw every key under its group's heading, in as many columns as fit `width`.

    Groups stand apart where there is room for that.

    Args:
        keys: the keys of each ident, as they are bound now.
        width: in cells.
        height: in lines, that there is room for.
    """
    groups: dict[str, list[Row]] = {}
    for group, label, text in help_lines(keys):
        lines = groups.setdefault(group, [((fit(group, COLUMN), "sounded"),)])
        lines.append(((fit(f"  {label}", KEY_WIDTH), "key"), (fit(text, TEXT_WIDTH), "")))
    count = max(1, min(3, width // COLUMN))
    for gap in ([()], []):
        columns: list[list[Row]] = [[] for _ in range(count)]
        for lines in groups.values():
            shortest = min(columns, key=len)
            shortest += [*lines, *gap]
        deepest = max(len(column) for column in columns) - len(gap)
        if deepest <= height:
            break
    blank: Row = ((" " * COLUMN, ""),)
    return [
        tuple(
            span
            for column in columns
            for span in (fit_row(column[y], COLUMN) if y < len(column) and column[y] else blank)
        )
        for y in range(deepest)
    ]


class HelpWindow(ModalWindow[None]):
    """Every key, made from the table that binds them."""

    HEADING = "keys"
    BINDINGS: ClassVar[list[BindingType]] = closing("question_mark")

    def __init__(self, keys: Mapping[str, str]) -> None:
        super().__init__()
        self._keys = keys

    def content(self) -> ComposeResult:
        """Lay the keys out for the screen's width."""
        width, height = self.app.size
        yield Static(painted(help_rows(self._keys, width - 8, height - 4)))


class StoreWindow(ModalWindow[Command]):
    """Asks where to store: an anchor or a scene; dismisses with the command, or with nothing."""

    HEADING = "store"
    FOOTING = "Esc closes; u undoes"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"{name.lower()},{name}", f"store('capture', '{name}')", f"anchor {name}", show=False)
            for name in ANCHORS
        ),
        *(
            Binding(f"{number},f{number}", f"store('store', '{number}')", f"scene {number}", show=False)
            for number in ACTIONS["store"]
        ),
        Binding("escape,s,q,space,enter", "dismiss", "close", show=False),
    ]

    def __init__(self, anchors: Sequence[AnchorView], scenes: Sequence[SceneView]) -> None:
        super().__init__()
        self._anchors = {anchor.name for anchor in anchors if anchor.xy is not None}
        self._scenes = {scene.number: scene for scene in scenes}

    def content(self) -> ComposeResult:
        """Show each place, and what is there already."""
        rows: list[Row] = [(("this phrase as an anchor", "sounded"),)]
        rows += [
            ((f" {name.lower()}", "key"), ("  taken", "dim") if name in self._anchors else ("  free", ""))
            for name in ANCHORS
        ]
        rows += [(), (("all that is set as a scene", "sounded"),)]
        rows += [((f" {number}", "key"), *self._scene(int(number))) for number in ACTIONS["store"]]
        yield Static(painted(rows))

    def _scene(self, number: int) -> Row:
        scene = self._scenes.get(number)
        if scene is None:
            return (("  free", ""),)
        name = f"  {clean(scene.name)}" if scene.name else ""
        return ((name or "  taken", "" if name else "dim"), ("" if scene.stored else "  of live.toml", "dim"))

    def action_store(self, name: str, argument: str) -> None:
        """Close with the command."""
        self.dismiss(action(name, argument, source=SOURCE))


class NoticeWindow(ModalWindow[None]):
    """All notices so far, newest at the top."""

    HEADING = "notices"
    BINDINGS: ClassVar[list[BindingType]] = closing("n")

    def __init__(self, notices: Sequence[Notice], now_nanos: int) -> None:
        super().__init__()
        self._notices = notices
        self._now_nanos = now_nanos

    def content(self) -> ComposeResult:
        """List them, or say that there are none."""
        width = max(20, self.app.size.width - 10)
        rows: list[Row] = [
            row
            for notice in reversed(self._notices)
            if notice.text
            for row in notice_in_full(notice, self._now_nanos, width)
        ]
        yield Static(painted(rows or [(("nothing so far", "dim"),)]))


class WordsWindow(ModalWindow[str]):
    """Takes words, shows what they would do while they are typed, and dismisses with them on Enter."""

    HEADING = "say it in words"
    FOOTING = "Enter does it   Esc closes"
    BOX = "box words-box"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "close", show=False)]

    def __init__(self, situation: Callable[[], Situation]) -> None:
        super().__init__()
        self._situation = situation

    def content(self) -> ComposeResult:
        """Lay out the line and what it would do."""
        yield Input(placeholder="sparser, a bit darker, like B", max_length=LONGEST_TEXT)
        yield Static(painted([((EXAMPLES, "dim"),)]))

    def on_mount(self) -> None:
        """Take the keys."""
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what the words would do."""
        asked = intention_of(event.value, self._situation())
        rows: list[Row] = [((line, ""),) for line in asked.lines]
        rows += [((f"not understood: {word}", "warn"),) for word in asked.unknown]
        self.query_one(Static).update(painted(rows or [((EXAMPLES, "dim"),)]))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Let it be done."""
        self.dismiss(event.value.strip())


class InfoWindow(ModalWindow[None]):
    """What an engineer asks for: every port, the model, lateness, what was missed, the take, the latent."""

    HEADING = "ports and health"
    BINDINGS: ClassVar[list[BindingType]] = closing("i")

    def __init__(self, snapshot: Snapshot | None) -> None:
        """Show a snapshot; `show` takes later ones."""
        super().__init__()
        self._snapshot = snapshot

    def content(self) -> ComposeResult:
        """Lay out one text that is drawn anew."""
        yield Static(self._text())

    def show(self, snapshot: Snapshot | None) -> None:
        """Draw a newer snapshot."""
        if snapshot is not None and snapshot is not self._snapshot:
            self._snapshot = snapshot
            self.query_one(Static).update(self._text())

    def _text(self) -> Text:
        s = self._snapshot
        if s is None:
            return painted([(("waiting for the engine", "dim"),)])
        width = max(20, min(90, self.app.size.width - 10))
        rows = status_rows(s, width=width, height=max(1, len(s.ports)) + 6)
        return painted([*rows, latent_row(s, width), plan_row(s, width), clock_row(s, width)])


class CodeWindow(ModalWindow[None]):
    """The page's address as a code to scan."""

    HEADING = "the page"
    BINDINGS: ClassVar[list[BindingType]] = closing("v")

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def content(self) -> ComposeResult:
        """Show it, the address first: the code may be too high for the screen."""
        rows = self._code.rstrip("\n").split("\n")
        yield Static(Text("\n".join([rows[-1], *rows[:-1]]), no_wrap=True))


class QuitWindow(ModalWindow[bool]):
    """Asks, so that a slip of the hand does not stop the music; dismisses with the answer."""

    HEADING = "quit"
    FOOTING = ""
    BOX = "box alarm-box"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,q,ctrl+c,ctrl+q", "answer(True)", "quit", show=False, priority=True),
        Binding("escape,n,space,enter", "answer(False)", "play on", show=False),
    ]

    def __init__(self, *, guest: bool = False) -> None:
        super().__init__()
        self._guest = guest

    def content(self) -> ComposeResult:
        """Ask."""
        question = "Leave?  The music goes on." if self._guest else "Stop the music and quit?"
        yield Static(
            painted(
                [
                    ((question, "strong"),),
                    (),
                    (("y", "key"), (" or ", "dim"), ("q", "key"), (" leave" if self._guest else " quit", "")),
                    (("Esc", "key"), (" stays" if self._guest else " plays on", "")),
                ]
            )
        )

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)
