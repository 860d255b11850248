"""Keys over a slow line: an arrow in pieces is an arrow, and Esc is Esc."""

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.events import Key

from live.dashboard import escapes, key_input
from live.dashboard.escapes import REST_NANOS, Escapes, key_of
from live.dashboard.windows.screens import HelpWindow
from live.ipc.commands import Panic
from tests.fakes.dashboard_stage import Stage

ESC = Key("escape", "\x1b")
MS = 1_000_000


def taken(text: str) -> list[Key]:
    """Return the keys that Textual takes pieces for, which come a tenth of a second after one another."""
    parser, found = XTermParser(), list[Key]()
    for piece in text.split("|"):
        found += [event for event in parser.feed(piece) if isinstance(event, Key)]
        if parser._timeout_time is not None:
            parser._timeout_time = 0.0
        found += [event for event in parser.tick() if isinstance(event, Key)]
    return found


def pressed(text: str, *, gap_ms: int = 150) -> list[str]:
    """Return the keys that are made of pieces, each of which comes so long after the one before."""
    found, nanos, made = Escapes(), 0, list[str]()
    for piece in text.split("|"):
        for key in taken(piece):
            made += [one.key for one in found.feed(key, nanos)]
        nanos += gap_ms * MS
    held = found.held
    if held is not None and found.release(held, nanos):
        made.append(held.key)
    return made


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("\x1b[A", ["up"]),
        ("\x1b|[A", ["up"]),
        ("\x1b[|A", ["up"]),
        ("\x1b|[|B", ["down"]),
        ("\x1b|O|C", ["right"]),
        ("\x1bO|D", ["left"]),
        ("\x1b|OP", ["f1"]),
        ("\x1b[1|5~", ["f5"]),
        ("\x1b|[|6|~", ["pagedown"]),
        ("\x1b[1|;5A", []),
        ("\x1b[<0;1|0;10M", []),
        ("\x1b", ["escape"]),
        ("\x1b|a", ["escape", "a"]),
        ("\x1b|\x1b", ["escape", "escape"]),
        ("\x1b|\x1b|[A", ["escape", "up"]),
        ("a|A|O", ["a", "A", "O"]),
    ],
)
def test_pieces_are_put_together_and_keys_are_left(text: str, keys: list[str]) -> None:
    assert pressed(text) == keys


@pytest.mark.parametrize("rest", ["[A", "OA", "[|A", "[1;5|A"])
def test_a_rest_that_comes_too_late_is_no_letter(rest: str) -> None:
    found, made = Escapes(), list[str]()
    (esc,) = taken("\x1b")
    assert found.feed(esc, 0) == []
    assert found.release(esc, 300 * MS)
    for number, piece in enumerate(rest.split("|")):
        for key in taken(piece):
            made += [one.key for one in found.feed(key, (600 + 100 * number) * MS)]
    assert [name for name in made if len(name) == 1] == []


def test_a_bracket_that_nothing_follows_holds_up_no_letter_for_ever() -> None:
    found = Escapes()
    assert found.feed(Key("left_square_bracket", "["), 0) == []
    assert [key.key for key in found.feed(Key("a", "a"), REST_NANOS + 1)] == ["a"]


def test_an_esc_that_says_what_it_is_is_not_held() -> None:
    kitty = taken("\x1b[27u")[0]
    assert list(Escapes().feed(kitty, 0)) == [kitty]


def test_an_esc_that_became_something_else_is_not_released() -> None:
    found = Escapes()
    (esc,) = taken("\x1b")
    found.feed(esc, 0)
    found.feed(Key("a", "a"), 0)
    assert not found.release(esc, 300 * MS)


@pytest.mark.parametrize("sequence", ["", "[", "[9999~", "[1;2A", "X"])
def test_what_no_key_means_means_nothing(sequence: str) -> None:
    assert key_of(f"[{sequence}!") == ""


# -- on the dashboard ----------------------------------------------------------------------------


async def send(stage: Stage, *sent: Key) -> None:
    for key in sent:
        event = events.Key(key.key, key.character)
        event.set_sender(stage.app)
        assert stage.app._driver is not None
        stage.app._driver.send_message(event)
        await stage.pilot.pause()


async def test_an_arrow_in_pieces_panics_not_and_stores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escapes, "HOLD_SECONDS", 60.0)
    async with Stage().run() as stage:
        await send(stage, *taken("\x1b|[A"), *taken("\x1bO|A"), *taken("\x1b[|A"))
        assert {name for name, _ in stage.sent.pairs()} <= {"nudge"}


async def test_a_lone_esc_panics_a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escapes, "HOLD_SECONDS", 0.001)
    async with Stage().run() as stage:
        await send(stage, ESC)
        while not stage.sent.commands:
            await stage.pilot.pause(0.001)
        assert stage.sent.commands == [Panic(source="dashboard")]


async def test_a_panic_waits_for_no_key_that_is_never_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_input, "OPENING_SECONDS", 0.001)
    monkeypatch.setattr(key_input.KeyInput, "_after", lambda *_: None)
    async with (
        Stage().run() as stage
    ):  # whose clock stands: the second key comes while the first one's wait lasts
        await send(stage, Key("f", "f"), Key("0", "0"))
        while len(stage.sent.commands) < 2:
            await stage.pilot.pause(0.001)
        assert stage.sent.commands[-1] == Panic(source="dashboard")


async def test_esc_never_panics_while_something_is_open_and_says_what_it_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(escapes, "HOLD_SECONDS", 0.001)
    async with Stage().run((200, 50)) as stage:
        for name in ("question_mark", "n", "s", "q", "i"):
            await stage.press(name)
            assert await stage.press("escape") == [], name
            assert "Esc closed the window; 0 is panic" in [note.text for note in stage.app.shown.notices], (
                name
            )
            stage.app.shown.notices.clear()
            stage.app.shown._seen.clear()
        await stage.press("k")
        await send(stage, ESC)
        while stage.app._piano.on:
            await stage.pilot.pause(0.001)
        assert stage.sent.commands == []
        assert stage.window() is not HelpWindow


async def test_caps_lock_stores_nothing_and_changes_nothing() -> None:
    async with Stage().run() as stage:
        assert await stage.press("A", "D", "F", "H", "U", "R") == [
            ("mode", "answer"),
            ("mode", "drift"),
            ("mode", "follow"),
            ("mode", "hold"),
            ("undo", ""),
            ("redo", ""),
        ]
