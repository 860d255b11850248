"""The clock's bell, with real threads and no sleeping; priority by what the system answers."""

import ctypes
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from live.timing.clock import (
    ANSWERING_PRIORITY,
    LONGEST_WAIT_NANOS,
    MonotonicClock,
    hurry,
    lower_priority,
    raise_priority,
    raise_thread,
    raise_threads,
)
from live.timing.timeline import Nanos

FAR = 3_600_000_000_000


@pytest.fixture
def clock() -> MonotonicClock:
    return MonotonicClock()


def test_it_tells_the_monotonic_clock_s_time() -> None:
    before = time.monotonic_ns()
    assert before <= MonotonicClock().now() <= time.monotonic_ns()


def test_a_ring_before_the_wait_ends_it_at_once(clock: MonotonicClock) -> None:
    clock.wake()
    before = clock.now()
    clock.wait_until(Nanos(before + FAR))
    assert clock.now() - before < LONGEST_WAIT_NANOS


def test_many_rings_are_one(clock: MonotonicClock) -> None:
    for _ in range(100):
        clock.wake()
    clock.wait_until(Nanos(clock.now() + FAR))  # hears it
    assert not clock._bell.acquire(blocking=False)


def test_a_wait_for_the_past_takes_the_ring_with_it(clock: MonotonicClock) -> None:
    clock.wake()
    clock.wait_until(Nanos(0))
    assert not clock._bell.acquire(blocking=False)


def test_a_wait_for_the_past_returns_at_once(clock: MonotonicClock) -> None:
    before = clock.now()
    clock.wait_until(Nanos(0))
    assert clock.now() - before < LONGEST_WAIT_NANOS  # as long as any wait may be


def test_a_moment_is_not_left_early_without_a_ring(clock: MonotonicClock) -> None:
    moment = Nanos(clock.now() + 2_000_000)
    clock.wait_until(moment)
    assert clock.now() >= moment - 100_000  # the kernel's own rounding


def test_a_ring_from_another_thread_is_heard(clock: MonotonicClock) -> None:
    waits = threading.Event()
    heard: list[int] = []

    def wait() -> None:
        for _ in range(3):
            waits.set()
            before = clock.now()
            clock.wait_until(Nanos(before + FAR))
            heard.append(clock.now() - before)

    listener = threading.Thread(target=wait)
    listener.start()
    for _ in range(3):
        assert waits.wait(10)
        waits.clear()
        clock.wake()
    while listener.is_alive():  # two rings may have been one: ring until it has heard three
        clock.wake()
        listener.join(0.01)
    assert len(heard) == 3


def test_rings_from_many_threads_never_fail(clock: MonotonicClock) -> None:
    faults: list[Exception] = []

    def ring() -> None:
        try:
            for _ in range(300):
                clock.wake()
        except Exception as fault:  # noqa: BLE001  any is one too many
            faults.append(fault)

    ringers = [threading.Thread(target=ring) for _ in range(4)]
    for ringer in ringers:
        ringer.start()
    while any(ringer.is_alive() for ringer in ringers):
        clock.wait_until(Nanos(0))
    assert faults == []


# -- priority ------------------------------------------------------------------------------------


class NoLibrary:
    """Takes the place of libc, so that a test leaves its own process's slack alone."""

    def prctl(self, *_arguments: int) -> int:
        return 0


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda *_arguments, **_options: NoLibrary())
    return monkeypatch


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (None, "realtime"),
        (PermissionError(1, "not permitted"), "ordinary priority: allow it with an rtprio line"),
        (OSError(22, "invalid argument"), "ordinary priority: invalid argument"),
    ],
)
def test_priority_is_had_or_it_is_told_why_not(
    system: pytest.MonkeyPatch, fault: OSError | None, answer: str
) -> None:
    asked: list[tuple[int, int]] = []

    def schedule(process: int, policy: int, _parameter: object) -> None:
        asked.append((process, policy))
        if fault:
            raise fault

    system.setattr(os, "sched_setscheduler", schedule)
    assert raise_priority().startswith(answer)
    assert asked == [(0, os.SCHED_FIFO)]


def test_other_systems_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert raise_priority().startswith("ordinary priority: ")
    lower_priority()


def test_threads_of_libraries_get_the_priority_of_the_first(system: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    policies = {os.getpid(): os.SCHED_FIFO}
    system.setattr(os, "sched_getscheduler", lambda thread: policies.get(thread, os.SCHED_OTHER))
    system.setattr(os, "sched_setscheduler", lambda thread, _policy, _parameter: asked.append(thread))
    with ThreadPoolExecutor(1) as pool:
        thread = pool.submit(threading.get_native_id).result()
        raise_threads()
        assert thread in asked
        assert os.getpid() not in asked
        asked.clear()
        policies.clear()  # a process without it, as most are
        raise_threads()
    assert asked == []


@pytest.mark.parametrize(("ordinary", "expected"), [("", [(42, os.SCHED_FIFO)]), ("1", [])])
def test_a_process_that_was_launched_is_hurried_where_that_is_wanted(
    system: pytest.MonkeyPatch, ordinary: str, expected: list[tuple[int, int]]
) -> None:
    asked: list[tuple[int, int]] = []

    def schedule(process: int, policy: int, _parameter: object) -> None:
        asked.append((process, policy))
        raise PermissionError

    system.setenv("TWOBAR_NO_REALTIME", ordinary)
    system.setattr(os, "sched_setscheduler", schedule)
    hurry(42)
    assert asked == expected


def test_an_inherited_priority_is_given_back(system: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    system.setattr(os, "sched_getscheduler", lambda _process: os.SCHED_FIFO)
    system.setattr(os, "sched_setscheduler", lambda _process, policy, _parameter: asked.append(policy))
    lower_priority()
    assert asked == [os.SCHED_OTHER]
    system.setattr(os, "sched_getscheduler", lambda _process: os.SCHED_OTHER)
    lower_priority()
    assert asked == [os.SCHED_OTHER]


def test_a_process_that_may_not_leave_idle_time_stays_there(system: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    system.setattr(os, "sched_getscheduler", lambda _process: os.SCHED_IDLE)
    system.setattr(os, "sched_setscheduler", refuse)
    lower_priority()


def test_a_thread_that_answers_goes_before_ordinary_ones_and_not_before_the_clock(
    system: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    system.setattr(os, "sched_getscheduler", lambda _thread: os.SCHED_OTHER)
    system.setattr(os, "sched_setscheduler", lambda _thread, _policy, of: asked.append(of.sched_priority))
    raise_thread(ANSWERING_PRIORITY)
    raise_thread()
    assert 0 < asked[0] < asked[1]
