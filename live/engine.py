"""The engine process: the clock's own interpreter, the only writer of the jam's state.

Callback threads stamp what arrives, append it to one bounded deque and ring the clock; this loop
drains the deque, lets the jam do what is due, and sleeps until the next thing is.
"""

import contextlib
import gc
import json
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from live.clock import MonotonicClock, raise_priority
from live.demo import Demo
from live.errors import TwobarError
from live.events import Received
from live.jam import Jam
from live.link import Link, Switchboard
from live.messages import Bye, Command, Decoded, Encoded, Failed, Hello, Load, Notice, Ready, Warped
from live.options import Options, from_environment
from live.outlet import Outlet
from live.rig import Rig
from live.snapshot import lateness, picture
from live.timeline import Nanos

FromOutside = Hello | Ready | Encoded | Decoded | Warped | Failed | Command | Bye

INBOX_SIZE = 8192
SWITCH_SECONDS = 0.0001
ANSWER_TIMEOUT_NANOS = 3_000_000_000
CONNECT_NANOS = 700_000_000  # whoever waits for `ready` connects its cables before the first beat
TIDY_NANOS, QUIET_NANOS = 10_000_000_000, 10_000_000
FLUSH_NANOS = 60_000_000
FAULTS_TOLD = 5
CRASHED = 70


