"""A set on a fake clock: what is played, and what sounds, to the tick."""

from typing import Any

import msgspec
import pytest

from live.ipc.commands import CallScene, Command, RecallAnchor, SetMode, StoreAnchor
from live.settings.schema import Config
from live.timing.midi_bytes import CLOCK, START, STOP, note_off, note_on
from live.timing.timeline import Nanos, Tick, Timeline
from tests.fakes.commands import command
from tests.fakes.stage import MS, EchoModel, Stage, configured

STEP, BEAT, BAR = 120, 480, 1920
CELL = 2 * BAR
TUNE = ((0, 60), (2, 62), (4, 64), (8, 67), (16, 65), (20, 64), (24, 62), (28, 60))


def two_bars(stage: Stage, *, start: int = 0, transpose: int = 0) -> None:
    for step, pitch in TUNE:
        stage.press(start + step * STEP, 2 * STEP - 5, pitch + transpose)


def after_two_bars(*settings: Any, **given: Any) -> Stage:
    stage = Stage.begun(*settings, **given)
    two_bars(stage)
    return stage


def expected(start: int, *, transpose: int = 0) -> list[tuple[int, int]]:
    return [(start + step * STEP, pitch + transpose) for step, pitch in TUNE]


@pytest.fixture
def stage() -> Stage:
    return after_two_bars()


def test_thru_leaves_at_once_on_the_performer_s_channel() -> None:
    stage = Stage()
    stage.at(5 * MS, note_on(3, 60, 99))
    stage.at(9 * MS, note_off(3, 60))
    stage.run_to(10 * MS)
    thru = [sent for sent in stage.sent if sent.voice == "thru"]
    assert [(sent.moment, sent.data) for sent in thru] == [
        (5 * MS, note_on(1, 60, 99)),
        (9 * MS, note_off(1, 60)),
    ]


def test_two_bars_are_answered_on_the_bar_line(stage: Stage) -> None:
    stage.run_to_tick(2 * CELL - 1)
    assert stage.note_ons() == expected(CELL)
    assert stage.jam.dialogue.bars.missed == 0


def test_nothing_is_played_before_there_is_a_phrase() -> None:
    stage = Stage.begun()
    stage.run_to_tick(3 * CELL)
    assert stage.note_ons() == []
    assert stage.jam.dialogue.bars.missed == 0


def test_follow_goes_on_with_the_last_phrase_while_the_performer_is_silent(stage: Stage) -> None:
    stage.run_to_tick(3 * CELL - 1)
    assert stage.note_ons(first=2 * CELL) == expected(2 * CELL)


def test_a_note_just_before_the_bar_line_belongs_to_the_next_phrase(stage: Stage) -> None:
    stage.press(CELL - 20, 200, 72)
    stage.run_to_tick(3 * CELL - 1)
    assert 72 not in [pitch for _, pitch in stage.note_ons(last=2 * CELL - 60)]
    assert (2 * CELL - 20, 72) in stage.note_ons(first=2 * CELL - 60)  # as early as it was played


def test_answer_mode_speaks_in_its_turn_only() -> None:
    stage = after_two_bars(configured(mode="answer"))
    two_bars(stage, start=2 * CELL, transpose=5)
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons() == expected(CELL) + expected(3 * CELL, transpose=5)


def test_hold_keeps_the_phrase_whatever_is_played(stage: Stage) -> None:
    stage.act(CELL + 10, "mode", "hold")
    two_bars(stage, start=CELL, transpose=7)
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons(first=2 * CELL) == expected(2 * CELL) + expected(3 * CELL)


def test_a_knob_in_the_middle_of_a_bar_sounds_at_the_next_step(stage: Stage) -> None:
    stage.turn(CELL + 4 * STEP + 30, "density", 1.0)
    stage.run_to_tick(2 * CELL - 1)
    sounded = stage.note_ons(first=CELL)
    doubled = [tick for tick, pitch in sounded if pitch >= 72]
    assert min(doubled) == CELL + 5 * STEP  # the echo of the note on step 4
    assert [note for note in sounded if note[1] < 72] == expected(CELL)
    assert stage.hanging() == set()


def test_a_knob_is_too_late_for_the_step_that_its_answer_misses() -> None:
    stage = after_two_bars(answer_ms=40.0)
    stage.turn(CELL + 5 * STEP - 30, "density", 1.0)
    stage.run_to_tick(2 * CELL - 1)
    assert min(tick for tick, pitch in stage.note_ons(first=CELL) if pitch >= 72) > CELL + 5 * STEP


def test_centred_knobs_do_nothing(stage: Stage) -> None:
    stage.turn(CELL + 100, "density", 0.7)
    stage.turn(CELL + 101, "density", 0.0)
    stage.run_to_tick(2 * CELL - 1)
    assert stage.note_ons() == expected(CELL)


