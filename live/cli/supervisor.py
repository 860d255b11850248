"""The supervisor: starts the engine and the model process, and starts again whichever dies.

It lives in the main process, beside the dashboard or alone (headless).  When the engine dies it opens
the outputs itself and silences every note before it starts the next one, which goes on from the jam's memory.
"""

import collections
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from live.errors import FailureError, TwobarError
from live.ipc.commands import Command
from live.ipc.link import Link, call, remove_place
from live.ipc.memory import JamMemory
from live.ipc.messages import Bye
from live.ipc.model_process import WorkerKeeper, end_process, spawn_worker
from live.ipc.options import Options, to_environment
from live.ipc.snapshot import Snapshot, ToDashboard
from live.timing.midi_bytes import silence

ENGINE = ("-m", "live.engine")
ENGINE_PATIENCE_SECONDS = 10.0
RETRY_SECONDS = 0.01
CALM_SECONDS = 20.0
DEATHS_ALLOWED = 4
ORDERLY = (1, 2)  # exit codes with which an engine has said what the user must mend
SPOKEN = "twobar: "


class Supervisor:
    """Keeps an engine and a model process alive until it shall end.

    Args:
        options: for the engine.
        deliver: gets snapshots and notices, on the link's thread; None when headless.
        notify: gets a sentence for the human about what died and came back.

    """

    def __init__(
        self,
        options: Options,
        *,
        deliver: Callable[[ToDashboard], None] | None = None,
        notify: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Start nothing yet."""
        self._options, self._deliver, self._notify = options, deliver, notify
        self._engine: subprocess.Popen[bytes] | None = None
        self._worker = WorkerKeeper(lambda: spawn_worker(options.address))
        self._link: Link[Any] | None = None
        self._ending = threading.Event()
        self._shown = threading.Event()
        self._memory: JamMemory | None = None
        self._deaths: collections.deque[float] = collections.deque(maxlen=DEATHS_ALLOWED)
        self._complaints = tempfile.TemporaryFile() if deliver else None  # noqa: SIM115  lives as long as we

    # -- start -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start both processes and call the engine.

        Raises:
            TwobarError: the engine ended at once; its sentence, and its exit code.  One without words and
                with code 0: everything was asked to end meanwhile.

        """
        self._start_engine()
        self._worker.start(at_once=True)
        self._call_engine()

    def _start_engine(self) -> None:
        if self._ending.is_set():
            raise EngineEndedError("", 0)
        environment = {**os.environ, **to_environment(self._options)}
        environment.setdefault("JACK_NO_START_SERVER", "1")
        self._engine = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, *ENGINE],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if self._deliver else None,
            stderr=self._complaints,
            start_new_session=True,
        )

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
                self._link = call(self._options.address, "supervisor", ToDashboard | JamMemory)
            except OSError:
                time.sleep(RETRY_SECONDS)
        if self._ending.is_set():
            self._link.send(Bye())  # `end` came before there was a link
        elif self._options.revived and self._memory is not None:
            self._link.send(self._memory)
        threading.Thread(target=self._read, args=(self._link,), name="read", daemon=True).start()

    def _ended(self, status: int) -> "EngineEndedError":
        """Return the engine's last line as an error; empty where it stood on our own standard error."""
        if self._ending.is_set():
            return EngineEndedError("", orderly_status(status))
        text = "" if status in ORDERLY else f"the engine ended at once with status {status}"
        words = self.last_words()
        return EngineEndedError(
            words[-1].removeprefix(SPOKEN) if words else text, status if status in ORDERLY else 1
        )

    def _read(self, link: "Link[Any]") -> None:
        while (message := link.receive()) is not None:
            if isinstance(message, JamMemory):
                self._memory = message
                continue
            if isinstance(message, Bye):  # the end is the process's, and `wait` tells of it
                continue
            if isinstance(message, Snapshot):
                self._shown.set()
            if self._deliver is not None:
                self._deliver(message)

    def wait_shown(self) -> None:
        """Wait until the engine has its ports open and has sent its first snapshot.

        Raises:
            TwobarError: it ended before that.

        """
        assert self._engine is not None
        while not self._shown.wait(0.02):
            status = self._engine.poll()
            if status is not None:
                raise self._ended(status)

    # -- while it plays --------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Give the engine a command; lost while it is being started again."""
        link = self._link
        if link is not None:
            link.send(command)

    def wait(self) -> int:
        """Block until the engine ends in order or `end` is called; a crashed one is started again."""
        while True:
            assert self._engine is not None
            status = self._engine.wait()
            if self._ending.is_set():
                return self._finish(orderly_status(status))
            if status == 0 or status in ORDERLY:
                return self._finish(status)
            if not self._revive(status):
                if self._ending.is_set():
                    return self._finish(0)
                self._notify("the engine keeps dying: giving up")
                return self._finish(1)

    def _revive(self, status: int) -> bool:
        now = time.monotonic()
        self._deaths.append(now)
        if status > 0 and sum(now - death < CALM_SECONDS for death in self._deaths) > 1:
            self._memory = without_music(self._memory)  # what it remembers may be what breaks it
        silenced = silence_outputs(self._options)
        self._notify(f"the engine died; {silenced}; it is started again")
        if len(self._deaths) == DEATHS_ALLOWED and now - self._deaths[0] < CALM_SECONDS:
            return False
        self._hang_up()
        model = self._memory.model if self._memory is not None else self._options.model
        self._options = msgspec.structs.replace(self._options, revived=True, model=model)
        try:
            self._start_engine()
            self._call_engine()
        except TwobarError as error:
            if not self._ending.is_set():
                self._notify(str(error))
            return False
        return True

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
        self._hang_up()
        self._worker.end()
        remove_place(self._options.address)
        return status

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def last_words(self) -> list[str]:
        """Return what the engine said that no dashboard has shown."""
        if self._complaints is None:
            return []
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").splitlines()
        return [line for line in lines if line.startswith(SPOKEN)]

    def abandon(self) -> None:
        """Leave nothing behind after a start that failed."""
        self._finish(1)


class EngineEndedError(TwobarError):
    """The engine's own sentence and exit code; none and 0 when it was asked to end."""

    def __init__(self, text: str, code: int) -> None:
        """Take the sentence and the code."""
        super().__init__(text)
        self.exit_code = code


def orderly_status(status: int) -> int:
    """Return the exit status of a session that was asked to end, from its engine's: 0 unless that failed."""
    if status in ORDERLY:
        return status
    return 1 if status > 0 else 0


def without_music(memory: JamMemory | None) -> JamMemory | None:
    """Return a memory of the controls alone: no base, no anchors, a transport that begins anew."""
    if memory is None:
        return None
    return msgspec.structs.replace(memory, base=None, anchors={}, timeline=None, started=False)


def silence_outputs(options: Options) -> str:
    """Open the named outputs and end every note on them; returns what was done, in words."""
    named = [name for name in options.config.midi.outputs if name not in ("virtual", "fluidsynth", "none")]
    if not named:
        return "its own ports and synth fell silent with it"
    from live.devices.ports import open_output  # noqa: PLC0415  only a broken night pays for this import

    done = []
    for name in named:
        with contextlib.suppress(TwobarError):
            port = open_output(name, api=options.config.midi.api)
            try:
                for data in silence():
                    port.send(data)
                time.sleep(0.05)
            finally:
                port.close()
            done.append(name)
    return f"every note on {', '.join(done)} was ended" if done else "its outputs could not be reached"
