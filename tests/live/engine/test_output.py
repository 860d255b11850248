"""Where messages go, and when: at once, ahead, and both where sinks differ."""

from collections.abc import Callable

import msgspec
import pytest

from live.engine.engine import Engine
from live.engine.output import EngineOutput
from live.errors import PortError
from live.ipc.browser_midi import MidiOut
from live.timing.ahead_queue import AheadQueue
from live.timing.midi_bytes import Sink, Stream, note_off, note_on, program
from live.timing.timeline import Nanos, Tick
from tests.fakes.engine_stage import SECOND, Ear, FakeClock, Wire, built, run_to
from tests.fakes.stage import configured

MS = 1_000_000
LEAD = 8 * MS


class Timed(Ear):
    """A sink that takes messages ahead, on a driver that takes them when they are due."""

    lead_nanos = LEAD

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock, self._queue = clock, AheadQueue()
        self.given: list[tuple[int, int, bytes]] = []
        """(when, for when, what)."""

    def send(self, data: bytes) -> None:
        self.given.append((self._clock.nanos, self._clock.nanos, data))
        self._queue.now(data)

    def send_at(self, data: bytes, due: Nanos) -> None:
        self.given.append((self._clock.nanos, due, data))
        self._queue.later(data, due)

    def take(self) -> None:
        """Take what is due by now, as a driver does."""
        while (data := self._queue.take_now()) is not None:
            self.received.append(data)
        while (planned := self._queue.take_due(self._clock.nanos)) is not None:
            self.received.append(planned.data)


class Timely(Ear):
    """A sink that is sent to when it is time, and notes when that was."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.moments: list[int] = []

    def send(self, data: bytes) -> None:
        super().send(data)
        self.moments.append(self._clock.nanos)


def planned(output: EngineOutput, data: bytes, due: int, voice: Stream = Stream.INSTRUMENT) -> Nanos:
    return output.send(data, tick=Tick(0), due=Nanos(due), voice=voice, planned=True)


def at_once(output: EngineOutput, data: bytes, now: int) -> Nanos:
    return output.send(data, tick=Tick(0), due=Nanos(now), voice=Stream.THRU)


def test_a_sink_that_takes_messages_ahead_gets_them_ahead_and_others_when_it_is_time(
    clock: FakeClock,
) -> None:
    output, timed, plain = EngineOutput(clock), Timed(clock), Timely(clock)
    output.sinks = [timed, plain]
    assert output.lookahead_nanos == LEAD
    due = clock.nanos + 5 * MS
    assert planned(output, note_on(2, 60, 90), due) == due
    assert timed.given == [(due - 5 * MS, due, note_on(2, 60, 90))]
    assert plain.received == []
    assert output.send_held(clock.now()) == due
    assert output.send_held(Nanos(due + 1)) is None
    assert (plain.received, plain.moments) == ([note_on(2, 60, 90)], [due])


def test_where_no_sink_takes_messages_ahead_there_is_no_lookahead(clock: FakeClock) -> None:
    output, plain = EngineOutput(clock), Timely(clock)
    output.sinks = [plain]
    assert output.lookahead_nanos == 0
    due = clock.nanos + 200_000
    assert planned(output, note_on(2, 60, 90), due) == due
    assert plain.moments == [due]


def test_thru_waits_for_nothing(clock: FakeClock) -> None:
    output, timed, plain = EngineOutput(clock), Timed(clock), Timely(clock)
    output.sinks = [timed, plain]
    planned(output, note_on(2, 60, 90), clock.nanos + 5 * MS)
    assert at_once(output, note_on(1, 40, 90), clock.nanos) == clock.nanos
    assert (plain.received, plain.moments) == ([note_on(1, 40, 90)], [clock.nanos])
    timed.take()
    assert timed.received == [note_on(1, 40, 90)]


def test_what_ends_a_note_at_once_takes_it_back_from_every_sink(clock: FakeClock) -> None:
    output, timed, plain = EngineOutput(clock), Timed(clock), Timely(clock)
    output.sinks = [timed, plain]
    planned(output, note_on(2, 60, 90), clock.nanos + 5 * MS)
    at_once(output, note_off(2, 60), clock.nanos)
    clock.nanos += 10 * MS
    timed.take()
    output.send_held(clock.now())
    assert timed.received == plain.received == [note_off(2, 60)]


def test_the_slowest_output_goes_first_and_a_port_s_clock_has_its_own_offset(clock: FakeClock) -> None:
    slow, quick, timed = Timely(clock), Timely(clock), Timed(clock)
    delays: dict[int, int] = {id(slow): 0, id(quick): 30 * MS, id(timed): 10 * MS}
    offsets: dict[int, int] = {id(quick): -4 * MS, id(timed): 2 * MS}

    def by(table: dict[int, int]) -> Callable[[Sink], int]:
        return lambda sink: table.get(id(sink), 0)

    output = EngineOutput(clock, delay=by(delays), clock_offset=by(offsets))
    output.sinks = [slow, quick, timed]
    due = clock.nanos + 100 * MS
    planned(output, note_on(2, 60, 90), due)
    planned(output, b"\xf8", due, Stream.CLOCK)
    assert [at - due for _, at, _ in timed.given] == [10 * MS, 12 * MS]
    output.send_held(Nanos(due + 100 * MS))
    assert [moment - due for moment in slow.moments] == [0, 0]
    assert sorted(zip([moment - due for moment in quick.moments], quick.received, strict=True)) == [
        (26 * MS, b"\xf8"),
        (30 * MS, note_on(2, 60, 90)),
    ]


def test_a_sink_that_fails_ahead_or_later_is_taken_out_and_the_others_go_on(clock: FakeClock) -> None:
    class Broken(Timed):
        def send_at(self, data: bytes, due: Nanos) -> None:
            raise PortError("it is closed")

    class Failing(Timely):
        def send(self, data: bytes) -> None:
            raise PortError("it fails")

    output, lost, timed = EngineOutput(clock), list[str](), Timed(clock)
    output.sink_lost = lambda _sink, reason: lost.append(reason)
    output.sinks = [Broken(clock), Failing(clock), timed]
    due = clock.nanos + 5 * MS
    planned(output, note_on(2, 60, 90), due)
    output.send_held(Nanos(due + 1))
    assert lost == ["it is closed", "it fails"]
    assert output.sinks == [timed]
    assert output.lookahead_nanos == LEAD


# -- in the engine ---------------------------------------------------------------------------------


@pytest.fixture
def engine(clock: FakeClock) -> Engine:
    made = built(clock)
    made.output.sinks = [Timed(clock)]
    made.jam.sender.clock_out.wanted = True
    return made


def timed_of(engine: Engine) -> Timed:
    sink = engine.output.sinks[0]
    assert isinstance(sink, Timed)
    return sink


def laid(engine: Engine) -> None:
    """Queue a note in each sixteenth of the first four bars, each as long as a sixteenth."""
    for step in range(64):
        engine.jam.scheduler.note(
            Tick(step * 120), Tick(step * 120 + 120), step=step, channel=2, pitch=60 + step % 3, velocity=90
        )


def test_every_message_is_given_in_time_and_in_the_order_of_its_moments(
    engine: Engine, clock: FakeClock
) -> None:
    engine.jam.start(clock.now())
    begin = engine.jam.transport.timeline.nanos(Tick(0))
    laid(engine)
    run_to(engine, clock, begin + 2 * SECOND)
    given = [one for one in timed_of(engine).given if one[1] > begin]
    assert len([one for one in given if one[2] == b"\xf8"]) >= 95
    assert all(LEAD - MS <= due - when <= LEAD + 2 * MS for when, due, _ in given)
    dues = [due for _, due, _ in given]
    assert dues == sorted(dues)
    starts = [due - begin for _, due, data in given if data[0] == 0x91]
    assert starts == [125 * MS * number for number in range(1, len(starts) + 1)]


@pytest.mark.parametrize("tempo", [40.0, 300.0])
def test_after_a_change_of_tempo_no_end_comes_before_its_beginning(
    engine: Engine, clock: FakeClock, tempo: float
) -> None:
    engine.jam.start(clock.now())
    begin = engine.jam.transport.timeline.nanos(Tick(0))
    for tick in range(0, 1920, 7):
        engine.jam.scheduler.note(
            Tick(tick), Tick(tick + 3), step=tick // 120, channel=2, pitch=60, velocity=90
        )
    sink = timed_of(engine)
    for turn in range(40):
        run_to(engine, clock, begin + turn * 9 * MS)
        engine.jam.set_tempo(tempo if turn % 2 else 120.0, clock.now())
    run_to(engine, clock, begin + 3 * SECOND)
    sink.take()
    assert sink.sounding() == set()
    dues = [due for _, due, data in sink.given if data[0] in (0x91, 0x81)]
    assert dues == sorted(dues)


@pytest.mark.parametrize("how", ["panic", "stop"])
def test_nothing_sounds_after_panic_and_stop_of_what_was_given_ahead(
    engine: Engine, clock: FakeClock, how: str
) -> None:
    for wait in range(20):
        engine.jam.start(clock.now())
        begin = engine.jam.transport.timeline.nanos(Tick(0))
        laid(engine)
        run_to(engine, clock, begin + 120 * MS + wait * MS)
        sink = timed_of(engine)
        sink.take()
        (engine.jam.panic if how == "panic" else engine.jam.stop)(clock.now())
        sink.take()
        assert sink.sounding() == set()
        run_to(engine, clock, clock.nanos + 20 * MS)
        sink.take()
        assert sink.sounding() == set()
        if how == "stop":
            assert sink.received[-1] != b"\xf8"
        engine.jam.stop(clock.now())


class Named(Ear):
    """A sink of a name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


