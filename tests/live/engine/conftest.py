"""An engine on a fake clock, and what it sends."""

from collections.abc import Iterator

import pytest

from live.engine.engine import Engine
from tests.fakes.engine_stage import Ear, FakeClock, built


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(clock: FakeClock) -> Iterator[Engine]:
    made = built(clock)
    yield made
    made.close()


@pytest.fixture
def ear(engine: Engine) -> Ear:
    sink = engine.output.sinks[0]
    assert isinstance(sink, Ear)
    return sink
