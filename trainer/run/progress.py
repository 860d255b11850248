"""What a run shows while it goes: a progress line, a JSON Lines log, TensorBoard and curves.

Nothing here can end a run: a log that cannot be written is said once, and training goes on.  Its lines are
buffered and written as soon as they can be.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from trainer.run.checkpoints import LOG, log_of
from trainer.run.tensorboard import Board

SCORES = ("note_f1", "step_accuracy")
WAITING = 0.05  # share of the time from which waiting for phrases is said
CURVES = (*SCORES, "elbo", "kl_bits", "reconstruction", "loss_edit", "loss_critic", "nll")


class RunLog:
    """Tells one run's progress to the human and to files."""

    def __init__(
        self, folder: Path, *, console: Console | None = None, resume: bool = False, quiet: bool = False
    ) -> None:
        """Open the logs of a run's folder; a resumed run goes on in them.

        Args:
            folder: of the run.
            console: that it is shown on; standard error by default.
            resume: go on in the logs that are there.
            quiet: tell nothing and write nothing: for all processes of a run but the first.
        """
        self.folder = folder
        self.quiet = quiet
        self.console = console or Console(file=sys.stderr, quiet=quiet)
        self.rows: list[dict[str, Any]] = []
        self._log_path = folder / LOG
        self._unwritten: list[str] = []
        self._said: set[str] = set()
        self._board: Board | None = None
        self._bar: Progress | None = None
        if quiet:
            return
        if resume and self._log_path.is_file():
            self.rows = log_of(folder)
        else:
            self._fresh()
        self._board = self._open_board(folder / "tensorboard")
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[said]}"),
                console=self.console,
            )
            self._task = self._bar.add_task("fit", total=1.0, said="")

    def __enter__(self) -> Self:
        """Start the bar."""
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bar and the files."""
        if self._bar:
            self._bar.stop()
        self._write()
        if self._board is not None:
            self._board.close()

    def advance(self, share: float, said: str) -> None:
        """Move the bar to a share of the run, 0..1."""
        if self._bar:
            self._bar.update(self._task, completed=share, said=said)

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, highlight=False, soft_wrap=True, markup=False)

    def say_once(self, text: str) -> None:
        """Print a line, if this run has not printed it before."""
        if text not in self._said:
            self._said.add(text)
            self.say(text)

    def record(self, row: Mapping[str, Any]) -> None:
        """Write one validation to all logs.

        Args:
            row: numbers by name; `step`, `seconds`, `share` and `speed` are among them.
        """
        if self.quiet:
            return
        self.rows.append(dict(row))
        self._unwritten.append(json.dumps(row))
        self._write()
        self._to_board(row)
        score = "".join(f"{name} {row[name]:.4f}  " for name in SCORES if name in row)
        left = row["seconds"] / max(row["share"], 1e-6) * (1 - row["share"])
        posterior = (
            f"KL {row['kl_bits']:.0f} bits  active {row['active_units']:.0f}" if "kl_bits" in row else ""
        )
        likely = f"{row['nll']:.1f} nats a phrase" if "nll" in row and not posterior else ""
        waits = f" ({row['waiting']:.0%} waiting for them)" if row.get("waiting", 0) >= WAITING else ""
        going = f"step {row['step']}  {row['speed']:.0f} phrases/s{waits}  {left / 60:.1f} min left"
        self.say(f"{going}  {score}{posterior}{likely}")

    def curves(self) -> None:
        """Draw the figures so far into curves.png."""
        if self.quiet:
            return
        try:
            from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import
        except ImportError:
            self.say_once("matplotlib is not installed: curves.png is not drawn")
            return
        names = [name for name in CURVES if self.rows and name in self.rows[-1]]
        figure = Figure(figsize=(4 * max(len(names), 1), 3), layout="constrained")
        for index, name in enumerate(names):
            axes = figure.add_subplot(1, len(names), index + 1)
            shown = [row for row in self.rows if name in row]
            axes.plot([row["seconds"] / 60 for row in shown], [row[name] for row in shown])
            axes.set_title(name)
            axes.set_xlabel("minutes")
        try:
            figure.savefig(self.folder / "curves.png", dpi=80)
        except OSError as error:
            self.say_once(f"curves.png is not drawn: {reason(error)}")

    def _fresh(self) -> None:
        """Empty the log."""
        try:
            self._log_path.write_text("", encoding="utf-8")
        except OSError as error:
            self.say_once(f"{self._log_path} is not written: {reason(error)}; training goes on")

    def _write(self) -> None:
        """Append the lines that are not written yet."""
        if not self._unwritten:
            return
        try:
            with self._log_path.open("a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in self._unwritten))
        except OSError as error:
            self.say_once(f"{self._log_path} is not written: {reason(error)}; training goes on")
        else:
            self._unwritten = []

    def _open_board(self, folder: Path) -> Board | None:
        """Return TensorBoard's log, or None where the extra is not installed or the disk refuses."""
        try:
            return Board(folder)
        except ImportError:
            self.say_once("TensorBoard is not installed: its log is not written")
        except OSError as error:
            self.say_once(f"TensorBoard's log is not written: {reason(error)}; training goes on")
        return None

    def _to_board(self, row: Mapping[str, Any]) -> None:
        """Add a row's numbers to TensorBoard's log; after a fault, no more."""
        if self._board is None:
            return
        figures = {name: value for name, value in row.items() if isinstance(value, int | float)}
        try:
            self._board.add(figures, int(row["step"]))
        except OSError as error:
            self._board.close()
            self._board = None
            self.say_once(f"TensorBoard's log is not written: {reason(error)}; training goes on")


def reason(error: BaseException) -> str:
    """Return an error in a few words."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
