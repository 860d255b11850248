"""Processes that read files: a file may crash or hang its process without harm to the run.

The pool is pebble's: a process holds one chunk of files at a time, and writes what they gave to disk.  Where
one dies or takes too long, another is started, and the chunk's files are read again, each by itself, so that
it costs that file alone.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple, TypeVar

from pebble import ProcessExpired, ProcessPool

from model.midi.file import MAX_BYTES
from model.music.grid import Grid
from trainer.corpus.part_file import save_part
from trainer.corpus.reading.read_midi import OpenedFile, Reading, UnreadableError, opened, read, read_together
from trainer.corpus.reading.sheets import FULLEST

T = TypeVar("T")
R = TypeVar("R")
FILE_SECONDS = 20.0
MEMORY_BYTES = 3 << 30
NOTES_TOGETHER = 20_000
WAITING = 2  # files handed over for each process, the one that it reads included

Item = Path | bytes
"""A file, or what a member of an archive holds."""
Outcome = tuple[Item, Reading | str]


class Result(NamedTuple):
    """What became of one file.

    Attributes:
        spot: its place in the part that it was written to; None where it gave nothing.
        grams: size of its fingerprint.
        reason: why it gave nothing.
        note: what was assumed of it, see `trainer.corpus.reading.read_midi.Reading`.
    """

    spot: int | None = None
    grams: int = 0
    reason: str | None = None
    note: str = ""


class Chunk(NamedTuple):
    """Files that one process reads one after another, and the part that it writes what they gave to."""

    number: int
    items: list[Item]
    part: Path


def attempt(item: Item, grid: Grid, *, metres: str = "own", metre: str = "") -> Reading | str:
    """Read one file; whatever is wrong with it comes back as a reason."""
    return _safely(lambda: read(_bytes_of(item), grid, metres=metres, metre=metre))


def attempt_all(
    items: Sequence[Item], grid: Grid, *, metres: str = "own", metre: str = ""
) -> list[Reading | str]:
    """Read some files, many notes of several files at a time, as `attempt` reads each."""
    found: list[Reading | str] = []
    waiting: list[tuple[int, OpenedFile]] = []
    notes = groups = 0

    def read_waiting() -> None:
        together = _safely(
            lambda: read_together([file for _, file in waiting], grid, metres=metres, metre=metre)
        )
        for place, (number, _) in enumerate(waiting):
            one = (
                together[place]
                if isinstance(together, list)
                else attempt(items[number], grid, metres=metres, metre=metre)
            )
            found[number] = one
        waiting.clear()

    def tracks_of(item: Item) -> OpenedFile | str:
        return _safely(lambda: opened(_bytes_of(item), grid, metres=metres, metre=metre))

    for number, file in enumerate(map(tracks_of, items)):
        found.append(file if isinstance(file, str) else "")
        if isinstance(file, str):
            continue
        if waiting and (notes + file.size > NOTES_TOGETHER or groups + file.groups > FULLEST):
            read_waiting()
            notes = groups = 0
        waiting.append((number, file))
        notes, groups = notes + file.size, groups + file.groups
    if waiting:
        read_waiting()
    return found


def _safely(work: Callable[[], T]) -> T | str:
    """Return what work does with a stranger's file, or what is wrong with that."""
    try:
        return work()
    except UnreadableError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except MemoryError:
        return "needs more memory than a file may"
    except Exception as error:  # noqa: BLE001 - a stranger's file must not end the run
        return f"cannot be understood: {type(error).__name__}: {error}"[:160]


def _bytes_of(item: Item) -> bytes:
    """Return what a file holds.

    Raises:
        UnreadableError: it is too large, or none.
    """
    if isinstance(item, bytes):
        return item
    if not item.is_file():
        raise UnreadableError("not a regular file")
    if item.stat().st_size > MAX_BYTES:
        raise UnreadableError(f"larger than {MAX_BYTES // 1_000_000} MB")
    return item.read_bytes()


def read_chunk(chunk: Chunk, grid: Grid, *, metres: str = "own", metre: str = "") -> list[Result]:
    """Read some files and write what they gave to their part."""
    return saved(chunk.part, attempt_all(chunk.items, grid, metres=metres, metre=metre))


def saved(part: Path, outcomes_of: list[Reading | str]) -> list[Result]:
    """Write what some files gave to a part, if any gave something."""
    readings: list[Reading] = []
    results = []
    for outcome in outcomes_of:
        if isinstance(outcome, str):
            results.append(Result(reason=outcome))
        else:
            results.append(Result(len(readings), len(outcome.fingerprint), None, outcome.note))
            readings.append(outcome)
    if readings:
        save_part(part, readings)
    return results


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


def results(
    chunks: Iterable[Chunk],
    grid: Grid,
    *,
    jobs: int,
    metres: str = "own",
    metre: str = "",
    seconds: float = FILE_SECONDS,
) -> Iterator[tuple[Chunk, list[Result]]]:
    """Yield each chunk and what became of its files, in no order.

    A chunk whose process dies or takes too long is read again, each file by itself.

    Args:
        chunks: few are handed over ahead, so that memory is bounded.
        grid: that the windows lie on.
        jobs: processes, at least 1.
        metres: see `trainer.corpus.reading.read_midi.read`.
        metre: likewise.
        seconds: that one file may take, and a whole chunk.
    """
    for chunk, ended in _ended(
        chunks, partial(read_chunk, grid=grid, metres=metres, metre=metre), jobs, seconds
    ):
        try:
            yield chunk, ended.result()
        except (TimeoutError, ProcessExpired):
            found = dict(outcomes(chunk.items, grid, jobs=jobs, metres=metres, metre=metre, seconds=seconds))
            yield chunk, saved(chunk.part, [found[item] for item in chunk.items])


def outcomes(
    items: Iterable[Item],
    grid: Grid,
    *,
    jobs: int,
    metres: str = "own",
    metre: str = "",
    seconds: float = FILE_SECONDS,
) -> Iterator[Outcome]:
    """Yield (file, Reading or the reason why not) for every file by itself, in no order.

    Args:
        items: the files.
        grid: that the windows lie on.
        jobs: processes, at least 1.
        metres: see `trainer.corpus.reading.read_midi.read`.
        metre: likewise.
        seconds: that one file may take.
    """
    for item, ended in _ended(items, partial(attempt, grid=grid, metres=metres, metre=metre), jobs, seconds):
        try:
            yield item, ended.result()
        except TimeoutError:
            yield item, f"takes longer than {seconds:g} seconds"
        except ProcessExpired:
            yield item, "crashes the parser"


def _ended(
    tasks: Iterable[T], work: Callable[[T], R], jobs: int, seconds: float
) -> Iterator[tuple[T, "Future[R]"]]:
    """Yield each task and its end, in no order."""
    left = iter(tasks)
    done: SimpleQueue[tuple[T, Future[R]]] = SimpleQueue()
    handed = 0
    pool = ProcessPool(jobs, initializer=_start, context=multiprocessing.get_context("spawn"))
    with _one_thread_each():
        try:
            while True:
                while handed < WAITING * jobs and (task := next(left, None)) is not None:
                    future = pool.schedule(work, [task], timeout=seconds)
                    future.add_done_callback(partial(_put, done, task))
                    handed += 1
                if not handed:
                    return
                task, ended = done.get()
                handed -= 1
                yield task, ended
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def _put(done: "SimpleQueue[tuple[T, Future[R]]]", task: T, future: "Future[R]") -> None:
    """Hand a task that has ended to the one who waits."""
    done.put((task, future))