@pytest.mark.parametrize(("wanted", "expected"), [("", {"synth", "phones"}), ("Phones", {"phones"})])
def test_clicks_go_to_the_output_that_is_named_on_their_channel(wanted: str, expected: set[str]) -> None:
    clock = FakeClock()
    config = configured(input=["none"], output=["none"], bpm=120.0, osc_port=0)
    midi = msgspec.structs.replace(config.midi, click_output=wanted, click_channel=5)
    jam = msgspec.structs.replace(config.jam, count_in_bars=1)
    engine = built(clock, config=msgspec.structs.replace(config, midi=midi, jam=jam))
    sinks = [Named("synth"), Named("phones")]
    engine.devices.open(engine.jam, clock.now())
    engine.output.sinks[:] = sinks
    for sink in sinks:
        sink.received.clear()
    engine.jam.start(clock.now())
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    clicks = {sink.name: [data for data in sink.received if data[0] == 0x94 and data[2]] for sink in sinks}
    assert {name for name, data in clicks.items() if len(data) == 4} == expected
    assert {name for name, data in clicks.items() if data} == expected


def test_a_page_knows_which_channel_is_the_drums(clock: FakeClock) -> None:
    output, page = EngineOutput(clock, drum_channel=5), Wire()
    output.listeners.append(page)
    for channel in (5, 10):
        output.send(note_on(channel, 36, 90), tick=Tick(0), due=clock.now(), voice=Stream.INSTRUMENT)
    output.tell(page, program(5, 0), clock.now())
    output.tell(page, b"\xf8", clock.now())
    heard = [message for message in page.sent if isinstance(message, MidiOut)]
    assert [message.drums for message in heard] == [True, False, True, False]
