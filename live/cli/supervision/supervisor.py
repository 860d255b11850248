"""The supervisor: starts the engine and the model process, and starts again whichever dies or stands still.

It lives in the main process, beside the dashboard or alone (headless).  When the engine dies, or does not
beat any more and is killed, the next one ends every note on its outputs and goes on from the jam's memory;
while there is none yet, a process of its own ends them.  It never gives up before somebody asks for the end.
"""

import collections
import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from live.cli.supervision.heartbeat import WATCH_SECONDS, Heart
from live.cli.supervision.silencer_process import named, silenced
from live.cli.supervision.stops import watch_stops
from live.errors import FailureError, TwobarError
from live.ipc.commands import Command, Panic
from live.ipc.jam_memory import JamMemory, ScenesMemory
from live.ipc.launcher import SPOKEN, Launcher, environment
from live.ipc.link import Link, call, is_left, remove_place
from live.ipc.messages import Beat, Bye
from live.ipc.model_process import Process, WorkerKeeper, end_process
from live.ipc.options import Options, encoded
from live.ipc.page_process import spawn_page
from live.ipc.snapshot import ENGINE, Notice, NoticeLevel, Snapshot, ToDashboard
from live.session.keeper import SessionKeeper
from live.timing.clock import hurry

FromEngine = ToDashboard | JamMemory | ScenesMemory | Beat

ENGINE_PATIENCE_SECONDS = 10.0
RETRY_SECONDS = 0.01
CALM_SECONDS = 20.0
PAUSES_SECONDS = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0)
"""Before each start, by the number of deaths and failed starts in the last `CALM_SECONDS`."""

WORKER_SECONDS = 10.0  # a model process that has not called by then will not: it is stopped, or hangs
LAST_WORDS_SECONDS = 1.0
SPARE_SECONDS, SPARE_AGAIN_SECONDS = 5.0, 30.0  # after the first beat; between two looks after a spare
DEAF_SECONDS = 0.5  # two beats at least: a panic does not wait until it is sure that the engine stands
CRASHED = 70  # of `live.engine.guard`, which is not imported here
SPUN = -26  # by SIGVTALRM, which other systems do not number so: see `live.engine.turn_limit`
ORDERLY = (1, 2)  # exit codes with which an engine has said what the user must mend
NOT_OPENED = "the engine could not open its ports in time; does the MIDI system answer?"


