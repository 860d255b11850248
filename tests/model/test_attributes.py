import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.attributes import NAMES, measure, metrical_weights, weight_bounds
from model.grid import Grid
from model.phrase import Note, Phrase

GRID = Grid()


def on_steps(*steps: int, grid: Grid = GRID) -> Phrase:
    return Phrase.of(grid, [Note(step, 60, 80, 1) for step in steps])


@st.composite
def phrases(draw: st.DrawFn) -> Phrase:
    note = st.builds(
        Note,
        st.integers(0, 31),
        st.integers(0, 127),
        st.integers(1, 127),
        st.integers(1, 32),
        st.just(0.0),
    )
    return Phrase.of(GRID, draw(st.lists(note, min_size=1, max_size=40)))


def test_an_empty_phrase_has_values() -> None:
    assert list(measure(Phrase(GRID)).values()) == [0.0, 0.0, 60.0, 0.0, 64.0, 0.0]


def test_known_phrase() -> None:
    chord = [Note(0, 60, 100, 4), Note(0, 64, 80, 4), Note(4, 67, 60, 4), Note(8, 67, 60, 4)]
    found = measure(Phrase.of(GRID, chord))
    assert found["density"] == 3 / 8
    assert found["register"] == 64.5
    assert found["range"] == pytest.approx(math.sqrt((4.5**2 + 0.5**2 + 2 * 2.5**2) / 4))
    assert found["dynamics"] == 75.0
    assert found["polyphony"] == pytest.approx(4 / 3)


def test_the_metre_of_common_time() -> None:
    bar = (4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0)
    assert metrical_weights(GRID) == tuple(map(float, bar * 2))


@pytest.mark.parametrize(
    ("grid", "bar"),
    [
        (Grid(1, 3, 4), (3, 0, 1, 0, 2, 0, 1, 0, 2, 0, 1, 0)),
        (Grid(1, 2, 3), (2, 0, 0, 1, 0, 0)),
        (Grid(1, 1, 6), (2, 0, 0, 1, 0, 0)),
        (Grid(1, 1, 1), (1,)),
    ],
)
def test_other_metres(grid: Grid, bar: tuple[int, ...]) -> None:
    assert metrical_weights(grid) == tuple(map(float, bar))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (range(0, 32, 4), 0.0),  # quarters
        (range(0, 32, 2), 0.0),  # eighths
        (range(32), 0.0),  # every step: nowhere else to be
        (range(1, 32, 2), 1.0),  # only the weak sixteenths
        ((), 0.0),
    ],
)
def test_complexity_of_plain_rhythms(steps: range, expected: float) -> None:
    assert measure(on_steps(*steps))["complexity"] == expected


def test_an_anticipation_is_more_complex_than_the_beat() -> None:
    on_beat = measure(on_steps(0, 4, 8, 12, 16))["complexity"]
    before_it = measure(on_steps(0, 4, 7, 12, 16))["complexity"]
    assert before_it > on_beat + 0.05


@given(st.sets(st.integers(0, 31)))
def test_complexity_stays_in_its_bounds_whatever_the_count(steps: set[int]) -> None:
    strongest, weakest = weight_bounds(GRID)
    weight = sum(metrical_weights(GRID)[step] for step in steps)
    assert weakest[len(steps)] <= weight <= strongest[len(steps)]
    assert 0.0 <= measure(on_steps(*steps))["complexity"] <= 1.0


@given(phrases(), st.integers(-24, 24))
def test_transposing_moves_register_alone(phrase: Phrase, semitones: int) -> None:
    pitches = [note.pitch for note in phrase.notes]
    shift = max(-min(pitches), min(127 - max(pitches), semitones))
    before, after = measure(phrase), measure(phrase.moved(shift))
    assert after.pop("register") == pytest.approx(before.pop("register") + shift)
    assert after == pytest.approx(before, abs=1e-5)


@given(phrases())
def test_names_and_ranges(phrase: Phrase) -> None:
    found = measure(phrase)
    assert tuple(found) == NAMES
    assert 0 < found["density"] <= GRID.steps_per_beat
    assert 0 <= found["register"] <= 127
    assert 0 <= found["range"] <= 63.5
    assert 1 <= found["dynamics"] <= 127
    assert 1 <= found["polyphony"] <= len(phrase)
