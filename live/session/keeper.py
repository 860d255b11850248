"""Saves a session by itself: every few seconds where something has changed, and at the end.

Threads: one of its own writes; `update` and `close` may be called from any other.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from live.ipc.jam_memory import JamMemory, ScenesMemory
from live.ipc.snapshot import Notice
from live.session.folder import aside, is_unnamed
from live.session.saved import SavedSession, saved_session, to_text
from model.files import atomic_write

SAVE_SECONDS = 3.0
SESSION = "session"  # what notices are about


class SessionKeeper:
    """Writes what a jam's engine remembers into the session's file.

    Args:
        seed: of the jam's random choices.
        spare: whether what is there is put aside before it is written over.
        say: gets a line where it cannot be saved, once, and where it can again.
    """

    def __init__(self, path: Path, *, seed: int, spare: bool, say: Callable[[Notice], None]) -> None:
        self.path = path
        self._seed, self._spare, self._say = seed, spare, say
        self._memory: JamMemory | None = None
        self._scenes = ScenesMemory([])
        self._saved: SavedSession | None = None
        self._failed = False
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Save every few seconds from here on."""
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)
        self._thread.start()

    def update(self, memory: JamMemory | ScenesMemory) -> None:
        """Take what the engine remembers."""
        with self._lock:
            if isinstance(memory, JamMemory):
                self._memory = memory
            else:
                self._scenes = memory

    def spare(self) -> None:
        """Put what was saved aside before anything is written over it: what comes may be less."""
        self._spare = True

    def close(self) -> None:
        """Save what is there, and save no more."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        self.save(ended=True)

    def _run(self) -> None:
        while not self._ending.wait(SAVE_SECONDS):
            self.save()

    def save(self, *, ended: bool = False) -> None:
        """Save if something has changed since the last time."""
        with self._lock:
            memory, scenes = self._memory, self._scenes
        if memory is None or (is_unnamed(self.path) and not is_worth_it(memory, scenes)):
            return
        session = saved_session(memory, scenes, seed=self._seed, ended=ended)
        if session == self._saved:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._spare and self.path.exists():
                self.path.replace(aside(self.path))
            self._spare = False
            with atomic_write(self.path, durable=True) as draft:
                draft.write_text(to_text(session, self.path.stem), encoding="utf-8")
        except OSError as error:
            if not self._failed:
                reason = error.strerror or error
                unsaved = f"the session cannot be saved: {self.path}: {reason}; it plays on"
                self._say(Notice(time.monotonic_ns(), "error", unsaved, SESSION))
            self._failed = True
            return
        if self._failed:
            again = "the session is saved again"
            self._say(Notice(time.monotonic_ns(), "info", again, SESSION))
        self._failed, self._saved = False, session


def is_worth_it(memory: JamMemory, scenes: ScenesMemory) -> bool:
    """Tell whether more than knobs would be lost: a jam that did nothing pushes no other out."""
    played = memory.state.base is not None and not memory.demo
    return bool(played or memory.state.anchors or scenes.scenes)
