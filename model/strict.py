"""TOML read strictly: whatever is wrong in a file is told in one sentence with the file and the key's path.

For live.toml, mappings, a training run's configuration and what checkpoints say of themselves.  Raises only
`model.errors.ConfigError`.

Tested in tests/model/test_strict.py, tests/live/settings/test_config.py.
"""

import functools
import math
import tomllib
import types
import typing
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect as shapes

from model.errors import ConfigError, did_you_mean, nearest

S = TypeVar("S", bound=msgspec.Struct)

LONGEST_SHOWN = 60


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        ConfigError: the file cannot be read, or is not TOML; the sentence has line and column.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start + 1} is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        last_line = text.rpartition("\n")[2]
        end = f"at line {text.count(chr(10)) + 1}, column {len(last_line) + 1}, the end of the file"
        reason = str(error).replace("at end of document", end)
        quotes = "; a word stands in quotes" if reason.startswith("Invalid value") else ""
        raise ConfigError(f"{path}: not valid TOML: {reason[:1].lower()}{reason[1:]}{quotes}") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{path}: not valid TOML: a value is too long or nested too deep") from None


def build(raw: Mapping[str, object], kind: type[S], where: str) -> S:
    """Return the struct that the tables hold, checked key by key.

    Args:
        raw: what `read_toml` returned.
        kind: the struct to fill; its field's `msgspec.Meta` bounds are the allowed ranges.
        where: the file, for the sentence.

    Raises:
        ConfigError: unknown key, wrong type, out of range, or something missing.
    """
    _walk(raw, kind, where, "")
    return msgspec.convert(raw, kind)


def check_value(value: object, hint: object, *, label: str, where: str = "") -> None:
    """Check one value against a type hint.

    Args:
        value: what was given.
        hint: a type, `Annotated` with `msgspec.Meta` or not.
        label: what the sentence calls the value, as `jam.bpm` or `--bpm`.
        where: the file, if there is one.

    Raises:
        ConfigError: the value is not allowed there.
    """
    finite = not isinstance(value, float) or math.isfinite(value)
    try:
        msgspec.convert(value, typing.cast("type", hint))
    except msgspec.ValidationError:
        finite = False
    if not finite:
        shape = shapes.type_info(typing.cast("type", hint))
        place = f"{where}: " if where else ""
        hint_text = _nearest(value, shape)
        described = "an empty one" if value == [] and isinstance(shape, shapes.ListType) else shown(value)
        raise ConfigError(f"{place}{label} must be {_describe(shape)}, not {described}{hint_text}")


def from_text(text: str, hint: object) -> object:
    """Return the number that a text of the command line is, where a type takes numbers.

    Any other text comes back as it is, and so does a fraction where only whole numbers are taken, as a
    number: `check_value` then says what is allowed.
    """
    shape = shapes.type_info(typing.cast("type", hint))
    for kind in shape.types if isinstance(shape, shapes.UnionType) else (shape,):
        if isinstance(kind, shapes.LiteralType):
            if text not in kind.values and any(isinstance(value, int) for value in kind.values):
                with suppress(ValueError):
                    return int(text)
        elif isinstance(kind, shapes.IntType | shapes.FloatType):
            for number in (int, float) if isinstance(kind, shapes.IntType) else (float,):
                with suppress(ValueError):
                    return number(text)
    return text


@functools.cache
def field_hints(kind: type[msgspec.Struct]) -> Mapping[str, object]:
    """Return the type hint of each field, in the order in which they are written."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {name: hints[name] for name in kind.__struct_fields__}


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def shown(value: object) -> str:
    """Return a value as a sentence names it: short, and as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        text = value if len(value) <= LONGEST_SHOWN else value[: LONGEST_SHOWN - 3] + "..."
        return f"'{text}'".replace("\n", " ")
    return f"{value:g}" if isinstance(value, float) else str(value)[:LONGEST_SHOWN]


