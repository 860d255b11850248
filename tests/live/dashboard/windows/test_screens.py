"""Windows over the screen: help, notices, quitting."""

import pytest
from textual import events
from textual.widgets import Input

from live.dashboard.app import Dashboard
from live.dashboard.inbox import Inbox
from live.dashboard.keys import KEYS, SOURCE
from live.dashboard.windows.screens import CodeWindow, HelpWindow, NoticeWindow, QuitWindow, WordsWindow
from live.ipc.commands import Say
from live.ipc.snapshot import Notice
from tests.fakes.dashboard_stage import WINDOW, Stage
from tests.fakes.snapshots import FakeClock, Sent


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_the_help_lists_every_key_and_closes(size: tuple[int, int]) -> None:
    async with Stage().run(size) as stage:
        await stage.press("question_mark")
        assert stage.window() is HelpWindow
        text = stage.text()
        await stage.press("pagedown")  # on a small screen the last of them lie below
        text += stage.text()
        for key in (key for key in KEYS if key.keys):
            stem = key.text.rpartition(" ")[0] or key.text
            assert stem in text, key
        await stage.press("escape")
        assert stage.sent.pairs() == []
        assert stage.window() is not HelpWindow


@pytest.mark.parametrize("window", ["question_mark", "n", "q", "i"])
async def test_panic_reaches_the_engine_through_every_window(window: str) -> None:
    async with Stage().run() as stage:
        await stage.press(window)
        assert await stage.press("0") == [("panic", "")]


async def test_an_accidental_q_does_not_stop_the_music() -> None:
    async with Stage().run() as stage:
        await stage.press("q")
        assert stage.window() is QuitWindow
        assert await stage.press("escape") == []
        assert stage.window() is not QuitWindow
        assert not stage.ended()
        assert stage.quits == []


@pytest.mark.parametrize("names", [("q", "y"), ("q", "q"), ("ctrl+c", "y"), ("ctrl+q", "ctrl+q")])
async def test_quitting_takes_two_keys_and_tells_both_sides(names: tuple[str, str]) -> None:
    async with Stage().run() as stage:
        await stage.press(names[0])
        assert stage.quits == []
        await stage.press(names[1])
        assert stage.sent.pairs() == [("quit", "")]
        assert stage.quits == [True]
        assert stage.ended()


@pytest.mark.parametrize("opened", ["?", "n", "i", "ctrl+p", "k", "S"])
async def test_ctrl_c_asks_in_every_window(opened: str) -> None:
    async with Stage().run() as stage:
        await stage.press(opened)
        await stage.press("ctrl+c")
        assert stage.window() is QuitWindow
        await stage.press("ctrl+c")
        assert stage.quits == [True]
        assert stage.ended()


async def test_a_guest_leaves_without_stopping_the_music() -> None:
    sent = Sent()
    app = Dashboard(Inbox(), sent, clock=FakeClock())
    async with app.run_test(size=WINDOW) as pilot:
        await pilot.press("q", "y")
        await pilot.pause()
        assert not app.is_running
    assert sent.commands == []


async def test_old_notices_can_be_read_again() -> None:
    async with Stage().run((80, 24)) as stage:
        assert "ONNX Runtime" not in stage.text()
        await stage.press("n")
        assert stage.window() is NoticeWindow
        assert "ONNX Runtime" in stage.text()


async def test_a_long_notice_is_read_to_its_end() -> None:
    async with Stage().run((80, 24)) as stage:
        long = "no audio device answers (tried jack, pipewire, pulseaudio, alsa): plug one in, or start jackd"
        stage.app.deliver(Notice(stage.clock.nanos, "error", long))
        await stage.press("n")
        assert "start jackd" in stage.text()


async def test_what_is_typed_in_one_go_with_the_key_of_a_window_is_for_the_window() -> None:
    async with Stage().run() as stage:
        for key in "wsparser":
            stage.app.post_message(events.Key(key, key))
        while stage.window() is not WordsWindow or stage.app._typed:
            await stage.pilot.pause()
        assert stage.app.screen.query_one(Input).value == "sparser"
        assert stage.sent.pairs() == []
        await stage.press("escape")
        for key in "aqy":
            stage.app.post_message(events.Key(key, key))
        while not stage.quits:
            await stage.pilot.pause()
        assert stage.sent.pairs() == [("mode", "answer"), ("quit", "")]


