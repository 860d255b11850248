"""What the drivers lose on its way, counted and told once in a while.

Owns: what was told last, and when.  Threads: engine only.
Tested in tests/live/engine/devices/test_devices.py.
"""

from typing import NamedTuple

from live.jam.notices import Notices
from live.timing.timeline import Nanos

LOSSES_NOTICE_NANOS = 60_000_000_000
LOSSES_HEARD = 10


class Losses(NamedTuple):
    """What the drivers have lost: JACK's cycles, with all that was played in them, and messages cut short."""

    jack_cycles: int
    broken_messages: int


class LossNotices:
    """Says what was lost since it was last said, where it may be heard."""

    def __init__(self) -> None:
        self._said, self._nanos = Losses(0, 0), -LOSSES_NOTICE_NANOS

    def tell(self, lost: Losses, notices: Notices, now: Nanos) -> None:
        """Say it, unless something was said a short while ago."""
        if now - self._nanos < LOSSES_NOTICE_NANOS:
            return
        cycles = lost.jack_cycles - self._said.jack_cycles
        messages = lost.broken_messages - self._said.broken_messages
        if cycles < LOSSES_HEARD and messages < LOSSES_HEARD:
            return
        self._nanos = now
        if cycles >= LOSSES_HEARD:
            self._said = self._said._replace(jack_cycles=lost.jack_cycles)
            notices.add(
                "warning",
                f"JACK was too late for {cycles} of its cycles, notes may be lost with them: give it a larger"
                " period (jackd -p), or close other programs",
            )
        if messages >= LOSSES_HEARD:
            self._said = self._said._replace(broken_messages=lost.broken_messages)
            notices.add(
                "warning", f"{messages} messages of your keyboards did not arrive whole: look at the cables"
            )
