"""What is shown: the newest snapshot, what must outlive it, and what the performer points at.

Owns: the snapshot, the notices, the map's cloud and trail, the chosen knob.  Threads: Textual's.
Tested in tests/live/dashboard/test_app.py.
"""

import math
from collections import deque
from collections.abc import Callable

import msgspec

from live.dashboard.drawing.latent_map import MapPoint
from live.dashboard.drawing.status import NANOS_PER_SECOND
from live.dashboard.inbox import MOST_NOTICES
from live.dashboard.widgets import View
from live.ipc.snapshot import ENGINE, STANDING, KnobView, Notice, NoticeLevel, Snapshot
from live.words.intention import Situation, situation_of
from model.music.grid import TICKS_PER_BEAT
from model.music.metre import METRES

SILENCE_NANOS = NANOS_PER_SECOND
"""After so long without a snapshot the engine counts as not answering."""

FARTHEST_NANOS = NANOS_PER_SECOND // 4
"""How far the transport is reckoned on from a snapshot."""

TRAIL, TRAIL_STEP = 24, 0.03


class ScreenState:
    """Takes snapshots, and says what panels draw from.

    Args:
        clock: host time in nanoseconds, the same as the engine's.

    Attributes:
        snapshot: the engine's last; None before the first.
        notices: oldest first.
        cloud: known phrases on the map.
        chosen: index of the knob that the arrow keys turn.
        silent: whether the engine has stopped talking.
        lost: why the connection to the engine is gone; "" while it is there.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self.snapshot: Snapshot | None = None
        self.notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self.cloud: tuple[MapPoint, ...] = ()
        self.chosen = 0
        self.silent = False
        self.lost = ""
        self._clock = clock
        self._arrived_nanos = clock()
        self._seen: deque[tuple[int, str, str]] = deque(maxlen=4 * MOST_NOTICES)
        self._cloud_model = ""
        self._trail: deque[MapPoint] = deque(maxlen=TRAIL)
        self._metre = ""  # that was asked for last

    def await_engine(self) -> None:
        """Give the engine its time to talk from now on."""
        self._arrived_nanos = self._clock()

    # -- what comes ----------------------------------------------------------------------------

    def accept(self, snapshot: Snapshot) -> None:
        """Take a snapshot, and what must outlive it: cloud, trail, notices."""
        self._arrived_nanos = self._clock()
        if self.silent:
            self.note("info", "the engine answers again", about=ENGINE)
            self.silent = False
        if snapshot.map_points:
            points = tuple(snapshot.map_points)
            if points != self.cloud:
                self.cloud = points
        elif snapshot.model.name != self._cloud_model:
            self.cloud = ()
        if snapshot.model.name != self._cloud_model:
            self._cloud_model = snapshot.model.name
            self._trail.clear()
        here = snapshot.here
        if here is not None and (not self._trail or _far(self._trail[-1], here)):
            self._trail.append(here)
        for notice in snapshot.notices:
            self.save(notice)
        shown = [
            knob for knob in snapshot.knobs if knob.available or "." not in knob.name.removeprefix("xy.")
        ]
        if len(shown) < len(snapshot.knobs):  # knobs of parts that this model does not have
            snapshot = msgspec.structs.replace(snapshot, knobs=shown)
        if self.snapshot is None or snapshot.metre != self.snapshot.metre:
            self._metre = snapshot.metre
        self.snapshot = snapshot
        self.chosen = min(self.chosen, max(0, len(snapshot.knobs) - 1))

    def save(self, notice: Notice) -> None:
        """Save a notice once, though snapshots repeat it."""
        key = (notice.nanos, notice.about, notice.text)
        if key not in self._seen:
            self._seen.append(key)
            late = bool(self.notices) and notice.nanos < self.notices[-1].nanos
            self.notices.append(notice)
            if late:
                self.notices = deque(sorted(self.notices, key=lambda n: n.nanos), maxlen=MOST_NOTICES)

    def note(self, level: NoticeLevel, text: str, *, about: str = "") -> None:
        """Say something ourselves."""
        self.save(Notice(self._clock(), level, text, about))

    @property
    def quiet_nanos(self) -> int:
        """For how long nothing has come."""
        return self._clock() - self._arrived_nanos

    # -- what is drawn -------------------------------------------------------------------------

    def view(self) -> View:
        """Return what panels draw from now."""
        now = self._clock()
        alarm = self._alarm(now)
        return View(
            snapshot=self.snapshot,
            tick=self.tick_at(now) - (self.snapshot.bar_zero if self.snapshot else 0),
            nanos=now,
            alarm=alarm,
            notices=tuple(self.notices),
            cloud=self.cloud,
            trail=tuple(self._trail),
            chosen=self.chosen,
        )

    def tick_at(self, nanos: int) -> int:
        """Reckon where the transport is, from the last snapshot."""
        snapshot = self.snapshot
        if snapshot is None:
            return 0
        if snapshot.state in STANDING or not math.isfinite(snapshot.tempo_bpm):
            return snapshot.tick
        ahead = min(FARTHEST_NANOS, max(0, nanos - snapshot.nanos))
        return snapshot.tick + int(ahead * snapshot.tempo_bpm * TICKS_PER_BEAT / (60 * NANOS_PER_SECOND))

    def _alarm(self, now: int) -> str:
        """Return why nothing new is known, or nothing; say it once among the notices."""
        silent = now - self._arrived_nanos > SILENCE_NANOS
        if silent and not self.silent and self.snapshot is not None and not self.lost:
            self.note("error", "engine not answering; this screen stands still", about=ENGINE)
        self.silent = silent
        return self.lost or ("ENGINE NOT ANSWERING" if silent else "")

    def next_beat_s(self, tick: int) -> float | None:
        """Return in how many seconds the next beat falls after a tick; None where nothing plays."""
        snapshot = self.snapshot
        if snapshot is None or snapshot.state in STANDING or self.silent or self.lost:
            return None
        left = -tick % max(1, snapshot.ticks_per_beat)
        return left * 60 / (snapshot.tempo_bpm * TICKS_PER_BEAT) if snapshot.tempo_bpm > 0 else 1.0

    # -- what the performer points at ----------------------------------------------------------

    @property
    def chosen_knob(self) -> KnobView | None:
        """The knob that the arrow keys turn."""
        knobs = self.snapshot.knobs if self.snapshot else []
        return knobs[self.chosen] if self.chosen < len(knobs) else None

    def choose(self, step: int) -> None:
        """Choose another knob."""
        knobs = self.snapshot.knobs if self.snapshot else []
        if knobs:
            self.chosen = (self.chosen + step) % len(knobs)

    def next_metre(self, step: int) -> str:
        """Return the next metre, or the one before; asked again, the one after that."""
        order = list(METRES)
        last = self._metre if self._metre in METRES else "4/4"
        self._metre = order[(order.index(last) + step) % len(order)]
        return self._metre

    def situation(self) -> Situation:
        """Return where the instrument stands."""
        return situation_of(self.snapshot) if self.snapshot is not None else Situation({})


def _far(a: MapPoint, b: MapPoint) -> bool:
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) > TRAIL_STEP
