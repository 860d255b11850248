"""Loops from an output to an input: found within a few messages, and taken for nothing else."""

import pytest

from live.dashboard.drawing.status import standing
from live.engine.demo.demo_performer import DemoPerformer
from live.engine.devices.feedback import ENOUGH, WINDOW_NANOS, Feedback
from live.engine.engine import Engine
from live.timing.midi_bytes import Received, control, note_off, note_on
from live.timing.timeline import Nanos
from tests.fakes.engine_stage import SECOND, Ear, FakeClock, built, run_to

MS = 1_000_000


class Loopback(Ear):
    """An output whose other end is an input, some milliseconds later."""

    name = "loop"

    def __init__(self, engine: Engine, clock: FakeClock, *, late_ms: int = 2) -> None:
        super().__init__()
        self._engine, self._clock, self._late = engine, clock, late_ms * MS
        self._waiting: list[tuple[int, bytes]] = []

    def send(self, data: bytes) -> None:
        super().send(data)
        self._waiting.append((self._clock.nanos + self._late, data))

    def run(self, seconds: float, *played: tuple[float, str, bytes]) -> None:
        """Let time go by in milliseconds; `played` is (second, port, message)."""
        start = self._clock.nanos
        for step in range(round(seconds * 1000)):
            moment = start + step * MS
            run_to(self._engine, self._clock, moment)
            due = [data for when, data in self._waiting if when <= moment]
            self._waiting = [entry for entry in self._waiting if entry[0] > moment]
            for data in due:
                self._engine.arrivals.put(Received(Nanos(moment), data, "loop"))
            for second, port, data in played:
                if moment - MS < start + second * SECOND <= moment:
                    self._engine.arrivals.put(Received(Nanos(moment), data, port))


@pytest.fixture
def engine(clock: FakeClock) -> Engine:
    made = built(clock)
    made.output.sinks.clear()
    return made


def said(engine: Engine) -> list[str]:
    return [notice.text for notice in engine.jam.notices.lines if "sends back" in notice.text]


def test_what_was_sent_at_the_start_does_not_go_round_for_ever(engine: Engine, clock: FakeClock) -> None:
    loop = Loopback(engine, clock)
    engine.output.sinks.append(loop)
    engine.jam.all_sound_off(clock.now())
    sent = len(loop.received)
    loop.run(1.0)
    assert len(loop.received) < sent + 40
    assert len(said(engine)) == 1


@pytest.mark.parametrize("late_ms", [1, 5, 15, 40])
def test_a_key_goes_round_a_few_times_at_most(engine: Engine, clock: FakeClock, late_ms: int) -> None:
    loop = Loopback(engine, clock, late_ms=late_ms)
    engine.output.sinks.append(loop)
    keys = [(0.1 * step, "keys", note_on(1, 60 + step, 90)) for step in range(8)]
    keys += [(0.1 * step + 0.08, "keys", note_off(1, 60 + step)) for step in range(8)]
    loop.run(2.0, *keys)
    begun = len(loop.received)
    loop.run(1.0)
    assert len(loop.received) == begun
    assert len(said(engine)) == 1
    assert loop.sounding() == set()
    loop.run(0.3, (0.0, "keys", note_on(1, 40, 90)), (0.1, "keys", note_off(1, 40)))
    assert loop.received[begun:] == [note_on(1, 40, 90), note_off(1, 40)]


def test_a_loop_is_told_of_until_it_is_broken(engine: Engine, clock: FakeClock) -> None:
    loop = Loopback(engine, clock)
    engine.output.sinks.append(loop)
    keys = [(0.1 * step, "keys", note_on(1, 60 + step, 90)) for step in range(8)]
    loop.run(1.0, *keys)
    assert [notice.about for notice in standing(engine.jam.notices.lines)].count("loop loop") == 1
    engine.output.sinks[:] = [Ear()]
    loop.run(3.0, *((0.1 * step, "keys", note_on(1, 40 + step, 90)) for step in range(24)))
    assert "loop loop" not in [notice.about for notice in standing(engine.jam.notices.lines)]


def test_one_key_of_a_keyboard_that_echoes_is_stopped_and_its_next_one_sounds(
    engine: Engine, clock: FakeClock
) -> None:
    loop = Loopback(engine, clock)
    engine.output.sinks.append(loop)
    loop.run(0.5, (0.0, "loop", note_on(1, 60, 90)), (0.1, "loop", note_off(1, 60)))
    assert len(loop.received) < 100
    assert len(said(engine)) == 1
    begun = len(loop.received)
    loop.run(0.5, (0.0, "loop", note_on(1, 64, 90)), (0.2, "loop", note_off(1, 64)))
    assert loop.received[begun:] == [note_on(1, 64, 90), note_off(1, 64)]


