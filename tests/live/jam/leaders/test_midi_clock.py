"""A jam that MIDI clock leads: it starts, stops and goes on with the master, and survives its accidents."""

import pytest

from live.dashboard.drawing.status import standing
from live.ipc.commands import CallScene, Start, Stop, TapTempo, Turn
from live.settings.schema import Scene
from live.timing.midi_bytes import CONTINUE, SONG_POSITION, START, STOP, Stream
from live.timing.timeline import Nanos
from tests.fakes import masters
from tests.fakes.clocked_stage import CLOCK_120, MS, SECOND, ClockedStage
from tests.fakes.snapshot_of import snapshot_of

TUNE = (60, 62, 64, 65, 67, 65, 64, 62)


def play_tune(led: ClockedStage, zero: int, *, beat: int = 24 * CLOCK_120) -> None:
    """Play two bars of quarters from a moment on."""
    for number, pitch in enumerate(TUNE):
        led.stage.at(zero + number * beat, bytes((0x90, pitch, 90)))
        led.stage.at(zero + number * beat + beat // 2, bytes((0x80, pitch, 0)))


@pytest.fixture
def led() -> ClockedStage:
    return ClockedStage()


def test_it_starts_with_the_master_and_answers_on_its_bar(led: ClockedStage) -> None:
    led.say(SECOND - 5 * MS, bytes((START,)))
    led.clocks(SECOND, 24 * 16)
    led.stage.run_to(SECOND - MS)
    assert not led.running()
    led.stage.run_to(SECOND + MS)
    assert led.running()
    play_tune(led, SECOND)
    led.stage.run_to(SECOND + 15 * 24 * CLOCK_120)
    played = [tick for tick, _ in led.stage.note_ons(last=7000)]
    assert played == [pytest.approx(3840 + 480 * beat, abs=1) for beat in range(7)]
    first = next(sent for sent in led.stage.sent if sent.tick == 3840 and sent.voice is Stream.INSTRUMENT)
    assert first.due == pytest.approx(SECOND + 8 * 24 * CLOCK_120, abs=MS / 10)


def test_jitter_on_the_wire_is_no_jitter_of_the_notes(led: ClockedStage) -> None:
    true = masters.sent(120.0, 48)
    led.say(true[0] - 10 * MS, bytes((START,)))
    led.at_moments(masters.jittered(true, 3.0))
    for clock in range(24 * 12, len(true)):
        led.stage.run_to(true[clock])
        assert abs(led.late_ms(true[clock], clock * 20)) < 1.5


@pytest.mark.parametrize("latency", [0.0, 30.0])
def test_the_latency_of_the_output_is_compensated(latency: float) -> None:
    led = ClockedStage(clock_out=True)
    led.jam.sender.latency_nanos = round(latency * MS)
    led.say(SECOND - MS, bytes((START,)))
    led.clocks(SECOND, 24 * 4)
    led.stage.run_to(SECOND + 3 * 24 * CLOCK_120)
    sent = [one for one in led.stage.sent if one.data == b"\xf8" and 480 <= one.tick < 1440]
    assert len(sent) == 48  # clock out goes with it
    for one in sent:
        assert one.moment == pytest.approx(SECOND + one.tick // 20 * CLOCK_120 - latency * MS, abs=MS / 10)
    assert [one.data[0] for one in led.stage.sent if one.voice is Stream.CLOCK][:2] == [0xFA, 0xF8]


def test_a_stop_ends_every_note_and_a_continue_goes_on_in_the_same_bar() -> None:
    led = ClockedStage(clock_out=True)
    led.say(SECOND - MS, bytes((START,)))
    end = led.clocks(SECOND, 24 * 13 + 6)
    play_tune(led, SECOND)
    led.say(end - CLOCK_120 // 2, bytes((STOP,)))
    led.stage.run_to(end + SECOND // 10)
    assert not led.running()
    assert not led.stage.hanging()
    later = led.clocks(end, 24)  # it sends clocks while it is stopped
    led.say(later - MS, bytes((CONTINUE,)))
    led.clocks(later, 24 * 8)
    led.stage.run_to(later + MS)
    assert led.running()
    assert led.jam.tick(Nanos(later)) == 13 * 480 + 6 * 20
    led.stage.run_to(later + 4 * 24 * CLOCK_120)
    assert [tick for tick, _ in led.stage.note_ons(first=13 * 480 + 120)]
    said = [one.data[0] for one in led.stage.sent if one.voice is Stream.CLOCK and one.data != b"\xf8"]
    assert said == [0xFA, 0xFC, 0xF2, 0xFC, 0xF2, 0xFB]


def test_song_position_says_where_it_goes_on(led: ClockedStage) -> None:
    led.say(SECOND - 3 * MS, bytes((SONG_POSITION, 32, 0)))
    led.say(SECOND - MS, bytes((CONTINUE,)))
    led.clocks(SECOND, 24)
    led.stage.run_to(SECOND + 24 * CLOCK_120 - 1)
    assert led.jam.tick(Nanos(SECOND + MS // 2)) == 32 * 120


def test_the_tempo_is_the_masters_and_its_knob_says_so(led: ClockedStage) -> None:
    led.clocks(SECOND, 60, gap=25_000_000)
    led.stage.run_to(2 * SECOND)
    assert led.jam.transport.tempo_bpm == pytest.approx(100, rel=1e-3)
    assert led.jam.knobs["tempo"] == pytest.approx(100, rel=1e-3)
    led.stage.commands.run(Turn("tempo", 140.0), Nanos(led.stage.nanos))
    led.stage.commands.run(TapTempo(), Nanos(led.stage.nanos))
    assert led.jam.knobs["tempo"] == pytest.approx(100, rel=1e-3)
    assert led.notices()[-1] == "MIDI clock leads: set the tempo where it comes from"


def test_a_scene_with_a_tempo_is_called_all_the_same(led: ClockedStage) -> None:
    led.stage.commands.scenes._settings = {1: Scene(number=1, knobs={"tempo": 90.0, "swing": 0.5})}
    led.stage.commands.run(CallScene(1), Nanos(0))
    assert (led.jam.knobs["tempo"], led.jam.knobs["swing"]) == (120.0, 0.5)


def test_a_lost_clock_keeps_its_tempo_and_leads_again_from_the_bar_line_on(led: ClockedStage) -> None:
    true = masters.sent(masters.step(120.0, 126.0, at_beat=21.0), 40)
    led.say(true[0] - MS, bytes((START,)))
    led.at_moments(true[: 24 * 10] + true[24 * 21 + 10 :])
    led.stage.run_to(true[24 * 20])
    assert "MIDI clock of box is lost: the tempo stays" in led.notices()
    assert "LOST" in led.midi_clock.shown(Nanos(led.stage.nanos))
    assert led.jam.transport.timeline.tempo_bpm == pytest.approx(120, rel=1e-3)
    assert abs(led.late_ms(true[24 * 20], 20 * 480)) < 0.5
    led.stage.run_to(true[24 * 22])
    assert [notice.text for notice in standing(led.jam.notices.lines)] == [
        "MIDI clock of box is back: it leads again from the next bar line on"
    ]
    led.stage.run_to(true[24 * 24] - MS)
    assert led.jam.transport.timeline.tempo_bpm == pytest.approx(120, rel=1e-3)
    led.stage.run_to(true[24 * 28])
    assert led.jam.transport.timeline.tempo_bpm == pytest.approx(126, rel=1e-3)
    off = led.late_ms(true[24 * 28], 28 * 480) / (60_000 / 126 / 24)  # in clocks
    assert abs(off - round(off)) < 0.05  # on one of its clocks, whichever was nearest


def test_a_short_loss_at_a_steady_tempo_costs_nothing(led: ClockedStage) -> None:
    true = masters.sent(120.0, 30)
    led.say(true[0] - MS, bytes((START,)))
    led.at_moments(true[: 24 * 10 + 5] + true[24 * 14 + 11 :])
    led.stage.run_to(true[24 * 28])
    assert abs(led.late_ms(true[24 * 28], 28 * 480)) < 0.2


def test_a_bend_does_not_outlive_the_clock(led: ClockedStage) -> None:
    true = masters.sent(masters.step(120.0, 140.0, at_beat=12.0), 13)
    led.say(true[0] - MS, bytes((START,)))
    led.at_moments(true[: 24 * 12 + 8])  # in the middle of coming to the new place
    led.stage.run_to(true[-1] + 10 * SECOND)
    assert led.jam.transport.timeline.tempo_bpm == pytest.approx(led.jam.transport.tempo_bpm, rel=1e-3)


def test_the_first_source_leads_and_the_other_is_named_once(led: ClockedStage) -> None:
    led.say(SECOND - MS, bytes((START,)), port="box")
    led.clocks(SECOND, 200, port="box")
    led.say(SECOND + 3 * MS, bytes((START,)), port="keyboard")
    led.clocks(SECOND + 7 * MS, 200, gap=25_000_000, port="keyboard")
    led.say(SECOND + SECOND, bytes((STOP,)), port="keyboard")
    led.stage.run_to(4 * SECOND)
    assert led.running()
    assert led.jam.transport.tempo_bpm == pytest.approx(120, rel=1e-3)
    assert led.notices() == [
        "MIDI clock comes in from box: it leads",
        "two MIDI clocks come in: box leads, that of keyboard is left aside",
    ]


def test_a_source_may_be_wanted_by_a_part_of_its_name() -> None:
    led = ClockedStage(wanted="KEY")
    led.clocks(SECOND, 100, port="box")
    led.clocks(SECOND + 7 * MS, 100, gap=25_000_000, port="my keyboard")
    led.stage.run_to(3 * SECOND)
    assert led.jam.transport.tempo_bpm == pytest.approx(100, rel=1e-3)
    assert led.notices() == ["MIDI clock comes in from my keyboard: it leads"]


def test_another_source_leads_when_the_first_is_lost(led: ClockedStage) -> None:
    led.say(SECOND - MS, bytes((START,)), port="box")
    end = led.clocks(SECOND, 24 * 6, port="box")
    led.clocks(SECOND + 5 * MS, 24 * 20, port="spare")
    led.stage.run_to(end + 4 * SECOND)
    assert "MIDI clock of box is lost: that of spare leads" in led.notices()
    assert led.running()
    line = led.jam.transport.timeline
    off = (line.tick(Nanos(SECOND + 5 * MS + 24 * 12 * CLOCK_120)) + 1) % 20
    assert min(off, 20 - off) <= 2  # on the clocks of the other one


def test_the_performer_can_start_on_a_clock_without_a_start_and_stop_it(led: ClockedStage) -> None:
    led.stage.commands.run(Start(), Nanos(0))
    assert led.notices() == ["no MIDI clock comes in: start what leads, or leave out --clock"]
    led.clocks(SECOND, 300)
    led.stage.at(SECOND + 40 * CLOCK_120 + MS, Start())
    led.stage.run_to(SECOND + 65 * CLOCK_120 + MS)
    assert led.jam.tick(Nanos(SECOND + 65 * CLOCK_120)) == pytest.approx(480, abs=1)
    led.stage.at(SECOND + 70 * CLOCK_120, Stop())
    led.stage.run_to(SECOND + 100 * CLOCK_120)
    assert not led.running()


def test_a_jam_that_an_engine_has_taken_over_comes_back_to_the_clock(led: ClockedStage) -> None:
    true = masters.sent(120.0, 20)
    led.jam.start(Nanos(true[0] - 14 * MS))  # as the engine before left it: 6 ms late
    led.at_moments(true[30:])
    led.stage.run_to(true[24 * 18])
    assert abs(led.late_ms(true[24 * 18], 18 * 480)) < 0.2


def test_the_dashboard_shows_whose_beat_it_is(led: ClockedStage) -> None:
    assert snapshot_of(led.stage).clock == "no MIDI clock yet"
    led.clocks(SECOND, 30)
    led.stage.run_to(SECOND + 29 * CLOCK_120)
    assert led.midi_clock.shown(Nanos(led.stage.nanos)) == "MIDI clock box"
    led.stage.run_to(4 * SECOND)
    assert led.midi_clock.shown(Nanos(led.stage.nanos)) == "MIDI clock box"


def test_a_master_that_sends_clocks_only_while_it_plays_is_never_lost(led: ClockedStage) -> None:
    for begun in (SECOND, 6 * SECOND):
        led.say(begun - MS, bytes((START,)))
        end = led.clocks(begun, 24 * 4)
        led.say(end - MS, bytes((STOP,)))
    led.stage.run_to(6 * SECOND + 50 * CLOCK_120)
    assert led.jam.tick(Nanos(led.stage.nanos)) == pytest.approx(1000, abs=2)
    led.stage.run_to(12 * SECOND)
    assert led.notices() == ["MIDI clock comes in from box: it leads"]


def test_the_take_is_told_the_tempo_once_a_beat_at_most(led: ClockedStage) -> None:
    recorded: list[tuple[int, float]] = []

    def record(tick: int, tempo_bpm: float) -> None:
        recorded.append((tick, tempo_bpm))

    led.stage.tempo = record  # type: ignore[method-assign]
    true = masters.sent(masters.ramp(120.0, 150.0, first_beat=4, beats=8), 20)
    led.say(true[0] - MS, bytes((START,)))
    led.at_moments(true)
    led.stage.run_to(true[-1])
    assert recorded[0][0] == 0
    assert recorded[0][1] == pytest.approx(120, rel=1e-3)
    assert recorded[-1][1] == pytest.approx(150, rel=5e-3)
    assert len({tick // 480 for tick, _ in recorded[1:]}) == len(recorded) - 1
    assert 8 <= len(recorded) <= 15
