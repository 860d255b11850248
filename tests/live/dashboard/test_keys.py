"""Every action on a key of the dashboard, pressed by Textual's Pilot."""

from collections.abc import Iterable

import pytest

from live.dashboard.keys import KEYS, bindings, unknown_idents
from live.ipc.commands import Loop, SetPhrase, StoreAnchor
from live.ipc.snapshot import KnobView
from live.settings import knobs
from model.music.metre import METRES
from tests.fakes.commands import words
from tests.fakes.dashboard_stage import WINDOW, Stage
from tests.fakes.snapshots import scene


def reachable() -> Iterable[tuple[str, str]]:
    """Every action of the instrument, with every argument it takes."""
    for action, arguments in knobs.ACTIONS.items():
        if action in ("song", "tempo", "phrase", "loop"):  # the palette's, a pad's, and program changes'
            continue
        for argument in arguments or ("",):
            yield action, argument


@pytest.mark.parametrize("state", ["stopped", "playing"])
async def test_every_action_and_every_knob_has_a_key(state: str) -> None:
    views = [KnobView(k.name, k.rest, k.low, k.high, k.rest, k.text) for k in knobs.KNOBS.values()]
    stage = Stage()
    sent: set[tuple[str, str]] = set()
    async with stage.run(first=scene(state=state, knobs=views, nanos=stage.clock.nanos)):
        direct = [key for key in KEYS if not isinstance(key.action, str) or key.ident == "start-stop"]
        sent.update(await stage.press(*(name for key in direct for name in key.keys.split(",") if name)))
        for name in "abcd123456789":
            sent.update(await stage.press("s", name))
        sent.update(await stage.press(*("up", "backspace", "right") * len(views)))
        sent.update(await stage.press(*"m" * len(METRES)))
    missing = set(reachable()) - sent
    assert missing == ({("stop", "")} if state == "stopped" else {("start", "")})
    assert {("nudge", name) for name in knobs.KNOBS} | {("knob", name) for name in knobs.KNOBS} <= sent
    assert ("thru", "") in sent


@pytest.mark.parametrize("action", ["mode", "capture", "recall", "mute", "scene", "store"])
def test_an_action_has_a_key_for_each_of_its_arguments_in_their_order(action: str) -> None:
    idents = [key.ident for key in KEYS if key.ident.startswith(f"{action}-")]
    assert idents == [f"{action}-{argument}" for argument in knobs.ACTIONS[action]]


def test_every_binding_has_an_ident_and_a_tooltip_and_shares_no_key() -> None:
    made = bindings()
    assert len({binding.id for binding in made}) == len(made)
    assert all(binding.tooltip and binding.description for binding in made)
    names = [name for key in KEYS for name in key.keys.split(",") if name]
    assert len(set(names)) == len(names)


async def test_commands_say_that_they_come_from_the_dashboard() -> None:
    async with Stage().run() as stage:
        await stage.press("s", "b")
        assert stage.sent.commands == [StoreAnchor("B", source="dashboard")]


async def test_a_nudge_is_a_share_of_the_range_and_one_bpm_for_the_tempo() -> None:
    async with Stage().run() as stage:
        await stage.press("up", "minus", "pageup")
        assert [(c.argument, round(c.value, 4)) for c in map(words, stage.sent.commands)] == [
            ("morph", 0.02),
            ("morph", -0.02),
            ("morph", 0.1),
        ]
        await stage.press("left", "left", "up")
        assert [*map(words, stage.sent.commands)] == [("nudge", "tempo", 1 / 200)]


async def test_parentheses_make_phrases_shorter_and_longer_and_shift_l_loops_as_many_bars_as_one_has() -> (
    None
):
    async with Stage().run() as stage:
        await stage.press("left_parenthesis", "right_parenthesis", "L")
        assert stage.sent.commands == [
            SetPhrase(1, source="dashboard"),
            SetPhrase(4, source="dashboard"),
            Loop(2, source="dashboard"),
        ]
    looping = Stage()
    async with looping.run(first=scene(phrase_bars=8, loop_bars=8, nanos=looping.clock.nanos)):
        await looping.press("right_parenthesis", "L")
        assert looping.sent.commands == [SetPhrase(8, source="dashboard"), Loop(0, source="dashboard")]


async def test_backspace_puts_the_chosen_knob_to_rest() -> None:
    async with Stage().run() as stage:
        await stage.press("left", "backspace")
        assert words(stage.sent.commands[-1]) == ("knob", "volume", 0.8)


async def test_keys_do_no_harm_before_the_first_snapshot() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WINDOW) as pilot:
        await pilot.press("right", "up", "backspace", "space", "n", "escape", "question_mark", "escape", "0")
        await pilot.pause()
        assert stage.sent.pairs() == [("start", ""), ("panic", "")]
        assert "waiting for the engine" in stage.text()


async def test_a_keymap_moves_a_key_and_the_help_follows() -> None:
    async with Stage(keymap={"freeze": "x", "wobble": "y"}).run() as stage:
        assert await stage.press("x") == [("freeze", "")]
        assert await stage.press("z") == []
        assert "'wobble'" in stage.text()
        await stage.press("question_mark")
        assert any(
            "x" in line.split("freeze or thaw")[0][-14:]
            for line in stage.screen()
            if "freeze or thaw" in line
        )
    assert unknown_idents({"freeze": "x", "wobble": "y"}) == ["wobble"]
