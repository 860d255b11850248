"""What a run shows while it goes: a progress line, a JSON Lines log, TensorBoard, samples and curves."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from model.phrase import Phrase

SCORES = ("step_accuracy", "note_f1")


class Watch:
    """Tells one run's progress to the human and to files."""

    def __init__(self, folder: Path, *, console: Console | None = None, resume: bool = False) -> None:
        """Open the logs of a run's folder; a resumed run goes on in them."""
        self.folder = folder
        self.console = console or Console(file=sys.stderr)
        self.rows: list[dict[str, Any]] = []
        self._log_path = folder / "log.jsonl"
        if resume and self._log_path.is_file():
            lines = self._log_path.read_text(encoding="utf-8").splitlines()
            self.rows = [json.loads(line) for line in lines if line.endswith("}")]
        self._log: TextIO = self._log_path.open("a" if resume else "w", encoding="utf-8")
        self._board = _board(folder / "tensorboard")
        self._bar: Progress | None = None
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
        self._log.close()
        if self._board is not None:
            self._board.close()

    def advance(self, share: float, said: str) -> None:
        """Move the bar to a share of the run, 0..1."""
        if self._bar:
            self._bar.update(self._task, completed=share, said=said)

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, highlight=False, soft_wrap=True)

    def record(self, row: Mapping[str, Any]) -> None:
        """Write one look at the validation split to all logs; `row` holds `step` and `seconds`."""
        self.rows.append(dict(row))
        self._log.write(json.dumps(row) + "\n")
        self._log.flush()
        if self._board is not None:
            for name, value in row.items():
                if isinstance(value, int | float):
                    self._board.add_scalar(name, value, int(row["step"]))
        score = next((f"{name} {row[name]:.4f}" for name in SCORES if name in row), "")
        left = row["seconds"] / max(row["share"], 1e-6) * (1 - row["share"])
        self.say(
            f"step {row['step']}  {row['speed']:.0f} phrases/s  {left / 60:.1f} min left  {score}  "
            f"KL {row['kl_bits']:.0f} bits  active {row['active_units']}"
        )

    def curves(self) -> None:
        """Draw the figures so far into curves.png."""
        from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

        names = [
            name
            for name in (*SCORES, "kl_bits", "loss_onset", "loss_state", "loss_pitch", "loss_edit")
            if self.rows and name in self.rows[-1]
        ]
        figure = Figure(figsize=(4 * max(len(names), 1), 3), layout="constrained")
        for index, name in enumerate(names):
            axes = figure.add_subplot(1, len(names), index + 1)
            shown = [row for row in self.rows if name in row]
            axes.plot([row["seconds"] / 60 for row in shown], [row[name] for row in shown])
            axes.set_title(name)
            axes.set_xlabel("minutes")
        figure.savefig(self.folder / "curves.png", dpi=80)


def draw(phrases: Mapping[str, Phrase], path: Path) -> None:
    """Draw phrases one below another as piano rolls."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

    figure = Figure(figsize=(9, 2.2 * len(phrases)), layout="constrained")
    for index, (name, phrase) in enumerate(phrases.items()):
        axes = figure.add_subplot(len(phrases), 1, index + 1)
        for note in phrase.notes:
            axes.barh(
                note.pitch,
                note.length - 0.1,
                left=note.onset,
                height=0.9,
                color="C0",
                alpha=note.velocity / 127,
            )
        axes.set_xlim(0, phrase.grid.steps)
        axes.set_ylabel(name)
    figure.savefig(path, dpi=80)


def _board(folder: Path) -> Any:  # noqa: ANN401 - TensorBoard publishes no types
    """Return a TensorBoard writer, or None where the extra is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - slow to import
    except ImportError:
        return None
    return SummaryWriter(str(folder))
