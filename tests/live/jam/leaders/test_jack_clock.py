"""A jam that goes with JACK's transport: its start, stop, jumps, and its beats where a client says them."""

from collections.abc import Callable

import pytest

from live.devices.jack.timebase import JackTimebase
from live.devices.jack.transport import JackTransport, TransportState
from live.ipc.commands import Start, Stop, Turn
from live.jam.leaders.jack_clock import JackClock
from live.timing.tempo_map import TempoMap
from live.timing.timeline import Nanos, Tick, Timeline
from tests.fakes.clocked_stage import LedStage

SECOND = 1_000_000_000


class FakeTransport(JackTransport):
    """A transport without a server, that others can move."""

    def __init__(self) -> None:
        self.alive, self.closed, self.rolling = True, False, False
        self.second, self.since = 0.0, 0
        self.bpm: float | None = None
        self.now: Callable[[], int] = lambda: 0

    def state(self, now: Nanos) -> TransportState:
        seconds = self.second + (now - self.since) / SECOND * self.rolling
        return TransportState(self.rolling, seconds, self.bpm and seconds * self.bpm / 60, self.bpm)

    def move(self, second: float, *, rolling: bool) -> None:
        self.second, self.since, self.rolling = second, self.now(), rolling

    def start(self) -> None:
        self.move(0.0, rolling=True)

    def stop(self) -> None:
        self.move(self.state(Nanos(self.now())).seconds, rolling=False)

    def close(self) -> None:
        self.closed = True


class FakeTimebase(JackTimebase):
    """What others would read, without a server."""

    def __init__(self) -> None:
        self.leading, self.closed = True, False
        self.said: list[TempoMap] = []

    def say(self, tempo_map: TempoMap) -> None:
        self.said.append(tempo_map)

    def close(self) -> None:
        self.closed = True


class JackStage(LedStage):
    def __init__(self, *, timebase: FakeTimebase | None = None, **options: object) -> None:
        super().__init__(**options)
        self.stage.nanos = SECOND
        self.transport = FakeTransport()
        self.transport.now = lambda: self.stage.nanos
        self.clock = JackClock(self.jam, self.transport, timebase)
        self.jam.leader = self.clock
        self.jam.from_worker(self.stage.model.ready(), self.now)

    def run(self, nanos: int) -> None:
        self.stage.run_to(self.stage.nanos + nanos)

    def rolls(self) -> bool:
        return self.transport.rolling


@pytest.fixture
def jack() -> JackStage:
    return JackStage()


