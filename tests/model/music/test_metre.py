"""Metres: what a grid's bars are, and phrases laid into a model's bars and out again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import ConfigError
from model.music.attributes import measure, metrical_weights
from model.music.grid import DOTTED, EIGHTH, Grid
from model.music.metre import (
    METRES,
    cell_step,
    cut,
    grid_in,
    metres_of,
    name_of,
    padded,
    read_metre,
    signature,
    takes,
)
from model.music.phrase import Note, Phrase

OWN = Grid()
OWNS = [
    OWN,
    Grid(bars=16),
    Grid(bars=4, beats_per_bar=3),
    Grid(bars=1, steps_per_beat=3),
    Grid(steps_per_beat=6),
]
STEPS = {"2/4": 16, "3/4": 24, "4/4": 32, "5/4": 20, "6/8": 24, "7/8": 28, "9/8": 18, "12/8": 24}


def in_metre(name: str, own: Grid = OWN) -> Grid:
    grid = grid_in(own, METRES[name])
    assert grid is not None
    return grid


@st.composite
def phrases(draw: st.DrawFn, grid: Grid) -> Phrase:
    onsets = st.integers(0, grid.steps - 1)
    rows = draw(
        st.lists(st.tuples(onsets, st.integers(40, 52), st.integers(1, 12), st.integers(0, 2)), max_size=20)
    )
    notes = [Note(at, pitch, 90, min(size, grid.steps - at), 0.25, track) for at, pitch, size, track in rows]
    return Phrase.of(grid, notes)


@st.composite
def grids(draw: st.DrawFn) -> tuple[Grid, Grid]:
    """A model's grid, and the same in some metre."""
    own = draw(st.sampled_from(OWNS))
    found = [grid for metre in METRES.values() if (grid := grid_in(own, metre)) is not None]
    return own, draw(st.sampled_from(found))


# -- grids -----------------------------------------------------------------------------------------


def test_a_dotted_beat_has_six_sixteenths_and_an_eighth_two() -> None:
    assert (
        Grid(2, 2, 6, DOTTED).ticks_per_step == Grid(2, 7, 2, EIGHTH).ticks_per_step == Grid().ticks_per_step
    )
    assert Grid(2, 2, 6, DOTTED).ticks == Grid(2, 3, 4).ticks
    assert Grid(1, 7, 2, EIGHTH).quarters == 3.5


@pytest.mark.parametrize("ticks", [0, -480, 100, 960])
def test_a_beat_is_an_eighth_a_quarter_or_a_dotted_quarter(ticks: int) -> None:
    with pytest.raises(ValueError, match=r"240 \(an eighth\), 480 \(a quarter\), 720 \(a dotted quarter\)"):
        Grid(2, 4, 4, ticks)


@given(grids())
def test_in_every_metre_steps_are_as_long_as_the_models_and_bars_are_whole(pair: tuple[Grid, Grid]) -> None:
    own, grid = pair
    assert grid.ticks_per_step == own.ticks_per_step
    assert grid.bars >= 1
    assert grid.steps <= own.steps
    assert grid.bars <= own.bars
    assert takes(own, grid, latent=True)
    assert takes(own, grid, latent=False) == (grid == own)


def test_a_model_of_two_bars_has_two_where_they_fit_and_else_one() -> None:
    assert {name: in_metre(name).steps for name in METRES} == STEPS
    assert {name for name in METRES if in_metre(name).bars == 1} == {"5/4", "9/8", "12/8"}
    assert in_metre("4/4") == OWN


@pytest.mark.parametrize("name", METRES)
def test_a_metre_is_found_again_from_its_grid(name: str) -> None:
    grid = in_metre(name)
    assert name_of(grid) == name
    assert "/".join(map(str, signature(grid))) == name
    assert read_metre(name) == METRES[name]


def test_an_unknown_metre_is_named_with_those_there_are() -> None:
    with pytest.raises(
        ConfigError, match=r"unknown metre '3/5'; there is: 12/8, .*9/8, auto; did you mean '3/4'\?"
    ):
        read_metre("3/5")


