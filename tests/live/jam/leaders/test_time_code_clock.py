"""A jam that MIDI time code leads: it starts, stops and jumps with it, in a tempo of its own."""

import pytest

from live.ipc.commands import Start, Stop, Turn
from live.jam.leaders.time_code_clock import TimeCodeClock
from live.timing.midi_bytes import Received, Stream
from live.timing.midi_clock.time_code import RATES, START_OF_CODE, FrameRate, TimeOfCode
from live.timing.timeline import Nanos
from tests.fakes.clocked_stage import MS, SECOND, LedStage
from tests.fakes.time_codes import full_frame, quarter_frames

VIDEO = RATES[1]


class CodedStage(LedStage):
    """One with the model there, that waits for time code."""

    def __init__(
        self, *, begins: TimeOfCode = START_OF_CODE, wanted: str = "auto", **options: object
    ) -> None:
        super().__init__(**options)
        self.leader = TimeCodeClock(self.jam, begins=begins)
        self.jam.leader = self.leader
        self.jam.from_worker(self.stage.model.ready(), Nanos(0))

    def code(
        self,
        first: int,
        seconds: float,
        *,
        at: float = 0.0,
        rate: FrameRate = VIDEO,
        port: str = "box",
        speed: float = 1.0,
    ) -> int:
        """Let code run from a moment on, from a second of it on; returns the moment at which it ends."""
        count = round(seconds * rate.per_second * 4 * speed)
        frames = round(at * rate.per_second)
        for moment, data in quarter_frames(rate, frames=frames, count=count, first=first, speed=speed):
            received = Received(Nanos(moment), data, port)
            self.stage.at(moment, lambda one=received: self.leader.received(one, self.now))
        return first + round(seconds * SECOND)

    def beat(self) -> float:
        return self.jam.tick(self.now) / 480


@pytest.fixture
def led() -> CodedStage:
    return CodedStage()


@pytest.mark.parametrize("rate", RATES)
def test_it_starts_with_the_code_and_stops_with_it_in_its_tempo_here(rate: FrameRate) -> None:
    led = CodedStage(bpm=90.0)
    led.leader.begin_by_itself(led.now)
    assert led.notices()[-1] == "it starts when MIDI time code runs"
    end = led.code(SECOND, 4.0, rate=rate)
    led.stage.run_to(SECOND + 50 * MS)
    assert not led.running()
    led.stage.run_to(SECOND + 2 * SECOND)
    assert led.beat() == pytest.approx(3.0, abs=0.01)
    assert led.jam.knobs["tempo"] == pytest.approx(90.0)
    led.stage.run_to(end + 300 * MS)
    assert not led.running()
    assert not led.stage.hanging()
    assert led.leader.shown(led.now) == "time code stands at 00:00:03"
    assert "MIDI time code comes in from box: it leads" in led.notices()


def test_bar_one_begins_at_the_time_that_is_set() -> None:
    led = CodedStage(begins=TimeOfCode(0, 0, 10, 0))
    led.code(SECOND, 14.0, at=8.0)
    led.stage.run_to(SECOND + SECOND - 100 * MS)
    assert not led.running()
    led.stage.run_to(SECOND + 2 * SECOND - 100 * MS)
    assert led.jam.transport.state(led.now) == "count-in"
    led.stage.run_to(SECOND + 4 * SECOND)
    assert led.beat() == pytest.approx(4.0, abs=0.01)
    assert led.leader.shown(led.now) == "time code 00:00:12"


def test_a_jump_is_gone_along_with(led: CodedStage) -> None:
    jump = led.code(SECOND, 3.0)
    end = led.code(jump, 4.0, at=60.0)
    led.stage.run_to(jump + 2 * SECOND)
    assert led.beat() == pytest.approx(124.0, abs=0.01)
    led.stage.run_to(end + SECOND)
    assert not led.stage.hanging()


def test_code_that_is_wound_back_stops_it(led: CodedStage) -> None:
    end = led.code(SECOND, 3.0)
    back = reversed(quarter_frames(VIDEO, frames=0, count=100))
    for number, (_, data) in enumerate(back):
        received = Received(Nanos(end + number * 10 * MS), data, "box")
        led.stage.at(received.nanos, lambda one=received: led.leader.received(one, led.now))
    led.stage.run_to(end + 500 * MS)
    assert not led.running()


