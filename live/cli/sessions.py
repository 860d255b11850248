"""Sessions on the command line: which one a jam goes on with, what options change of it, and the list."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from live.errors import UsageError
from live.ipc.jam_memory import JamMemory, JamState, ScenesMemory
from live.session import folder, saved
from live.settings.config import check_model
from live.settings.schema import AUTO, Config
from model.files import readable

NOTHING = "no session has been saved yet; `twobar jam --session NAME` begins one"


class Opened(NamedTuple):
    """A session that a jam goes on with or begins.

    Attributes:
        path: of its file, "" for a jam that is not saved.
        config: the settings with what the session has of them.
        begins_with: what the engine goes on from; None for a jam that begins clean.
        spare: whether the file there is to be put aside before it is written over.
        remarks: sentences for the performer.
    """

    path: str
    config: Config
    begins_with: tuple[JamMemory, ScenesMemory] | None
    spare: bool
    remarks: list[str]

    @property
    def model(self) -> str:
        """The model that the session wants, "" for the settings' own."""
        return self.begins_with[0].chosen_model if self.begins_with is not None else ""


@contextmanager
def opened(arguments: Mapping[str, Any], config: Config, *, headless: bool) -> Iterator[Opened]:
    """Claim the session that the options name, or the one of jams without a name, and read it.

    A jam without a screen and without a name is a script's: it is not saved.

    Raises:
        UsageError: the name cannot be one, or another jam uses it.
    """
    if headless and arguments["session"] is None:
        yield Opened("", config, None, False, [])
        return
    name = arguments["session"] or folder.UNNAMED
    if arguments["session"] is not None and not arguments["session"]:
        raise UsageError("--session takes a name, and '' is none")
    with ExitStack() as claims:
        path = folder.path_of(name)
        number = 1
        while not claims.enter_context(folder.claimed(path)):
            if arguments["session"]:
                raise UsageError(f"session '{name}' is in use by another jam; choose another --session")
            number += 1
            path = folder.path_of(f"{folder.UNNAMED}-{number}")
        goes_on = arguments["session"] and not arguments["fresh"] and path.exists()
        if not goes_on:
            spare = bool(arguments["fresh"]) or not arguments["session"]
            remarks = _left_over(path.stem) if not arguments["session"] and number == 1 else []
            yield Opened(str(path), config, None, spare, remarks)
            return
        yield _read(str(path), name, arguments, config)


def _left_over(name: str) -> list[str]:
    """Return what to say where the jam before this one was cut off."""
    path = folder.path_of(name)
    try:
        session = saved.load(path).session
    except UsageError:
        return []
    if session.ended:
        return []
    return [f"your last jam was cut off: `twobar jam --session {name}` goes on with it"]


def _read(path: str, name: str, arguments: Mapping[str, Any], config: Config) -> Opened:
    try:
        session, faults = saved.load(folder.path_of(name))
    except UsageError as error:
        return Opened(path, config, None, True, [f"{error}; it is put aside, and this jam begins clean"])
    state, more = _with_model(session.state, config)
    session = msgspec.structs.replace(session, state=state)
    seed = config.jam.seed if arguments["seed"] is not None else session.seed
    memory, scenes = saved.memories(session)
    memory = overridden(memory, arguments, config)
    jam = msgspec.structs.replace(config.jam, seed=seed)
    config = msgspec.structs.replace(config, jam=jam)
    remarks = [f"session '{name}': {text}" for text in (*faults, *more)]
    return Opened(path, config, (memory, scenes), bool(remarks), remarks)


def _with_model(state: JamState, config: Config) -> tuple[JamState, list[str]]:
    """Return a state whose model is there, and what to say if it was not."""
    try:
        check_model(state.model)
    except UsageError as error:
        instead = msgspec.structs.replace(state, model=config.jam.model)
        return instead, [f"{error}; {config.jam.model} plays, and finds its places anew"]
    return state, []


def overridden(memory: JamMemory, arguments: Mapping[str, Any], config: Config) -> JamMemory:
    """Return a memory with what the command line says put over it.

    Args:
        memory: of the session.
        arguments: options as they were given; None for one that was not.
        config: the settings with them.
    """
    knobs, changes = dict(memory.state.knobs), dict[str, Any]()
    for option, knob in (("bpm", "tempo"), ("temperature", "temperature"), ("vary", "vary")):
        if arguments[option] is not None:
            knobs[knob] = getattr(config.jam, option)
    if arguments["vary"] is not None:
        changes["vary_set"] = True
    options = ("mode", "metre", "model")
    changes |= {option: getattr(config.jam, option) for option in options if arguments[option] is not None}
    if arguments["mapping"] is not None:
        changes["mapping"] = {}
    if arguments["key"] is not None:
        conditions = {name: text for name, text in memory.state.conditions.items() if name != "key"}
        changes["conditions"] = conditions | ({"key": config.model.key} if config.model.key != AUTO else {})
    state = msgspec.structs.replace(memory.state, knobs=knobs, **changes)
    thru = memory.thru if arguments["thru"] is None else config.jam.thru
    return msgspec.structs.replace(memory, state=state, thru=thru, chosen_model=state.model)


def listed() -> list[str]:
    """Return a line for each session there is, the one that was saved last first."""
    lines = []
    for name in folder.names():
        path = folder.path_of(name)
        try:
            session = saved.load(path).session
        except UsageError as error:
            lines.append(f"{name}: {error}")
            continue
        when = (session.saved or datetime.fromtimestamp(path.stat().st_mtime, UTC)).astimezone()
        scenes = len(session.scenes)
        words = f"{scenes} scene{'s' if scenes != 1 else ''}"
        with folder.claimed(path) as free:
            end = "" if session.ended else ", cut off" if free else ", playing now"
        state = session.state
        lines.append(f"{name}: {when:%Y-%m-%d %H:%M}, {readable(state.model)}, {state.mode}, {words}{end}")
    return lines or [NOTHING]
