"""Mode listen: no click; the performer starts, and the instrument comes in on the performer's bar lines."""

import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from live.engine.resume import remembered, restore
from live.ipc.commands import Command, Panic, SetMetre, SetMode, Start, Stop, Turn
from live.ipc.messages import BeatFound, Listen
from live.timing.midi_bytes import note_off, note_on
from live.timing.timeline import Nanos, Tick
from live.worker.listening import rhythm
from model.music.metre import METRES
from tests.fakes.stage import EchoModel, Stage, configured

SECOND = 1_000_000_000
BAR = 1920
# (beat, pitch, velocity): two bars, low chords on the one, a melody above
TUNE = (
    (0.0, 48, 90), (0.0, 64, 80), (0.0, 67, 95), (0.5, 69, 70), (1.0, 67, 75), (1.5, 65, 70), (2.0, 64, 84),
    (3.0, 60, 78), (4.0, 43, 90), (4.0, 62, 80), (4.0, 67, 95), (5.0, 65, 75), (5.5, 64, 70), (6.0, 62, 84),
)  # fmt: skip


def even(bpm: float, start: float = 1.0) -> Callable[[float], float]:
    return lambda beat: start + beat * 60 / bpm


def play(stage: Stage, moment: Callable[[float], float], *, bars: range) -> None:
    """Let the tune be played at these bars, two by two."""
    for bar in bars[::2]:
        for beat, pitch, velocity in TUNE:
            at = 4 * bar + beat
            stage.at(round(moment(at) * SECOND), note_on(1, pitch, velocity))
            stage.at(round(moment(at + 0.4) * SECOND), note_off(1, pitch))


def listening(**options: object) -> Stage:
    """Return a stage with a model that is ready, on which the transport waits for the performer."""
    stage = Stage(configured(mode="listen", **options))
    stage.jam.from_worker(stage.model.ready(), Nanos(0))
    stage.jam.start(Nanos(0))
    return stage


def do(stage: Stage, command: Command) -> None:
    stage.commands.run(command, Nanos(stage.nanos))
    stage.jam.advance(Nanos(stage.nanos))


def to(stage: Stage, second: float) -> None:
    stage.run_to(round(second * SECOND))


def off_the_beat(stage: Stage, beat: float, moment: Callable[[float], float]) -> float:
    """Return by how many seconds the transport's beat lies beside the performer's."""
    return stage.jam.transport.timeline.nanos(Tick(round(beat * 480))) / SECOND - moment(beat)


@pytest.fixture
def stage() -> Stage:
    return listening()


def test_no_click_and_nothing_sounds_before_anyone_plays(stage: Stage) -> None:
    to(stage, 30)
    assert not stage.jam.transport.running
    assert stage.jam.state(Nanos(stage.nanos)) == "listening"
    assert stage.note_ons() == []
    assert "listening: play" in stage.jam.notices.lines[-1].text


@pytest.mark.parametrize("bpm", [72, 104, 150])
def test_it_starts_on_the_performers_bar_lines_and_answers_the_first_phrase(bpm: int) -> None:
    stage, moment = listening(), even(bpm)
    play(stage, moment, bars=range(6))
    to(stage, moment(7.9))
    assert stage.jam.state(Nanos(stage.nanos)) == "playing"
    to(stage, moment(24))
    assert stage.jam.transport.tempo_bpm == pytest.approx(bpm, rel=0.01)
    assert stage.jam.knobs["tempo"] == pytest.approx(bpm, rel=0.01)
    assert abs(off_the_beat(stage, 24, moment)) < 0.02
    first = stage.model.encodes[0].notes
    assert [(note.onset, note.pitch) for note in first] == [(round(4 * b), p) for b, p, _ in sorted(TUNE)]
    answers = stage.note_ons(first=2 * BAR - 60, last=4 * BAR - 60)
    assert [pitch for _, pitch in answers] == [note.pitch for note in first]
    do(stage, Stop())
    assert not [channel for channel, _ in stage.hanging() if channel]


