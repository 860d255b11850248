"""Learning while it plays: lessons begin and end by command, what was learned goes into a file.

Owns: which files were written, so that it can be taken back.
Threads: engine only; files are read and written on a thread of its own, so that no note waits for a disk.
"""

import queue
import threading
from collections.abc import Callable

from live.control.desk import Desk, Learned
from live.control.mappings.mapping_file import describe, does
from live.devices.names import spoken_name
from live.errors import FailureError, UsageError
from live.ipc import commands
from live.ipc.commands import Command
from live.ipc.snapshot import Notice
from live.jam.notices import Notices
from live.timing.timeline import Nanos

LOOK_NANOS = 50_000_000

FRESH_NANOS = 30_000_000_000
"""For so long `undo` means what was learned, where the performer only tries it: later it means the music."""

_NO_GESTURES = (
    commands.PlayKey,
    commands.TapTempo,
    commands.Learn,
    commands.StopLearning,
    commands.Arm,
    commands.Start,
    commands.Stop,
    commands.Panic,
    commands.Undo,
    commands.Redo,
)


class Learning:
    """Lessons on a desk.  `post`: puts what the other thread has to say among the engine's arrivals."""

    def __init__(self, desk: Desk, notices: Notices, post: Callable[[object], None]) -> None:
        self._desk, self._notices, self._post = desk, notices, post
        self._work: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._learned: list[tuple[Learned, list[object]]] = []  # and what was written, once it was
        self._fresh_until = 0
        self._looked = 0

    def heeds(self, command: Command, now: Nanos) -> bool:
        """Carry out a command if it is about learning."""
        self._desk.commanded(command)
        match command:
            case commands.Learn(target):
                try:
                    self._desk.learn(target)
                except UsageError as fault:
                    self._notices.add("warning", str(fault))
            case commands.StopLearning():
                self._desk.lesson = None
            case commands.Undo() if self._learned and (now < self._fresh_until or self._is_shown()):
                self._take_back()
            case _:
                if not (isinstance(command, _NO_GESTURES) or self._tries(command)):
                    self._fresh_until = 0
                return False
        return True

    def _is_shown(self) -> bool:
        """Tell whether what was learned last is on the screen, which says that it can be undone."""
        return self._desk.lesson is not None and not self._desk.lesson.listening

    def _tries(self, command: Command) -> bool:
        """Tell whether a command comes of what was learned last."""
        return (
            isinstance(command, commands.Turn)
            and command.source == "midi"
            and bool(self._learned)
            and command.knob == self._learned[-1][0].control.knob
        )

    def advance(self, now: Nanos) -> list[int]:
        """Bind what was touched, if it is clear by now; returns when to come back, or nothing."""
        lesson = self._desk.lesson
        if lesson is None or not lesson.listening:
            return []
        if now - self._looked < LOOK_NANOS:
            return [self._looked + LOOK_NANOS]
        self._looked = now
        learned = self._desk.advance(now)
        if learned is not None:
            control = learned.control
            self._fresh_until = now + FRESH_NANOS
            what = f"{spoken_name(learned.port)} · {describe(control)} is {does(control)}"
            was = f", no more {learned.instead_of}" if learned.instead_of else ""
            self._notices.add("info", f"learned: {what}{was}; u undoes it")
            written: list[object] = []
            self._learned.append((learned, written))
            self._submit(lambda: written.append(_write(learned)))
        return [now + LOOK_NANOS]

    def _submit(self, work: Callable[[], object]) -> None:
        """Let the other thread do some work, after all that it was given before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="learning", daemon=True)
            self._thread.start()
        self._work.put(work)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            self._saying(work)

    def _saying(self, work: Callable[[], object]) -> None:
        """Do some work on the other thread; what goes wrong is a notice."""
        try:
            work()
        except FailureError as fault:
            self._post(Notice(0, "warning", str(fault)))
        except Exception as fault:  # noqa: BLE001  whatever it was, the music goes on
            self._post(Notice(0, "warning", f"what was learned could not be written: {fault!r}"))

    def _take_back(self) -> None:
        learned, written = self._learned.pop()
        self._desk.unlearn(learned)
        self._submit(lambda: _unwrite(written))
        self._notices.add("info", f"undone: {describe(learned.control)} is {does(learned.control)} no more")

    def close(self) -> None:
        """Wait until everything is written."""
        self._work.put(None)
        if self._thread is not None:
            self._thread.join()


def _write(learned: Learned) -> object:
    from live.control.mappings import mapping_writer  # noqa: PLC0415  tomlkit is loaded only by who learns

    return mapping_writer.write(learned.path, learned.port, learned.control, fitting=learned.fitting)


def _unwrite(written: list[object]) -> None:
    from live.control.mappings import mapping_writer  # noqa: PLC0415  loaded already by what is taken back

    for one in written:
        if isinstance(one, mapping_writer.Written):
            mapping_writer.take_back(one)