def test_anchors_and_morph(stage: Stage) -> None:
    stage.act(CELL + 10, "capture", "A")
    two_bars(stage, start=CELL, transpose=5)
    stage.act(2 * CELL + 10, "capture", "B")
    stage.turn(2 * CELL + 4 * STEP + 10, "morph", 0.01)
    stage.turn(3 * CELL + 10, "morph", 1.0)
    stage.run_to_tick(5 * CELL - 1)
    assert stage.note_ons(first=2 * CELL + 8 * STEP, last=3 * CELL) == expected(2 * CELL)[3:]
    assert stage.note_ons(first=4 * CELL) == expected(4 * CELL, transpose=5)


def test_morph_without_anchors_says_so() -> None:
    stage = Stage.begun()
    stage.turn(10, "morph", 0.5)
    stage.run_to_tick(20)
    assert "set both first" in stage.jam.notices.lines[-1].text


def test_undo_brings_the_last_phrase_back(stage: Stage) -> None:
    two_bars(stage, start=CELL, transpose=5)
    stage.act(3 * CELL - 200, "undo")
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons(first=3 * CELL) == expected(3 * CELL)


def test_freeze_keeps_the_latent(stage: Stage) -> None:
    stage.act(CELL + 10, "freeze")
    two_bars(stage, start=CELL, transpose=5)
    stage.run_to_tick(3 * CELL - 1)
    assert stage.note_ons(first=2 * CELL) == expected(2 * CELL)


def test_panic_silences_at_once_and_comes_in_on_a_later_phrase(stage: Stage) -> None:
    stage.press(CELL, 4000, 48)
    stage.act(CELL + 9 * STEP, "panic")
    stage.run_to_tick(CELL + 9 * STEP)
    at_panic = [sent.data for sent in stage.sent if sent.moment == stage.nanos]
    assert {data[1] for data in at_panic if data[0] & 0xF0 == 0xB0} >= {64, 120, 123}
    assert len([data for data in at_panic if data[0] & 0xF0 == 0xB0 and data[1] == 120]) == 16
    assert not {place for place in stage.hanging() if place[0] == 1}
    stage.run_to_tick(4 * CELL - 1)
    sounded = stage.note_ons(first=CELL + 9 * STEP)
    assert sounded[0][0] == 2 * CELL


def test_stop_and_start() -> None:
    stage = after_two_bars(configured(clock_out=True))
    stage.act(CELL + 10, "stop")
    stage.run_to_tick(CELL + 10)
    assert stage.hanging() == set()
    assert not stage.jam.transport.running
    clocks = [sent.data[0] for sent in stage.sent if sent.voice == "clock"]
    assert clocks[0] == START
    assert clocks.count(CLOCK) == 24 * 8 + 1
    assert STOP in clocks
    stage.at(stage.nanos + 5 * MS, command("start"))
    stage.run_to(stage.nanos + 30 * MS)
    stage.run_to_tick(CELL - 1)
    restarted = [sent for sent in stage.sent if sent.data == bytes((START,))][-1].moment
    sounded = [sent.tick for sent in stage.sent if sent.moment >= restarted and sent.data[0] == 0x91]
    assert sounded[0] == 0


def test_clock_ticks_are_exact() -> None:
    stage = Stage(configured(clock_out=True, bpm=125.0))
    zero = stage.begin()
    stage.run_to_tick(2 * BEAT)
    dues = [sent.due for sent in stage.sent if sent.data == bytes((CLOCK,))]
    assert dues[0] == zero
    assert dues[1] - dues[0] == 20 * 1_000_000
    assert len(dues) == 49


def test_the_model_dies_and_the_bar_still_starts_on_the_one(stage: Stage) -> None:

    def die() -> None:
        stage.worker_present = False
        stage.jam.worker_lost()

    stage.at_tick(CELL + 100, die)
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons(first=CELL) == expected(CELL) + expected(2 * CELL) + expected(3 * CELL)
    assert stage.jam.dialogue.bars.missed >= 2
    assert stage.hanging() <= {(1, TUNE[-1][1])}
    stage.worker_present = True
    stage.jam.from_worker(stage.model.ready(), stage.jam.output.send(b"\xf6", tick=0, due=0, voice="x"))  # type: ignore[arg-type]
    stage.run_to_tick(5 * CELL - 1)
    assert stage.note_ons(first=4 * CELL) == expected(4 * CELL)
    missed = stage.jam.dialogue.bars.missed
    stage.run_to_tick(6 * CELL)
    assert stage.jam.dialogue.bars.missed == missed


def test_late_note_ons_are_dropped_but_offs_never(stage: Stage) -> None:
    stage.run_to_tick(CELL + 10)
    stage.late_nanos = 200 * MS
    stage.run_to_tick(3 * CELL)
    assert stage.jam.sender.dropped_notes > 0
    stage.jam.shutdown(stage.jam.output.send(b"\xf6", tick=0, due=0, voice="x"))  # type: ignore[arg-type]
    assert stage.hanging() == set()


def test_shutdown_ends_the_performer_s_notes_too(stage: Stage) -> None:
    stage.at_tick(CELL + 5, note_on(1, 50, 90))
    stage.run_to_tick(CELL + 50)
    assert stage.hanging()
    stage.jam.shutdown(stage.jam.output.send(b"\xf6", tick=0, due=0, voice="x"))  # type: ignore[arg-type]
    assert stage.hanging() == set()


