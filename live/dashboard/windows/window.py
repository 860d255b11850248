"""A window over the screen: a box with a heading, and what closes it.

Tested in tests/live/dashboard/windows/test_screens.py.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, ScreenResultType

from live.dashboard.drawing.rows import Row
from live.dashboard.drawing.theme import INK


def painted(rows: Sequence[Row]) -> Text:
    """Return rows as one styled text."""
    text = Text(no_wrap=True)
    for index, row in enumerate(rows):
        if index:
            text.append("\n")
        for part, ink in row:
            text.append(part, INK.get(ink, INK[""]))
    return text


def closing(key: str) -> list[BindingType]:
    """Return what closes a window that only shows: Esc and the like, and the key that opened it."""
    return [Binding(f"escape,q,{key},enter,space", "dismiss", "close", show=False)]


class ModalWindow(ModalScreen[ScreenResultType]):
    """A box over all else; its subclasses say what is in it."""

    HEADING: ClassVar[str]
    FOOTING: ClassVar[str] = "Esc closes"
    BOX: ClassVar[str] = "box"

    def __init__(self) -> None:
        super().__init__(classes="window")

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with VerticalScroll(classes=self.BOX) as box:
            box.border_title = self.HEADING
            box.border_subtitle = self.FOOTING
            yield from self.content()

    @abstractmethod
    def content(self) -> ComposeResult:
        """Lay out what is in the box."""
