"""The machine under a run: which device and precision it computes in, and the signals that end it."""

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import torch

HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
KINDS = {"float32": torch.float32, "bfloat16": torch.bfloat16}  # that a processor chooses from
LONGEST_TRIAL_SECONDS = 10.0
KEEPING = {-4: 0, -1: -1, -8: 1}
"""For `mallopt` of glibc: no block is a mapping of its own (M_MMAP_MAX), none is given back
(M_TRIM_THRESHOLD), and all threads take from one store (M_ARENA_MAX)."""
SHORT = ("out of memory", "can't allocate memory", "not enough memory")


def device_and_precision(asked: str, local: int = 0) -> tuple[torch.device, torch.dtype]:
    """Return the fastest device, and half precision where it was asked for or is known to be faster.

    Args:
        asked: `float32`, `bfloat16`, `float16`, or `auto` for bfloat16 where it is fast.
        local: number of this process on this machine: which of its GPUs to take.
    """
    if torch.cuda.is_available():
        device = torch.device("cuda", local)
    elif torch.backends.mps.is_available():
        device = torch.device("mps")
    else:
        device = torch.device("cpu")
    if asked in HALVES:
        return device, HALVES[asked]
    if asked != "auto":
        return device, torch.float32
    if device.type == "cuda":  # cards before Ampere only imitate bfloat16
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return device, torch.bfloat16 if native else torch.float16
    fast = device.type == "cpu" and _multiplies_bfloat16_fast()
    return device, torch.bfloat16 if fast else torch.float32


def best_threads(timed: Callable[[int], float], most: int, *, margin: float = 1.15, trials: int = 3) -> int:
    """Return with how many threads a step is quickest; more of them only where they are clearly worth it.

    Beside another program that is busy, two threads wait for each other and are slower than one.

    Args:
        timed: gives the seconds that a step takes with so many threads.
        most: that there may be, at least 1.
        margin: so many times quicker than fewer threads it must be.
        trials: of each, by turns; their middle counts.
    """
    counts = sorted({1, most, *(1 << power for power in range(1, 6) if 1 << power < most)})
    taken: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(trials if len(counts) > 1 else 0):
        for count in counts:
            taken[count].append(timed(count))
        if sum(map(sum, taken.values())) > LONGEST_TRIAL_SECONDS:
            break
    best = 1
    for count in counts[1:]:
        if median(taken[count]) * margin < median(taken[best]):
            best = count
    return best


def quickest_threads(step: Callable[[], float], *, trials: int = 3) -> int:
    """Return with how many of torch's present threads a step is quickest (`best_threads`).

    Args:
        step: takes the step, or one like it, and gives its seconds.
        trials: with each number of threads.
    """
    before = torch.get_num_threads()

    def timed(threads: int) -> float:
        torch.set_num_threads(threads)
        return step()

    try:
        return best_threads(timed, before, trials=trials)
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> bool:
    """Let this process keep what it frees: a step takes again what the step before took.

    glibc gives large blocks back at once, and the system hands them out again page by page, each filled with
    zeros: a batch of rolls took twice as long.

    Returns:
        Whether the C library can be told so; others than glibc cannot.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(tell(option, value) for option, value in KEEPING.items())


def short_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a GPU's or the machine's memory is too small."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        words in str(error).lower() for words in SHORT
    )


def _multiplies_bfloat16_fast() -> bool:
    """Time a product in both precisions: on most processors bfloat16 is the slower one."""
    squares = {name: torch.ones(512, 512, dtype=kind) for name, kind in KINDS.items()}

    def timed(name: str) -> float:
        began = time.perf_counter()
        squares[name] @ squares[name]
        return time.perf_counter() - began

    return faster(timed, margin=1.5) == "bfloat16"


def faster(timed: Callable[[str], float], *, margin: float = 1.2, trials: int = 5) -> str:
    """Return `bfloat16` where it is clearly faster, else `float32`: a close race is not left to chance.

    Args:
        timed: gives the seconds that the same work takes in a precision.
        margin: so many times faster it must be.
        trials: of each; they take turns, so that what else the machine does hits both, and the best counts.
    """
    best = dict.fromkeys(KINDS, float("inf"))
    for _ in range(trials):
        for name in best:
            best[name] = min(best[name], timed(name))
    return "bfloat16" if best["bfloat16"] * margin < best["float32"] else "float32"


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set; the old handlers come back after.

    Outside the main thread, where no handler can be set, the event is only ever set by others.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    held = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in held:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
