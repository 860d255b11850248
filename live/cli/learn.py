"""The command `learn`: binds controls without a dashboard, with the recogniser that it has."""

import queue
import sys
import time
from collections.abc import Callable, Iterable

from live.control.desk import Desk, Learned
from live.control.mappings import mapping_writer
from live.control.mappings.mapping_file import describe, does
from live.devices import ports
from live.devices.names import spoken_name
from live.errors import FailureError, UsageError
from live.settings.knobs import KNOBS, bindable
from live.timing.midi_bytes import Received
from model.errors import did_you_mean

PATIENCE_S = 30.0
LOOK_S = 0.05

Ask = Callable[[], str]


def listing() -> Iterable[str]:
    """Return a line for all that can be learned."""
    for name, text in bindable().items():
        yield f"{name:<18}{text}".rstrip()


def learn_one(
    desk: Desk,
    target: str,
    arrivals: "queue.SimpleQueue[Received]",
    say: Callable[[str], object],
    *,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], int] = time.monotonic_ns,
) -> Learned:
    """Wait for a touch, and bind it; nothing is written.

    Raises:
        UsageError: there is neither knob nor action of that name.
        FailureError: nothing came that could be bound, in all that time.
    """
    desk.learn(target)
    lesson = desk.lesson
    assert lesson is not None
    said = lesson.view().text
    say(f"{lesson.target}: {said}")
    begun, came = clock(), False
    while clock() - begun < patience_s * 1e9:
        try:
            received = arrivals.get(timeout=LOOK_S)
        except queue.Empty:
            pass
        else:
            came = True
            desk.feed(received)
        learned = desk.advance(clock())
        if learned is not None:
            return learned
        if lesson.view().text != said:
            said = lesson.view().text
            say(said)
    what = "what came cannot be bound" if came else "nothing came; is it in a mode that sends MIDI?"
    raise FailureError(f"{lesson.target} was not learned: {what} `twobar ports` lists what is plugged in")


def learn(
    targets: Iterable[str], *, source: str, api: str, mapping: str, say: Callable[[str], object]
) -> None:
    """Learn one thing after another from the controllers that are plugged in, and write each down.

    Raises:
        UsageError, FailureError: see `learn_one`; or no controller is there.
    """
    arrivals: queue.SimpleQueue[Received] = queue.SimpleQueue()
    knobs = {spec.name: spec.rest for spec in KNOBS.values()}
    desk = Desk(knobs.__getitem__, choice=mapping, say=say)
    opened = ports.open_inputs(source, api=api, deliver=arrivals.put)
    if not opened:
        raise FailureError("no controller is plugged in; `twobar ports` lists what there is")
    try:
        for port in opened:
            desk.plug(port.name)
        for target in targets:
            learned = learn_one(desk, target, arrivals, say)
            written = mapping_writer.write(
                learned.path, learned.port, learned.control, fitting=learned.fitting
            )
            control = learned.control
            say(f"{spoken_name(learned.port)} · {describe(control)} is {does(control)}: {written.path}")
    finally:
        for port in opened:
            port.close()


def asked(say: Callable[[str], object], ask: Ask) -> Iterable[str]:
    """Ask for one name after another, until none is said; a wrong one is told, with the nearest."""
    while True:
        say("what is it to do? a knob or an action, as density or capture A; nothing ends it")
        name = " ".join(ask().split())
        if not name:
            return
        if name in bindable():
            yield name
        else:
            say(f"there is no '{name}'; `twobar learn --list` tells all{did_you_mean(name, bindable())}")


def from_terminal() -> str:
    """Return a line that the human types."""
    return sys.stdin.readline()


def check(targets: Iterable[str]) -> None:
    """Refuse, before a port is opened, what cannot be learned.

    Raises:
        UsageError: there is neither knob nor action of that name.
    """
    for target in targets:
        if " ".join(target.split()) not in bindable():
            near = did_you_mean(target, bindable())
            raise UsageError(f"unknown knob or action '{target}'; `twobar learn --list` tells all{near}")
