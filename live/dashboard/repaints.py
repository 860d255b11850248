"""What of the panels was painted anew, as it goes to the terminal in one piece.

It goes past Textual's compositor, which costs more than all the drawing: nothing lies over a panel while no
window is open, so what is painted is what is seen.
Tested in tests/live/dashboard/test_app.py.
"""

from typing import Protocol

from rich.console import Console
from rich.control import Control
from textual._compositor import CompositorUpdate
from textual.geometry import Region, Spacing
from textual.strip import Strip


class Lined(Protocol):
    """A widget that has its lines painted."""

    @property
    def content(self) -> Region:
        """Where what is within its border lies on the screen."""

    @property
    def gutter(self) -> Spacing:
        """Its border."""

    def line(self, y: int) -> Strip:
        """Return a line of the content between the border's edges."""


class Repaints(CompositorUpdate):
    """Regions of panels."""

    def __init__(self) -> None:
        self._found: list[tuple[Lined, tuple[Region, ...]]] = []

    def add(self, panel: Lined, regions: tuple[Region, ...]) -> None:
        """Let parts of a panel's content be sent."""
        self._found.append((panel, regions))

    def __bool__(self) -> bool:
        """Tell whether there is anything to send."""
        return bool(self._found)

    def render_segments(self, console: Console) -> str:
        """Return them with the moves of the cursor, for the terminal."""
        pieces: list[str] = []
        for panel, regions in self._found:
            content = panel.content
            left = content.x - panel.gutter.left
            for region in regions:
                whole = region.width >= content.width
                for y in range(region.y, min(region.bottom, content.height)):
                    strip, x = panel.line(y), left
                    if not whole:  # a line is painted with its border
                        x = content.x + region.x
                        strip = strip.crop(x - left, x - left + region.width)
                    pieces += (Control.move_to(x, content.y + y).segment.text, strip.render(console))
        return "".join(pieces)
