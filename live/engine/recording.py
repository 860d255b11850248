"""What is written down of a jam: the take, and the event log.

Owns: which take was asked for, and where it is.  Threads: engine only.
Tested in tests/live/engine/test_devices.py, tests/live/engine/test_closing.py.
"""

import datetime as dt
from collections.abc import Callable

from live.engine.closing import Guard
from live.engine.output import EngineOutput
from live.errors import FailureError
from live.ipc.options import Options
from live.jam.jam import Jam
from live.jam.parts import take_parts
from live.record.event_log import EventLog
from live.record.take import Take, take_path
from model.files import as_path, as_text


class Recording:
    """Opens both, and closes them.

    Args:
        options: what was asked for.
        output: writes to them.
        warn: says a line on the dashboard, from any thread.

    Attributes:
        shown: the take's path as the dashboard shows it; "" where none is written.

    """

    def __init__(self, options: Options, output: EngineOutput, warn: Callable[[str], None]) -> None:
        """Open nothing yet."""
        self.shown = ""
        self._options, self._output, self._warn = options, output, warn

    def open_log(self) -> None:
        """Open the log that was asked for.

        Raises:
            FailureError: it cannot be written; an engine that follows another one goes on without.

        """
        if not self._options.log:
            return
        try:
            self._output.event_log = EventLog(as_path(self._options.log), on_fault=self._warn)
        except FailureError as reason:
            if not self._options.revived:
                raise
            self._warn(str(reason))

    def open_take(self, jam: Jam) -> None:
        """Open the take, where one is wanted."""
        if not (self._options.record or self._options.config.jam.record):
            return
        chosen = as_path(self._options.record) if self._options.record else None
        try:
            path = chosen or take_path(self._options.config.jam.take_path, dt.datetime.now().astimezone())
            self._output.take = Take(
                path,
                keep_empty=chosen is not None,
                tempo_bpm=jam.transport.tempo_bpm,
                grid=jam.plan.grid,
                parts=take_parts(self._options.config.midi),
                on_fault=self._warn,
            )
        except FailureError as reason:
            jam.notices.add("error", str(reason))
        else:
            self.shown = as_text(path)

    @property
    def take_lost(self) -> bool:
        """Tell, at the end, whether a take that was asked for by name is not where it was asked for."""
        take = self._output.take
        return bool(self._options.record) and not (
            take is not None and take.kept and take.path == as_path(self._options.record)
        )

    def close_take(self, guard: Guard) -> None:
        """Write the take down."""
        take = self._output.take
        if take is None:
            return
        guard("the take could not be finished", take.close)
        guard.report(take.fault)
        if take.kept and not take.fault and not self._options.headless:
            guard.report(f"the take is in '{take.path}'")

    def close_log(self, guard: Guard) -> None:
        """Write the log down."""
        log = self._output.event_log
        if log is None:
            return
        known = log.fault
        guard("the log could not be finished", log.close)
        guard.report("" if known else log.fault)
