"""What both command lines share: a number that is one, and click's complaints as one plain sentence.

Tested in tests/model/test_command_line.py.
"""

import math
import re
from typing import Any

import click

from model.errors import did_you_mean, nearest

_VALUE = re.compile(r"(?P<quote>['\"]?)(?P<value>.*)(?P=quote) is not ")


class WholeRange(click.IntRange):
    """A whole number in a range, which help calls N."""

    name = "n"


class FiniteRange(click.FloatRange):
    """A number in a range, which help calls N; unlike click's own, NaN and infinity lie in none."""

    name = "n"

    def convert(
        self,
        value: Any,  # noqa: ANN401  click's own
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number.

        Raises:
            click.BadParameter: it is none, or outside the range.
        """
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not in the range {self._describe_range()}", param, ctx)
        return number


def sentence(error: click.ClickException) -> str:
    """Return a complaint as one sentence: what was given, what is allowed, the nearest match."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and context is not None:
        options = [name for param in context.command.params for name in param.opts if name.startswith("--")]
        known = nearest(error.option_name, [*options, "--help"])
        return f"unknown option '{error.option_name}' in '{context.command_path}'; {known}"
    if isinstance(error, click.exceptions.NoSuchCommand) and context is not None:
        known = nearest(error.command_name, context.command.list_commands(context))
        return f"unknown command '{error.command_name}'; {known}"
    if isinstance(error, click.BadParameter) and error.param is not None:
        kind, found = error.param.type, _VALUE.match(error.message)
        if found is not None and (allowed := _allowed(kind)):
            words = kind.choices if isinstance(kind, click.Choice) else ()
            value, hint = found["value"], did_you_mean(found["value"], words)
            shown = value.removesuffix(".0") if _is_number(value) else f"'{value}'"
            return f"{max(error.param.opts, key=len)} must be {allowed}, not {shown}{hint}"
    text = " ".join(error.format_message().split()).rstrip(".")
    parent = context.parent if context is not None else None
    command = f"{context.command.name}: " if context is not None and parent is not None else ""
    return command + (text[:1].lower() + text[1:] if text[:2].istitle() else text)


def _allowed(kind: click.ParamType[Any]) -> str:
    """Say what a number or a word may be, as `model.strict` says it of files; nothing for other types."""
    if isinstance(kind, click.Choice):
        *words, last = (f"'{word}'" for word in sorted(kind.choices))
        return f"{', '.join(words)} or {last}" if words else last
    if not isinstance(kind, click.types.IntParamType | click.types.FloatParamType):
        return ""
    whole = "a whole number" if isinstance(kind, click.types.IntParamType) else "a number"
    if not isinstance(kind, click.IntRange | click.FloatRange) or kind.min is None:
        return whole
    if kind.min_open:
        return f"{whole} above {kind.min}"
    return f"{whole} from {kind.min} " + ("up" if kind.max is None else f"to {kind.max}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