def test_in_six_eighths_it_answers_a_jig_on_the_performers_bar_lines() -> None:
    stage, moment = listening(metre="6/8"), even(168)
    jig = (74, 71, 67, 71, 72, 74, 76, None, 72, 76, None, 74)  # eighths
    for eighth, pitch in enumerate(jig * 6):
        if pitch is not None:
            stage.at(round(moment(eighth / 2) * SECOND), note_on(1, pitch, 80))
            stage.at(round(moment(eighth / 2 + 0.4) * SECOND), note_off(1, pitch))
    to(stage, moment(30))
    assert stage.jam.transport.tempo_bpm == pytest.approx(168, rel=0.01)
    assert abs(off_the_beat(stage, 24, moment)) < 0.02
    played = [pitch for pitch in jig if pitch is not None]
    assert [note.pitch for note in stage.model.encodes[-1].notes] == played
    answers = stage.note_ons(first=6 * 480 - 60, last=12 * 480 - 60)
    assert [pitch for _, pitch in answers] == played


def test_the_tempo_that_is_shown_is_calm_and_the_one_it_goes_on_at() -> None:
    chance = random.Random(1)
    stage = listening()

    def unsteady(beat: float) -> float:
        return even(100)(beat) + chance.gauss(0, 0.015)

    play(stage, unsteady, bars=range(20))
    shown, moment = [], []
    for beat in range(24, 76):
        to(stage, even(100)(beat))
        shown.append(stage.jam.listening.tempo_bpm(Nanos(stage.nanos)))
        moment.append(stage.jam.transport.tempo_bpm)
    assert max(abs(bpm - 100) for bpm in moment) > 1.5
    assert max(abs(bpm - 100) for bpm in shown) < 1
    assert stage.jam.knobs["tempo"] == pytest.approx(shown[-1], abs=0.5)
    do(stage, SetMode("hold"))
    assert stage.jam.transport.tempo_bpm == pytest.approx(100, abs=1)
    do(stage, SetMode("listen"))
    do(stage, Turn("tempo", 90.0))
    assert stage.jam.listening.tempo_bpm(Nanos(stage.nanos)) == pytest.approx(90, abs=0.01)


def test_it_follows_a_performer_who_takes_time() -> None:
    def moment(beat: float) -> float:
        return 1.0 + (beat + 0.1 * 16 / (2 * math.pi) * math.sin(2 * math.pi * beat / 16)) * 0.6

    stage = listening()
    play(stage, moment, bars=range(20))
    off = []
    for beat in range(12, 80):
        to(stage, moment(beat) - 0.1)
        off.append(abs(off_the_beat(stage, beat, moment)))
    assert sorted(off)[int(0.9 * len(off))] < 0.07
    ticks = [sent.tick for sent in stage.sent if sent.voice == "instrument"]
    assert ticks == sorted(ticks)
    assert stage.jam.dialogue.bars.missed == 0


def test_what_the_instrument_plays_is_not_listened_to() -> None:
    stage, moment = listening(), even(100)
    play(stage, moment, bars=range(2))
    to(stage, moment(60))  # only the instrument plays on
    assert stage.note_ons(first=12 * BAR)
    assert stage.jam.transport.tempo_bpm == pytest.approx(100, rel=0.02)
    assert abs(off_the_beat(stage, 60, moment)) < 0.3


def test_a_single_note_starts_nothing(stage: Stage) -> None:
    stage.at(SECOND, note_on(1, 60, 90))
    to(stage, 20)
    assert stage.jam.state(Nanos(stage.nanos)) == "listening"


def test_stop_listens_no_more_and_start_listens_again() -> None:
    stage, moment = listening(), even(110)
    do(stage, Stop())
    play(stage, moment, bars=range(4))
    to(stage, moment(16))
    assert stage.jam.state(Nanos(stage.nanos)) == "stopped"
    do(stage, Start())
    again = even(90, start=stage.nanos / SECOND + 1)
    play(stage, again, bars=range(4))
    to(stage, again(15.9))
    assert stage.jam.transport.tempo_bpm == pytest.approx(90, rel=0.01)
    do(stage, Start())
    assert stage.jam.state(Nanos(stage.nanos)) == "listening"
    assert not [channel for channel, _ in stage.hanging() if channel]