def test_it_starts_and_stops_with_the_transport_in_its_tempo_here() -> None:
    jack = JackStage(bpm=90.0)
    jack.clock.begin_by_itself(jack.now)
    jack.run(SECOND)
    assert not jack.running()
    assert jack.notices() == ["it starts with JACK's transport; `start` starts both"]
    jack.transport.start()
    jack.run(2 * SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(3 * 480, abs=1)
    jack.transport.stop()
    jack.run(SECOND // 10)
    assert not jack.running()
    assert not jack.stage.hanging()


def test_a_jump_is_gone_along_with(jack: JackStage) -> None:
    jack.transport.start()
    jack.run(SECOND)
    jack.transport.move(60.0, rolling=True)
    jack.run(SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(61 * 2 * 480, abs=1)
    jack.transport.move(4.0, rolling=True)
    jack.run(SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(5 * 2 * 480, abs=1)


def test_beats_and_tempo_of_another_client_are_followed_and_not_turned_here(jack: JackStage) -> None:
    jack.transport.bpm = 100.0
    jack.transport.start()
    jack.run(3 * SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(5 * 480, abs=1)
    jack.stage.commands.run(Turn("tempo", 140.0), jack.now)
    assert jack.jam.knobs["tempo"] == pytest.approx(100.0)
    assert jack.notices()[-1] == "the tempo comes with JACK's transport: set it where that is led"


def test_without_such_a_client_the_tempo_is_turned_here_and_no_beat_is_left_out(jack: JackStage) -> None:
    jack.transport.start()
    jack.run(2 * SECOND)
    jack.stage.commands.run(Turn("tempo", 60.0), jack.now)
    jack.run(2 * SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(6 * 480, abs=1)
    assert jack.jam.transport.timeline.tempo_bpm == pytest.approx(60.0, rel=1e-3)


def test_the_performer_starts_and_stops_everyone(jack: JackStage) -> None:
    jack.run(SECOND)
    jack.stage.commands.run(Start(), jack.now)
    assert jack.rolls()
    jack.run(SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(2 * 480, abs=2)
    jack.stage.commands.run(Stop(), jack.now)
    assert not jack.rolls()
    jack.run(SECOND // 10)
    assert not jack.running()


def test_a_transport_that_rolls_already_is_joined_where_it_is(jack: JackStage) -> None:
    jack.transport.move(30.0, rolling=True)
    jack.run(SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(31 * 2 * 480, abs=1)


def test_a_server_that_dies_leaves_the_tempo(jack: JackStage) -> None:
    jack.transport.start()
    jack.run(SECOND)
    jack.transport.alive = False
    jack.run(SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(4 * 480, abs=1)
    assert jack.notices() == ["JACK's transport has gone: the tempo stays"]
    assert jack.clock.shown(jack.now) == "JACK transport LOST"
    jack.clock.close()
    assert jack.transport.closed


def test_its_beats_are_said_to_others_and_go_on_through_a_change_of_tempo() -> None:
    timebase = FakeTimebase()
    jack = JackStage(timebase=timebase, bpm=120.0, metre="3/4")
    jack.transport.start()
    jack.run(2 * SECOND)
    jack.stage.commands.run(Turn("tempo", 60.0), jack.now)
    jack.run(2 * SECOND)
    first, last = timebase.said
    assert first.bar_beat_tick(1.75)[:3] == (2, 1, 240)
    assert last.bar_beat_tick(2.0)[:3] == (2, 2, 0)
    assert last.bar_beat_tick(4.0)[:3] == (3, 1, 0)
    assert last.tempo_bpm == 60.0
    assert jack.jam.tick(jack.now) == pytest.approx(6 * 480, abs=1)
    jack.clock.close()
    assert timebase.closed


def test_what_it_says_itself_is_not_taken_for_another_s() -> None:
    jack = JackStage(timebase=FakeTimebase(), bpm=90.0)
    jack.transport.bpm = 100.0  # as a cycle before, when the tempo was another
    jack.transport.start()
    jack.run(2 * SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(3 * 480, abs=1)


def test_beats_that_another_client_takes_over_are_followed_and_gone_on_with_once_it_leaves() -> None:
    timebase = FakeTimebase()
    jack = JackStage(timebase=timebase, bpm=120.0)
    jack.transport.start()
    jack.run(2 * SECOND)
    timebase.leading, jack.transport.bpm = False, 60.0
    jack.run(4 * SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(6 * 480, abs=1)
    timebase.leading, jack.transport.bpm = True, None
    jack.run(2 * SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(8 * 480, abs=2)
    assert timebase.said[-1].tempo_bpm == pytest.approx(60.0, rel=1e-3)
    assert timebase.said[-1].quarters(8.0) == pytest.approx(8.0, abs=0.05)


def test_an_engine_after_another_goes_on_in_its_tempo(jack: JackStage) -> None:
    jack.transport.move(50.0, rolling=True)
    jack.jam.transport.set_tempo(90.0, jack.now)  # as the performer had turned it
    jack.jam.transport.resume(Timeline(Tick(480 * 70), jack.now, 90.0))
    jack.run(2 * SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(480 * 73, abs=1)
    jack.stage.commands.run(Turn("tempo", 60.0), jack.now)
    jack.run(2 * SECOND)
    assert jack.jam.tick(jack.now) == pytest.approx(480 * 75, abs=1)


def test_an_engine_after_another_does_not_play_on_where_the_transport_has_stopped_meanwhile(
    jack: JackStage,
) -> None:
    jack.jam.transport.resume(Timeline(Tick(480), jack.now, 120.0))
    jack.run(SECOND // 10)
    assert not jack.running()
