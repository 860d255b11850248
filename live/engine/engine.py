"""The engine process: the clock's own interpreter, the only writer of the jam's state.

Callback threads stamp what arrives, append it to one bounded deque and ring the clock; this loop
drains the deque, lets the jam do what is due, and sleeps until the next thing is.
"""

import contextlib
import gc
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from live.engine import demo
from live.engine.__main__ import CRASHED
from live.engine.closing import Guard
from live.engine.demo import Demo
from live.engine.devices import Rig
from live.engine.output import Outlet
from live.engine.pictures import Pictures
from live.engine.snapshots import lateness, picture
from live.errors import TwobarError
from live.ipc import messages
from live.ipc.link import Link, Switchboard
from live.ipc.messages import Bye, Command, Decoded, Encoded, Failed, Hello, Load, Notice, Ready, Snapshot
from live.ipc.options import Options, from_environment
from live.jam.jam import Jam
from live.record.line_writer import LineWriter
from live.timing.clock import Clock, MonotonicClock, raise_priority
from live.timing.midi_bytes import Received, is_note_on
from live.timing.timeline import Nanos

INBOX_SIZE = 8192
SWITCH_SECONDS = 0.0001
ANSWER_TIMEOUT_NANOS = 3_000_000_000
LOADING_TIMEOUT_NANOS = 60_000_000_000  # a large checkpoint on a slow machine; requests wait behind it
CONNECT_NANOS = 700_000_000  # whoever waits for `ready` connects its cables before the first beat
TIDY_NANOS, QUIET_NANOS = 10_000_000_000, 10_000_000
FLUSH_NANOS = 60_000_000
MESSAGES_A_TURN = 64  # of a storm; then what is due comes first
READY_NANOS = 250_000  # so much ahead a note is made ready, then sent on its moment: Python takes its time
SWAP_NANOS = 400_000  # about twice what swapping a dense phrase in costs
FAULTS_TOLD = 5