def test_code_at_another_speed_takes_the_music_along(led: CodedStage) -> None:
    led.code(SECOND, 12.0, speed=1.04)
    led.stage.run_to(11 * SECOND)
    assert led.beat() == pytest.approx(20.8, abs=0.02)
    assert led.jam.knobs["tempo"] == pytest.approx(124.8, abs=0.2)


def test_the_tempo_is_turned_here_and_no_beat_is_left_out(led: CodedStage) -> None:
    led.code(SECOND, 9.0)
    led.stage.run_to(3 * SECOND)
    led.stage.commands.run(Turn("tempo", 60.0), led.now)
    led.stage.run_to(7 * SECOND)
    assert led.beat() == pytest.approx(8.0, abs=0.02)
    assert led.jam.knobs["tempo"] == pytest.approx(60.0)


def test_a_stop_of_the_performer_s_lasts_until_the_code_stops_or_it_is_started(led: CodedStage) -> None:
    end = led.code(SECOND, 6.0)
    led.stage.run_to(2 * SECOND)
    led.stage.commands.run(Stop(), led.now)
    led.stage.run_to(3 * SECOND)
    assert not led.running()
    led.stage.commands.run(Start(), led.now)
    led.stage.run_to(4 * SECOND)
    assert led.beat() == pytest.approx(6.0, abs=0.01)
    led.stage.commands.run(Stop(), led.now)
    led.code(end + SECOND, 2.0)
    led.stage.run_to(end + 2 * SECOND)
    assert led.beat() == pytest.approx(2.0, abs=0.01)


def test_a_start_without_code_is_told(led: CodedStage) -> None:
    led.stage.commands.run(Start(), led.now)
    assert led.notices()[-1] == "no MIDI time code comes in: start what sends it, or leave out --clock"


def test_the_first_source_leads_and_another_when_that_has_stopped(led: CodedStage) -> None:
    end = led.code(SECOND, 3.0, port="recorder")
    led.code(2 * SECOND, 6.0, at=100.0, port="video")
    led.stage.run_to(end - 100 * MS)
    assert led.beat() == pytest.approx(5.8, abs=0.01)
    assert "two MIDI time codes come in: recorder leads, that of video is left aside" in led.notices()
    led.stage.run_to(end + SECOND)
    assert led.notices()[-1] == "MIDI time code of recorder is lost: that of video leads"
    assert led.beat() == pytest.approx(206.0, abs=0.02)


def test_an_engine_after_another_goes_on_in_its_place(led: CodedStage) -> None:
    led.jam.start(Nanos(SECOND))
    led.stage.run_to(3 * SECOND)
    led.code(3 * SECOND, 4.0, at=50.0)
    beat = led.beat()
    led.stage.run_to(5 * SECOND)
    assert led.running()
    assert led.beat() == pytest.approx(beat + 4.0, abs=0.02)


def test_a_beginning_is_no_middle_for_those_who_follow() -> None:
    led = CodedStage(clock_out=True)
    led.code(SECOND, 3.0)
    led.stage.run_to(3 * SECOND)
    said = [one.data[0] for one in led.stage.sent if one.voice is Stream.CLOCK]
    assert said[:2] == [0xFA, 0xF8]


def test_a_full_frame_stops_it_at_once_and_says_where_it_goes_on(led: CodedStage) -> None:
    led.leader.received(Received(led.now, full_frame(VIDEO, TimeOfCode(1, 2, 3, 4)), "box"), led.now)
    assert led.leader.shown(led.now) == "time code stands at 01:02:03"
    end = led.code(SECOND, 3.0)
    led.stage.run_to(end)
    assert led.running()
    led.leader.received(Received(led.now, full_frame(VIDEO, TimeOfCode(0, 1, 0, 0)), "box"), led.now)
    led.stage.run_to(end + 10 * MS)
    assert not led.running()
    assert not led.stage.hanging()
    assert led.notices()[-1] == "MIDI time code stands still: twobar waits for it"
    led.code(end + SECOND, 2.0, at=60.0)
    led.stage.run_to(end + 2 * SECOND)
    assert led.beat() == pytest.approx(122.0, abs=0.01)


