"""The window for learning: choose a knob or an action, then touch the control that is to do it."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from live.dashboard import keys
from live.dashboard.drawing.rows import Row, fit_row
from live.dashboard.drawing.touched import choice_rows, choices, lesson_rows
from live.dashboard.windows.window import ModalWindow, painted
from live.ipc.commands import Command, Learn, StopLearning, Undo
from live.ipc.snapshot import Snapshot
from live.settings.knobs import bindable

MOST_ROWS, MOST_COLUMNS = 18, 76
LISTENING, LEARNED = "Esc back", "u undoes   Enter another   Esc closes"


class LearnWindow(ModalWindow[None]):
    """Letters narrow the list, arrows choose, Enter listens for a touch; then `u` undoes, Esc goes back.

    Args:
        snapshot: the last; `show` takes later ones.
        chosen: the knob or action that is marked first.
    """

    HEADING = "learn a control"
    FOOTING = "Enter chooses   Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
        Binding("enter", "go", "learn", show=False),
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "move(-8)", "up", show=False),
        Binding("pagedown", "move(8)", "down", show=False),
        Binding("backspace", "rub_out", "rub out", show=False),
    ]

    def __init__(
        self, send: Callable[[Command], object], snapshot: Snapshot | None, *, chosen: str = ""
    ) -> None:
        super().__init__()
        self._send = send
        self._snapshot = snapshot
        self._texts = bindable()
        self._typed = ""
        self._names = [*self._texts]
        self._chosen = self._names.index(chosen) if chosen in self._names else 0
        self._asked = ""

    def content(self) -> ComposeResult:
        """Lay out one text that is drawn anew."""
        yield Static(painted(self._rows()))

    def show(self, snapshot: Snapshot | None) -> None:
        """Draw a newer snapshot."""
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._draw()

    def _draw(self) -> None:
        self.query_one(Static).update(painted(self._rows()))
        box = self.query_one(f".{self.BOX}")
        box.border_subtitle = LEARNED if self._learned else LISTENING if self._asked else self.FOOTING

    def _rows(self) -> tuple[Row, ...]:
        width = max(20, min(MOST_COLUMNS, self.app.size.width - 10))
        height = max(4, min(MOST_ROWS, self.app.size.height - 6))
        lesson = self._snapshot.lesson if self._snapshot is not None else None
        if self._asked:
            if lesson is None or lesson.target != self._asked:
                return (fit_row(((f"{self._asked} ...", "dim"),), width),)
            return lesson_rows(lesson, self._snapshot.touched if self._snapshot else None, width)
        head = fit_row((("find ", "dim"), (self._typed, "strong"), ("▏", "key")), width)
        if not self._names:
            return (head, fit_row((("nothing is called that", "warn"),), width))
        list_rows = choice_rows(self._names, self._texts, self._chosen, width=width, height=height - 1)
        return (head, *list_rows)

    # -- keys ----------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Take letters: of the list's filter, or of what can be done after a touch."""
        if event.character is None or not event.is_printable:
            return
        event.stop()
        if not self._asked:
            self._filter(self._typed + event.character)
        elif event.key == "u" and self._learned:
            self._send(Undo(source=keys.SOURCE))
            self._list()

    def action_rub_out(self) -> None:
        """Take the last typed letter back."""
        self._filter(self._typed[:-1])

    def action_move(self, step: int) -> None:
        """Mark another line."""
        if self._names and not self._asked:
            self._chosen = max(0, min(len(self._names) - 1, self._chosen + step))
            self._draw()

    def action_go(self) -> None:
        """Listen for a touch; after one, choose anew."""
        if self._asked:
            self._list()
        elif self._names:
            self._asked = self._names[self._chosen]
            self._send(Learn(self._asked, source=keys.SOURCE))
            self._draw()

    def action_back(self) -> None:
        """Go back to the list, or close."""
        if self._asked and not self._learned:
            self._list()
        else:
            self._send(StopLearning(source=keys.SOURCE))
            self.dismiss()

    @property
    def _learned(self) -> bool:
        """Whether what was asked for is learned."""
        lesson = self._snapshot.lesson if self._snapshot is not None else None
        return lesson is not None and lesson.target == self._asked and lesson.state == "learned"

    def _list(self) -> None:
        self._asked = ""
        self._send(StopLearning(source=keys.SOURCE))
        self._draw()

    def _filter(self, typed: str) -> None:
        if self._asked:
            return
        marked = self._names[self._chosen] if self._names else ""
        self._typed = typed
        self._names = choices(self._texts, typed)
        self._chosen = self._names.index(marked) if marked in self._names else 0
        self._draw()