class Engine:
    """Wires a jam to the world and runs it.

    Args:
        options: what the supervisor asks for.
        priority: what `raise_priority` returned.
        clock: a test's own.

    """

    def __init__(self, options: Options, *, priority: str, clock: Clock | None = None) -> None:
        """Listen for the other processes; open nothing yet."""
        self.options, self.priority = options, priority
        self.clock = clock or MonotonicClock()
        self.say, self.complain = LineWriter(1), LineWriter(2, prefix="twobar: ")
        self.inbox: deque[tuple[Any, Any]] = deque(maxlen=INBOX_SIZE)
        self.board = Switchboard(options.address, messages.ToEngine, self._arrived)
        self.outlet = Outlet(self.clock)
        self.rig = Rig(options, self.outlet, self._post)
        self.jam: Jam
        self.demo: Demo | None = None
        self.pictures = Pictures(self._picture, per_second=options.config.dashboard.fps)
        self.supervisor: Link[Any] | None = None
        self.ending = False
        self.faults = 0
        self._told_model: dict[Link[Any], str] = {}
        self._demo_tick: int | None = None  # where the demo has got to; None while it rests
        self._asked_nanos = 0
        self._worker_pid = 0
        self._thru_nanos = 0
        self._tidied_nanos = 0
        self._start_nanos: int | None = None
        self._wake: Nanos | None = None

    # -- other threads ---------------------------------------------------------------------------

    def _arrived(self, link: "Link[Any]", message: object) -> None:
        if isinstance(message, Hello) and message.role == "worker":
            # answered here: a model loads while the ports are still being opened
            self._told_model[link] = model = self._model()
            link.send(Load(model))
        self.inbox.append((link, message))
        self.clock.wake()

    def _post(self, item: object) -> None:
        self.inbox.append((None, item))
        self.clock.wake()

    def _model(self) -> str:
        """Return the model that is wanted."""
        wanted = self.jam.wanted_model if hasattr(self, "jam") else ""
        return wanted or self.options.config.jam.model

    # -- life ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open ports and synth until thru works; raises TwobarError for what the user must mend."""
        if self.options.headless:
            self.outlet.complain = self.complain
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
            self.say(json.dumps({"ready": what, "ms": ms, **more}))

    def run(self) -> None:
        """Play until told to end; whatever a turn of the loop throws, the next one comes."""
        end = None
        if self.options.duration_s is not None:
            begun = self.options.start_nanos or self.clock.now()
            end = begun + round(self.options.duration_s * 1e9)  # an engine after a crash ends no later
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
        self.jam.at(now)
        self._take_messages(now)
        coming = [now + 1_000_000_000]
        if self._start_nanos is not None:
            if now >= self._start_nanos:
                self._start_nanos = None
                if self.options.revived:
                    self.jam.hush(now)  # what the engine before left sounding, now that cables are back
                self.jam.start(now)
            else:
                coming.append(self._start_nanos)
        if self.demo is not None:
            coming += self._play_demo(self.demo, now)
        wake = self.jam.advance(Nanos(now + READY_NANOS))
        self._wake = None if wake is None else Nanos(wake - READY_NANOS)
        if self._wake is not None:
            coming.append(self._wake)
        if self.inbox:
            coming.append(self._wake if self._wake is not None and self._sends_soon(now) else now)
        coming.append(self.pictures.show(now, min(coming)))
        self._watch_worker(now)
        return coming

    def _take_messages(self, now: Nanos) -> None:
        """Handle what has arrived; an answer of the model waits for a note that is due this moment."""
        busy = self._sends_soon(now)
        waiting = []
        for _ in range(min(MESSAGES_A_TURN, len(self.inbox))):
            link, item = self.inbox.popleft()
            if busy and isinstance(item, Encoded | Decoded):
                waiting.append((link, item))
            else:
                self._handle(link, item, now)
        self.inbox.extendleft(reversed(waiting))

    def _sends_soon(self, now: Nanos) -> bool:
        return self._wake is not None and self._wake - now < SWAP_NANOS

    def _play_demo(self, player: Demo, now: Nanos) -> list[int]:
        """Play what is due of the demo; it follows every start and stop, whoever asked for it."""
        transport = self.jam.transport
        tick = transport.tick(now) if transport.running else None
        if self._demo_tick is not None and (tick is None or tick < self._demo_tick):
            self.jam.hands.release(now, port=demo.PORT)
            player.restart()
        self._demo_tick = tick
        if tick is None:
            return []
        for cue in player.due(tick):
            if cue.command is not None:
                self.jam.controls.run(cue.command, now)
            else:
                moment = transport.timeline.nanos(cue.tick)
                self.jam.hands.received(Received(moment, cue.data, demo.PORT), now)
        return [transport.timeline.nanos(player.next_tick())]

    def _picture(self, now: Nanos) -> Snapshot:
        return picture(
            self.jam,
            now,
            ports=self.rig.port_views(),
            recording=self.rig.recording,
            priority=self.priority,
            mapping=self.rig.mapping_name,
        )

    # -- what arrives ----------------------------------------------------------------------------

    def _handle(self, link: "Link[Any] | None", item: object, now: Nanos) -> None:
        if isinstance(item, Received):
            if self.demo is not None and self._plays(item.data):
                self._stop_demo(now)
            self.jam.hands.received(item, now)
        elif isinstance(item, Command):
            self._command(item, now)
        elif isinstance(item, messages.Answer):
            self._from_worker(item, now)
        elif isinstance(item, Hello) and link is not None:
            self._hello(link, item)
        elif item is None and link is not None:
            self._gone(link)
        elif isinstance(item, Bye):
            self.ending |= link is None or link is self.supervisor
        elif callable(item):
            item(now)
        elif isinstance(item, Notice):
            self.jam.notice(item.level, item.text)

    def _plays(self, data: bytes) -> bool:
        """Tell whether she plays a note; a pad that is bound to an action is none."""
        return is_note_on(data) and not (self.jam.mapper is not None and self.jam.mapper.consumes(data))

    def _stop_demo(self, now: Nanos) -> None:
        self.demo = None
        self.jam.hands.release(now, port=demo.PORT)
        self.jam.notice("info", "you play: the demo has ended")

    def _command(self, command: Command, now: Nanos) -> None:
        if command.name == "quit":
            self.ending = True
            return
        if command.name in ("start", "stop", "toggle"):
            self._start_nanos = None
        self.jam.controls.run(command, now)

    def _from_worker(self, item: messages.Answer, now: Nanos) -> None:
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
                self.outlet.worker.send(Bye())  # one is enough
                self.outlet.worker.close()
            self.outlet.worker, self._worker_pid = link, hello.pid
            self._asked_nanos = 0
            self.jam.model_state = "loading"
            if self._told_model.pop(link, "") != self._model():  # chosen in the meantime
                link.send(Load(self._model()))
            return
        if hello.role == "supervisor":
            self.supervisor = link
        if hello.role == "dashboard" or not self.options.headless:
            self.pictures.watchers.append(link)

    def _gone(self, link: "Link[Any]") -> None:
        if link is self.outlet.worker:
            self.outlet.worker = None
            self.jam.worker_lost()
            self.jam.notice("error", "the model process has gone: bars repeat until it is back")
            if self.supervisor is None:
                self.rig.keep_worker()
        elif link in self.pictures.watchers:
            self.pictures.watchers.remove(link)
        if link is self.supervisor:
            self.supervisor = None
            if self.options.headless:
                self.ending = True
            else:
                self.jam.notice("warning", "the dashboard has gone: the music goes on, see `twobar attach`")
                if self.outlet.worker is None:
                    self.rig.keep_worker()

    def _watch_worker(self, now: Nanos) -> None:
        """Hang up on a model process that has kept silent for too long; its end brings a new one."""
        waiting = self.jam.answers.waiting
        loading = self.jam.model_state == "loading"
        if not waiting or self.outlet.worker is None:
            self._asked_nanos = 0
        elif not self._asked_nanos:
            self._asked_nanos = now
        elif now - self._asked_nanos > (LOADING_TIMEOUT_NANOS if loading else ANSWER_TIMEOUT_NANOS):
            self._asked_nanos = 0
            self.jam.notice("error", "the model process does not answer: it is started anew")
            self.outlet.worker.close()
            if self._worker_pid:
                with contextlib.suppress(OSError):
                    os.kill(
                        self._worker_pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM
                    )

    def close(self) -> None:
        """Silence, write everything down, close everything; safe after a failed `open`, and never raises."""
        guard = Guard(self.complain)
        if hasattr(self, "jam"):
            if not guard("the last notes could not be ended", lambda: self.jam.shutdown(self.clock.now())):
                self.rig.silence(guard)
            guard("the summary could not be logged", self._summarize)
            self._flush()
        for link in dict.fromkeys([*self.pictures.watchers, self.outlet.worker, self.supervisor]):
            if link is not None:
                guard("another process was not told of the end", partial(link.send, Bye()))
        self.rig.close(guard)
        guard("the links' socket could not be closed", self.board.close)
        self.say.close()
        self.complain.close()

    def _summarize(self) -> None:
        view = lateness(list(self.jam.lateness_nanos))
        self.outlet.log(
            "summary",
            notes=view.count,
            lateness_us={"p50": view.p50, "p99": view.p99, "worst": view.worst},
            missed_bars=self.jam.answers.missed_bars,
            dropped_notes=self.jam.dropped_notes,
            faults=self.faults,
            **self.outlet.left_out(),
        )

    def _flush(self) -> None:
        """Wait until JACK has sent what it was given: it does so in its next periods."""
        end = self.clock.now() + FLUSH_NANOS
        while self.clock.now() < end:  # a bell ends a wait
            self.clock.wait_until(Nanos(end))


def on_signals(end: Callable[[], None]) -> None:
    """Let SIGTERM and SIGHUP end the engine in order; SIGINT is the supervisor's."""

    def handler(_number: int, _frame: object) -> None:
        end()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, handler)


def main() -> int:
    """Run the engine that the environment describes; exit status, CRASHED for what is worth another try."""
    engine = None
    text, status = "", 0
    try:
        priority = raise_priority()
        sys.setswitchinterval(SWITCH_SECONDS)
        engine = Engine(from_environment(), priority=priority)
        on_signals(lambda: engine._post(Bye()))  # noqa: SLF001  its own process
        engine.open()
        gc.collect()
        gc.freeze()
        gc.disable()
        engine.run()
    except TwobarError as error:
        text, status = f"twobar: {error}\n", error.exit_code
    except Exception as fault:  # noqa: BLE001  told apart from what the user must mend: it is tried again
        text, status = f"twobar: a fault in the engine: {fault!r}\n", CRASHED
    if engine is not None:
        engine.close()
    with contextlib.suppress(OSError):
        sys.stderr.write(text)  # last: what stands there last is what the dashboard's process shows
    return status