def test_a_tempo_that_is_turned_while_the_code_is_fast_is_the_one_that_sounds(led: CodedStage) -> None:
    end = led.code(SECOND, 16.0, speed=1.04)
    led.stage.run_to(9 * SECOND)
    led.stage.commands.run(Turn("tempo", 130.0), led.now)
    before = led.beat()
    led.stage.run_to(15 * SECOND)
    assert led.beat() - before == pytest.approx(6 * 130 / 60, abs=0.02)
    led.stage.run_to(end + SECOND)
    assert led.jam.knobs["tempo"] == pytest.approx(125.0, abs=0.05)  # of code at its own speed


def test_an_engine_after_another_goes_on_in_its_tempo(led: CodedStage) -> None:
    led.jam.transport.set_tempo(90.0, led.now)
    led.jam.start(Nanos(SECOND))
    led.code(2 * SECOND, 4.0, at=50.0)
    led.stage.run_to(3 * SECOND)
    beat = led.beat()
    led.stage.run_to(5 * SECOND)
    assert led.beat() == pytest.approx(beat + 3.0, abs=0.02)


def test_what_another_engine_left_running_ends_where_no_code_comes(led: CodedStage) -> None:
    led.jam.start(Nanos(SECOND))
    led.stage.run_to(4 * SECOND)
    assert led.running()
    led.stage.run_to(8 * SECOND)
    assert not led.running()


@pytest.mark.parametrize("rate", RATES)
def test_midnight_is_no_jump(rate: FrameRate) -> None:
    begins = TimeOfCode(23, 59, 50, 0)
    led = CodedStage(begins=begins)
    led.code(SECOND, 20.0, at=rate.frames_before(begins) / rate.per_second, rate=rate)
    led.stage.run_to(19 * SECOND)
    assert led.beat() == pytest.approx(36.0, abs=0.005)
    assert led.jam.run == 1


def test_code_that_is_wound_forward_stops_it(led: CodedStage) -> None:
    end = led.code(SECOND, 3.0)
    wound = led.code(end, 1.0, at=4.0, speed=3.0)
    led.stage.run_to(end + 200 * MS)
    assert not led.running()
    led.code(wound, 4.0, at=8.0)
    led.stage.run_to(wound + SECOND)
    assert led.beat() == pytest.approx(18.0, abs=0.02)


def test_a_bar_that_code_goes_on_amid_was_not_late(led: CodedStage) -> None:
    end = led.code(SECOND, 9.0)
    for beat in range(8):
        led.stage.at(SECOND + beat * SECOND // 2, bytes((0x90, 60 + beat, 90)))
        led.stage.at(SECOND + beat * SECOND // 2 + SECOND // 4, bytes((0x80, 60 + beat, 0)))
    led.code(end + SECOND, 6.0, at=601.3)
    led.stage.run_to(end + 2 * SECOND)
    assert led.jam.dialogue.bars.missed == 0
    led.stage.run_to(end + 6 * SECOND)
    assert led.jam.dialogue.bars.missed == 0
    assert [note for note in led.stage.note_ons() if note[0] > 1200 * 480]


def test_an_engine_after_another_keeps_its_tempo_whatever_the_first_quarter_frames_say() -> None:
    led = CodedStage(bpm=90.0)
    led.jam.start(Nanos(SECOND))
    cycle = 21_333_333
    for moment, data in quarter_frames(VIDEO, frames=1250, count=500, first=3 * SECOND):
        at = Nanos(-(-moment // cycle) * cycle + (3 * SECOND < moment < 3 * SECOND + 60 * MS) * 40 * MS)
        received = Received(at, data, "box")
        led.stage.at(at, lambda one=received: led.leader.received(one, led.now))
    led.stage.run_to(7 * SECOND)
    assert led.running()
    assert led.jam.knobs["tempo"] == pytest.approx(90.0, rel=1e-3)
    assert led.jam.transport.tempo_bpm == pytest.approx(90.0, rel=1e-3)
