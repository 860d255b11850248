"""Processes that read files: a file may crash or hang its process without harm to the run.

The pool is pebble's: a process holds one file at a time, so that one that dies or takes too long costs that
file alone, and another is started.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from pebble import ProcessExpired, ProcessPool

from model.midi.file import MAX_BYTES
from model.music.grid import Grid
from trainer.corpus.read_midi import Reading, UnreadableError, read

FILE_SECONDS = 20.0
MEMORY_BYTES = 3 << 30
WAITING = 2  # files handed over for each process, the one that it reads included

Outcome = tuple[Path, Reading | str]


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


def _start() -> None:
    """Prepare a process: the parent ends it, and it stays below 3 GB where the system can."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes start with one thread: they share the cores, and BLAS' buffers would eat their memory."""
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OPENBLAS_NUM_THREADS"]
        else:
            os.environ["OPENBLAS_NUM_THREADS"] = before


def outcomes(
    paths: Iterable[Path], grid: Grid, *, jobs: int, metres: str = "own", seconds: float = FILE_SECONDS
) -> Iterator[Outcome]:
    """Yield (path, Reading or the reason why not) for every path, in no order.

    Args:
        paths: of the files; few are handed over ahead, so that memory is bounded.
        grid: that the windows lie on.
        jobs: processes, at least 1.
        metres: see `trainer.corpus.read_midi.read`.
        seconds: that one file may take.

    """
    left = iter(paths)
    done: SimpleQueue[tuple[Path, Future[Reading | str]]] = SimpleQueue()
    handed = 0
    pool = ProcessPool(jobs, initializer=_start, context=multiprocessing.get_context("spawn"))
    with _one_thread_each():
        try:
            while True:
                while handed < WAITING * jobs and (path := next(left, None)) is not None:
                    task = pool.schedule(attempt, [path, grid], {"metres": metres}, timeout=seconds)
                    task.add_done_callback(partial(_put, done, path))
                    handed += 1
                if not handed:
                    return
                path, ended = done.get()
                handed -= 1
                yield path, _outcome(ended, seconds)
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def _put(
    done: "SimpleQueue[tuple[Path, Future[Reading | str]]]", path: Path, task: "Future[Reading | str]"
) -> None:
    """Hand a task that has ended to the one who waits."""
    done.put((path, task))


def _outcome(task: "Future[Reading | str]", seconds: float) -> Reading | str:
    """Return what a process made of its file, or what became of the process."""
    try:
        return task.result()
    except TimeoutError:
        return f"takes longer than {seconds:g} seconds"
    except ProcessExpired:
        return "crashes the parser"