class Supervisor:
    """Keeps an engine and a model process alive until it shall end.

    Args:
        launcher: of engines; it may have launched the first one.
        deliver: gets snapshots and notices, on the link's thread; None when headless.
        notify: gets a line for the human about what died and came back.
        begins_with: what the first engine goes on from, as if another had been there before it.
    """

    def __init__(
        self,
        options: Options,
        *,
        launcher: Launcher | None = None,
        deliver: Callable[[ToDashboard], None] | None = None,
        notify: Callable[[Notice], None] = lambda _notice: None,
        begins_with: tuple[JamMemory, ScenesMemory] | None = None,
        keeper: SessionKeeper | None = None,
    ) -> None:
        self._options, self._deliver, self._notify = options, deliver, notify
        self._launcher = launcher or Launcher(quiet=deliver is not None)
        self._engine: Process | None = None
        address = msgspec.json.encode(options.address)
        self._worker = WorkerKeeper(lambda: self._launcher.start_worker(address), needed=self._needs_worker)
        self._page = WorkerKeeper(self._spawn_page)
        self._role = "supervisor"
        self._link: Link[Any] | None = None
        self._ending = threading.Event()
        self._over = threading.Event()
        self._shown = threading.Event()
        self._memory: JamMemory | None
        self._scenes: ScenesMemory | None
        self._memory, self._scenes = begins_with or (None, None)
        self._keeper = keeper
        self._reader: threading.Thread | None = None
        self._heart = Heart()
        self._said_goodbye = self._begun_again = False
        self._stood: Process | None = None
        self._spare_due = SPARE_SECONDS
        self._troubles: collections.deque[float] = collections.deque(maxlen=len(PAUSES_SECONDS))

    # -- start -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start both processes; raises EngineEndedError when everything was asked to end before that."""
        self._start_engine()
        self._worker.start(at_once=True)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def call(self) -> None:
        """Call the engine.

        Raises:
            TwobarError: it ended at once; its sentence, and its exit code.  One without words and with
                code 0: everything was asked to end meanwhile.
        """
        try:
            self._call_engine()
        except EngineEndedError:
            if not self._begin_again():
                raise
        if self._options.page is not None:
            self._page.start()

    def _begin_again(self) -> bool:
        """Start and call another engine after a first one that a signal ended (a library's fault); once."""
        engine = self._engine
        signalled = engine is not None and (engine.poll() or 0) < 0 and engine is not self._stood
        if self._begun_again or not signalled or self._ending.is_set():
            return False
        self._begun_again = True
        self._hang_up()
        self._start_engine()
        self._call_engine()
        return True

    def adopt(self, engine: Process) -> None:
        """Watch over an engine that plays already, whose supervisor has died, but not its model process.

        One that has died, too, is followed.

        Raises:
            TwobarError: it does not answer, or has ended in order.
        """
        self._role, self._engine = "guardian", engine
        watch_stops(engine, lambda: self._put_down(engine), self._over)
        if self._options.page is not None:
            self._page.start()  # in vain as long as the one that plays already has the port
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        try:
            self._call_engine()
        except EngineEndedError:
            if self._ending.is_set() or not is_left(self._options.address):
                raise

    def _needs_worker(self) -> bool:
        """Tell whether to start another model process: always, but beside one that is not ours."""
        return self._role == "supervisor" or self._heart.lonely_seconds > 0

    def _spawn_page(self) -> "subprocess.Popen[bytes]":
        assert self._options.page is not None
        return spawn_page(self._options.page, quiet=self._deliver is not None)

    def _start_engine(self) -> None:
        if self._ending.is_set():
            raise EngineEndedError("", 0)
        self._heart, self._said_goodbye, self._spare_due = Heart(), False, SPARE_SECONDS
        self._engine = engine = self._launcher.start(encoded(self._options))
        watch_stops(engine, lambda: self._put_down(engine), self._over)

    def _call_engine(self) -> None:
        assert self._engine is not None
        end = time.monotonic() + ENGINE_PATIENCE_SECONDS
        while self._link is None:
            status = self._engine.poll()
            if status is not None or self._ending.is_set():
                raise self._ended(status or 0)
            if time.monotonic() > end:
                raise FailureError("the engine did not start in time")
            try:
                self._link = call(self._options.address, self._role, FromEngine)
            except OSError:
                time.sleep(RETRY_SECONDS)
        if self._ending.is_set():
            self._link.send(Bye())  # `end` came before there was a link
        else:
            for memory in (self._scenes, self._memory):
                if memory is not None:
                    self._link.send(memory)
        self._reader = threading.Thread(
            target=self._read, args=(self._link, self._heart), name="read", daemon=True
        )
        self._reader.start()

    def _ended(self, status: int) -> "EngineEndedError":
        """Return the engine's last line as an error; empty where it stood on our own standard error."""
        if self._ending.is_set():
            return EngineEndedError("", orderly_status(status))
        if self._stood is self._engine:
            return EngineEndedError(NOT_OPENED, 1)
        text = "" if status in ORDERLY else f"the engine ended at once with status {status}"
        words = self._launcher.said()
        return EngineEndedError(
            words[-1].removeprefix(SPOKEN) if words else text, status if status in ORDERLY else 1
        )

    def _read(self, link: "Link[Any]", heart: Heart) -> None:
        while (message := link.receive()) is not None:
            if isinstance(message, Beat):
                if self._options.revived and not heart.begun:
                    ended = f"; every note on {', '.join(message.silenced)} was ended" * bool(
                        message.silenced
                    )
                    self._say(f"the engine is back{ended}", "info")
                heart.beat(worker=message.worker, peers=message.peers, sources=message.sources)
                if message.closing:
                    heart.closing()
            elif isinstance(message, JamMemory | ScenesMemory):
                self._remember(message)
            elif isinstance(message, Bye):  # the end is the process's, and `wait` tells of it
                heart.closing()
                self._said_goodbye = True
            else:
                if isinstance(message, Snapshot):
                    self._shown.set()
                if self._deliver is not None:
                    with contextlib.suppress(Exception):  # a screen that is broken must not stop the heart
                        self._deliver(message)

    def _remember(self, message: JamMemory | ScenesMemory) -> None:
        if isinstance(message, JamMemory):
            self._memory = message
        else:
            self._scenes = message
        if self._keeper is not None:
            self._keeper.update(message)

    def wait_shown(self) -> None:
        """Wait until the engine has its ports open and has sent its first snapshot.

        Raises:
            TwobarError: it ended before that.
        """
        assert self._engine is not None
        while not self._shown.wait(0.02):
            status = self._engine.poll()
            if status is not None and not self._begin_again():
                raise self._ended(status)

    # -- while it plays --------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Give the engine a command; lost while it is being started again."""
        link = self._link
        if link is not None:
            link.send(command)

    def panic(self) -> None:
        """End every note: by the engine, or past it where it does not beat.  Threads: any, no handler."""
        self.send(Panic(source="signal"))
        if self._heart.still_seconds > DEAF_SECONDS:
            self._say(f"panic, past an engine that does not answer: {self._silence()}")

    def wait(self) -> int:
        """Block until the engine ends in order or `end` is called; a crashed one is started again."""
        while True:
            assert self._engine is not None
            status = self._engine.wait()
            if self._ending.is_set():
                if self._stood is self._engine:
                    self._say(f"the engine stood still at the end and was killed; {self._silence()}")
                return self._finish(orderly_status(status))
            if self._role == "guardian" and self._said_goodbye and status < 0:
                return self._finish(0)  # an adopted one, whose status nobody tells
            if status == 0 or (status in ORDERLY and (self._heart.begun or not self._options.revived)):
                return self._finish(status)
            if not self._revive(status):
                return self._finish(0)

    def _watch(self) -> None:
        """Kill an engine that stands still, and a model process that does not call it."""
        while not self._over.wait(WATCH_SECONDS):
            with contextlib.suppress(Exception):  # the next look must come
                self._look()

    def _look(self) -> None:
        engine, heart = self._engine, self._heart
        if engine is None or engine.poll() is not None:
            return
        if heart.stands(time.monotonic(), ending=self._ending.is_set()) and heart is self._heart:
            self._put_down(engine)
        elif heart.lonely_seconds > WORKER_SECONDS:
            heart.consoled()  # the next one has as long
            self._worker.renew()
        if heart.lived_seconds > self._spare_due and not self._ending.is_set():
            self._spare_due += SPARE_AGAIN_SECONDS
            self._launcher.keep_spare()

    def _put_down(self, engine: Process) -> None:
        self._stood = engine
        engine.kill()  # first, for a client that stands still holds JACK up

    @property
    def _peers(self) -> list[str]:
        return self._heart.peers or self._options.peers

    @property
    def _plays_to_others(self) -> bool:
        return bool(named(self._options) or self._peers)

    def _silence(self) -> str:
        return silenced(self._options, environment(), peers=self._peers)

    def _revive(self, status: int) -> bool:
        """Start another engine, again and again; False when everything shall end."""
        stood, spun = self._stood is self._engine, status == SPUN
        self._trouble()
        with contextlib.suppress(OSError):  # no memory for one more process: later, perhaps
            hurry(self._launcher.launch().pid)
        if status == CRASHED or stood or spun:
            before, self._memory = self._memory, suspected(self._memory, len(self._troubles))
            if self._keeper is not None and self._memory is not before:
                self._keeper.spare()
        # until the one that follows ends it; also what one that came to no beat was to end of another
        rings = status not in ORDERLY or self._plays_to_others
        if status in ORDERLY:
            what = could_not_start(self._ended(status))
        elif spun:
            what = "the engine was caught in a loop and was ended"
        else:
            what = f"the engine {'stood still and was killed' if stood else 'died'}"
        while True:
            self._hang_up()
            pause = PAUSES_SECONDS[len(self._troubles) - 1]
            if rings and (pause or not self._plays_to_others):
                what, rings = f"{what}; {self._silence()}", False
            self._say(f"{what}; it is started again" + (f" in {pause:g} s" if pause else ""))
            if self._ending.wait(pause):
                return False
            model = self._memory.chosen_model if self._memory is not None else self._options.model
            self._options = msgspec.structs.replace(
                self._options,
                revived=True,
                model=model,
                peers=self._peers,
                sources=self._heart.sources or self._options.sources,
            )
            try:
                self._start_engine()
                self._call_engine()
            except Exception as error:  # noqa: BLE001  whatever it was: another try is the only help
                if self._ending.is_set():
                    return False
                if self._engine is not None:
                    end_process(self._engine)
                self._trouble()
                what = could_not_start(error)
                if rings:
                    what, rings = f"{what}; {self._silence()}", False
            else:
                return True

    def _say(self, text: str, level: NoticeLevel = "error") -> None:
        self._notify(Notice(time.monotonic_ns(), level, text, ENGINE))

    def _trouble(self) -> None:
        """Count a death or a start that failed, and forget those of long ago."""
        now = time.monotonic()
        self._troubles.append(now)
        while now - self._troubles[0] > CALM_SECONDS:
            self._troubles.popleft()

    @property
    def ending(self) -> bool:
        """Whether everything has been asked to end."""
        return self._ending.is_set()

    # -- end -------------------------------------------------------------------------------------

    def end(self) -> None:
        """Ask everything to end; `wait` returns when it has, `start` and `wait_shown` raise.

        Threads: any, but no signal handler (see `EndSignals`).  Safe to call twice.
        """
        self._ending.set()
        link, engine = self._link, self._engine
        if (link is None or not link.send(Bye())) and engine is not None:
            engine.terminate()

    def _finish(self, status: int) -> int:
        self._ending.set()
        if self._engine is not None:
            end_process(self._engine)
        self._launcher.close()
        self._over.set()
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(LAST_WORDS_SECONDS)  # what the engine remembered last
        self._hang_up()
        self._worker.end()
        self._page.end()
        if self._keeper is not None:
            self._keeper.close()
        remove_place(self._options.address)
        return status

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def last_words(self) -> list[str]:
        """Return what the engines said that no dashboard has shown, each line once."""
        return list(dict.fromkeys(self._launcher.said()))

    def abandon(self) -> None:
        """Leave nothing behind after a start that failed."""
        self._finish(1)


class EngineEndedError(TwobarError):
    """The engine's own sentence and exit code; none and 0 when it was asked to end."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.exit_code = code


def orderly_status(status: int) -> int:
    """Return the exit status of a jam that was asked to end, from its engine's: 0 unless that failed."""
    if status in ORDERLY:
        return status
    return 1 if status > 0 else 0


def could_not_start(error: Exception) -> str:
    """Return the sentence about an engine after the first that did not come to play."""
    return f"the engine could not start again{f': {error}' if str(error) else ''}"


def suspected(memory: JamMemory | None, troubles: int) -> JamMemory | None:
    """Return a memory without what may break whoever takes it up.

    Args:
        memory: of the engine that broke.
        troubles: of the last seconds; after the second one there is no base and no anchor any more, but the
            beat goes on; after the fourth it begins anew.
    """
    if memory is None or troubles < 2:
        return memory
    bare = msgspec.structs.replace(memory, state=msgspec.structs.replace(memory.state, base=None, anchors={}))
    return bare if troubles < 4 else msgspec.structs.replace(bare, timeline=None, started=False)