CLOSED = [  # the keys of a window and of what closes it, and what they are for
    ("?", "escape", []), ("n", "n", []), ("i", "space", []), ("s", "escape", []),
    ("s", "b", [("capture", "B")]), ("q", "n", []), ("l", "escape", [("learn no more", "")]),
    ("ctrl+p", "escape", []), ("w", "escape", []),
]  # fmt: skip


@pytest.mark.parametrize(("opened", "closed", "does"), CLOSED)
async def test_what_is_typed_in_one_go_with_the_key_that_closes_a_window_is_for_what_lies_below(
    opened: str, closed: str, does: list[tuple[str, str]]
) -> None:
    async with Stage().run() as stage:
        await stage.press(opened)
        stage.sent.commands.clear()
        for key in (closed, "h", "d"):
            stage.app.post_message(events.Key(key, key if len(key) == 1 else None))
        while ("mode", "drift") not in stage.sent.pairs():
            await stage.pilot.pause()
        assert stage.sent.pairs() == [*does, ("mode", "hold"), ("mode", "drift")]


@pytest.mark.parametrize("opened", ["?", "w", "ctrl+p"])
async def test_a_letter_right_after_esc_is_not_one_with_alt_in_a_window(opened: str) -> None:
    async with Stage().run() as stage:
        await stage.press(opened)
        stage.app.post_message(events.Key("alt+h", "h"))
        while not stage.sent.pairs():
            await stage.pilot.pause()
        assert stage.sent.pairs() == [("mode", "hold")]
        stage.sent.commands.clear()
        stage.app.post_message(events.Key("alt+h", "h"))  # no panic: Alt is a slip of the hand here
        stage.app.post_message(events.Key("d", "d"))
        while not stage.sent.pairs():
            await stage.pilot.pause()
        assert stage.sent.pairs() == [("mode", "drift")]


async def test_letters_of_a_line_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Stage().run() as stage:
        await stage.press("w")
        waits: list[object] = []
        monkeypatch.setattr(stage.app, "_after", lambda *there: waits.append(there))
        for key in "darker":
            stage.app.post_message(events.Key(key, key))
        while stage.app.screen.query_one(Input).value != "darker":
            await stage.pilot.pause()
        assert waits == []


async def test_words_said_in_one_go_end_with_enter() -> None:
    async with Stage().run() as stage:
        for key in ("w", *"darker", "enter", "h", "question_mark", "q", "a"):
            stage.app.post_message(events.Key(key, key if len(key) == 1 else None))
        while len(stage.sent.pairs()) < 3:
            await stage.pilot.pause()
        assert stage.sent.commands[0] == Say("darker", source=SOURCE)
        assert stage.sent.pairs()[1:] == [("mode", "hold"), ("mode", "answer")]


async def test_a_key_for_which_nothing_came_back_in_time_is_taken_before_the_next_one() -> None:
    async with Stage().run() as stage:
        stage.app._typed.append(events.Key("a", "a"))
        stage.app.post_message(events.Key("h", "h"))
        while len(stage.sent.pairs()) < 2:
            await stage.pilot.pause()
        assert stage.sent.pairs() == [("mode", "answer"), ("mode", "hold")]


async def test_words_are_shown_before_they_are_said() -> None:
    async with Stage().run() as stage:
        await stage.press("w")
        assert stage.window() is WordsWindow
        await stage.press(*"much sparser")
        assert "density +0.46 -> -0.24" in stage.text()
        assert stage.sent.commands == []
        await stage.press("enter")
        assert stage.sent.commands == [Say("much sparser", source="dashboard")]
        assert stage.window() is not WordsWindow


async def test_digits_are_written_and_escape_says_nothing() -> None:
    async with Stage().run() as stage:
        await stage.press("w", *"100 bpm")
        assert "tempo 120 -> 100" in stage.text()
        await stage.press("escape")
        assert stage.sent.commands == []
        assert stage.window() is not WordsWindow


async def test_the_page_s_code_is_shown_first_and_again_by_its_key() -> None:
    async with Stage(code="▄▄ ▄\n▀ ▀▀\nhttp://stage:9080/?token=x").run() as stage:
        assert stage.window() is CodeWindow
        assert "http://stage:9080/?token=x" in stage.text()
        assert "▄▄ ▄" in stage.text()
        await stage.press("v")
        assert stage.window() is not CodeWindow
        await stage.press("v")
        assert stage.window() is CodeWindow
        assert stage.sent.commands == []


async def test_without_a_page_its_key_says_how_to_get_one() -> None:
    async with Stage().run() as stage:
        await stage.press("v")
        assert "twobar jam --page 0.0.0.0" in stage.app.shown.notices[-1].text
