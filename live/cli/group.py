"""What every command of twobar shares: errors as one plain sentence, and the nearest match.

Exit codes: 0 done, 1 failed, 2 wrong use.
"""

import sys
import time
from typing import Any, NamedTuple

import click

from live.errors import TwobarError
from live.ipc.launcher import Launcher
from model.errors import ModelError, did_you_mean
from model.files import readable

REWORDINGS = {  # click's words for a number that is none, the longer first
    "is not a valid float range": "is not a number",
    "is not a valid float": "is not a number",
    "is not a valid integer range": "is not a whole number",
    "is not a valid integer": "is not a whole number",
}


class Begun(NamedTuple):
    """What has begun before the command line was read.

    Attributes:
        start_nanos: `time.monotonic_ns()` at which the command began.
        launcher: of the engine; it may have launched one.
    """

    start_nanos: int
    launcher: Launcher

    @classmethod
    def now(cls) -> "Begun":
        """Return that nothing has."""
        return cls(time.monotonic_ns(), Launcher(quiet=False))


class Group(click.Group):
    """A group whose first command is the default, and which guesses what a wrong one meant."""

    def __init__(self, *args: Any, default: str = "", **kwargs: Any) -> None:  # noqa: ANN401  click's own
        super().__init__(*args, **kwargs)
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command before arguments that name none."""
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "--version")):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which there are."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            hint = did_you_mean(name, known)
            raise click.UsageError(f"unknown command '{name}'; there is: {', '.join(known)}{hint}")
        return super().resolve_command(ctx, args)


def sentence(error: click.ClickException) -> str:
    """Return click's complaint as one plain sentence with the nearest match."""
    if isinstance(error, click.NoSuchOption):
        near = (error.possibilities or [""])[0]
        parameters = error.ctx.command.params if error.ctx else []
        known = sorted(name for parameter in parameters for name in parameter.opts if name.startswith("--"))
        options = ", ".join(known)
        hint = f"; did you mean '{near}'?" if near else ""
        return f"unknown option '{error.option_name}'; there is: {options}{hint}"
    text = error.format_message().strip().rstrip(".")
    for theirs, ours in REWORDINGS.items():
        text = text.replace(theirs, ours)
    return text[0].lower() + text[1:] if text[:2].istitle() else text


def run(
    command: click.Command,
    arguments: list[str] | None = None,
    *,
    name: str = "twobar",
    begun: Begun | None = None,
) -> int:
    """Run a command line and return its exit status; no fault of the user's shows a traceback."""
    try:
        status = command.main(arguments, prog_name=name, standalone_mode=False, obj=begun)
    except click.exceptions.Abort:
        return 1
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        sys.stderr.write(f"{name}: {readable(sentence(error))}\n")
        return error.exit_code
    except (TwobarError, ModelError) as error:
        if str(error):  # else the engine has said it
            sys.stderr.write(f"{name}: {readable(str(error))}\n")
        return error.exit_code
    return status if isinstance(status, int) else 0
