"""The engine's link to the model process: which one counts, what it is to load, and what it owes.

A model process that calls is told on the link's thread what to load; the engine takes it up a turn later.
One that owes an answer for too long is ended, and its end brings a new one, with another model where it is
the model's fault: the last one that has answered, or the one that every installation has.  What it waits for
a processor, where others are busy, is not its fault, and a new one would wait as long.
Threads: engine only, but for `welcome`.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from live.engine.output import EngineOutput
from live.ipc.link import Link
from live.ipc.messages import Answer, Bye, Decoded, Encoded, Hello, Load, LoadFailed
from live.jam.asking.model_choice import MODEL
from live.jam.jam import Jam
from live.settings.schema import Config, JamSettings
from live.timing.timeline import Nanos

ANSWER_TIMEOUT_NANOS = 3_000_000_000
LOADING_TIMEOUT_NANOS = 30_000_000_000  # a large checkpoint on a slow machine; requests wait behind it
CHANGING_TIMEOUT_NANOS = 20_000_000_000  # the same while another model could play
ABSENT_NANOS = 10_000_000_000  # in which the first one has come, also on a slow machine
HANGS_NANOS = 60_000_000_000  # in which a second hang is the model's fault,
DEATHS = 3  # or so many deaths over it
STANDARD_MODEL = JamSettings().model


def processor_wait_nanos(pid: int) -> int:
    """Return how long a process (its first thread) has waited for a processor; 0 where that is not known."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0


class Greeting(NamedTuple):
    """A model process that has called, and the model that it was told to load."""

    hello: Hello
    model: str


