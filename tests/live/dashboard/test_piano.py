"""The computer's keyboard as a piano."""

import pytest

from live.dashboard import piano
from live.ipc.commands import PlayKey
from tests.fakes.commands import words
from tests.fakes.dashboard_stage import Stage


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no note end before the test ends it, however slow the machine."""
    monkeypatch.setattr(piano, "NOTE_SECONDS", 3600.0)


async def test_letters_play_notes_while_the_piano_is_on() -> None:
    async with Stage().run() as stage:
        assert await stage.press("k", "z", "q") == [("note", "on"), ("note", "on")]
        assert stage.sent.commands == [PlayKey(pitch, 96, source="dashboard") for pitch in (60, 72)]
        assert "PIANO" in stage.text()
        assert await stage.press("0") == [("panic", "")]
        stage.sent.commands.clear()
        assert await stage.press("k") == [("note", "off"), ("note", "off")]
        assert await stage.press("z") == [("freeze", "")]


async def test_letters_and_digits_beside_the_piano_keys_do_nothing_while_it_is_on() -> None:
    async with Stage().run() as stage:
        assert await stage.press("k", "a", "f", "l", "1", "4", "8", "A") == []
        assert await stage.press("0", "k", "a") == [("panic", ""), ("mode", "answer")]


async def test_a_piano_note_ends_by_itself_and_no_note_outlives_the_screen() -> None:
    stage = Stage()
    async with stage.run():
        await stage.press("k", "x", "greater_than_sign", "x")
        stage.app._note_end(62)
        assert [words(c)[1:] for c in stage.sent.commands] == [("on", 62), ("on", 74), ("off", 62)]
    assert [words(c)[1:] for c in stage.sent.commands][-1] == ("off", 74)


async def test_on_a_small_screen_too_the_octave_and_the_way_out_are_seen() -> None:
    async with Stage().run(size=(80, 24)) as stage:
        await stage.press("k", "less_than_sign")
        assert "< > octave 3  k ends it" in stage.text()
