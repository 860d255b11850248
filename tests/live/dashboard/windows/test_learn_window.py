"""The window for learning: find what is to be done, touch, undo."""

from live.dashboard.windows.learn_window import LearnWindow
from live.ipc.snapshot import LessonView, TouchView
from tests.fakes.dashboard_stage import Stage

TOUCH = TouchView("MPK mini 3", "CC 74", "")


async def seen(stage: Stage, **changes: object) -> str:
    await stage.show(**changes)
    stage.app.check()
    await stage.pilot.pause()
    return stage.text()


async def test_letters_narrow_the_list_and_enter_asks_for_a_touch() -> None:
    async with Stage().run((80, 24)) as stage:
        await stage.press("l")
        assert stage.window() is LearnWindow
        assert "▸ morph" in stage.text()
        await stage.press(*"store", "backspace", "backspace", "backspace", "backspace", "backspace")
        await stage.press(*"dens")
        assert "▸ density" in stage.text()
        assert "morph " not in "".join(line for line in stage.screen() if "▸" in line)
        assert await stage.press("enter") == [("learn", "density")]
        listening = LessonView("density", "listening", "turn a knob to the right and back")
        text = await seen(stage, lesson=listening, touched=TOUCH)
        assert "turn a knob to the right and back" in text
        assert "MPK mini 3 · CC 74 · unbound" in text
        assert "Esc back" in text
        assert "Esc closes" not in text
        learned = LessonView("density", "learned", "MPK mini 3 · CC 74 on channel 1, a knob or fader")
        text = await seen(stage, lesson=learned)
        assert "CC 74 on channel 1, a knob or fader" in text
        assert "u undoes   Enter another   Esc closes" in text
        assert await stage.press("u") == [("undo", ""), ("learn no more", "")]
        assert "find" in stage.text()
        await stage.press("escape")
        assert stage.window() is not LearnWindow


async def test_escape_goes_back_from_a_lesson_and_panic_is_not_typed() -> None:
    async with Stage().run((80, 24)) as stage:
        await stage.press("l", "enter")
        assert await stage.press("escape") == [("learn no more", "")]
        assert stage.window() is LearnWindow
        assert await stage.press("0") == [("panic", "")]
        await stage.press(*"nosuch")
        assert "nothing is called that" in stage.text()
        assert await stage.press("enter") == []


async def test_the_line_of_hints_always_shows_what_was_touched_last() -> None:
    for size in ((80, 24), (120, 40), (200, 50)):
        async with Stage().run(size) as stage:
            assert "MPK mini 3 · CC 74 · unbound: l to bind" in await seen(stage, touched=TOUCH)
            bound = TouchView("MPK mini 3", "CC 70", "density")
            text = await seen(stage, touched=bound)
            assert "MPK mini 3 · CC 70 · density" in text
            assert "panic" in text