class Engine:
    """Wires a jam to the world and runs it.

    Args:
        options: what the supervisor asks for.
        priority: what `raise_priority` returned.

    """

    def __init__(self, options: Options, *, priority: str) -> None:
        """Listen for the other processes; open nothing yet."""
        self.options, self.priority = options, priority
        self.clock = MonotonicClock()
        self.inbox: deque[tuple[Any, Any]] = deque(maxlen=INBOX_SIZE)
        self.board = Switchboard(options.address, FromOutside, self._arrived)
        self.outlet = Outlet(self.clock)
        self.rig = Rig(options, self.outlet, self._post)
        self.jam: Jam
        self.demo: Demo | None = None
        self.watchers: list[Link[Any]] = []
        self.supervisor: Link[Any] | None = None
        self.ending = False
        self.faults = 0
        self._asked_nanos = 0
        self._snapshot_nanos = 0
        self._worker_pid = 0
        self._thru_nanos = 0
        self._tidied_nanos = 0
        self._start_nanos: int | None = None

    # -- other threads ---------------------------------------------------------------------------

    def _arrived(self, link: "Link[Any]", message: object) -> None:
        self.inbox.append((link, message))
        self.clock.wake()

    def _post(self, item: object) -> None:
        self.inbox.append((None, item))
        self.clock.wake()

    # -- life ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open ports and synth until thru works; raises TwobarError for what the user must mend."""
        if self.options.headless:
            self.outlet.complain = complainer()
        mapper = self.rig.mapper()
        self.jam = Jam(self.options.config, self.outlet, mapper=mapper)
        self.jam.advance(self.clock.now())
        self.rig.open(self.jam, self.clock.now())
        if self.options.demo == "on" or (self.options.demo == "auto" and not self.rig.listening):
            self.demo = Demo()
        self._thru_nanos = self.clock.now()
        self._ready("thru")
        self.jam.load()
        self.rig.open_rest(self.jam)

    def _ready(self, what: str, **more: object) -> None:
        ms = round((self.clock.now() - self.options.start_nanos) / 1e6, 1)
        self.outlet.log("ready", what=what, ms=ms)
        if self.options.headless:
            sys.stdout.write(json.dumps({"ready": what, "ms": ms, **more}) + "\n")
            sys.stdout.flush()

    def run(self) -> None:
        """Play until told to end; whatever a turn of the loop throws, the next one comes."""
        end = None
        if self.options.duration_s is not None:
            end = self.clock.now() + round(self.options.duration_s * 1e9)
        while not self.ending:
            now = self.clock.now()
            if end is not None and now >= end:
                break
            try:
                coming = self._turn(now)
            except Exception as fault:  # noqa: BLE001  the music goes on, and the fault is told
                coming = [self._fault(fault, now)]
            if end is not None:
                coming.append(end)
            self._tidy(now, min(coming))
            self.clock.wait_until(Nanos(min(coming)))

    def _tidy(self, now: int, coming: int) -> None:
        """Collect young garbage in a quiet moment: the collector itself is off, nothing else may grow."""
        if now - self._tidied_nanos > TIDY_NANOS and coming - now > QUIET_NANOS:
            self._tidied_nanos = now
            gc.collect(0)

    def _fault(self, fault: Exception, now: int) -> int:
        self.faults += 1
        if self.faults <= FAULTS_TOLD:
            self.jam.notice(
                "error", f"a fault in the engine, the music goes on: {type(fault).__name__}: {fault}"
            )
            self.outlet.log("fault", text=repr(fault))
        return now + 1_000_000

    def _turn(self, now: Nanos) -> list[int]:
        while self.inbox:
            self._handle(*self.inbox.popleft(), now)
        coming = [now + 1_000_000_000]
        if self.demo is not None and self.jam.transport.running:
            coming.append(self._play_demo(self.demo, now))
        if self._start_nanos is not None:
            if now >= self._start_nanos:
                self._start_nanos = None
                self.jam.start(now)
            else:
                coming.append(self._start_nanos)
        wake = self.jam.advance(now)
        if wake is not None:
            coming.append(wake)
        coming.append(self._show(now))
        self._watch_worker(now)
        return coming

    def _play_demo(self, demo: Demo, now: Nanos) -> int:
        timeline = self.jam.transport.timeline
        for cue in demo.due(timeline.tick(now)):
            if cue.command is not None:
                self.jam.controls.run(cue.command, now)
            else:
                self.jam.hands.received(Received(timeline.nanos(cue.tick), cue.data, "demo"), now)
        return timeline.nanos(demo.next_tick())

    def _show(self, now: Nanos) -> int:
        if not self.watchers:
            return now + 1_000_000_000
        period = 1_000_000_000 // self.options.config.dashboard.fps
        if now - self._snapshot_nanos >= period:
            self._snapshot_nanos = now
            shot = picture(
                self.jam,
                now,
                ports=self.rig.port_views(),
                recording=self.rig.recording,
                priority=self.priority,
                mapping=self.rig.mapping_name,
            )
            for watcher in self.watchers:
                watcher.send(shot, droppable=True)
        return self._snapshot_nanos + period

    # -- what arrives ----------------------------------------------------------------------------

    def _handle(self, link: "Link[Any] | None", item: object, now: Nanos) -> None:
        if isinstance(item, Received):
            if self.demo is not None and item.data[:1] >= b"\x80" and item.data[0] & 0xF0 == 0x90:
                self._stop_demo(now)
            self.jam.hands.received(item, now)
        elif isinstance(item, Command):
            self._command(item, now)
        elif isinstance(item, Ready | Encoded | Decoded | Warped | Failed):
            self._from_worker(item, now)
        elif isinstance(item, Hello) and link is not None:
            self._hello(link, item)
        elif item is None and link is not None:
            self._gone(link)
        elif isinstance(item, Bye):
            self.ending = link is None or link is self.supervisor
        elif callable(item):
            item(now)
        elif isinstance(item, Notice):
            self.jam.notice(item.level, item.text)

    def _stop_demo(self, now: Nanos) -> None:
        self.demo = None
        self.jam.hands.release(now)
        self.jam.notice("info", "you play: the demo has ended")

    def _command(self, command: Command, now: Nanos) -> None:
        if command.name == "quit":
            self.ending = True
            return
        if command.name in ("start", "stop", "toggle"):
            self._start_nanos = None
        self.jam.controls.run(command, now)
        if command.name in ("start", "toggle") and self.demo is not None:
            self.demo.restart()

    def _from_worker(self, item: Ready | Encoded | Decoded | Warped | Failed, now: Nanos) -> None:
        self._asked_nanos = 0
        first = self.jam.answers.model is None
        self.jam.from_worker(item, now)
        if isinstance(item, Ready):
            self._ready("model", model=item.model, runtime=item.runtime)
        given_up = isinstance(item, Failed) and item.ident is None
        if first and (isinstance(item, Ready) or given_up) and not self.jam.transport.running:
            self._start_nanos = max(now, self._thru_nanos + CONNECT_NANOS)

    def _hello(self, link: "Link[Any]", hello: Hello) -> None:
        if hello.role == "worker":
            if self.outlet.worker is not None:
                self.outlet.worker.close()
            self.outlet.worker, self._worker_pid = link, hello.pid
            if self.jam.wanted_model:
                link.send(Load(self.jam.wanted_model))
            return
        if hello.role == "supervisor":
            self.supervisor = link
        if hello.role == "dashboard" or not self.options.headless:
            self.watchers.append(link)

    def _gone(self, link: "Link[Any]") -> None:
        if link is self.outlet.worker:
            self.outlet.worker = None
            self.jam.worker_lost()
            self.jam.notice("error", "the model process has gone: bars repeat until it is back")
            if self.supervisor is None:
                self.rig.start_worker(self.jam.loading)
        elif link in self.watchers:
            self.watchers.remove(link)
        if link is self.supervisor:
            self.supervisor = None
            if self.options.headless:
                self.ending = True
            else:
                self.jam.notice("warning", "the dashboard has gone: the music goes on, see `twobar attach`")

    def _watch_worker(self, now: Nanos) -> None:
        """Hang up on a model process that has kept silent for too long; its end brings a new one."""
        waiting = self.jam.answers.waiting
        if not waiting or self.outlet.worker is None:
            self._asked_nanos = 0
        elif not self._asked_nanos:
            self._asked_nanos = now
        elif now - self._asked_nanos > ANSWER_TIMEOUT_NANOS:
            self._asked_nanos = 0
            self.jam.notice("error", "the model process does not answer: it is started anew")
            self.outlet.worker.close()
            if self._worker_pid:
                with contextlib.suppress(OSError):
                    os.kill(
                        self._worker_pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM
                    )

    def close(self) -> None:
        """Silence, write everything down, close everything; safe after a failed `open`."""
        now = self.clock.now()
        if hasattr(self, "jam"):
            self.jam.shutdown(now)
            view = lateness(list(self.jam.lateness_nanos))
            self.outlet.log(
                "summary",
                notes=view.count,
                lateness_us={"p50": view.p50, "p99": view.p99, "worst": view.worst},
                missed_bars=self.jam.answers.missed_bars,
                dropped_notes=self.jam.dropped_notes,
                faults=self.faults,
            )
            self.clock.wait_until(Nanos(now + FLUSH_NANOS))  # JACK sends in its next periods
        for link in [*self.watchers, self.outlet.worker, self.supervisor]:
            if link is not None:
                link.send(Bye())
        self.rig.close()
        self.board.close()


