"""The command palette offers everything, and what is chosen is done."""

import pytest

from live.dashboard import keys
from live.dashboard.windows.palette import entries, mapping_entries, spelt_out
from live.ipc import commands as ask
from live.ipc.commands import action
from live.ipc.snapshot import ControllerView
from live.settings.knobs import ACTIONS, KNOBS
from tests.fakes.dashboard_stage import Stage


def test_every_key_action_and_knob_is_offered_once() -> None:
    offered = list(entries())
    assert len({entry.run for entry in offered}) == len(offered)
    assert {f"{name} to rest" for name in KNOBS} <= {entry.name for entry in offered}
    commands = [key.action for key in keys.KEYS]
    for name, words in ACTIONS.items():
        for word in words or ("",):
            keyed = action(name, word, source=keys.SOURCE) in commands
            assert keyed != any(entry.run == f"named('{name}', '{word}')" for entry in offered)


async def test_an_action_is_found_by_its_letters_and_sent() -> None:
    async with Stage().run() as stage:
        await stage.press("ctrl+p")
        await stage.press(*"drift")
        await stage.app.workers.wait_for_complete()  # the palette searches in the background
        assert await stage.press("enter") == [("mode", "drift")]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("scene 2 over 4 bars", ask.CallScene(2, 4, source="dashboard")),
        ("scene 2 over 4", ask.CallScene(2, 4, source="dashboard")),
        ("scene 12", ask.CallScene(12, source="dashboard")),
        ("tempo 140  over 8 bars", ask.RampTempo(140.0, 8, source="dashboard")),
        ("tempo 140 over 1", ask.RampTempo(140.0, 1, source="dashboard")),
    ],
)
async def test_an_action_that_no_list_holds_is_typed_in_full(typed: str, sent: ask.Command) -> None:
    async with Stage().run() as stage:
        await stage.press("ctrl+p")
        await stage.press(*typed)
        await stage.app.workers.wait_for_complete()
        await stage.press("enter")
        assert stage.sent.commands == [sent]


@pytest.mark.parametrize("typed", ["scene", "scene 2", "scene 0", "tempo 900 over 8 bars", "mode hold x"])
def test_what_is_listed_already_or_is_none_is_not_offered_twice(typed: str) -> None:
    assert spelt_out(typed) is None


async def test_a_mapping_is_chosen_for_a_controller_that_is_plugged_in() -> None:
    async with Stage().run() as stage:
        controllers = [ControllerView("Bob's keys", "default"), ControllerView("nanoKONTROL2", "footswitch")]
        await stage.show(controllers=controllers, mapping_names=["default", "footswitch"])
        await stage.press("ctrl+p")
        await stage.press(*"footswitch for bob")
        await stage.app.workers.wait_for_complete()
        await stage.press("enter")
        assert stage.sent.commands == [ask.ChooseMapping("footswitch", "Bob's keys", source="dashboard")]
    names = [entry.name for entry in mapping_entries(stage.app.shown.snapshot)]
    assert "mapping auto for nanoKONTROL2" in names
    assert "mapping footswitch for nanoKONTROL2" not in names  # it has it


async def test_escape_closes_the_palette_and_does_not_panic() -> None:
    async with Stage().run() as stage:
        await stage.press("ctrl+p")
        assert await stage.press("escape") == []
