import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.music.grid import Grid
from model.transcription.struck import Struck
from model.transcription.transcribe import Transcription, transcribe

GRID = Grid()
SIZE = GRID.ticks_per_step
ALL_STEPS = list(range(GRID.steps))


def key(start: float, pitch: int = 60, ticks: float = 100, velocity: int = 80) -> Struck:
    return Struck(round(start), round(start + ticks), pitch, velocity)


@st.composite
def playing(draw: st.DrawFn) -> list[Struck]:
    """Keys anywhere in two bars, each struck again only after it has been let go."""
    starts = draw(st.lists(st.integers(-50, GRID.ticks - 61), max_size=40))
    keys: dict[int, int] = {}
    found = []
    for start in sorted(starts):
        pitch = draw(st.integers(36, 84))
        end = start + draw(st.integers(1, 900))
        if start >= keys.get(pitch, -100) + SIZE:
            found.append(Struck(start, end, pitch, draw(st.integers(1, 127))))
            keys[pitch] = start
    return found


def given_back(heard: Transcription, grid: Grid = GRID) -> list[tuple[int, int, int, int]]:
    """Return (start, end, pitch, velocity) of each note as it sounds at a feel of 1."""
    size = grid.ticks_per_step
    rows = []
    for note in heard.phrase.notes:
        start = round((note.onset + note.displacement + note.offset) * size + heard.lag)
        rows.append((start, start + round((note.length + note.release) * size), note.pitch, note.velocity))
    return sorted(rows)


@settings(max_examples=30, deadline=None)
@given(playing(), st.sampled_from([0.0, 30.0, -45.0]), st.sampled_from([0.5, 0.62, 1.0]))
def test_whatever_is_played_comes_back_to_a_tick(keys: list[Struck], lag: float, ms: float) -> None:
    heard = transcribe(keys, GRID, lag=lag, ms_per_tick=ms)
    back = given_back(heard)
    assert len(back) == len(keys)
    for wanted, got in zip(sorted(keys), back, strict=True):
        assert wanted[2:] == got[2:]
        assert abs(wanted.start - got[0]) <= 1
        assert abs((wanted.end - wanted.start) - (got[1] - got[0])) <= 1
    assert heard == transcribe(keys[::-1], GRID, lag=lag, ms_per_tick=ms)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            Struck,
            st.integers(-4000, 9000),
            st.integers(-4000, 20000),
            st.integers(-5, 140),
            st.integers(-3, 200),
        ),
        max_size=60,
    ),
    st.sampled_from(
        [
            GRID,
            Grid(1, 3, 3),
            Grid(1, 4, 6),
            Grid(2, 4, 1),
            Grid(1, 5, 2),
            Grid(2, 2, 6, 720),
            Grid(1, 7, 2, 240),
        ]
    ),
)
def test_nothing_that_is_played_is_refused(keys: list[Struck], grid: Grid) -> None:
    heard = transcribe(keys, grid)
    assert {note.pitch for note in heard.shown.notes} <= {note.pitch for note in heard.phrase.notes}
    assert bool(keys) == bool(heard.phrase.notes)
    assert bool(keys) == bool(heard.shown.notes)
    assert 0 <= heard.sure <= 1


@pytest.mark.parametrize("count", [25, 3000])
def test_smears_and_floods_are_phrases(count: int) -> None:
    keys = [key(960 + 3 * place, 30 + place % 60) for place in range(count)]
    heard = transcribe(keys, GRID)
    assert len(heard.phrase.notes) >= 25


def test_a_smear_of_many_keys_lies_on_one_step() -> None:
    heard = transcribe([key(960 + 2 * place, 40 + place, 400) for place in range(25)], GRID)
    assert {note.onset for note in heard.shown.notes} == {8}


def test_nothing_and_one_held_note() -> None:
    assert transcribe([], GRID).phrase.notes == ()
    heard = transcribe([key(0, ticks=50_000)], GRID)
    assert given_back(heard) == [(0, 50_000, 60, 80)]
    assert [(note.onset, note.length) for note in heard.shown.notes] == [(0, 32)]


