"""Guardians: one is started when the supervisor has died, but not again and again without end."""

import queue

import pytest

from live.engine.links.guardians import MOST_GUARDIANS, Guardians
from live.ipc.link import Address
from live.ipc.messages import Beat
from live.ipc.options import Options
from live.ipc.snapshot import Snapshot
from live.settings.schema import Config
from tests.fakes.engine_stage import SECOND, FakeClock, Wire, built, hello, run_to

PATIENCE_S = 20.0
OPTIONS = Options(config=Config(), address=Address("", ""))


def test_only_so_many_are_started() -> None:
    started: queue.SimpleQueue[Options] = queue.SimpleQueue()
    guardians = Guardians(OPTIONS, started.put)
    for _ in range(2 * MOST_GUARDIANS):
        guardians.call()
    assert [started.get(timeout=PATIENCE_S) for _ in range(MOST_GUARDIANS)] == [OPTIONS] * MOST_GUARDIANS
    assert started.empty()


@pytest.mark.parametrize("headless", [False, True])
def test_an_engine_that_plays_on_without_its_supervisor_gets_a_guardian(*, headless: bool) -> None:
    clock = FakeClock()
    engine = built(clock, headless=headless)
    started: queue.SimpleQueue[Options] = queue.SimpleQueue()
    engine.guardians = Guardians(engine.options, started.put)
    supervisor, guardian = Wire(), Wire()
    engine._arrived(supervisor, hello("supervisor"))
    run_to(engine, clock, clock.nanos)
    engine._arrived(supervisor, None)
    run_to(engine, clock, clock.nanos)
    assert engine.ending is headless
    if not headless:
        assert started.get(timeout=PATIENCE_S) is engine.options
        engine._arrived(guardian, hello("guardian"))
        run_to(engine, clock, clock.nanos + SECOND)
        engine.supervisor.beat(clock.nanos, clock.nanos + SECOND)
        assert Beat(worker=False) in guardian.sent
        assert not [message for message in guardian.sent if isinstance(message, Snapshot)]
    assert started.empty()
