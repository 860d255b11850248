"""Batches drawn ahead of the step that takes them, so that whatever computes never waits for the feed.

A thread draws; what it draws is exactly what would have been drawn without it, in the same order.  What a run
saves is the state after the last batch that was *taken*: those that lie ready are drawn again after a resume.
"""

import threading
import time
from dataclasses import dataclass, field
from queue import Empty, Full, Queue

from trainer.data.batches import Drawn, Feed, FeedState

PATIENCE_SECONDS = 0.2  # between two looks at whether the run is over


@dataclass(frozen=True, slots=True)
class _Ready:
    """A batch, or why there is none, and the feed's state after it."""

    drawn: Drawn | BaseException
    state: FeedState


@dataclass(slots=True)
class Prefetch:
    """Draws a feed's batches, `depth` of them ahead; 0 draws each when it is asked for.

    Threads: one trains and calls everything here; the feed is the drawing thread's while one runs.

    Attributes:
        feed: that is drawn from.
        depth: batches that may lie ready.
        waited: seconds that `draw` has waited for a batch.
    """

    feed: Feed
    depth: int = 0
    waited: float = 0.0
    _ready: "Queue[_Ready]" = field(init=False)
    _state: FeedState | None = None
    _thread: threading.Thread | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _edits: bool = False

    def __post_init__(self) -> None:
        """Make room for what lies ready."""
        self._ready = Queue(max(1, self.depth))

    def draw(self, *, edits: bool) -> Drawn:
        """Return the next batch; see `Feed.draw`.

        Raises:
            Exception: whatever drawing it raised.
        """
        began = time.perf_counter()
        try:
            if not self.depth:
                return self.feed.draw(edits=edits)
            if self._thread is not None and edits != self._edits:
                self.close()
            if self._thread is None:
                self._start(edits)
            ready = self._ready.get()
        finally:
            self.waited += time.perf_counter() - began
        self._state = ready.state
        if isinstance(ready.drawn, BaseException):
            self.close()
            raise ready.drawn
        return ready.drawn

    def state(self) -> FeedState:
        """Return where the feed stands after the last batch that was taken."""
        return self.feed.snapshot() if self._state is None else self._state

    def close(self) -> None:
        """End the thread and put the feed back to where the last batch was taken."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._over.set()
        while thread.is_alive():
            try:
                self._ready.get_nowait()
            except Empty:
                thread.join(PATIENCE_SECONDS / 10)
        self._ready = Queue(max(1, self.depth))
        if self._state is not None:
            self.feed.restore(self._state)

    def _start(self, edits: bool) -> None:
        self._over, self._edits, self._state = threading.Event(), edits, self.feed.snapshot()
        self._thread = threading.Thread(target=self._run, args=(self._over,), name="feed", daemon=True)
        self._thread.start()

    def _run(self, over: threading.Event) -> None:
        """Draw until the run is over or drawing fails."""
        while not over.is_set():
            drawn: Drawn | BaseException
            try:
                drawn = self.feed.draw(edits=self._edits)
            except Exception as error:  # noqa: BLE001 - it is raised where the batch is asked for
                drawn = error
            ready = _Ready(drawn, self.feed.snapshot())
            while not over.is_set():
                try:
                    self._ready.put(ready, timeout=PATIENCE_SECONDS)
                    break
                except Full:
                    continue
            if isinstance(drawn, BaseException):
                return