class WorkerLink:
    """Greets model processes, and hangs up on one that does not answer.

    Args:
        jam: what the models play for; its `model_state` and wanted model are read and set.
        waited: tells for how many nanoseconds a process has waited for a processor.
    """

    def __init__(
        self,
        jam: Jam,
        output: EngineOutput,
        *,
        settings: Config,
        waited: Callable[[int], int] = processor_wait_nanos,
    ) -> None:
        self._waited, self._waited_before = waited, 0
        self._jam, self._output, self._settings = jam, output, settings
        self._pid = 0
        self._asked_nanos = Nanos(0)
        self._proven = ""  # the last model that has answered
        self._hang: tuple[str, Nanos] | None = None
        self._hung: Link[Any] | None = None  # to the process that was ended for it
        self._deaths: list[tuple[str, Nanos]] = []  # of processes that owed an answer
        self._absent_nanos = Nanos(0)  # since when the first one has been waited for

    @property
    def wanted(self) -> str:
        """Return the model that is wanted."""
        return self._jam.model_choice.wanted or self._settings.jam.model

    def welcome(self, link: Link[Any], hello: Hello) -> Greeting:
        """Tell a model process what to load, on any thread: it loads while the ports are still opened."""
        model = self.wanted
        link.send(self._load(model))
        return Greeting(hello, model)

    def greet(self, link: Link[Any], greeting: Greeting) -> None:
        """Ask this model process from now on; the one before is told goodbye, for one is enough."""
        if self._output.worker is not None:
            self._output.worker.send(Bye())
            self._output.worker.close()
        self._output.worker, self._pid = link, greeting.hello.pid
        self._asked_nanos = Nanos(0)
        self._jam.model_choice.state = "loading"
        if greeting.model != self.wanted:  # chosen in the meantime
            link.send(self._load(self.wanted))
        self._jam.worker_came()

    def load_wanted(self) -> None:
        """Have the wanted model loaded, where there is a model process: the next one is told by `welcome`."""
        if self._output.worker is not None:
            self._jam.model_choice.state = "loading"
            self._output.worker.send(self._load(self.wanted))

    def _load(self, model: str) -> Load:
        """Return the request to load a model, which must play the metre that is wanted."""
        settings = self._settings.model
        return Load(
            model, self._jam.dialogue.metre, settings.split, settings.device, settings.candidates_wanted
        )

    def answered(self, answer: Answer) -> None:
        """Begin the wait for the next answer anew; a model that answers requests has proved itself."""
        self._asked_nanos = Nanos(0)
        if isinstance(answer, Encoded | Decoded) and self._jam.model_choice.state == "ready":
            self._proven = self.wanted
        if isinstance(answer, LoadFailed) and self._jam.model_choice.state == "none":
            self._replace()

    def _replace(self) -> None:
        """Have the standard model loaded where the one that was asked for cannot be: it plays, then."""
        if self.wanted != STANDARD_MODEL:
            self._jam.notices.add("warning", f"'{STANDARD_MODEL}' plays instead")
            self._jam.model_choice.give_up(STANDARD_MODEL)
            self.load_wanted()

    def watch(self, now: Nanos) -> None:
        """End a model process that owes an answer for too long; say so where none has ever come."""
        worker, loading = self._output.worker, self._jam.model_choice.state == "loading"
        if worker is None and loading:
            self._absent_nanos = self._absent_nanos or now
            if now - self._absent_nanos > ABSENT_NANOS:
                self._jam.model_choice.state = "lost"
                missing = "no model process has come yet: `twobar doctor` says what is missing"
                self._jam.notices.add("error", missing, about=MODEL)
        if worker is None or worker is self._hung or not (loading or self._jam.dialogue.waiting):
            self._asked_nanos = Nanos(0)
        elif not self._asked_nanos:
            self._asked_nanos, self._waited_before = now, self._waited(self._pid)
        elif now - self._asked_nanos > self._patience_nanos(loading=loading):
            waited = self._waited(self._pid)
            if waited > self._waited_before:
                self._asked_nanos = Nanos(self._asked_nanos + waited - self._waited_before)
                self._waited_before = waited
                if now - self._asked_nanos <= self._patience_nanos(loading=loading):
                    return
            self._asked_nanos = Nanos(0)
            self._blame(now, loading=loading)
            self._hung = worker
            worker.close()
            if self._pid:
                with contextlib.suppress(OSError):
                    os.kill(self._pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)

    def lost(self, now: Nanos) -> None:
        """Take that it has ended by itself; a model over which it does so again and again is given up."""
        if not self._asked_nanos:
            return
        self._asked_nanos, bad = Nanos(0), self.wanted
        recent = [one for one in self._deaths if one[0] == bad and now - one[1] < HANGS_NANOS]
        self._deaths = [*recent, (bad, now)]
        if len(self._deaths) >= DEATHS and (instead := self._instead(bad)) != bad:
            self._give_up(bad, instead, "ends its process again and again")

    def _instead(self, bad: str) -> str:
        """Return what plays in place of a model; itself where there is no other."""
        return self._proven if self._proven not in ("", bad) else STANDARD_MODEL

    def _give_up(self, bad: str, instead: str, what: str) -> None:
        self._jam.notices.add("error", f"model '{bad}' {what}: it is given up, and '{instead}' plays")
        self._jam.model_choice.give_up(instead)

    def _patience_nanos(self, *, loading: bool) -> int:
        if not loading:
            return ANSWER_TIMEOUT_NANOS
        return CHANGING_TIMEOUT_NANOS if self._proven not in ("", self.wanted) else LOADING_TIMEOUT_NANOS

    def _blame(self, now: Nanos, *, loading: bool) -> None:
        """Say what hangs; where it is the model, let another one be loaded by the next process."""
        bad, before, self._hang = self.wanted, self._hang, (self.wanted, now)
        again = before is not None and before[0] == bad and now - before[1] < HANGS_NANOS
        instead = self._instead(bad)
        if instead == bad or not (loading or again or self._proven not in ("", bad)):
            self._jam.notices.add(
                "error", "the model process does not answer: it is started anew", about=MODEL
            )
            return
        self._give_up(bad, instead, "does not finish loading" if loading else "does not answer")