def test_panic_leaves_it_listening_and_playing() -> None:
    stage, moment = listening(), even(100)
    do(stage, Panic())
    assert stage.jam.state(Nanos(stage.nanos)) == "listening"
    play(stage, moment, bars=range(10))
    to(stage, moment(17.3))
    do(stage, Panic())
    to(stage, moment(39))
    assert stage.jam.transport.tempo_bpm == pytest.approx(100, rel=0.01)
    assert stage.note_ons(first=6 * BAR)


def test_another_mode_goes_on_at_the_tempo_that_was_found() -> None:
    stage, moment = listening(), even(84)
    play(stage, moment, bars=range(4))
    to(stage, moment(16))
    do(stage, SetMode("follow"))
    to(stage, moment(40))
    assert stage.jam.transport.timeline.tempo_bpm == pytest.approx(84, rel=0.01)
    assert abs(off_the_beat(stage, 40, moment)) < 0.1


def test_another_mode_starts_what_waited(stage: Stage) -> None:
    to(stage, 1)
    do(stage, SetMode("follow"))
    assert stage.jam.transport.running
    assert stage.jam.transport.tempo_bpm == 120


def test_in_the_middle_it_follows_from_where_it_is() -> None:
    stage = Stage(configured(bpm=100))
    zero = stage.begin() / SECOND
    moment = even(100, start=zero)
    play(stage, moment, bars=range(4))
    to(stage, moment(15.9))
    do(stage, SetMode("listen"))
    faster = even(106, start=moment(16))
    play(stage, faster, bars=range(12))
    to(stage, faster(44))
    assert stage.jam.transport.tempo_bpm == pytest.approx(106, rel=0.01)
    assert abs(stage.jam.transport.timeline.nanos(Tick(60 * 480)) / SECOND - faster(44)) < 0.03


def test_the_tempo_knob_says_what_is_expected() -> None:
    stage, moment = listening(), even(60)
    do(stage, Turn("tempo", 58.0))
    play(stage, moment, bars=range(4))
    to(stage, moment(15.9))
    assert stage.jam.transport.tempo_bpm == pytest.approx(60, rel=0.01)


def test_a_keyboard_that_goes_while_it_waits_leaves_no_key_down() -> None:
    stage, moment = listening(), even(100)
    stage.at(round(moment(0) * SECOND), note_on(1, 36, 90))
    stage.at(round(moment(0.2) * SECOND), lambda: stage.jam.performer.release(Nanos(stage.nanos)))
    play(stage, moment, bars=range(2))
    to(stage, moment(8.5))
    (low,) = [note for note in stage.model.encodes[0].notes if note.pitch == 36]
    assert low.length == 1


def test_the_next_engine_goes_on_listening(stage: Stage) -> None:
    memory = remembered(stage.jam, started=True, demo=False)
    other = Stage(configured(mode="listen"))
    restore(other.jam, memory, Nanos(0))
    moment = even(100)
    play(other, moment, bars=range(2))
    to(other, moment(7.9))
    assert other.jam.state(Nanos(other.nanos)) == "playing"
    memory = remembered(other.jam, started=True, demo=False)
    third = Stage(configured(mode="listen"))
    third.nanos = other.nanos
    restore(third.jam, memory, Nanos(third.nanos))
    play(third, moment, bars=range(2, 8))
    to(third, moment(32))
    assert abs(off_the_beat(third, 32, moment)) < 0.03


def test_another_metre_is_listened_for_anew(stage: Stage) -> None:
    stage.at(SECOND, note_on(1, 60, 90))
    to(stage, 1.5)
    stage.model = EchoModel(ident="echo-2")
    ready = stage.model.ready()
    three = type(ready)(
        **{name: getattr(ready, name) for name in ready.__struct_fields__} | {"beats_per_bar": 3}
    )
    stage.jam.from_worker(three, Nanos(stage.nanos))
    to(stage, 3)
    assert stage.jam.state(Nanos(stage.nanos)) == "listening"
    assert stage.listener.due is None


def test_a_metre_that_it_cannot_find_begins_with_a_click(stage: Stage) -> None:
    do(stage, SetMetre("7/8"))
    to(stage, 1)
    assert stage.jam.transport.running
    assert "7/8 keeps to the click" in " ".join(notice.text for notice in stage.jam.notices.lines)


