"""The first note: it lies on the one, starts the transport, and nothing else does."""

import pytest

from live.jam.leaders.midi_clock import MidiClock
from live.timing.midi_bytes import note_off, note_on
from live.timing.timeline import Nanos, Tick
from tests.fakes.commands import command
from tests.fakes.stage import MS, Stage, configured

BAR = 1920


def armed(**options: object) -> Stage:
    stage = Stage(configured(**options))
    stage.jam.from_worker(stage.model.ready(), Nanos(0))
    do(stage, "arm")
    return stage


def do(stage: Stage, *names: str) -> None:
    for name in names:
        stage.commands.run(command(name), Nanos(stage.nanos))


def said(stage: Stage) -> object:
    return [fields["text"] for kind, fields in stage.logged if kind == "notice"][-1]


def test_the_first_key_lies_on_the_one_and_becomes_the_phrase() -> None:
    stage = armed(clock_out=True)
    struck = 5000 * MS + 1234
    stage.at(struck, note_on(1, 60, 90))
    stage.at(struck + 200 * MS, note_off(1, 60))
    stage.run_to(struck - 1)
    assert (stage.jam.state(Nanos(stage.nanos)), stage.sent) == ("armed", [])
    stage.run_to(struck + 4500 * MS)
    assert stage.jam.transport.timeline.nanos(Tick(0)) == struck
    assert [note[:2] for note in stage.model.encodes[0].notes] == [(0, 60)]
    clock = [sent.data[0] for sent in stage.sent if sent.voice == "clock"]
    assert clock[:2] == [0xFA, 0xF8]
    assert (2 * BAR, 60) in stage.note_ons()


def test_a_keyboard_that_is_known_to_be_late_is_dated_back() -> None:
    stage = armed()
    stage.jam.performer.lag_nanos = 30 * MS
    stage.at(1000 * MS, note_on(1, 60, 90))
    stage.run_to(1100 * MS)
    assert stage.jam.transport.timeline.nanos(Tick(0)) == 970 * MS


def test_there_is_no_count_in_before_a_note_that_is_the_one() -> None:
    stage = armed()
    do(stage, "metronome")
    stage.at(1000 * MS, note_on(1, 60, 90))
    stage.run_to(1600 * MS)
    clicks = [sent.tick for sent in stage.sent if sent.voice == "click" and sent.data[0] == 0x99]
    assert clicks == [0, 480]


@pytest.mark.parametrize("name", ["arm", "stop"])
def test_it_can_be_taken_back(name: str) -> None:
    stage = armed()
    do(stage, name)
    stage.at(1000 * MS, note_on(1, 60, 90))
    stage.run_to(1500 * MS)
    assert stage.jam.state(Nanos(stage.nanos)) == "stopped"


def test_start_starts_at_once_and_what_plays_cannot_be_armed() -> None:
    stage = armed()
    do(stage, "start")
    stage.run_to(100 * MS)
    assert stage.jam.state(Nanos(stage.nanos)) == "playing"
    do(stage, "arm")
    assert said(stage) == "it plays already: stop it, then arm it to start on your first note"
    stage.at(stage.nanos + 500 * MS, note_on(1, 60, 90))
    before = stage.jam.run
    stage.run_to(stage.nanos + 600 * MS)
    assert stage.jam.run == before


def test_whoever_leads_starts_it() -> None:
    stage = Stage()
    stage.jam.leader = MidiClock(stage.jam, wanted="auto")
    do(stage, "arm")
    assert str(said(stage)).startswith("it cannot start on your first note: ")
    assert not stage.jam.first_note.armed
