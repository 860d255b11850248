"""Worker processes that read files, each of which a file may crash or hang without harm to the run.

A worker holds one file at a time; the parent knows which, so a worker that dies or takes too long costs
that file alone and is started again.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from model.music.grid import Grid
from trainer.corpus.read_midi import MAX_BYTES, Reading, UnreadableError, read

FILE_SECONDS = 20.0
START_SECONDS = 60.0  # a fresh interpreter on a busy machine
MEMORY_BYTES = 3 << 30

Outcome = tuple[Path, Reading | str]


def serve(pipe: Connection, grid: Grid, metres: str) -> None:
    """Answer each path with a Reading or the reason why there is none; ends with the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    _limit_memory()
    pipe.send("ready")
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        pipe.send(attempt(path, grid, metres=metres))


def attempt(path: Path, grid: Grid, *, metres: str = "own") -> Reading | str:
    """Read one file; whatever is wrong with it comes back as a reason."""
    try:
        if not path.is_file():
            return "not a regular file"
        if path.stat().st_size > MAX_BYTES:
            return f"larger than {MAX_BYTES // 1_000_000} MB"
        return read(path.read_bytes(), grid, metres=metres)
    except UnreadableError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except MemoryError:
        return "needs more memory than a file may"
    except Exception as error:  # noqa: BLE001 - a stranger's file must not end the run
        return f"cannot be understood: {type(error).__name__}: {error}"[:160]


def _limit_memory() -> None:
    """Keep a worker below 3 GB where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


class Worker:
    """One process and the file it holds."""

    def __init__(self, grid: Grid, metres: str, seconds: float) -> None:
        """Start the process; a file may take so many seconds."""
        self._grid = grid
        self._metres = metres
        self._seconds = seconds
        self.path: Path | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=serve, args=(theirs, self._grid, self._metres), daemon=True
        )
        # one thread a worker: they share the cores already, and BLAS' buffers would eat the memory limit
        before = os.environ.get("OPENBLAS_NUM_THREADS")
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        try:
            self.process.start()
        finally:
            if before is None:
                del os.environ["OPENBLAS_NUM_THREADS"]
            else:
                os.environ["OPENBLAS_NUM_THREADS"] = before
        theirs.close()
        self.ready = False
        self.deadline = time.monotonic() + START_SECONDS

    def give(self, path: Path) -> None:
        """Hand over a file."""
        self.path = path
        self.deadline = time.monotonic() + (self._seconds if self.ready else START_SECONDS)
        with suppress(OSError):  # it died in between: seen at the pipe's end
            self.pipe.send(path)

    def outcome(self) -> Outcome | None:
        """Take what the pipe has; None for a greeting.  A dead worker is replaced, its file named."""
        try:
            answer = self.pipe.recv()
        except (EOFError, OSError):
            return self.replace("crashes the parser")
        if answer == "ready" and not self.ready:
            self.ready = True
            self.deadline = time.monotonic() + self._seconds
            return None
        assert self.path is not None
        path, self.path = self.path, None
        return path, answer

    def replace(self, reason: str) -> Outcome | None:
        """End the process, start another, and give up the file it held."""
        ready = self.ready
        self.end()
        path, self.path = self.path, None
        if not ready:
            msg = "a reading process cannot be started"
            raise RuntimeError(msg)
        self._start()
        return None if path is None else (path, reason)

    def end(self) -> None:
        """Stop the process at once."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


def outcomes(
    paths: Iterable[Path], grid: Grid, *, jobs: int, metres: str = "own", seconds: float = FILE_SECONDS
) -> Iterator[Outcome]:
    """Yield (path, Reading or the reason why not) for every path, in no order.

    Args:
        paths: of the files.
        grid: that the windows lie on.
        jobs: processes, at least 1.
        metres: see `trainer.corpus.read_midi.read`.
        seconds: that one file may take.

    """
    waiting = iter(paths)
    workers: list[Worker] = []
    try:
        for path in waiting:
            workers.append(Worker(grid, metres, seconds))
            workers[-1].give(path)
            if len(workers) == jobs:
                break
        while busy := [worker for worker in workers if worker.path is not None]:
            readable = wait([worker.pipe for worker in busy], timeout=0.5)
            for worker in busy:
                result: Outcome | None = None
                if worker.pipe in readable:
                    result = worker.outcome()
                elif time.monotonic() > worker.deadline:
                    result = worker.replace(f"takes longer than {seconds:g} seconds")
                if result is not None:
                    following = next(waiting, None)
                    if following is not None:
                        worker.give(following)
                    yield result
    finally:
        for worker in workers:
            worker.end()
