"""Keeping a model process alive: pauses that grow, one at a time, none when it is not needed."""

import queue
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from live.ipc import model_process
from live.ipc.model_process import GOODBYE_SECONDS, PAUSES_SECONDS, WorkerKeeper, pause_seconds

PATIENCE_S = 20.0


class Process:
    """A process that ends when it is asked to."""

    def __init__(self) -> None:
        self._statuses: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.status: int | None = None

    def die(self, status: int) -> None:
        self._statuses.put(status)

    def wait(self, timeout: float | None = None) -> int:
        if self.status is None:
            try:
                self.status = self._statuses.get(timeout=timeout or PATIENCE_S)
            except queue.Empty:
                raise subprocess.TimeoutExpired("", 0) from None
        return self.status

    def poll(self) -> int | None:
        return self.status

    def terminate(self) -> None:
        self.die(-15)
        self.die(-15)  # for each of those who wait

    kill = terminate


class Nursery:
    """Starts processes, and tells of each."""

    def __init__(self) -> None:
        self.born: queue.SimpleQueue[Process] = queue.SimpleQueue()
        self.refusals = 0
        self.count = 0

    def __call__(self) -> Any:
        self.count += 1
        if self.refusals:
            self.refusals -= 1
            raise OSError("no memory")
        process = Process()
        self.born.put(process)
        return process

    def next(self) -> Process:
        return self.born.get(timeout=PATIENCE_S)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int | None]]:
    """Pause for no time; the list holds what pauses were asked for."""
    asked: list[tuple[int, int | None]] = []

    def pause(deaths: int, status: int | None) -> float:
        asked.append((deaths, status))
        return 0.0

    monkeypatch.setattr(model_process, "pause_seconds", pause)
    return asked


@pytest.fixture
def nursery() -> Nursery:
    return Nursery()


@pytest.fixture
def keeper(nursery: Nursery) -> Iterator[WorkerKeeper]:
    made = WorkerKeeper(nursery)
    yield made
    made.end()
    if made._thread is not None:
        made._thread.join(PATIENCE_S)


def test_a_model_process_that_dies_is_started_again_with_longer_and_longer_pauses(
    keeper: WorkerKeeper, nursery: Nursery, pauses: list[tuple[int, int | None]]
) -> None:
    keeper.start()
    for _ in range(3):
        nursery.next().die(-9)
    nursery.next()
    assert pauses == [(0, -9), (1, -9), (2, -9)]


def test_pauses_grow_and_a_goodbye_is_no_hurry() -> None:
    assert [pause_seconds(deaths, -9) for deaths in range(9)] == [*PAUSES_SECONDS, 10.0, 10.0]
    assert pause_seconds(0, 0) == pause_seconds(0, None) == GOODBYE_SECONDS
    assert pause_seconds(6, 0) == PAUSES_SECONDS[-1]


def test_the_first_may_be_started_at_once_and_the_next_ones_follow(
    keeper: WorkerKeeper, nursery: Nursery, pauses: list[tuple[int, int | None]]
) -> None:
    keeper.start(at_once=True)
    assert nursery.count == 1  # before anyone waited
    nursery.next().die(-9)
    nursery.next()
    assert nursery.count == 2
    assert pauses == [(0, -9)]


def test_one_is_started_however_often_it_is_asked_for(keeper: WorkerKeeper, nursery: Nursery) -> None:
    keeper.start()
    nursery.next()
    keeper.start()
    keeper.end()
    keeper.start()
    assert nursery.count == 1


def test_a_start_that_fails_is_tried_again(
    keeper: WorkerKeeper, nursery: Nursery, pauses: list[tuple[int, int | None]]
) -> None:
    nursery.refusals = 1
    keeper.start()
    nursery.next()
    assert pauses == [(0, None)]


@pytest.mark.usefixtures("pauses")
def test_none_is_started_while_another_runs_and_one_when_that_has_gone(nursery: Nursery) -> None:
    needed, asked = [True], threading.Event()

    def is_needed() -> bool:
        asked.set()
        return needed[0]

    keeper = WorkerKeeper(nursery, needed=is_needed)
    needed[0] = False
    keeper.start()
    nursery.next().die(0)
    assert asked.wait(PATIENCE_S)
    assert keeper._thread is not None
    keeper._thread.join(PATIENCE_S)
    assert nursery.count == 1
    keeper.start()
    nursery.next()
    keeper.end()


def test_the_end_ends_it_and_no_other_comes(keeper: WorkerKeeper, nursery: Nursery) -> None:
    keeper.start()
    process = nursery.next()
    keeper.end()
    assert process.poll() == -15
    assert keeper._thread is not None
    keeper._thread.join(PATIENCE_S)
    assert nursery.count == 1
