"""Modes, anchors, scenes and songs as rows."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from live.dashboard.drawing import modes as choices
from live.dashboard.drawing.big_text import big_text
from live.dashboard.drawing.rows import row_width
from live.ipc.snapshot import SceneView, SongView
from live.settings.knobs import MODES
from tests.fakes.drawn import row_text, texts
from tests.fakes.snapshots import scene


def mode_text(mode: str = "follow", *, modes: Sequence[str] = MODES, width: int = 80, **shown: Any) -> str:
    usual: dict[str, Any] = {"frozen": False, "thru": True, "origin": "played", "muted": [], "song": None}
    shot = msgspec.structs.replace(scene(), mode=mode, **(usual | shown))
    return row_text(choices.mode_row(modes, shot, width))


def test_modes_anchors_and_freeze_in_one_row() -> None:
    text = mode_text("hold", frozen=True, thru=False, origin="morph", width=90)
    assert "[HOLD]" in text
    assert " follow " in text
    assert "[FROZEN]" in text
    assert "thru OFF" in text
    assert "A● B● C○ D●" in text
    assert "◉ morph" in text


def test_in_a_narrow_row_what_is_off_is_left_out_before_the_latents_origin() -> None:
    for width, shown in ((80, False), (90, True)):
        assert ("freeze off" in mode_text(width=width)) is shown
        assert "◉ played" in mode_text(width=width)


def test_muted_parts_stand_in_the_row_of_modes() -> None:
    text = mode_text(muted=["drums"])
    assert "[DRUMS MUTED]" in text
    assert "A● B● C○ D●   ◉ played" in text


@pytest.mark.parametrize(
    ("phrase", "loop", "text"), [(4, 0, "4 bars"), (1, 0, "1 bar "), (2, 8, "[LOOP 8]"), (4, 4, "[LOOP 4]")]
)
def test_a_loop_and_phrases_of_another_length_stand_behind_the_modes(
    phrase: int, loop: int, text: str
) -> None:
    row = mode_text(phrase_bars=phrase, loop_bars=loop)
    assert text in row
    assert "A● B● C○ D●" in row
    assert row.rstrip().endswith("◉ played")


def test_where_the_origin_would_be_cut_off_it_is_left_out() -> None:
    for width in range(40, 100):
        row = mode_text(modes=("follow", "answer"), width=width)
        assert "◉" not in row or "◉ played" in row, width


def test_the_anchor_that_is_played_again_is_in_brackets() -> None:
    assert "A● [B]● C○ D●" in mode_text(modes=("follow",), origin="", recognised="B")


LISTENING = [
    ("follow", False, True),
    ("answer", False, True),
    ("hold", False, False),
    ("follow", True, False),
    ("listen", False, True),
]


@pytest.mark.parametrize(("mode", "frozen", "listens"), LISTENING)
def test_it_says_that_it_listens_until_it_has_a_phrase(mode: str, *, frozen: bool, listens: bool) -> None:
    assert ("listening" in mode_text(mode, modes=MODES[:3], frozen=frozen, origin="")) is listens


def test_a_mode_that_we_do_not_know_is_shown_too() -> None:
    assert "[WALTZ]" in mode_text("waltz", modes=("follow",), origin="", width=60)


@pytest.mark.parametrize(
    ("song", "text"),
    [
        (None, "scene 2"),
        (SongView(0, 2, "Blue"), "scene 2"),
        (SongView(1, 2, "Blue", 2, 3, 4), "1 Blue 2/3: scene 2, 4 bars left"),
        (SongView(1, 2, "Blue", 2, 3, 1), "1 Blue 2/3: scene 2, 1 bar left"),
        (SongView(1, 2, "Blue", 2, 3), "1 Blue 2/3: scene 2"),
    ],
)
def test_the_scene_and_the_song_in_words(song: SongView | None, text: str) -> None:
    assert choices.scene_text(scene(scene=2, song=song)) == text
    named = scene(scene=2, scenes=[SceneView(2, "verse")], song=song)
    assert choices.scene_text(named) == text.replace("scene 2", "verse")
    assert choices.scene_text(scene()) == ""


@pytest.mark.parametrize("width", range(20, 60))
def test_where_room_is_short_the_names_are_and_place_and_bars_stay(width: int) -> None:
    song = SongView(2, 7, "Blue in the evening", 3, 5, 12)
    shown = scene(scene=2, scenes=[SceneView(2, "chorus after the long bridge")], song=song)
    text = choices.scene_text(shown, width)
    assert len(text) <= width
    assert text.startswith("2 ")
    assert " 3/5: " in text
    assert ", 12 bars" in text


def test_a_part_that_plays_alone_is_named_instead_of_those_that_do_not() -> None:
    text = mode_text(modes=("follow",), origin="", muted=["melody", "chords", "drums"], solo="bass")
    assert "[BASS ALONE]" in text
    assert "MUTED" not in text


def large(width: int = 120, mode: str = "answer", **shown: Any) -> list[str]:
    usual: dict[str, Any] = {"origin": "played", "scene": 2, "scenes": [SceneView(2, "chorus")]}
    rows = choices.mode_rows(MODES, msgspec.structs.replace(scene(), mode=mode, **(usual | shown)), width, 3)
    assert [row_width(row) for row in rows] == [width] * 3
    return texts(rows)


def test_with_room_mode_and_scene_are_large_and_the_rest_stands_between_them() -> None:
    lines = large()
    for y, (mode, called) in enumerate(zip(big_text("ANSWER", 1), big_text("CHORUS", 1), strict=True)):
        assert lines[y].startswith(f" {mode} ")
        assert lines[y].endswith(f" {called} ")
    assert " follow [ANSWER] hold  drift  listen " in lines[0]
    assert "freeze off  thru on" in lines[1]
    assert "A● B● C○ D●   ◉ played" in lines[2]


def test_a_song_stands_beside_the_large_scene_with_the_bars_that_are_left() -> None:
    assert "2 Blue 3/5: chorus, 12 bars" in large(song=SongView(2, 7, "Blue", 3, 5, 12))[1]


def test_what_is_not_as_usual_stands_beside_the_large_letters() -> None:
    lines = large(
        frozen=True, loop_bars=4, muted=["drums"], thru=False, song=SongView(2, 7, "Blue", 3, 5, 12)
    )
    assert "[LOOP 4] [FROZEN] [DRUMS MUTED]  thru OFF" in lines[1]


def test_a_long_scene_is_cut_and_one_that_letters_cannot_write_is_small() -> None:
    cut = large(scenes=[SceneView(2, "chorus after the long bridge")])
    assert all(line.endswith(f" {part} ") for line, part in zip(cut, big_text("CHORUS AFTE", 1), strict=True))
    assert "副歌" in large(scenes=[SceneView(2, "副歌")])[1]


def test_scenes_that_large_letters_would_make_alike_can_be_told_apart() -> None:
    assert all(f"{name} 2" in large(scenes=[SceneView(2, f"{name} 2")])[1] for name in ("Куплет", "Припев"))
    assert all(f"the long verse {n}" in large(scenes=[SceneView(2, f"the long verse {n}")])[1] for n in "12")
    assert large(scenes=[SceneView(2, "Größe é")]) == large(scenes=[SceneView(2, "grosse e")])


@pytest.mark.parametrize(("width", "height"), [(80, 3), (120, 1), (99, 9), (40, 2)])
def test_without_room_all_is_one_row(width: int, height: int) -> None:
    shown = scene(mode="hold")
    assert [row for row in choices.mode_rows(MODES, shown, width, height) if row] == [
        choices.mode_row(MODES, shown, width)
    ]
