"""The engine's side of its supervisor: that the loop turns, and what the next engine would need.

Owns: the link to it, and what it was sent last.  Threads: engine only.
"""

from typing import Any

from live.engine.devices.devices import Devices
from live.engine.output import EngineOutput
from live.ipc.jam_memory import JamMemory, ScenesMemory
from live.ipc.link import Link
from live.ipc.messages import Beat

BEAT_NANOS, BEAT_TAKES_NANOS = 100_000_000, 500_000


class SupervisorLink:
    """Sends beats and memories, each where it has changed.

    Attributes:
        link: to the supervisor or a guardian; None while there is none.
    """

    def __init__(self, output: EngineOutput, devices: Devices) -> None:
        self.link: Link[Any] | None = None
        self._output, self._devices = output, devices
        self._memory: JamMemory | None = None
        self._scenes = ScenesMemory([])
        self._beat_nanos = 0

    def greet(self, link: "Link[Any]") -> None:
        """Take a supervisor that knows nothing yet."""
        self.link, self._beat_nanos = link, 0
        self.forget()

    def forget(self) -> None:
        """Send all of the memory the next time."""
        self._memory, self._scenes = None, ScenesMemory([])

    def beat(self, now: int, coming: int) -> list[int]:
        """Let the supervisor know that the loop turns, which it may do anyway; returns by when to do so."""
        if self.link is None:
            return []
        waited = now - self._beat_nanos
        if waited >= BEAT_NANOS and (coming - now > BEAT_TAKES_NANOS or waited > 2 * BEAT_NANOS):
            self._beat_nanos = now
            cables, silenced = self._devices.cables, self._devices.silenced
            worker = self._output.worker is not None
            beat = Beat(worker=worker, peers=cables.peers, sources=cables.sources, silenced=silenced)
            self.link.send(beat, droppable=True)
        return [max(self._beat_nanos + 2 * BEAT_NANOS, now + BEAT_TAKES_NANOS)]

    def remember(self, memory: JamMemory, scenes: ScenesMemory) -> None:
        """Let the supervisor know what the next engine would need, where it has changed."""
        if self.link is None:
            return
        if memory != self._memory and self.link.send(memory, droppable=True):
            self._memory = memory
        if scenes != self._scenes and self.link.send(scenes, droppable=True):
            self._scenes = scenes
