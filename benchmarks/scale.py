"""How long to measure, and where: what the command line decides for all measurements."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Scale:
    """Where and how long.

    Attributes:
        factor: 1 measures as long as the table wants; 0.1 only tries everything out.
        jack: whether a JACK server of our own runs, named in this process's environment.
        music: a folder of MIDI files in parts, None for none.
        device: that computes the models of `benchmarks.models`.
    """

    folder: Path
    factor: float
    soak_seconds: float
    jack: bool
    data: Path
    music: Path | None = None
    device: str = "cpu"
    pair_seconds: float = 60.0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def seconds(self, full: float) -> float:
        """Return a measurement's length."""
        return max(3.0, full * self.factor)

    def count(self, full: int, *, least: int = 1) -> int:
        """Return a number of repetitions."""
        return max(least, round(full * self.factor))

    def fresh(self, name: str) -> Path:
        """Return a new empty folder."""
        path = self.folder / f"{name}-{next(self._numbers)}"
        path.mkdir()
        return path

    @property
    def output(self) -> str:
        """What `--out` takes: a port on the JACK server, or none."""
        return "virtual" if self.jack else "none"
