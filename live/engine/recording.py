"""What is written down of a jam: the take, and the event log.

Owns: which take is under way, where it is, and which are still being written down.
Threads: engine only; a take that is ended while it plays is written down on a thread of its own.
"""

import datetime as dt
import threading
from collections.abc import Callable
from functools import partial

from live.engine.guard import Guard
from live.engine.output import EngineOutput
from live.errors import FailureError
from live.ipc.options import Options
from live.ipc.snapshot import NoticeLevel
from live.jam.jam import Jam
from live.jam.parts.parts import take_parts
from live.record.event_log import EventLog
from live.record.take import Take, free_path, take_path
from live.timing.timeline import Nanos
from model.files import as_path, as_text

CLOSE_SECONDS = 5.0
TAKE = "take"  # what notices are about


class Recording:
    """Opens both, and closes them; begins and ends takes meanwhile.

    Args:
        say: says a line on the dashboard, by its level, and what it is about, from any thread.

    Attributes:
        shown: the take's path as the dashboard shows it; "" where none is written.
    """

    def __init__(
        self, options: Options, output: EngineOutput, say: Callable[[NoticeLevel, str, str], None]
    ) -> None:
        self.shown = ""
        self._options, self._output, self._say = options, output, say
        self._ended: list[tuple[Take, threading.Thread]] = []

    def open_log(self) -> None:
        """Open the log that was asked for.

        Raises:
            FailureError: it cannot be written; an engine that follows another one goes on without.
        """
        if not self._options.log:
            return
        try:
            self._output.event_log = EventLog(as_path(self._options.log), on_fault=partial(self._warn, "log"))
        except FailureError as reason:
            if not self._options.revived:
                raise
            self._warn("log", str(reason))

    def _warn(self, about: str, sentence: str) -> None:
        self._say("warning", sentence, about)

    def open_take(self, jam: Jam, now: Nanos) -> None:
        """Begin a take, where the settings want one."""
        if self._options.record or self._options.config.jam.record:
            self._begin(jam, now)

    def switch_take(self, jam: Jam, now: Nanos) -> None:
        """End the take under way, or begin one."""
        if self._output.take is not None:
            self._end()
            return
        self._begin(jam, now)
        if self.shown:
            jam.notices.add("info", f"recording to '{self.shown}'", about=TAKE)

    def _begin(self, jam: Jam, now: Nanos) -> None:
        """Begin a take in the bar that sounds; a file of an earlier one of this engine stays."""
        chosen = as_path(self._options.record) if self._options.record else None
        before = [take.path for take, _ in self._ended]  # perhaps not written yet
        try:
            path = chosen or take_path(self._options.config.jam.take_path, dt.datetime.now().astimezone())
            if path in before:
                path = free_path(path.with_stem(f"{path.stem}.{len(before) + 1}"))
            take = Take(
                path,
                keep_empty=chosen is not None and not before,
                tempo_bpm=jam.transport.tempo_bpm,
                grid=jam.plan.grid,
                parts=take_parts(self._options.config.midi),
                on_fault=partial(self._warn, TAKE),
                on_recovery=lambda: self._say("info", "the take is written again", TAKE),
            )
        except FailureError as reason:
            jam.notices.add("error", str(reason), about=TAKE)
            return
        if jam.transport.running:
            lines = jam.plan.lines
            take.metre(lines.tick_of_bar(lines.bar_of(jam.tick(now))), jam.plan.grid)
        self._output.take = take
        self.shown = as_text(take.path)

    def _end(self) -> None:
        """End the take under way; it is written down on the side."""
        take, self._output.take, self.shown = self._output.take, None, ""
        if take is None:
            return

        def finish() -> None:
            take.close()
            if take.fault:
                self._say("error", take.fault, TAKE)
            else:
                saved = f"the take is in '{take.path}'" if take.saved else "nothing was recorded"
                self._say("info", saved, TAKE)

        thread = threading.Thread(target=finish, name="take-end", daemon=True)
        self._ended.append((take, thread))
        thread.start()

    @property
    def take_lost(self) -> bool:
        """Tell, at the end, whether a take that was asked for by name is not where it was asked for."""
        takes = [*(take for take, _ in self._ended), *([self._output.take] if self._output.take else [])]
        wanted = as_path(self._options.record) if self._options.record else None
        return wanted is not None and not any(take.saved and take.path == wanted for take in takes)

    def close_take(self, guard: Guard) -> None:
        """Write down the take under way, and those that are not written yet."""
        for ended, thread in self._ended:
            thread.join(CLOSE_SECONDS)
            guard.report(ended.fault)
        take = self._output.take
        if take is None:
            return
        guard("the take could not be finished", take.close)
        guard.report(take.fault)
        if take.saved and not take.fault and not self._options.headless:
            guard.report(f"the take is in '{take.path}'")

    def close_log(self, guard: Guard) -> None:
        """Write the log down."""
        log = self._output.event_log
        if log is None:
            return
        known = log.fault
        guard("the log could not be finished", log.close)
        guard.report("" if known else log.fault)
