"""What the supervisor hears of the engine: beats, and its end."""

import msgspec
import pytest

from live.ipc.messages import Beat, Bye
from tests.fakes.engine_stage import FakeClock, Wire, built, hello, run_to


@pytest.mark.parametrize("playing", [False, True])
def test_the_loop_beats_for_the_supervisor_as_long_as_it_turns(clock: FakeClock, *, playing: bool) -> None:
    engine = built(clock, duration_s=5.0)
    supervisor = Wire()
    engine._arrived(supervisor, hello("supervisor"))
    if playing:
        engine.jam.start(clock.now())
    engine.run()
    beats = [message for message in supervisor.sent if isinstance(message, Beat)]
    assert 25 <= len(beats) <= 51
    assert beats[-1] == Beat(worker=False)
    engine._arrived(Wire(), hello())
    engine.options = msgspec.structs.replace(engine.options, duration_s=6.0)
    engine.run()
    assert Beat(worker=True) in supervisor.sent


@pytest.mark.parametrize("crashed", [False, True])
def test_the_supervisor_learns_that_the_engine_closes(clock: FakeClock, *, crashed: bool) -> None:
    engine = built(clock)
    wires = {"supervisor": Wire(), "dashboard": Wire()}
    for role, wire in wires.items():
        engine._arrived(wire, hello(role))
    run_to(engine, clock, clock.nanos)
    engine.close(crashed=crashed)
    said = {role: any(isinstance(each, Bye) for each in wire.sent) for role, wire in wires.items()}
    assert said == {"supervisor": not crashed, "dashboard": not crashed}
    assert (Beat(worker=False, closing=True) in wires["supervisor"].sent) is crashed
