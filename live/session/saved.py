"""A session as it is saved: a jam's memory and its scenes, to TOML and back.

What is wrong in a file is told in one sentence; what it holds beside that is taken.
"""

import math
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from live.errors import UsageError, model_faults
from live.ipc.jam_memory import JamFindings, JamMemory, JamState, ScenesMemory, SetPlace, StoredScene
from live.ipc.places import Place
from live.session.toml_text import toml_text
from live.settings.knobs import KNOBS, MODES
from live.timing.bar_lines import BarLines
from model import strict
from model.errors import did_you_mean
from model.music.grid import Grid
from model.music.tracks import TRACKS

VERSION = 1
COMMENT = """A session of twobar: all that was set, and the scenes that were stored.
`twobar jam --session {name}` goes on with it. Change what you like while no jam uses it.
Notes are [step, pitch, velocity, steps, offset, track, displacement, release]."""
_PLACES = frozenset(place.__name__ for place in typing.get_args(Place))


class SavedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session.

    Attributes:
        version: of the format.
        saved: when; None before it was.
        ended: whether its jam had come to its end.
        seed: of every random choice.
        thru: whether the performer's keys sound through the instrument.
        scene: number of the one that was called or stored last, 0 for none.
        place: in the set of songs, whose scene begins at bar 0.
        findings: of the performer's playing and of the music so far.
        grid: of the metre's phrases.
        state: all that is set.
        scenes: that were stored.
    """

    version: int = VERSION
    saved: datetime | None = None
    ended: bool = False
    seed: int = 0
    thru: bool = True
    scene: int = 0
    place: SetPlace = SetPlace()
    findings: JamFindings = JamFindings()
    grid: Grid = msgspec.field(default_factory=Grid)
    state: JamState
    scenes: list[StoredScene] = msgspec.field(default_factory=list)


class Loaded(NamedTuple):
    """A session that was read, and a sentence for each thing that was wrong in it."""

    session: SavedSession
    faults: list[str]


def saved_session(memory: JamMemory, scenes: ScenesMemory, *, seed: int, ended: bool) -> SavedSession:
    """Return what is saved of a jam."""
    return SavedSession(
        ended=ended,
        seed=seed,
        thru=memory.thru,
        scene=memory.scene,
        place=msgspec.structs.replace(memory.place, bar=0),
        findings=memory.findings,
        grid=memory.lines.grid,
        state=memory.state,
        scenes=scenes.scenes,
    )


def memories(session: SavedSession) -> tuple[JamMemory, ScenesMemory]:
    """Return what an engine goes on from, at bar 0 as soon as its model is there."""
    memory = JamMemory(
        state=session.state,
        thru=session.thru,
        chosen_model=session.state.model,
        lines=BarLines(session.grid),
        timeline=None,
        started=False,
        demo=True,
        scene=session.scene,
        place=session.place,
        findings=session.findings,
    )
    return memory, ScenesMemory(session.scenes)


def to_text(session: SavedSession, name: str) -> str:
    """Return a session as TOML, dated now."""
    dated = msgspec.structs.replace(session, saved=datetime.now(UTC).replace(microsecond=0))
    tree = _written(msgspec.to_builtins(dated, builtin_types=[datetime]))
    for state in _states(tree):
        state["muted"] = [TRACKS[track] for track in state["muted"]]
    return toml_text(tree, comment=COMMENT.format(name=name))


def load(path: Path) -> Loaded:
    """Read a session.

    Raises:
        UsageError: it cannot be read, or is no session; the sentence names the file.
    """
    with model_faults():
        raw = strict.read_toml(path)
    version = raw.get("version")
    if version != VERSION:
        raise UsageError(f"{path}: version {version!r} is not one that this twobar reads; it reads {VERSION}")
    faults = [text for state in _states(raw) for text in _mended(state)]
    try:
        session = msgspec.convert(raw, SavedSession)
    except msgspec.ValidationError as error:
        what, _, where = str(error).replace("`", "").partition(" - at $.")
        raise UsageError(f"{path}: {where or 'the file'}: {what[:1].lower()}{what[1:]}") from None
    known = _written(msgspec.to_builtins(session, builtin_types=[datetime]))
    faults += [f"unknown key '{key}' is left out{hint}" for key, hint in _unknown(raw, known, "")]
    return Loaded(session, [f"{path}: {fault}" for fault in faults])


def _states(tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the states in a session's tables: its own and those of its scenes, as far as there are any."""
    scenes = tree.get("scenes")
    holders = [tree, *(scenes if isinstance(scenes, list) else [])]
    return [
        holder["state"]
        for holder in holders
        if isinstance(holder, Mapping) and isinstance(holder.get("state"), dict)
    ]


def _mended(state: dict[str, Any]) -> list[str]:
    """Put a state that was read into a JamState's form; return what could not be taken."""
    faults = []
    if isinstance(state.get("muted"), list):
        names, state["muted"] = state["muted"], []
        for name in names:
            if name in TRACKS:
                state["muted"].append(TRACKS.index(name))
            else:
                faults.append(f"there is no part '{name}' to mute; there is: {', '.join(TRACKS)}")
    if state.get("mapping") == "":
        del state["mapping"]  # as it stood before each controller had one of its own
    solo = state.get("solo", "")
    if isinstance(solo, str) and solo and solo not in TRACKS:
        faults.append(f"there is no part '{solo}' to play alone; there is: {', '.join(TRACKS)}")
        state["solo"] = ""
    mode = state.get("mode")
    if isinstance(mode, str) and mode not in MODES:
        faults.append(f"unknown mode '{mode}', so it follows{did_you_mean(mode, MODES)}")
        state["mode"] = MODES[0]
    knobs = state.get("knobs")
    if not isinstance(knobs, dict):
        return faults
    for name, value in list(knobs.items()):
        if name not in KNOBS:
            faults.append(f"unknown knob '{name}' is left out{did_you_mean(name, KNOBS)}")
            del knobs[name]
        elif isinstance(value, bool) or not isinstance(value, int | float):
            faults.append(f"knob '{name}' is a number, not '{value}'; it is left out")
            del knobs[name]
        elif not KNOBS[name].low <= value <= KNOBS[name].high:
            spec = KNOBS[name]
            knobs[name] = spec.clip(value) if math.isfinite(value) else spec.rest
            faults.append(f"knob '{name}' is {spec.low:g} to {spec.high:g}, not {value:g}")
    return faults


def _written(tree: Any) -> Any:  # noqa: ANN401  whatever a message consists of
    """Return tables without what goes without saying: tags of messages that are nothing else, and None."""
    if isinstance(tree, dict):
        tagged = tree.get("type") in _PLACES
        return {
            name: _written(value)
            for name, value in tree.items()
            if value is not None and (name != "type" or tagged or not isinstance(value, str))
        }
    return [_written(one) for one in tree] if isinstance(tree, list | tuple) else tree


def _unknown(raw: Any, known: Any, path: str) -> list[tuple[str, str]]:  # noqa: ANN401  see `_written`
    """Return the keys, each with the nearest one, that were read and mean nothing."""
    found: list[tuple[str, str]] = []
    if isinstance(raw, dict) and isinstance(known, dict):
        for name, value in raw.items():
            if name in known:
                found += _unknown(value, known[name], f"{path}{name}.")
            else:
                found.append((f"{path}{name}", did_you_mean(name, known)))
    elif isinstance(raw, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(raw, known, strict=False), 1):
            found += _unknown(one, other, f"{path}{number}.")
    return found