def test_straight_sixteenths_lie_on_their_steps() -> None:
    heard = transcribe([key(SIZE * step, 60 + step % 5) for step in ALL_STEPS], GRID)
    assert [note.onset for note in heard.shown.notes] == ALL_STEPS
    assert all(not note.displacement and not note.offset for note in heard.phrase.notes)
    assert heard.swing == 0.5
    assert heard.lag == 0


@pytest.mark.parametrize("ratio", [0.58, 0.62, 0.66])
def test_swung_eighths_lie_on_eighths_and_say_how_they_swing(ratio: float) -> None:
    keys = [key(beat * 480 + away, 60, 150) for beat in range(8) for away in (0, ratio * 480)]
    heard = transcribe(keys, GRID)
    assert [note.onset for note in heard.shown.notes] == list(range(0, 32, 2))
    assert abs(heard.swing - ratio) < 0.02
    second = [note for note in heard.phrase.notes if note.onset % 4 == 2]
    assert all(abs(note.displacement - (4 * ratio - 2)) < 0.08 for note in second)


@pytest.mark.parametrize("steps", [[0, 2, 4, 6, 8], [0, 12, 14, 16, 28, 30], [0, 4, 6, 8, 16, 20, 21, 22]])
def test_two_second_eighths_among_a_few_notes_say_how_it_swings(steps: list[int]) -> None:
    late = (0, 0.5, 1, 0.5)
    heard = transcribe([key(SIZE * step + 0.08 * 480 * late[step % 4], 60, 60) for step in steps], GRID)
    assert [note.onset for note in heard.shown.notes] == steps
    assert abs(heard.swing - 0.58) < 0.02


def test_second_eighths_that_are_late_by_chance_do_not_swing() -> None:
    chance = Random(3)
    steps = [0, 4, 6, 8, 12, 14, 16, 20, 22, 24]
    heard = [
        transcribe([key(SIZE * step + chance.gauss(0, 19), 60, 60) for step in steps], GRID).swing
        for _ in range(40)
    ]
    assert sum(swing > 0.5 for swing in heard) <= 2


def test_triplets_and_sixteenths_share_a_phrase() -> None:
    keys = []
    for beat in range(8):
        count = 3 if beat % 2 else 4
        keys += [key(480 * (beat + part / count), 60 + beat + part) for part in range(count)]
    heard = transcribe(keys, GRID)
    wanted = [4 * beat + part for beat in range(8) for part in range(3 if beat % 2 else 4)]
    assert [note.onset for note in heard.shown.notes] == wanted
    third = [note for note in heard.phrase.notes if note.onset == 5]
    assert third[0].displacement == pytest.approx(1 / 3, abs=0.01)


def test_sextuplets_of_one_key_lose_none() -> None:
    keys = [key(80 * part, 60, 60) for part in range(12)]
    heard = transcribe(keys, GRID)
    assert len(heard.phrase.notes) == 12


def test_a_player_who_is_late_all_the_time_is_heard_on_the_steps() -> None:
    late = 46  # 40 ms at 144 bpm
    keys = [key(120 * step + late, 60 + step % 7) for step in range(0, 32, 2)]
    heard = transcribe(keys, GRID, ms_per_tick=60_000 / (144 * 480))
    assert [note.onset for note in heard.shown.notes] == list(range(0, 32, 2))
    assert heard.lag == late


def test_what_was_known_of_the_lag_decides_where_one_phrase_does_not() -> None:
    keys = [key(120 * step + 66, 60 + step % 7) for step in range(1, 31)]
    known = transcribe(keys, GRID, lag=60.0)
    assert [note.onset for note in known.shown.notes] == list(range(1, 31))


def test_a_grace_note_is_held_with_its_main_note_and_not_shown() -> None:
    keys = [key(480 * beat, 60 + beat, 400) for beat in range(8)]
    heard = transcribe([*keys, key(960 - 43, 63, 40)], GRID)
    assert [(note.onset, note.pitch) for note in heard.shown.notes] == [(4 * b, 60 + b) for b in range(8)]
    grace = next(note for note in heard.phrase.notes if note.pitch == 63 and note.onset == 8)
    assert grace.displacement == pytest.approx(-43 / SIZE)


def test_a_run_of_sixteenths_at_a_fast_tempo_is_no_row_of_grace_notes() -> None:
    keys = [key(120 * step, 48 + step, 110) for step in ALL_STEPS]
    heard = transcribe(keys, GRID, ms_per_tick=60_000 / (180 * 480))
    assert [note.onset for note in heard.shown.notes] == ALL_STEPS


