"""The machine under a run: signals are heard and their handlers given back."""

import os
import platform
import signal
import subprocess
import sys

import pytest
import torch

from trainer.run.device import (
    best_threads,
    device_and_precision,
    faster,
    quickest_threads,
    short_of_memory,
    stop_signals,
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_event_and_the_old_handler_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_precision_that_was_asked_for_is_taken() -> None:
    assert device_and_precision("bfloat16")[1] == torch.bfloat16
    assert device_and_precision("float32")[1] == torch.float32


class Card:
    """What torch tells of a graphics card."""

    def __init__(self, *, native: bool) -> None:
        self.native = native

    def is_available(self) -> bool:
        return True

    def is_bf16_supported(self, *, including_emulation: bool) -> bool:
        assert not including_emulation
        return self.native


@pytest.mark.parametrize(("native", "kind"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_card_without_native_bfloat16_takes_float16(
    monkeypatch: pytest.MonkeyPatch, native: bool, kind: torch.dtype
) -> None:
    monkeypatch.setattr(torch, "cuda", Card(native=native))
    assert device_and_precision("auto", 3) == (torch.device("cuda", 3), kind)
    assert device_and_precision("float32")[1] == torch.float32


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_too_little_memory_is_known_by_its_words(error: Exception, short: bool) -> None:
    assert short_of_memory(error) is short


@pytest.mark.parametrize(
    ("float32", "bfloat16", "chosen"),
    [
        ([1.0] * 5, [0.5] * 5, "bfloat16"),
        ([1.0] * 5, [1.5] * 5, "float32"),
        ([1.0] * 5, [0.9] * 5, "float32"),  # a close race is not left to chance
        ([9.0, 1.0, 9.0, 9.0, 9.0], [0.95] * 5, "float32"),  # the machine was busy four times
        ([1.0] * 5, [7.0, 7.0, 0.5, 7.0, 7.0], "bfloat16"),
    ],
)
def test_bfloat16_is_taken_where_it_is_clearly_faster(
    float32: list[float], bfloat16: list[float], chosen: str
) -> None:
    seconds = {"float32": iter(float32), "bfloat16": iter(bfloat16)}
    order: list[str] = []

    def timed(name: str) -> float:
        order.append(name)
        return next(seconds[name])

    assert faster(timed) == chosen
    assert order == ["float32", "bfloat16"] * 5


@pytest.mark.parametrize(
    ("seconds", "most", "expected"),
    [
        ({1: 1.0}, 1, 1),
        ({1: 1.0, 2: 0.6}, 2, 2),
        ({1: 1.0, 2: 0.95}, 2, 1),
        ({1: 1.0, 2: 2.7}, 2, 1),
        ({1: 1.0, 2: 0.6, 4: 0.35, 6: 0.33}, 6, 4),
    ],
)
def test_threads_are_taken_where_they_are_worth_it(
    seconds: dict[int, float], most: int, expected: int
) -> None:
    assert best_threads(seconds.__getitem__, most) == expected


@pytest.mark.parametrize(("seconds", "chosen"), [({1: 1.0, 2: 2.7}, 1), ({1: 1.0, 2: 0.6}, 2)])
def test_a_step_is_tried_with_each_number_of_threads(seconds: dict[int, float], chosen: int) -> None:
    torch.set_num_threads(2)
    assert quickest_threads(lambda: seconds[torch.get_num_threads()]) == chosen
    assert torch.get_num_threads() == 2


def test_a_step_that_takes_long_is_timed_once() -> None:
    asked: list[int] = []

    def timed(threads: int) -> float:
        asked.append(threads)
        return 17.0 / threads

    assert best_threads(timed, 2) == 2
    assert asked == [1, 2]


TAKEN_AGAIN = """
import resource, sys
from trainer.run.device import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
bytearray(1 << 26)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
bytearray(1 << 26)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries cannot be told")
def test_memory_that_was_freed_is_taken_again_without_asking_the_system() -> None:
    pages = {}
    for how in ("kept", "given back"):
        words = [sys.executable, "-c", TAKEN_AGAIN, how]
        pages[how] = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert pages["kept"] < min(100, pages["given back"])  # 64 MB are 16,384 pages, or 32 large ones