def test_six_eighths_are_listened_for_as_such_and_not_as_three_quarters() -> None:
    stage = listening(metre="3/4")
    do(stage, SetMetre("6/8"))
    to(stage, 1)
    metres = [message.metre for message in stage.asked if isinstance(message, Listen)]
    assert metres == [METRES["3/4"], METRES["6/8"]]


def test_what_runs_in_a_metre_that_it_cannot_find_goes_on_at_its_tempo() -> None:
    stage = Stage(configured(bpm=100, metre="7/8"))
    zero = stage.begin() / SECOND
    do(stage, SetMode("listen"))
    play(stage, even(106, start=zero), bars=range(6))
    to(stage, zero + 15)
    assert stage.jam.transport.tempo_bpm == pytest.approx(100)
    assert "7/8 keeps to the click" in " ".join(notice.text for notice in stage.jam.notices.lines)


def test_what_was_played_while_there_was_no_model_process_is_told_to_the_next_one() -> None:
    stage, moment = listening(), even(96)
    stage.worker_present = False
    play(stage, moment, bars=range(4))
    to(stage, moment(7.9))
    assert stage.jam.state(Nanos(stage.nanos)) == "listening"
    stage.replace_worker()
    to(stage, moment(8.5))
    assert stage.jam.state(Nanos(stage.nanos)) == "playing"
    assert abs(off_the_beat(stage, 8, moment)) < 0.02


def test_it_coasts_without_a_model_process_and_follows_again_with_the_next() -> None:
    stage, moment = listening(), even(100)
    play(stage, moment, bars=range(4))
    to(stage, moment(15.9))
    stage.worker_present = False
    faster = even(104, start=moment(16))
    play(stage, faster, bars=range(16))
    to(stage, faster(8))
    assert stage.jam.state(Nanos(stage.nanos)) == "playing"
    assert stage.jam.transport.tempo_bpm == pytest.approx(100, rel=0.01)
    stage.replace_worker()
    to(stage, faster(60))
    assert stage.jam.transport.tempo_bpm == pytest.approx(104, rel=0.01)
    assert abs(stage.jam.transport.timeline.nanos(Tick(76 * 480)) / SECOND - faster(60)) < 0.03


def test_what_is_heard_of_an_earlier_start_counts_no_more() -> None:
    stage, moment = listening(), even(100)
    play(stage, moment, bars=range(2))
    to(stage, moment(7))
    do(stage, Start())
    listens = [message for message in stage.asked if isinstance(message, Listen)]
    stage.jam.from_worker(BeatFound(listens[0].number, 0, 0, 90.0), Nanos(stage.nanos))
    assert stage.jam.state(Nanos(stage.nanos)) == "listening"
    stage.jam.from_worker(BeatFound(listens[-1].number, 0, stage.nanos, 90.0), Nanos(stage.nanos))
    assert stage.jam.transport.tempo_bpm == 90


@pytest.mark.parametrize("starts", [True, False])
def test_where_nothing_can_be_heard_it_says_so_once_and_keeps_to_the_click(
    monkeypatch: pytest.MonkeyPatch, *, starts: bool
) -> None:
    monkeypatch.setattr(rhythm, "FILE", Path("nowhere"))
    rhythm.rhythm_network.cache_clear()
    rhythm.rhythm_of.cache_clear()
    stage = listening() if starts else Stage.begun()
    do(stage, SetMode("listen"))
    play(stage, even(90), bars=range(4))
    to(stage, 15)
    assert stage.jam.transport.running
    assert stage.jam.transport.tempo_bpm == 120
    said = [notice.text for notice in stage.jam.notices.lines if "'nowhere' does not exist" in notice.text]
    assert len(said) == 1
    assert said[0].startswith("listen keeps to the click: ")
    assert len([message for message in stage.asked if isinstance(message, Listen)]) == 1
    monkeypatch.undo()
    do(stage, SetMode("follow"))
    do(stage, SetMode("listen"))
    play(stage, even(90, start=16), bars=range(8))
    to(stage, 16 + 20)
    assert stage.jam.transport.tempo_bpm == pytest.approx(90, rel=0.02)
