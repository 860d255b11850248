"""Songs: scenes by their bars, by the performer's foot, and by program changes."""

import msgspec
import pytest

from live.engine.resume import remembered, restore
from live.ipc.commands import ChooseSong, LeadOn, StoreScene, Turn
from live.settings.schema import Config, Song, SongLink
from live.timing.timeline import Nanos, Tick
from tests.fakes.commands import command
from tests.fakes.stage import Stage
from tests.live.jam.scenes.test_scenes import BAR, STEP, do, playing, said

BLUE = Song(
    name="Blue", chain=[SongLink(scene=1, bars=2), SongLink(scene=2, bars=1, over=1), SongLink(scene=3)]
)
LAST = Song(name="Last", chain=[SongLink(scene=3, bars=4), SongLink(scene=9, bars=1), SongLink(scene=1)])


def on_stage(*songs: Song) -> Stage:
    """A stage that plays, with scenes 1 to 3, each with a density of its number's tenth."""
    stage = playing(config=msgspec.structs.replace(Config(), song=[*songs]))
    for number in (1, 2, 3):
        do(stage, Turn("density", number / 10), StoreScene(number))
    return stage


def place(stage: Stage) -> tuple[int, int]:
    found = stage.commands.scenes.place
    return found.song, found.link


def density(stage: Stage) -> float:
    return stage.jam.knobs["density"]


def bar_line(stage: Stage, ahead: int = 1) -> int:
    return (stage.jam.tick(Nanos(stage.nanos)) // BAR + ahead) * BAR


def test_its_scenes_follow_one_another_half_a_step_before_their_bar_lines() -> None:
    stage = on_stage(BLUE)
    stage.run_to_tick(bar_line(stage) + 10)
    first = stage.jam.tick(Nanos(stage.nanos)) // BAR
    do(stage, ChooseSong(1))
    assert (place(stage), density(stage)) == ((0, 0), 0.1)
    stage.run_to_tick((first + 2) * BAR - STEP)
    assert place(stage) == (0, 0)
    stage.run_to_tick((first + 2) * BAR - 1)
    assert place(stage) == (0, 1)
    assert density(stage) == pytest.approx(0.1)
    stage.run_to_tick((first + 2) * BAR + BAR // 2)
    assert 0.13 < density(stage) < 0.17
    stage.run_to_tick((first + 3) * BAR)
    assert (place(stage), density(stage)) == ((0, 2), 0.3)
    stage.run_to_tick((first + 12) * BAR)
    assert place(stage) == (0, 2)


@pytest.mark.parametrize("late", [-60, 60])
def test_who_is_a_little_early_or_late_meant_the_bar_line(late: int) -> None:
    stage = on_stage(BLUE)
    line = bar_line(stage, 2)
    stage.run_to_tick(line + late)
    stage.commands.run(ChooseSong(1), Nanos(stage.nanos))
    assert stage.commands.scenes.place.bar == line // BAR


def test_the_performer_leads_on_and_back_over_the_ends_of_songs() -> None:
    stage = on_stage(BLUE, LAST)
    seen = []
    for step in (1, 1, 1, 1, -1, -1):
        do(stage, LeadOn(step))
        seen.append(place(stage))
    assert seen == [(0, 0), (0, 1), (0, 2), (1, 0), (0, 0), (0, 0)]
    assert said(stage) == "this is the first scene of the set"


def test_behind_the_last_there_is_none() -> None:
    stage = on_stage(Song(name="One", chain=[SongLink(scene=1)]))
    do(stage, LeadOn(1), LeadOn(1))
    assert said(stage) == "this is the last scene of the set"


def test_a_scene_that_is_not_there_is_told_and_the_song_goes_on() -> None:
    stage = on_stage(LAST)
    do(stage, ChooseSong(1))
    stage.run_to_tick(bar_line(stage, 5))
    assert "song 1: scene 9 is empty: store it first; there is: 1, 2, 3" in [
        line.text for line in stage.jam.notices.lines
    ]
    stage.run_to_tick(bar_line(stage, 2))
    assert (place(stage), density(stage)) == ((0, 2), 0.1)


def test_who_leads_on_gets_past_a_scene_that_is_not_there_both_ways() -> None:
    stage = on_stage(LAST)
    do(stage, ChooseSong(1), LeadOn(1))
    assert said(stage) == "scene 9 is empty: store it first; there is: 1, 2, 3"
    assert (place(stage), density(stage)) == ((0, 1), 0.3)
    do(stage, LeadOn(1))
    assert (place(stage), density(stage)) == ((0, 2), 0.1)
    do(stage, LeadOn(-1), LeadOn(-1))
    assert (place(stage), density(stage)) == ((0, 0), 0.3)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (ChooseSong(1), "there are no songs: write [[song]] into live.toml"),
        (LeadOn(1), "there are no songs: write [[song]] into live.toml"),
    ],
)
def test_without_a_set_that_is_said(asked: ChooseSong | LeadOn, sentence: str) -> None:
    stage = on_stage()
    do(stage, asked)
    assert said(stage) == sentence
    assert stage.commands.scenes.song(Tick(0)) is None


