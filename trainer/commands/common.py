"""What several commands share: the cores that there are, and a bar of progress.

Tested in tests/trainer/commands/test_commands.py.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from model.command_line import WholeRange
from trainer.corpus.reading.sources import SPLITS
from trainer.errors import OperationError

SEED = WholeRange(0, 2**32 - 1)
"""What every generator takes."""


class Named(click.Path):
    """A path, by what help calls it."""

    def __init__(self, name: str) -> None:
        super().__init__(path_type=Path)
        self.name = name


DIR, FILE, MIDI_DIR = Named("dir"), Named("file"), Named("midi_dir")
DATA = click.option("--data", required=True, type=DIR, help="A prepared folder, or any MIDI files.")
SPLIT = click.option("--split", type=click.Choice(SPLITS), default="test", help="Of a prepared folder.")


def room_for(path: Path) -> None:
    """Make the folder of a file that is to be written, and try to write there, before any work.

    Raises:
        OperationError: it cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OperationError(f"cannot write '{path}': {error.strerror or error}") from error


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def progress_bar(title: str = "") -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar with speed and time left on a terminal's stderr; elsewhere nothing."""
    try:
        from rich.console import Console  # noqa: PLC0415 - the trainer extra
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    except ImportError:
        yield lambda _what, _done, _all: None
        return
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, all_of_them: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(title + what, total=all_of_them)
            bars.update(tasks[what], completed=done)

        yield tell