def test_a_model_without_a_latent_or_with_other_steps_plays_what_it_can() -> None:
    assert metres_of(OWN, latent=True) == list(METRES)
    assert metres_of(OWN, latent=False) == ["4/4"]
    assert metres_of(Grid(steps_per_beat=3), latent=True) == [
        "2/4",
        "3/4",
        "4/4",
        "5/4",
    ]  # no eighth is a step
    assert metres_of(Grid(bars=4, beats_per_bar=1), latent=True)[:3] == ["1/4", "2/4", "3/4"]
    assert "5/4" not in metres_of(Grid(bars=1), latent=True)  # nor has a bar of it room


# -- strong and weak steps -------------------------------------------------------------------------


def test_six_eighths_are_two_beats_of_three_and_three_quarters_three_of_two() -> None:
    bar = 12
    assert metrical_weights(in_metre("6/8"))[:bar] == (3, 0, 1, 0, 1, 0, 2, 0, 1, 0, 1, 0)
    assert metrical_weights(in_metre("3/4"))[:bar] == (3, 0, 1, 0, 2, 0, 1, 0, 2, 0, 1, 0)
    assert metrical_weights(in_metre("7/8"))[:14] == (2, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0)


def test_density_counts_onsets_per_quarter_in_every_metre() -> None:
    for name in METRES:
        grid = in_metre(name)
        quarters = Phrase.of(grid, [Note(step, 60, 90, 1) for step in range(0, grid.steps, 2)])
        assert measure(quarters)["density"] == pytest.approx(2.0), name


# -- into the model's bars and out again -----------------------------------------------------------


@given(grids().flatmap(lambda pair: st.tuples(st.just(pair[0]), phrases(pair[1]))))
def test_what_is_padded_and_cut_is_the_same_phrase(case: tuple[Grid, Phrase]) -> None:
    own, phrase = case
    wide = padded(phrase, own)
    assert wide.grid == own
    assert Phrase.of(own, wide.notes) == wide  # in order, and within its bounds
    assert cut(wide, phrase.grid) == phrase


@given(grids().flatmap(lambda pair: st.tuples(phrases(pair[0]), st.just(pair[1]))))
def test_what_is_cut_fits_its_grid_and_leaves_what_lies_in_its_bars(case: tuple[Phrase, Grid]) -> None:
    phrase, grid = case
    narrow = cut(phrase, grid)
    assert Phrase.of(grid, narrow.notes) == narrow
    steps = {cell_step(grid, phrase.grid, step) for step in range(grid.steps)}
    assert len(narrow) == sum(note.onset in steps for note in phrase.notes)


def test_every_bar_begins_where_one_of_the_models_does() -> None:
    waltz = in_metre("3/4")
    wide = padded(Phrase.of(waltz, [Note(0, 60, 90, 12), Note(12, 62, 90, 4), Note(22, 64, 90, 2)]), OWN)
    assert [(note.onset, note.length) for note in wide.notes] == [(0, 12), (16, 4), (26, 2)]
    tied = padded(Phrase.of(waltz, [Note(8, 60, 90, 8)]), OWN)  # over the bar line, and over the gap
    assert [(note.onset, note.length) for note in tied.notes] == [(8, 12)]


def test_a_bar_longer_than_the_models_is_laid_across_its_bars() -> None:
    wide = padded(Phrase.of(in_metre("5/4"), [Note(0, 60, 90, 4), Note(16, 62, 90, 4)]), OWN)
    assert [(note.onset, note.length) for note in wide.notes] == [(0, 4), (16, 4)]


def test_a_note_cut_short_is_not_released_before_it_starts() -> None:
    long = Phrase.of(OWN, [Note(11, 60, 90, 5, release=-3.0)])
    (note,) = cut(long, in_metre("3/4")).notes
    assert (note.length, note.release) == (1, -1.0)


def test_the_step_behind_the_last_bar_is_the_end_of_the_models() -> None:
    assert cell_step(in_metre("3/4"), OWN, 24) == 32
    assert cell_step(in_metre("5/4"), OWN, 20) == 20
    assert cell_step(OWN, OWN, 32) == 32
