"""What a dashboard would be shown of a stage's jam."""

from typing import Any

from live.engine.snapshots import Snapshots, Surroundings
from live.ipc.link import Link
from live.ipc.snapshot import PortView, Snapshot, Update
from live.timing.timeline import Nanos
from tests.fakes.stage import Stage

AROUND = Surroundings([PortView("in", "keys", "ok")], "take.mid", "realtime", "default", [], [])


class Watcher(Link[Any]):
    """A link that takes every message, or none while it is `full`."""

    def __init__(self) -> None:
        self.open, self.full, self.sent = True, False, list[Snapshot | Update]()

    def send(self, message: Any, *, droppable: bool = False) -> bool:
        if self.full and droppable:
            return False
        self.sent.append(message)
        return True


def shown(snapshots: Snapshots, now: int) -> None:
    """Draw all pieces of what is to be shown at a moment."""
    while snapshots.show(Nanos(now), now + 10**9) <= now:
        pass


def snapshots_of(stage: Stage) -> Snapshots:
    """Return what draws a stage, with nobody watching."""
    return Snapshots(stage.jam, lambda: AROUND, per_second=15)


def snapshot_of(stage: Stage) -> Snapshot:
    """Return the whole snapshot that a new dashboard would get now."""
    snapshots, watcher = snapshots_of(stage), Watcher()
    snapshots.watch(watcher)
    snapshots._begun = -(10**9)
    shown(snapshots, stage.nanos)
    (first,) = watcher.sent
    assert isinstance(first, Snapshot)
    return first
