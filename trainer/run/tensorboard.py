"""TensorBoard's log, written record by record: a full disk is an error where it happens, not in a thread.

Tested in tests/trainer/run/test_progress.py.
"""

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

VERSION = "brain.Event:2"  # of the format of event files


class Board:
    """One event file of scalars."""

    def __init__(self, folder: Path) -> None:
        """Open a new file in a folder.

        Raises:
            ImportError: TensorBoard is not installed.
            OSError: the disk refuses.
        """
        from tensorboard.compat.proto import event_pb2, summary_pb2  # noqa: PLC0415 - the trainer extra
        from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415

        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}"
        self._file = (folder / name).open("ab", buffering=0)
        self._records: Any = RecordWriter(self._file)
        self._write(file_version=VERSION)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def add(self, figures: Mapping[str, float], step: int) -> None:
        """Write figures by name, all of one step.

        Raises:
            OSError: the disk refuses.
        """
        values = [
            self._summary.Value(tag=name, simple_value=float(figure)) for name, figure in figures.items()
        ]
        self._write(step=step, summary=self._summary(value=values))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, **content: Any) -> None:  # noqa: ANN401 - TensorBoard publishes no types
        """Append one event."""
        self._records.write(self._event(wall_time=time.time(), **content).SerializeToString())
