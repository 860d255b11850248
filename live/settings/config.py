"""The settings as they are read: from live.toml, with what the command line says put over it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import platformdirs
from msgspec import Meta

from live.errors import UsageError, model_faults, unknown
from live.settings.knobs import KNOBS
from live.settings.schema import AS_PLAYED, AUTO, OFF, Config, Scene
from live.timing.midi_clock.time_code import read_time
from model import strict
from model.errors import ConfigError
from model.files import missing
from model.music import harmony
from model.music.lines import read_split
from model.music.metre import read_metre
from model.music.progression import read_progression
from model.shipped import is_checkpoint, known_models

FILE_NAME = "live.toml"
APPLICATION = "twobar"


OPTIONS: dict[str, tuple[str, str, str]] = {
    "api": ("--api", "midi", "api"),
    "input": ("--in", "midi", "input"),
    "output": ("--out", "midi", "output"),
    "clock": ("--clock", "midi", "clock"),
    "clock_out": ("--clock-out", "midi", "clock_out"),
    "bpm": ("--bpm", "jam", "bpm"),
    "metre": ("--metre", "jam", "metre"),
    "phrase": ("--phrase", "jam", "phrase_bars"),
    "model": ("--model", "jam", "model"),
    "device": ("--device", "model", "device"),
    "candidates": ("--candidates", "model", "candidates"),
    "mode": ("--mode", "jam", "mode"),
    "thru": ("--thru", "jam", "thru"),
    "seed": ("--seed", "jam", "seed"),
    "temperature": ("--temperature", "jam", "temperature"),
    "vary": ("--vary", "jam", "vary"),
    "key": ("--key", "model", "key"),
    "chords": ("--chords", "model", "chords"),
    "record": ("--record", "jam", "record"),
    "take_folder": ("--take-folder", "jam", "take_folder"),
    "mapping": ("--mapping", "mapping", "name"),
    "osc_port": ("--osc-port", "osc", "port"),
    "osc": ("--osc", "osc", "enabled"),
    "soundfont": ("--soundfont", "synth", "soundfont"),
}
"""What the command line may override: argument -> (option, section, key)."""


def user_path() -> Path:
    """Return where the user's own settings are read from, whether or not they exist."""
    return Path(platformdirs.user_config_dir(APPLICATION)) / FILE_NAME


def default_path() -> Path | None:
    """Return the file that is read when none is named: ./live.toml, else the user's own, else None."""
    for path in (Path(FILE_NAME), user_path()):
        if path.is_file():
            return path
    return None


@model_faults()
def load(path: Path | None = None) -> Config:
    """Read the settings.

    Args:
        path: a file that must be there; None looks in the usual places and does with the defaults.

    Raises:
        UsageError: the file is not there, or holds something that is not allowed.
    """
    if path is not None and not path.is_file():
        what = "the settings file"
        said = f"{what} '{path}' is no file that can be read" if path.exists() else missing(what, path)
        raise UsageError(f"{said}; leave --config away for the defaults")
    found = path or default_path()
    return Config() if found is None else parse(strict.read_toml(found), where=str(found))


@model_faults()
def parse(raw: dict[str, Any], *, where: str = FILE_NAME) -> Config:
    """Return the settings in tables already read.

    Raises:
        UsageError: something is not allowed; the sentence names `where` and the key's path.
    """
    config = strict.build(raw, Config, where)
    check_condition("metre", config.jam.metre, label=f"{where}: jam.metre")
    check_condition("time_code_start", config.midi.time_code_start, label=f"{where}: midi.time_code_start")
    _check_scenes(config.scene, where)
    for name, text in (config.model.conditions | {"split": config.model.split}).items():
        check_condition(name, text, label=f"{where}: model.{name}")
    return config


@model_faults()
def with_options(config: Config, **options: object) -> Config:
    """Return the settings with what the command line says put over them.

    Args:
        config: what the file says.
        **options: arguments named as in `OPTIONS`; None leaves what the file says.

    Raises:
        UsageError: a value is not allowed; the sentence names the option.
    """
    for argument, plain in options.items():
        if plain is None:
            continue
        option, section_name, key = OPTIONS[argument]
        section: msgspec.Struct = getattr(config, section_name)
        hint = strict.field_hints(type(section))[key]
        value = list(plain) if isinstance(plain, tuple) else plain
        if isinstance(value, str):
            value = strict.from_text(value, hint)
        strict.check_value(value, hint, label=option)
        if option in ("--key", "--chords", "--metre") and value != AUTO:
            check_condition(key, str(value), label=option)
        config = msgspec.structs.replace(
            config, **{section_name: msgspec.structs.replace(section, **{key: value})}
        )
    return config


READERS: dict[str, tuple[Callable[[str], object], tuple[str, ...]]] = {
    "key": (harmony.read_key, (OFF, AS_PLAYED)),
    "chords": (read_progression, ()),
    "metre": (read_metre, (AUTO,)),
    "split": (read_split, ()),
    "time_code_start": (read_time, ()),
}
"""Of settings that are music or times in text: what reads them, and the words that stand for none."""


def check_condition(name: str, text: str, *, label: str) -> None:
    """Raise UsageError with the label before it if one of `READERS` cannot read a text; others may be any."""
    read, words = READERS.get(name, (str, ()))
    try:
        if text not in words:
            read(text)
    except ConfigError as error:
        raise UsageError(f"{label}: {error}") from None


def check_model(name: str) -> None:
    """Refuse a model that does not exist; whoever loads it finds out what is in its file.

    Raises:
        UsageError: the name is neither a shipped model's nor a file's.
    """
    known = known_models()
    if name not in known and not is_checkpoint(name):
        raise unknown("model", name, known)


def _check_scenes(scenes: list[Scene], where: str) -> None:
    """Check what types cannot say: scene numbers once each, knobs that exist, values in their ranges."""
    seen: dict[int, int] = {}
    for place, scene in enumerate(scenes, 1):
        if scene.number in seen:
            raise UsageError(
                f"{where}: scene {place}, number {scene.number} is taken by scene {seen[scene.number]};"
                " each number may stand once"
            )
        seen[scene.number] = place
        for name, value in scene.knobs.items():
            if name not in KNOBS:
                raise unknown("knob", name, KNOBS, where=f"scene {place}, knobs of {where}")
            spec = KNOBS[name]
            bounds = Annotated[float, Meta(ge=spec.low, le=spec.high)]
            strict.check_value(value, bounds, label=f"scene {place}, knobs.{name}", where=where)