def complainer() -> Callable[[str], None]:
    """Return what puts a line on standard error, from a thread of its own: a full pipe stops nobody."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def write() -> None:
        while True:
            text = lines.get()
            with contextlib.suppress(OSError):
                sys.stderr.write(f"twobar: {text}\n")
                sys.stderr.flush()

    threading.Thread(target=write, name="complain", daemon=True).start()
    return lines.put


def on_signals(end: Callable[[], None]) -> None:
    """Let SIGTERM and SIGHUP end the engine in order; SIGINT is the supervisor's."""

    def handler(_number: int, _frame: object) -> None:
        end()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, handler)


def main() -> int:
    """Run the engine that the environment describes; exit status."""
    priority = raise_priority()
    sys.setswitchinterval(SWITCH_SECONDS)
    engine = Engine(from_environment(), priority=priority)
    on_signals(lambda: engine._post(Bye()))  # noqa: SLF001  its own process
    try:
        engine.open()
    except TwobarError as error:
        sys.stderr.write(f"twobar: {error}\n")
        engine.close()
        return error.exit_code
    except Exception as fault:  # noqa: BLE001  told apart from what the user must mend: it is tried again
        sys.stderr.write(f"twobar: a fault in the engine: {fault!r}\n")
        engine.close()
        return CRASHED
    gc.collect()
    gc.freeze()
    gc.disable()
    engine.run()
    engine.close()
    return 0
