"""A screen that fails is opened again, and what plays behind it plays on."""

import time
from collections.abc import Callable
from typing import Protocol

from live.ipc.snapshot import Notice

MOST_FAULTS, IN_SECONDS = 3, 30.0


class Screen(Protocol):
    """What is shown: a `live.dashboard.Dashboard`.

    Attributes:
        fault: that ended it; None while it plays, and after an end in order.
    """

    fault: Exception | None

    def run(self, *, mouse: bool) -> object:
        """Show it until it ends."""


def keep_shown(
    make: Callable[[], Screen],
    *,
    ending: Callable[[], bool],
    notify: Callable[[Notice], object],
    seconds: Callable[[], float] = time.monotonic,
) -> str:
    """Show a screen until it ends in order; one that fails is followed by another.

    Args:
        make: a new one.
        ending: whether everything is to end, so that none follows.
        notify: gets a line after each failure that another screen follows.
        seconds: of a clock that only goes forward.

    Returns:
        Why there is no screen any more, "" for an end in order.
    """
    faults: list[float] = []
    while True:
        screen = make()
        try:
            screen.run(mouse=False)
            fault = screen.fault
        except Exception as raised:  # noqa: BLE001  Textual's own, in starting or ending
            fault = raised
        if fault is None or ending():
            return ""
        text = f"{type(fault).__name__}: {' '.join(str(fault).split())}"
        faults = [*(one for one in faults if seconds() - one < IN_SECONDS), seconds()]
        if len(faults) >= MOST_FAULTS:
            return text
        again = f"the screen failed and was opened again ({text}); the music went on"
        notify(Notice(time.monotonic_ns(), "error", again))
