"""An engine on a fake clock, and what it sends."""

from collections.abc import Iterator

import pytest

from live.engine.engine import Engine
from tests.fakes.engine_stage import Ear, FakeClock, built


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    """A clock whose engines are closed at the end."""
    made = FakeClock()
    yield made
    for engine in made.engines:
        engine.close()


@pytest.fixture
def engine(clock: FakeClock) -> Engine:
    return built(clock)


@pytest.fixture
def ear(engine: Engine) -> Ear:
    sink = engine.output.sinks[0]
    assert isinstance(sink, Ear)
    return sink
