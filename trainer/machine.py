"""The machine under a run: which device and precision it computes in, and the signals that end it."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def device_and_precision(asked: str) -> tuple[torch.device, torch.dtype]:
    """Return the fastest device, and bfloat16 where it was asked for or is known to be faster."""
    if torch.cuda.is_available():
        device = torch.device("cuda")
    elif torch.backends.mps.is_available():
        device = torch.device("mps")
    else:
        device = torch.device("cpu")
    if asked == "bfloat16":
        return device, torch.bfloat16
    fast = device.type == "cuda" or (device.type == "cpu" and _multiplies_bfloat16_fast())
    return device, torch.bfloat16 if asked == "auto" and fast else torch.float32


def _multiplies_bfloat16_fast() -> bool:
    """Time a product in both precisions: on most processors bfloat16 is the slower one."""
    best = {}
    for kind in (torch.float32, torch.bfloat16):
        a, b = torch.ones(512, 512, dtype=kind), torch.ones(512, 512, dtype=kind)
        times = []
        for _ in range(5):
            began = time.perf_counter()
            a @ b
            times.append(time.perf_counter() - began)
        best[kind] = min(times)
    return best[torch.bfloat16] * 1.5 < best[torch.float32]


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