def test_a_program_change_chooses_a_song_and_leaves_the_sound_alone() -> None:
    stage = on_stage(BLUE, LAST)
    stage.sent.clear()
    stage.at(stage.nanos, bytes((0xC0, 1)))
    do(stage, Turn("swing", 0.0))
    assert place(stage) == (1, 0)
    stage.at(stage.nanos, bytes((0xC0, 7)))
    do(stage, Turn("swing", 0.0))
    assert said(stage) == "there is no song 8: the set has 2"
    assert not [sent for sent in stage.sent if sent.data[0] & 0xF0 == 0xC0]
    other = on_stage()
    other.sent.clear()
    other.at(other.nanos, bytes((0xC0, 1)))
    do(other, Turn("swing", 0.0))
    assert [sent.data for sent in other.sent if sent.data[0] & 0xF0 == 0xC0] == [bytes((0xC0, 1))]


def test_what_is_shown_of_it() -> None:
    stage = on_stage(BLUE, LAST)

    def shown() -> tuple[object, ...]:
        view = stage.commands.scenes.song(stage.jam.tick(Nanos(stage.nanos)))
        assert view is not None
        return view.number, view.songs, view.name, view.link, view.links, view.bars_left, view.following

    assert shown() == (0, 2, "Blue", 0, 0, None, "")
    stage.run_to_tick(bar_line(stage) + 10)
    do(stage, command("next"))
    assert shown() == (1, 2, "Blue", 1, 3, 2, "Last")
    stage.run_to_tick(bar_line(stage) + 10)
    assert shown()[5] == 1
    do(stage, command("song", "2"))
    assert shown()[:3] == (2, 2, "Last")


def test_undo_goes_back_in_the_set() -> None:
    stage = on_stage(BLUE, LAST)
    do(stage, command("next"), command("next"))
    stage.run_to_tick(bar_line(stage, 2))
    do(stage, ChooseSong(2), command("undo"))
    assert said(stage) == "undone: song 2 chosen"
    assert place(stage)[0] == 0
    do(stage, command("redo"))
    assert (place(stage), density(stage)) == ((1, 0), 0.3)


def test_a_start_anew_counts_the_scene_s_bars_anew() -> None:
    stage = on_stage(BLUE)
    do(stage, ChooseSong(1), command("start"))
    stage.run_to(stage.nanos + 100_000_000)
    assert stage.commands.scenes.place.bar == 0
    stage.run_to_tick(2 * BAR - 1)
    assert place(stage) == (0, 1)


def test_the_next_engine_goes_on_in_the_set() -> None:
    stage = on_stage(BLUE, LAST)
    do(stage, ChooseSong(2))
    memory = remembered(stage.jam, started=True, demo=False)
    other = Stage(config=stage.config)
    restore(other.jam, memory, Nanos(stage.nanos))
    assert other.commands.scenes.place == stage.commands.scenes.place
    shorter = Stage(config=msgspec.structs.replace(stage.config, song=[BLUE]))
    restore(shorter.jam, memory, Nanos(stage.nanos))
    assert place(shorter) == (-1, 0)
