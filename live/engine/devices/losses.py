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
    """What the drivers have lost.

    Attributes:
        jack_cycles: with all that was played in them.
        broken_messages: that were cut short.
        refused_messages: that came when there was no room for more; those that waited are lost with them.
    """

    jack_cycles: int
    broken_messages: int
    refused_messages: int


class LossNotices:
    """Says what was lost since it was last said, where it may be heard."""

    def __init__(self) -> None:
        self._said, self._nanos = Losses(0, 0, 0), -LOSSES_NOTICE_NANOS

    def tell(self, lost: Losses, notices: Notices, now: Nanos) -> None:
        """Say it, unless something was said a short while ago."""
        if now - self._nanos < LOSSES_NOTICE_NANOS:
            return
        cycles = lost.jack_cycles - self._said.jack_cycles
        messages = lost.broken_messages - self._said.broken_messages
        refused = lost.refused_messages - self._said.refused_messages
        if cycles < LOSSES_HEARD and messages < LOSSES_HEARD and refused <= 0:
            return
        self._nanos = now
        if cycles >= LOSSES_HEARD:
            self._said = self._said._replace(jack_cycles=lost.jack_cycles)
            notices.add(
                "warning",
                f"JACK was too late for {cycles} of its cycles, notes may be lost with them: give it a larger"
                " period (jackd -p), or close other programs",
            )
        if refused > 0:
            self._said = self._said._replace(refused_messages=lost.refused_messages)
            notices.add(
                "warning",
                f"ALSA had no room for {refused} messages or more of your keyboards: all keys were let go",
            )
        if messages >= LOSSES_HEARD:
            self._said = self._said._replace(broken_messages=lost.broken_messages)
            notices.add(
                "warning", f"{messages} messages of your keyboards did not arrive whole: look at the cables"
            )
