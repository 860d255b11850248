"""Scenes in which something goes wrong or comes late, on a fake clock: nothing is lost, nothing hangs."""

import msgspec
import pytest

from live.ipc.messages import Answer, Decode, Decoded, Encode, Failed, ToWorker, Warp
from live.timing.midi_bytes import CLOCK, CONTINUE, SONG_POSITION, START, Received, note_on
from live.timing.timeline import Nanos, Tick
from tests.fakes.commands import command
from tests.fakes.stage import MS, EchoModel, Stage, configured
from tests.live.jam.test_jam import BEAT, CELL, STEP, after_two_bars, expected, two_bars


def die(stage: Stage) -> None:
    stage.worker_present = False
    stage.jam.worker_lost()


def come_back(stage: Stage, model: EchoModel | None = None) -> None:
    stage.worker_present = True
    if model is not None:
        model.phrases = stage.model.phrases
        stage.model = model
    stage.jam.from_worker(stage.model.ready(), Nanos(stage.nanos))


def test_a_phrase_survives_the_model_that_was_to_answer_it() -> None:
    stage = after_two_bars(answer_ms=30.0)
    stage.at_tick(CELL - 50, lambda: die(stage))  # the phrase is on its way
    stage.at_tick(CELL + 3 * STEP + 10, lambda: come_back(stage))
    stage.run_to_tick(3 * CELL - 1)
    assert stage.note_ons(last=2 * CELL) == expected(CELL)[2:]
    assert stage.note_ons(first=2 * CELL) == expected(2 * CELL)
    assert stage.jam.dialogue.bars.missed == 1
    assert [(line.text, line.about) for line in stage.jam.notices.lines][-1] == ("the model is back", "model")


def test_other_weights_never_hear_the_old_vector() -> None:
    stage = after_two_bars()
    stage.act(CELL + 10, "capture", "A")
    stage.run_to_tick(CELL + 20)
    new = EchoModel(ident="echo-2")
    new.second = 5.0
    stage.at_tick(CELL + 5 * STEP, lambda: come_back(stage, new))
    stage.run_to_tick(3 * CELL - 1)
    asked_first = min(request.ident for request in new.encodes)
    searched = [fields["why"] for kind, fields in stage.logged if kind == "encode"][-2:]
    assert set(searched) == {"found again", "anchor A"}
    assert all(request.ident > asked_first for request in new.decodes)
    assert stage.note_ons(first=2 * CELL) == expected(2 * CELL)
    assert second(stage) == {5.0}


@pytest.mark.parametrize("still_ms", [250, 1900, 40_000])
def test_followers_of_a_clock_that_stood_still_are_not_flooded_and_find_their_place(still_ms: int) -> None:
    stage = Stage(configured(clock_out=True))
    zero = stage.begin()
    stage.run_to(zero + 2000 * MS)
    stage.sent.clear()
    stage.nanos += still_ms * MS  # the process was stopped, or the machine slept
    woken = stage.nanos
    stage.run_to(woken + 1000 * MS)
    clock = [sent for sent in stage.sent if sent.voice == "clock"]
    assert [sent.data[0] for sent in clock[:3]] == [0xFC, SONG_POSITION, CONTINUE]
    ticks = [sent for sent in clock if sent.data[0] == CLOCK]
    assert clock[2].moment < ticks[0].moment <= clock[2].moment + 20 * MS
    place = clock[1].data[1] | clock[1].data[2] << 7
    assert place * 120 == ticks[0].tick
    assert all(sent.moment == sent.due for sent in ticks)


def test_a_clock_that_was_late_for_a_moment_misses_no_byte() -> None:
    stage = Stage(configured(clock_out=True))
    zero = stage.begin()
    stage.run_to(zero + 2000 * MS)
    stage.nanos += 150 * MS
    stage.run_to(zero + 4000 * MS)
    ticks = [sent.tick for sent in stage.sent if sent.data[0] == CLOCK]
    assert ticks == list(range(0, ticks[-1] + 1, 20))
    assert CONTINUE not in {sent.data[0] for sent in stage.sent}


def test_a_start_that_a_still_clock_missed_is_not_sent_later() -> None:
    config = configured(clock_out=True)
    config = msgspec.structs.replace(config, jam=msgspec.structs.replace(config.jam, count_in_bars=1))
    stage = Stage(config)
    zero = stage.begin()
    stage.run_to(zero - 500 * MS)
    stage.nanos = zero + 1000 * MS
    stage.run_to(zero + 2000 * MS)
    assert START not in {sent.data[0] for sent in stage.sent}
    assert CONTINUE in {sent.data[0] for sent in stage.sent}


def test_a_model_that_answers_music_with_nothing_is_told_once() -> None:
    class Mute(EchoModel):
        def answer(self, message: ToWorker) -> Answer:
            reply = super().answer(message)
            return msgspec.structs.replace(reply, notes=[]) if isinstance(reply, Decoded) else reply

    stage = after_two_bars(model=Mute())
    stage.run_to_tick(5 * CELL)
    said = [fields["text"] for kind, fields in stage.logged if kind == "notice"]
    assert said == ["the model answers with no notes at all: play, or turn a knob back"]


def second(stage: Stage) -> set[float]:
    """Return the second number of every anchor's vector, which tells whose it is."""
    anchors = stage.jam.history.state.anchors
    return {float(stage.model.places.latent(anchor.place).z[1]) for anchor in anchors.values()}


