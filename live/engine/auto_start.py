"""When the transport starts by itself: with the model, a while after another engine has died, or with a note.

Owns: that it is still to start by itself, and when.  Threads: engine only.
"""

from live.engine.devices.devices import Devices
from live.ipc.jam_memory import JamMemory
from live.jam.jam import Jam
from live.timing.timeline import Nanos

CONNECT_NANOS = 700_000_000  # whoever waits for `ready` connects its cables before the first beat
REVIVED_NANOS = 2_000_000_000  # after which an engine that another has preceded starts without a model


class AutoStart:
    """Starts a jam once, unless the performer or an engine before this one has.

    Args:
        revived: whether another engine was there before.
        first_note: whether it is the performer's first note that starts it, where no demo plays.
    """

    def __init__(self, jam: Jam, devices: Devices, *, revived: bool, first_note: bool = False) -> None:
        self._jam, self._devices, self._revived, self._first_note = jam, devices, revived, first_note
        self._by_itself = True
        self._start_nanos: int | None = None
        self._again_nanos: int | None = None  # when virtual ports are connected again
        self._thru_nanos = 0

    @property
    def started(self) -> bool:
        """Whether the transport was started or stopped, by itself or by anyone."""
        return not self._by_itself and self._start_nanos is None

    def thru_works(self, now: Nanos, *, demo: bool = False) -> None:
        """Take that keys sound; the beat does not wait for a model process that may have died, too."""
        self._thru_nanos = now
        if self._first_note and not demo:
            self._arm()
        elif self._revived:
            self._start_nanos = now + REVIVED_NANOS

    def model_loaded(self, now: Nanos) -> None:
        """Start with the first model, or without one that failed, unless it was stopped."""
        if self._by_itself and not self._jam.transport.running:
            self._start_nanos = max(now, self._thru_nanos + CONNECT_NANOS)
        self._by_itself = False

    def _arm(self) -> None:
        self.commanded()
        self._jam.first_note.armed = True

    def commanded(self) -> None:
        """Leave it to whoever has started or stopped the transport."""
        self._by_itself, self._start_nanos = False, None

    def restored(self, memory: JamMemory, *, virtual: bool, demo: bool) -> None:
        """Go by what the engine before this one had done."""
        if self._first_note and not demo and not memory.started:
            self._arm()
        self._by_itself &= not memory.started
        if memory.started or memory.timeline is not None:
            self._start_nanos = None
        if virtual:
            self._again_nanos = self._thru_nanos + CONNECT_NANOS

    def advance(self, now: Nanos) -> list[int]:
        """Do what is due; returns when to come back."""
        if self._start_nanos is not None and now >= self._start_nanos:
            self.commanded()
            if self._revived:
                self._jam.all_sound_off(now)  # of the engine before, now that cables are back
            self._begin(now)
        if self._again_nanos is not None and now >= self._again_nanos:
            self._again_nanos = None
            self._jam.all_sound_off(now)  # whoever has connected again to a virtual port since
            self._devices.set_up(self._jam, now)
        return [due for due in (self._start_nanos, self._again_nanos) if due is not None]

    def _begin(self, now: Nanos) -> None:
        leader = self._jam.leader
        if leader is None:
            self._jam.start(now)
        elif not self._jam.transport.running:
            leader.begin_by_itself(now)