def test_a_demo_is_not_ended_by_its_own_notes(clock: FakeClock) -> None:
    engine = built(clock)
    engine.output.sinks[:] = [loop := Loopback(engine, clock)]
    engine.demo = DemoPerformer(engine.jam)
    engine.jam.start(clock.now())
    loop.run(2.0)
    assert engine.demo is not None
    assert len(said(engine)) == 1


# -- false alarms ------------------------------------------------------------------------------------


class Listener:
    """A feedback on a hand-wound clock."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.feedback = Feedback(self.found.append)

    def instrument(self, ms: int, data: bytes) -> None:
        self.feedback.sent(data, Nanos(ms * MS))

    def keyboard(self, ms: int, data: bytes, port: str = "keys") -> bool:
        """Receive a message and, if it is not left out, play it thru as it is."""
        received = Received(Nanos(ms * MS), data, port)
        out = self.feedback.echoed(received)
        if not out:
            self.feedback.handling = port
            self.feedback.sent(data, Nanos(ms * MS))
            self.feedback.handled(received)
        return out


def unison(listener: Listener, *, channel: int, velocity: int, behind_ms: int) -> list[bool]:
    """Let the instrument play eighths, and the performer the same pitches with it."""
    events: list[tuple[int, bool, bytes]] = []
    for step in range(64):
        start, pitch = 1000 + step * 250, 60 + step % 5
        for moment, sent, played in (
            (start, note_on(2, pitch, 80), note_on(channel, pitch, velocity)),
            (start + 200, note_off(2, pitch), note_off(channel, pitch)),
        ):
            events += [(moment, False, sent), (moment + behind_ms, True, played)]
    out = []
    for moment, by_hand, data in sorted(events):
        if by_hand:
            out.append(listener.keyboard(moment, data))
        else:
            listener.instrument(moment, data)
    return out


@pytest.mark.parametrize(
    ("channel", "velocity", "behind_ms"), [(1, 80, 10), (2, 81, 10), (2, 81, 0), (1, 80, 0), (2, 80, 210)]
)
def test_a_performer_in_unison_with_the_instrument_is_no_loop(
    channel: int, velocity: int, behind_ms: int
) -> None:
    listener = Listener()
    assert not any(unison(listener, channel=channel, velocity=velocity, behind_ms=behind_ms))
    assert listener.found == []


def test_repeated_keys_of_one_velocity_are_no_loop() -> None:
    listener = Listener()
    for step in range(200):
        assert not listener.keyboard(1000 + 40 * step, note_on(1, 60, 100))
        assert not listener.keyboard(1020 + 40 * step, note_off(1, 60))


def test_the_fastest_note_repeat_and_a_restless_fader_are_no_loop() -> None:
    listener = Listener()
    for step in range(200):
        assert not listener.keyboard(1000 + 21 * step, note_on(10, 38, 127))
        assert not listener.keyboard(1010 + 21 * step, note_off(10, 38))
        assert not listener.keyboard(1011 + 21 * step, control(1, 1, 64 + step % 2))
        assert not listener.keyboard(1013 + 21 * step, control(1, 1, 64 + step % 2))


def test_some_that_come_back_among_many_that_do_not_are_no_loop() -> None:
    listener = Listener()
    for step in range(200):
        data = note_on(2, 36 + step % 48, 1 + step % 127)
        listener.instrument(1000 + step * 30, data)
        if step % 2:
            assert not listener.keyboard(1010 + step * 30, data)


def test_a_loop_that_is_broken_is_forgotten() -> None:
    listener = Listener()
    for step in range(ENOUGH):
        listener.instrument(step, control(2, 7, step))
        listener.keyboard(step + 1, control(2, 7, step))
    assert listener.found == ["keys"]
    for step in range(ENOUGH):
        listener.instrument(1000 + step, control(2, 7, step))
    later = 1000 + ENOUGH + WINDOW_NANOS // MS
    listener.keyboard(later, note_on(1, 60, 100))
    listener.keyboard(later + 40, note_off(1, 60))
    assert not listener.keyboard(later + 80, note_on(1, 60, 100))


def test_clock_that_comes_back_is_nobody_s_business() -> None:
    listener = Listener()
    for step in range(100):
        listener.instrument(step, b"\xf8")
        assert not listener.feedback.echoed(Received(Nanos(step * MS), b"\xf8", "keys"))
    assert listener.found == []