def test_three_hundred_notes_at_once_and_garbage() -> None:
    stage = Stage.begun()
    for number in range(300):
        stage.at_tick(10, note_on(1 + number % 16, number % 128, 100))
    for data in (
        b"\xf8",
        b"\xfe",
        b"\xf0\x01\xf7",
        note_off(1, 9),
        b"\x80\x05\x00",
        b"\xd0\x40",
        b"\xe0\x00\x40",
    ):
        stage.at_tick(11, data)
    for number in range(300):
        stage.at_tick(500, note_off(1 + number % 16, number % 128))
    stage.run_to_tick(2 * CELL)
    assert {place for place in stage.hanging() if place[0] == 0} == set()


def test_a_monophonic_model_never_sounds_two_notes() -> None:
    stage = after_two_bars(model=EchoModel(codec="melody"))
    stage.turn(CELL + 4 * STEP + 30, "density", 1.0)
    stage.run_to_tick(2 * CELL - 1)
    sounding: set[int] = set()
    for _, data in stage.instrument():
        if data[0] & 0xF0 == 0x90:
            assert not sounding
            sounding.add(data[1])
        else:
            sounding.discard(data[1])


def test_tempo_changes_go_on_at_the_same_tick(stage: Stage) -> None:
    stage.turn(CELL + BEAT, "tempo", 60.0)
    stage.run_to_tick(CELL + BEAT + 1)
    stage.run_to_tick(2 * CELL - 1)
    assert stage.note_ons() == expected(CELL)


def test_swing_moves_every_second_step() -> None:
    stage = Stage.begun()
    stage.press(STEP, 100, 60)
    stage.press(2 * STEP, 100, 62)
    stage.turn(100, "swing", 1.0)
    stage.run_to_tick(2 * CELL - 1)
    assert stage.note_ons() == [(CELL + STEP + 40, 60), (CELL + 2 * STEP, 62)]


def test_the_same_evening_gives_the_same_notes() -> None:
    def evening() -> list[tuple[int, bytes]]:
        stage = Stage.begun(configured(mode="drift", seed=5))
        stage.act(1, "mode", "follow")
        two_bars(stage)
        stage.act(CELL + 10, "mode", "drift")
        stage.turn(CELL + 20, "stray", 0.3)
        stage.run_to_tick(5 * CELL)
        return stage.instrument()

    assert evening() == evening()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (StoreAnchor("Q"), "unknown capture 'Q'"),
        (CallScene(12), "scene 12 is empty: store it first"),
        (RecallAnchor("Q"), "unknown recall 'Q'"),
        (SetMode("Q"), "unknown mode 'Q'"),
    ],
)
def test_an_unknown_argument_is_a_notice(asked: Command, sentence: str) -> None:
    stage = Stage.begun()
    stage.at_tick(5, asked)
    stage.run_to_tick(10)
    assert stage.jam.notices.lines[-1].text.startswith(sentence)


def configured_midi(**changes: object) -> Config:
    config = Config()
    return msgspec.structs.replace(config, midi=msgspec.structs.replace(config.midi, **changes))


def test_count_in_clicks_and_starts_at_bar_zero() -> None:
    config = configured()
    config = msgspec.structs.replace(config, jam=msgspec.structs.replace(config.jam, count_in_bars=1))
    stage = Stage.begun(config)
    stage.run_to_tick(BEAT)
    clicks = [sent.tick for sent in stage.sent if sent.data[0] == 0x99]
    assert clicks == [-4 * BEAT, -3 * BEAT, -2 * BEAT, -BEAT]


def test_the_song_position_stays_at_its_last_place_after_1024_bars() -> None:
    stage = Stage.begun(configured(clock_out=True, bpm=300.0))
    timeline = stage.jam.transport.timeline
    late = Timeline(Tick(1500 * 1920), Nanos(stage.nanos), timeline.tempo_bpm)
    stage.jam.transport.resume(late)
    stage.jam.stop(Nanos(stage.nanos))
    position = [sent.data for sent in stage.sent if sent.data[0] == 0xF2][-1]
    assert position == bytes((0xF2, 0x7F, 0x7F))


@pytest.mark.parametrize("slower", [119.0, 60.0, 31.0])
def test_a_slower_tempo_crosses_no_bar_line_twice(slower: float) -> None:
    stage = Stage.begun(configured_midi(output_latency_ms=400.0))
    for step in range(0, 32, 4):
        stage.press(step * STEP, 100, 60 + step // 4)
    line = stage.jam.transport.timeline.nanos(Tick(2 * CELL)) - 400 * MS
    stage.run_to(line + 5 * MS)  # bar 4 has just been sent, and is not yet sounded
    stage.at(stage.nanos, command("knob", "tempo", slower))
    stage.run_to(stage.nanos + 6000 * MS)
    crossed = [int(str(fields["bar"])) for kind, fields in stage.logged if kind == "plan"]
    assert crossed == sorted(set(crossed))
    assert 4 in crossed