def test_a_trill_is_shown_as_its_main_note() -> None:
    keys = [key(60 * part, 72 + 2 * (part % 2), 55) for part in range(16)]
    heard = transcribe(keys, GRID)
    assert len(heard.phrase.notes) == 16
    assert [(note.onset, note.pitch) for note in heard.shown.notes] == [(step, 72) for step in range(8)]


@pytest.mark.parametrize("bpm", [60, 120, 180])
@pytest.mark.parametrize("roll_ms", [60, 100])
def test_a_rolled_chord_is_one_step(bpm: int, roll_ms: int) -> None:
    ms = 60_000 / (bpm * 480)
    keys = [
        key(960 * bar + roll_ms / ms * part / 3, pitch, 700)
        for bar in range(4)
        for part, pitch in enumerate((48, 55, 64, 72))
    ]
    heard = transcribe(keys, GRID, ms_per_tick=ms)
    assert {note.onset for note in heard.shown.notes} == {0, 8, 16, 24}
    assert len({note.offset for note in heard.shown.notes}) == 1
    rows = [note.displacement for note in heard.phrase.notes if note.onset == 8]
    assert rows == sorted(rows)
    assert rows[-1] == pytest.approx(roll_ms / ms / SIZE, abs=0.02)


def test_a_trill_over_a_held_chord_is_a_trill_all_the_same() -> None:
    keys = [key(60 * part, 72 + 2 * (part % 2), 55) for part in range(16)]
    held = [key(480 * beat, pitch, 450) for beat in range(2) for pitch in (48, 55)]
    heard = transcribe([*keys, *held], GRID)
    assert len(heard.phrase.notes) == 20
    assert {note.pitch for note in heard.shown.notes} == {48, 55, 72}


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_a_tempo_that_swings_about_the_click_is_neither_lag_nor_another_rhythm(share: float) -> None:
    most = share * GRID.ticks / (2 * math.pi)
    starts = [120 * step - most * (1 - math.cos(2 * math.pi * step / 32)) for step in range(0, 32, 2)]
    heard = transcribe([key(start, 60 + place % 7, 200) for place, start in enumerate(starts)], GRID)
    assert [note.onset for note in heard.shown.notes] == list(range(0, 32, 2))
    assert heard.lag == 0


def test_small_timing_is_offset_and_no_lag() -> None:
    away = [5, -8, 3, 9, -4, 0, 7, -6]
    keys = [key(240 * place + away[place % 8], 60 + place % 5, 200) for place in range(16)]
    heard = transcribe(keys, GRID)
    assert heard.lag == 0
    assert [round(note.offset * SIZE) for note in heard.phrase.notes] == away * 2
    assert all(note.displacement == 0 for note in heard.phrase.notes)


def test_jitter_of_a_melody_at_a_fast_tempo_leaves_it_on_its_steps() -> None:
    chance = Random(3)
    ms = 60_000 / (180 * 480)
    starts = [240 * place + chance.gauss(0, 18) / ms for place in range(16)]
    heard = transcribe(
        [key(start, 60 + place % 7, 200) for place, start in enumerate(starts)], GRID, ms_per_tick=ms
    )
    assert [note.onset for note in heard.shown.notes] == list(range(0, 32, 2))


def test_other_divisions_take_the_nearest_step() -> None:
    grid = replace(GRID, steps_per_beat=3)
    heard = transcribe([key(160 * step + 9, 60) for step in range(24)], grid)
    assert [note.onset for note in heard.shown.notes] == list(range(24))


@pytest.mark.parametrize("grid", [Grid(2, 2, 6, 720), Grid(2, 7, 2, 240)], ids=["6/8", "7/8"])
def test_other_metres_are_heard_late_and_exactly(grid: Grid) -> None:
    eighths = range(0, grid.steps, 240 // grid.ticks_per_step)
    keys = [key(grid.ticks_per_step * step + 35, 60 + step % 5, 150) for step in eighths]
    heard = transcribe(keys, grid)
    assert [note.onset for note in heard.shown.notes] == list(eighths)
    assert heard.lag == 35
    assert [row[0] for row in given_back(heard, grid)] == [one.start for one in keys]
