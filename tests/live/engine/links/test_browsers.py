"""A browser's keyboard, and what a page is sent."""

import pytest

from live.engine.engine import Engine
from live.ipc.browser_midi import MidiOut, PlayMidi, WantMidi
from live.timing.midi_bytes import control, note_off, note_on, program
from tests.fakes.engine_stage import SECOND, Ear, FakeClock, Wire
from tests.fakes.stage import MS


def test_a_browser_s_keys_are_played_and_let_go_when_it_goes(
    engine: Engine, clock: FakeClock, ear: Ear
) -> None:
    page, port = Wire(), "page: keys"
    engine._handle(page, PlayMidi(port, note_on(1, 60, 90), clock.nanos), clock.now())
    engine._handle(page, PlayMidi(port, note_on(1, 64, 90), clock.nanos), clock.now())
    assert {pitch for _, pitch in ear.sounding()} == {60, 64}
    engine._handle(page, PlayMidi(port, note_off(1, 60), clock.nanos), clock.now())
    engine._handle(page, PlayMidi(port, b"", clock.nanos), clock.now())
    assert ear.sounding() == set()
    engine._handle(page, PlayMidi(port, note_on(1, 67, 90), clock.nanos), clock.now())
    engine._gone(page)  # the page's process has died
    assert ear.sounding() == set()


def test_a_key_of_a_browser_is_as_old_as_it_says_but_no_older_than_can_be(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    monkeypatch.setattr(
        engine, "_received", lambda received, _now: taken.append(received.nanos - clock.nanos)
    )
    for nanos in (clock.nanos - 5 * MS, clock.nanos + SECOND, 0):
        engine._handle(Wire(), PlayMidi("page: keys", note_on(1, 60, 90), nanos), clock.now())
    assert taken == [-5 * MS, 0, -SECOND // 4]


def test_a_page_that_wants_it_is_sent_all_that_leaves(engine: Engine, clock: FakeClock) -> None:
    page = Wire()
    engine._handle(page, WantMidi(wanted=True), clock.now())
    setup = [message.data for message in page.sent if isinstance(message, MidiOut)]
    assert (program(2, 4) in setup, control(2, 7, 102) in setup) == (True, True)
    page.sent.clear()
    engine._handle(page, PlayMidi("page: keys", note_on(1, 60, 90), clock.nanos), clock.now())
    assert [(message.data, message.performer) for message in page.sent if isinstance(message, MidiOut)] == [
        (note_on(1, 60, 90), True)
    ]
    engine._handle(page, WantMidi(wanted=False), clock.now())
    engine._handle(page, PlayMidi("page: keys", note_off(1, 60), clock.nanos), clock.now())
    assert len([message for message in page.sent if isinstance(message, MidiOut)]) == 1
