"""What every command of twobar shares: errors as one plain sentence, and the nearest match.

Exit codes: 0 done, 1 failed, 2 wrong use.
"""

import sys
import time
from typing import Any, NamedTuple

import click

from live.cli.supervision.signals import EndSignals
from live.errors import TwobarError
from live.ipc.launcher import Launcher
from model.command_line import sentence
from model.errors import ModelError
from model.files import readable


class Begun(NamedTuple):
    """What has begun before the command line was read.

    Attributes:
        start_nanos: `time.monotonic_ns()` at which the command began.
        launcher: of the engine; it may have launched one.
        signals: that end a jam, and are panic.
    """

    start_nanos: int
    launcher: Launcher
    signals: EndSignals

    @classmethod
    def now(cls) -> "Begun":
        """Return that nothing has."""
        return cls(time.monotonic_ns(), Launcher(quiet=False), EndSignals())


class Group(click.Group):
    """A group whose first command is the default, and which guesses what a wrong one meant."""

    def __init__(self, *args: Any, default: str = "", **kwargs: Any) -> None:  # noqa: ANN401  click's own
        super().__init__(*args, **kwargs)
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command before arguments that name none."""
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help", "--version")):
            args = [self._default, *args]
        return super().parse_args(ctx, args)


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
