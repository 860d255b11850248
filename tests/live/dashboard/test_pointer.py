"""Mouse and touch: what is clicked is done as if by its key.  Of `live.dashboard.panels`."""

import pytest
from textual.events import MouseScrollUp

from live.ipc.commands import Nudge, Turn
from tests.fakes.dashboard_stage import Stage


def place_of(stage: Stage, text: str) -> tuple[int, int]:
    """Return where a text stands on the screen."""
    for y, line in enumerate(stage.screen()):
        if text in line:
            return line.index(text), y
    raise AssertionError(text)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_a_press_on_a_knobs_bar_turns_it_there_and_a_drag_goes_on(size: tuple[int, int]) -> None:
    async with Stage().run(size) as stage:
        x, y = place_of(stage, "density")
        bar = x + 13
        stage.sent.commands.clear()
        await stage.pilot.mouse_down(offset=(bar, y))
        await stage.pilot.hover(offset=(bar + 3, y))
        await stage.pilot.mouse_up(offset=(bar + 3, y))
        first, last = stage.sent.commands[0], stage.sent.commands[-1]
        assert first == Turn("density", -1.0, source="dashboard")
        assert isinstance(last, Turn)
        assert -1.0 < last.value < 0.6
        await stage.pilot.hover(offset=(bar, y))
        assert stage.sent.commands[-1] == last
        assert stage.app.shown.chosen_knob is not None
        assert stage.app.shown.chosen_knob.name == "density"


async def test_a_press_on_a_name_only_chooses_and_a_dead_knob_is_not_turned() -> None:
    async with Stage().run() as stage:
        x, y = place_of(stage, "register")
        stage.sent.commands.clear()
        await stage.pilot.click(offset=(x, y))
        assert stage.app.shown.chosen_knob is not None
        assert stage.app.shown.chosen_knob.name == "register"
        x, y = place_of(stage, "polyphony")
        await stage.pilot.click(offset=(x + 20, y))
        assert stage.sent.commands == []


@pytest.mark.parametrize(
    ("text", "shift", "sent"),
    [
        ("answer", 1, ("mode", "answer")),
        ("A● B●", 1, ("recall", "A")),
        ("C○", 0, ("capture", "C")),
        ("freeze off", 2, ("freeze", "")),
        ("thru", 1, ("thru", "")),
    ],
)
async def test_the_words_of_the_modes_row_are_buttons(text: str, shift: int, sent: tuple[str, str]) -> None:
    async with Stage().run() as stage:
        x, y = place_of(stage, text)
        stage.sent.commands.clear()
        await stage.pilot.click(offset=(x + shift, y))
        await stage.pilot.pause()
        assert stage.sent.pairs() == [sent]


async def test_the_hints_are_buttons() -> None:
    async with Stage().run() as stage:
        x, y = place_of(stage, "panic  Space")
        stage.sent.commands.clear()
        await stage.pilot.click(offset=(x, y))
        await stage.pilot.pause()
        assert stage.sent.pairs() == [("panic", "")]


async def test_the_wheel_turns_the_knob_under_the_pointer() -> None:
    async with Stage().run() as stage:
        x, y = place_of(stage, "density")
        stage.sent.commands.clear()
        await stage.pilot._post_mouse_events([MouseScrollUp], offset=(x, y), button=0)
        assert stage.sent.commands == [Nudge("density", 0.02, source="dashboard")]
