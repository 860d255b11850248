"""The page's link to the engine, which may die and be started again.

Tested in tests/live/page/test_broker.py.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from live.ipc.browser_midi import PlayMidi, WantMidi
from live.ipc.commands import Command
from live.ipc.link import Address, Link, call
from live.ipc.messages import Bye
from live.ipc.snapshot import ToDashboard

RETRY_SECONDS = 0.2
LONELY_SECONDS = 30.0
"""So long without an engine, and nobody will start one any more: the page ends."""


class EngineLink:
    """Keeps a link to the engine, which may die and be started again.

    Args:
        take: gets each message, on the link's thread.
        connected: gets whether there is an engine, on the link's thread.
        over: called when it has said goodbye, or nobody has answered for long.

    Threads: `send` any; the rest its own.
    """

    def __init__(
        self,
        address: Address,
        *,
        take: Callable[[Any], None],
        connected: Callable[[bool], None],
        over: Callable[[], None],
    ) -> None:
        self._address, self._take, self._connected, self._over = address, take, connected, over
        self._link: Link[Any] | None = None

    def start(self) -> None:
        """Begin to call, on a thread of its own."""
        threading.Thread(target=self._keep, name="engine", daemon=True).start()

    def send(self, command: Command | PlayMidi | WantMidi) -> bool:
        """Give the engine a command; lost while there is none."""
        link = self._link
        return link is not None and link.send(command)

    def _keep(self) -> None:
        reached = time.monotonic()
        while time.monotonic() - reached < LONELY_SECONDS:
            try:
                link: Link[Any] = call(self._address, "dashboard", ToDashboard)
            except OSError:
                time.sleep(RETRY_SECONDS)
                continue
            self._link = link
            self._connected(True)
            while (message := link.receive()) is not None:
                if isinstance(message, Bye):
                    link.close()
                    self._over()
                    return
                self._take(message)
            self._link = None
            self._connected(False)
            reached = time.monotonic()
            time.sleep(RETRY_SECONDS)
        self._over()