def _walk(value: object, hint: Any, where: str, path: str) -> None:  # noqa: ANN401 - a type hint is any object
    """Descend by the hint; the first fault is raised with its path."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        holders = [inner for inner in arguments if _holds(inner, value)]
        if len(holders) == 1:
            _walk(value, holders[0], where, path)
            return
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: {path or 'it'} must be a table, not {shown(value)}")
        hints = field_hints(hint)
        for key in value:
            if key not in hints:
                table = f"[{path}]" if path and " " not in path else path
                place = f"{table} of {where}" if table else where
                raise ConfigError(f"unknown key '{key}' in {place}; {nearest(str(key), hints)}")
        for field in _fields(hint):
            inner = _join(path, field.name, dot=True)
            if field.name in value:
                _walk(value[field.name], hints[field.name], where, inner)
            elif field.required:
                raise ConfigError(f"{where}: {inner} is missing")
    elif origin in (list, tuple) and isinstance(value, list):
        fixed = origin is tuple and arguments[-1] is not Ellipsis
        count = len(arguments)
        if fixed and len(value) != count:
            raise ConfigError(f"{where}: {path} must be a list of {count} items, not of {len(value)}")
        for number, item in enumerate(value, 1):
            _walk(item, arguments[number - 1 if fixed else 0], where, f"{path} {number}")
    elif origin is dict and isinstance(value, Mapping):
        for key, item in value.items():
            _walk(item, arguments[1], where, _join(path, str(key), dot=True))
    else:
        check_value(value, hint, label=path, where=where)


def _holds(hint: object, value: object) -> bool:
    """Tell whether a value has parts that a hint tells of: it is a table or a list, and so is the hint."""
    origin = typing.get_origin(hint)
    if isinstance(value, Mapping):
        return origin is dict or (isinstance(hint, type) and issubclass(hint, msgspec.Struct))
    return isinstance(value, list) and origin in (list, tuple)


def _join(first: str, second: str, *, dot: bool = False) -> str:
    """Join a path: `jam.bpm` for keys of tables, `control 3, cc` behind a numbered item."""
    if not (first and second):
        return first or second
    return f"{first}.{second}" if dot and " " not in first.rsplit(", ", 1)[-1] else f"{first}, {second}"


def _describe(shape: shapes.Type) -> str:
    """Say in words what a type allows."""
    match shape:
        case shapes.BoolType():
            return "true or false"
        case shapes.IntType(ge=low, le=high, lt=end):
            return "a whole number" + _span(low, high if end is None else end - 1)
        case shapes.FloatType(gt=low) if low is not None:
            return f"a number above {low:g}"
        case shapes.FloatType(ge=low, le=high):
            return "a number" + _span(low, high)
        case shapes.StrType(min_length=length):
            return "text that is not empty" if length else "text"
        case shapes.LiteralType(values=values):
            names = [shown(value) for value in values]
            return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
        case shapes.ListType(item_type=shapes.StrType()) | shapes.VarTupleType(item_type=shapes.StrType()):
            return "a list of texts"
        case shapes.TupleType(item_types=items):
            return f"a list of {len(items)} items, each {_describe(items[0])}"
        case shapes.ListType(item_type=item, min_length=low, max_length=high):
            some = f"{low} items" if low is not None and low == high else "items"
            return f"a list of {some}, each {_describe(item)}"
        case shapes.UnionType(types=types):
            return " or ".join(_describe(inner) for inner in types if not isinstance(inner, shapes.NoneType))
        case shapes.DictType() | shapes.StructType():
            return "a table"
        case _:
            return "something else"


def _span(low: float | None, high: float | None) -> str:
    """Say a range in words."""
    first, last = (str(end) if isinstance(end, int) else f"{end or 0:g}" for end in (low, high))
    if low is not None and high is not None:
        return f" from {first} to {last}"
    return f" from {first} up" if low is not None else ""


def _nearest(value: object, shape: shapes.Type) -> str:
    """Return the hint at the nearest allowed word, or nothing."""
    words: list[str] = []
    for inner in shape.types if isinstance(shape, shapes.UnionType) else (shape,):
        if isinstance(inner, shapes.LiteralType):
            words += [str(word) for word in inner.values]
    return did_you_mean(value, words) if isinstance(value, str) else ""
