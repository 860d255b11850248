"""TOML written for a person to read: numbers of one thing on one line, a table for each group of names.

The writers that there are put every number of an array on a line of its own, and a latent has hundreds.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
INLINE_KEYS = 6  # of a table of plain values that still stands on one line within its parent


def toml_text(tree: Mapping[str, Any], *, comment: str = "") -> str:
    """Return tables as TOML.

    Args:
        tree: strings, numbers, booleans, moments, lists and mappings of them; None is left out.
        comment: lines at the top.
    """
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    return "\n".join([*lines, *_table(tree, "")]) + "\n"


def _table(table: Mapping[str, Any], path: str) -> Iterator[str]:
    later: list[tuple[str, Any]] = []
    for name, value in table.items():
        if value is None:
            continue
        if (isinstance(value, Mapping) and not _is_inline(value)) or _is_tables(value):
            later.append((name, value))
        else:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in later:
        inner = f"{path}.{_key(name)}" if path else _key(name)
        for one in [value] if isinstance(value, Mapping) else value:
            yield ""
            yield f"[{inner}]" if isinstance(value, Mapping) else f"[[{inner}]]"
            yield from _table(one, inner)


def _is_inline(table: Mapping[str, Any]) -> bool:
    plain = not any(isinstance(value, Mapping | list | tuple) for value in table.values())
    return plain and 0 < len(table) <= INLINE_KEYS and all(_BARE.fullmatch(name) for name in table)


def _is_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _string(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            pairs = ", ".join(
                f"{_key(name)} = {_value(one)}" for name, one in value.items() if one is not None
            )
            return f"{{ {pairs} }}" if pairs else "{}"
        case Sequence():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")