def test_anchors_of_other_weights_never_meet_on_one_path() -> None:
    stage = after_two_bars(answer_ms=60.0)
    stage.act(CELL + 100, "capture", "A")
    stage.act(CELL + 200, "capture", "B")
    new = EchoModel(ident="echo-2")
    new.second = 5.0
    stage.at_tick(CELL + 300, lambda: come_back(stage, new))
    stage.act(CELL + 310, "capture", "B")
    stage.turn(CELL + 320, "morph", 0.5)
    stage.turn(CELL + 900, "morph", 0.6)
    stage.run_to_tick(2 * CELL)
    assert second(stage) == {5.0}


def test_a_start_with_a_phrase_is_planned_before_bar_zero() -> None:
    stage = after_two_bars()
    stage.act(CELL + 10, "stop")
    stage.run_to_tick(CELL + 10)
    stage.at(stage.nanos + 5 * MS, command("start"))
    stage.run_to(stage.nanos + 10 * MS)
    stage.run_to_tick(CELL - 1)
    assert stage.jam.dialogue.bars.missed == 0


def test_an_answer_that_comes_after_the_bar_line_is_a_missed_bar() -> None:
    stage = after_two_bars()
    two_bars(stage, start=CELL, transpose=5)
    stage.run_to_tick(2 * CELL - 100)
    stage.answer_ms = 200.0
    stage.run_to_tick(3 * CELL - 1)
    assert stage.jam.dialogue.bars.missed == 1
    assert stage.note_ons(first=2 * CELL)[0] == (2 * CELL, 60)  # the last good one, on the one
    stage.run_to_tick(4 * CELL - 1)
    assert stage.jam.dialogue.bars.missed == 1


@pytest.mark.parametrize("action", ["stop", "panic"])
def test_the_count_in_leaves_no_click_hanging(action: str) -> None:
    config = configured(clock_out=True)
    config = msgspec.structs.replace(config, jam=msgspec.structs.replace(config.jam, count_in_bars=1))
    stage = Stage.begun(config)
    stage.act(-4 * BEAT + 10, action)
    stage.run_to(stage.nanos + 4000 * MS)
    assert stage.hanging() == set()
    clocks = [sent.data[0] for sent in stage.sent if sent.voice == "clock"]
    if action == "panic":
        assert clocks[:2] == [START, CLOCK]


def test_an_output_that_sounds_late_is_played_early_and_never_twice() -> None:
    config = configured()
    config = msgspec.structs.replace(
        config, midi=msgspec.structs.replace(config.midi, output_latency_ms=60.0)
    )
    stage = after_two_bars(config)
    stage.act(CELL + 10, "capture", "A")
    two_bars(stage, start=CELL, transpose=5)
    stage.act(2 * CELL + 4 * STEP - 40, "recall", "A")
    stage.run_to_tick(3 * CELL - 1)
    steps = [tick for tick, _ in stage.note_ons(first=2 * CELL + STEP)]
    assert len(steps) == len(set(steps))
    moment = stage.jam.transport.timeline.nanos
    early = {sent.moment - moment(Tick(sent.tick)) for sent in stage.sent if sent.data[0] == 0x91}
    assert early == {-60 * MS}


def test_freezing_while_a_phrase_is_on_its_way_keeps_the_latent() -> None:
    stage = after_two_bars(answer_ms=50.0)
    two_bars(stage, start=CELL, transpose=5)
    stage.act(2 * CELL - 40, "freeze")
    stage.run_to_tick(3 * CELL - 1)
    assert stage.note_ons(first=2 * CELL) == expected(2 * CELL)


def test_a_wrong_model_s_name_is_forgotten() -> None:
    stage = Stage.begun()
    stage.at_tick(10, command("model", "nonsense"))
    stage.run_to_tick(30)
    choice = stage.jam.model_choice
    assert (choice.shown, choice.wanted, choice.state) == ("echo", "", "ready")


def test_one_keyboard_that_goes_leaves_the_other_s_keys() -> None:
    stage = Stage()
    for port, pitch in (("one", 60), ("two", 64), ("two", 60)):
        stage.jam.performer.play(Received(Nanos(0), note_on(1, pitch, 90), port), Nanos(0))
    stage.jam.performer.release(Nanos(0), port="two")
    assert stage.jam.performer.down() == [60]
    assert stage.hanging() == {(0, 60)}


def test_requests_of_all_kinds_have_idents_of_their_own() -> None:
    stage = after_two_bars()
    for place, name in enumerate("AB"):
        stage.act(CELL + 100 * (place + 1), "capture", name)
    stage.run_to_tick(2 * CELL)
    idents = [asked.ident for asked in stage.asked if isinstance(asked, Encode | Decode | Warp)]
    assert {type(asked) for asked in stage.asked} >= {Encode, Decode, Warp}
    assert len(idents) == len(set(idents))


def test_a_way_that_cannot_be_measured_costs_no_decode() -> None:
    stage = after_two_bars()
    stage.act(CELL + 10, "capture", "A")
    stage.act(CELL + 20, "capture", "B")
    stage.run_to_tick(CELL + 30)
    (warp,) = [asked for asked in stage.asked if isinstance(asked, Warp)]
    stage.answer_ms = 500.0
    stage.turn(CELL + 40, "density", 1.0)
    stage.run_to_tick(CELL + 50)
    assert stage.jam.dialogue.waiting
    stage.jam.from_worker(Failed(warp.ident, "the way from A to B could not be measured"), Nanos(stage.nanos))
    assert stage.jam.dialogue.waiting  # the decode is still owed
    (asked,) = [asked for asked in stage.asked if isinstance(asked, Decode)][-1:]
    stage.run_to(stage.nanos + 600 * MS)
    assert asked.ident in [fields["ident"] for kind, fields in stage.logged if kind == "decode"]
