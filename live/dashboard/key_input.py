"""Keys as they come from a terminal: one after another, in whole, and small.

Tested in tests/live/dashboard/test_app.py, tests/live/dashboard/windows/test_screens.py.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from live.dashboard import escapes

OPENING_SECONDS = 1.0  # so long at most a key waits for the window that the one before it opens


class KeyInput(App[None]):
    """An app whose keys each wait for what the one before them does.

    Args:
        clock: host time in nanoseconds.

    Attributes:
        escaping: whether the last key was an Esc to a window.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__()
        self._clock = clock
        self._escapes = escapes.Escapes()
        self._typed: deque[events.Key] = deque()
        self._typed_until = 0
        self.escaping = False

    def does_something(self, key: str) -> bool:
        """Tell whether a capital does something by itself, so that it stands for no small letter."""
        raise NotImplementedError

    async def on_event(self, event: events.Event) -> None:
        """Put pieces of escape sequences together, and take capitals that do nothing for small letters.

        What comes right after a key is taken when that was: it is for the window that it may open or close.
        """
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        self._typed.append(event)
        if self._clock() >= self._typed_until:
            await self._go_on()
        else:
            self.set_timer(OPENING_SECONDS, partial(self._overdue, self._typed_until))

    async def _overdue(self, until: int) -> None:
        """Go on where nobody told that the key before was heeded: a panic waits for no window that hangs."""
        if self._typed_until == until:
            await self._go_on()

    async def _go_on(self) -> None:
        """Take what waits, each key when the one before it has been heeded."""
        self._typed_until = 0
        while self._typed and not self._typed_until:
            await self._type(self._typed.popleft())

    async def _type(self, event: events.Key) -> None:
        """Take a key; what comes after it waits until it has been heeded.

        A letter that follows Esc within a tenth of a second comes as one with Alt: in a window, where Alt
        does nothing, they are what they were.
        """
        if len(self.screen_stack) > 1 and event.key.startswith("alt+") and event.character:
            self._typed.appendleft(events.Key(event.character, event.character))
            event = events.Key("escape", escapes.ESC)
        screen, widget = self.screen, self.focused or self.screen
        await self._take(event)
        if isinstance(widget, Input) and event.is_printable:
            return  # it writes: nothing opens or closes, and the widget takes its letters in their order
        self._typed_until = self._clock() + round(OPENING_SECONDS * 1e9)
        self._after(widget, partial(self._heeded, screen))

    def _after(self, widget: DOMNode | None, call: Callable[[], object]) -> None:
        """Call once a widget and all above it have heeded what they were sent until now."""
        above = isinstance(widget, Widget) and widget.call_later(self._after, widget.parent, call)
        if not above:
            self.call_later(call)

    async def _heeded(self, screen: Screen[object]) -> None:
        """Go on after a key, and after what a widget had to say to its window because of it."""
        if self.screen is screen:
            self._after(self.focused or screen, partial(self._type_on, screen))
        else:
            await self._type_on(screen)

    async def _type_on(self, screen: Screen[object]) -> None:
        """Go on with what came after a key, once the window that it opened is ready for it."""
        if self.screen is not screen:
            self.screen.call_after_refresh(self.call_later, self._type_on, self.screen)
            return
        await self._go_on()

    async def _take(self, event: events.Key) -> None:
        """Hand a key on, and pieces of one when it is whole."""
        self.escaping = len(self.screen_stack) > 1 and event.key == "escape"
        if len(self.screen_stack) > 1:
            await super().on_event(event)
            return
        for key in self._escapes.feed(event, self._clock()):
            key.set_sender(self)
            await super().on_event(self._small(key))
        held = self._escapes.held
        if held is not None:
            self.set_timer(escapes.HOLD_SECONDS, partial(self._release, held))

    async def _release(self, held: events.Key) -> None:
        """Take an Esc for what it was, when nothing has come after it."""
        if self._escapes.release(held, self._clock()):
            await super().on_event(held)

    def _small(self, key: events.Key) -> events.Key:
        """Return what a key with Caps Lock on, or Shift, does without it, unless it does something itself."""
        name = key.key
        if len(name) > 1 or not name.isupper() or self.does_something(name):
            return key
        return events.Key(name.lower(), name.lower())
