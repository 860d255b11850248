import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.music.attributes import EMPTY, NAMES, applicable, gaps, measure, metrical_weights, weight_bounds
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from tests.fakes.any_notes import any_notes

GRID = Grid()


def on_steps(*steps: int, grid: Grid = GRID) -> Phrase:
    return Phrase.of(grid, [Note(step, 60, 80, 1) for step in steps])


@st.composite
def phrases(draw: st.DrawFn) -> Phrase:
    note = any_notes()
    return Phrase.of(GRID, draw(st.lists(note, min_size=1, max_size=40)))


def test_an_empty_phrase_has_values() -> None:
    assert list(measure(Phrase(GRID)).values()) == [0.0, 0.0, 60.0, 0.0, 64.0, 0.0, 1.0]
    assert measure(Phrase(GRID)) == EMPTY


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


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 31)))
def test_complexity_stays_in_its_bounds_whatever_the_count(steps: set[int]) -> None:
    strongest, weakest = weight_bounds(GRID)
    weight = sum(metrical_weights(GRID)[step] for step in steps)
    assert weakest[len(steps)] <= weight <= strongest[len(steps)]
    assert 0.0 <= measure(on_steps(*steps))["complexity"] <= 1.0


@settings(max_examples=40, deadline=None)
@given(phrases(), st.integers(-24, 24))
def test_transposing_moves_register_alone(phrase: Phrase, semitones: int) -> None:
    pitches = [note.pitch for note in phrase.notes]
    shift = max(-min(pitches), min(127 - max(pitches), semitones))
    before, after = measure(phrase), measure(phrase.moved(shift))
    assert after.pop("register") == pytest.approx(before.pop("register") + shift)
    assert after == pytest.approx(before, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(phrases())
def test_names_and_ranges(phrase: Phrase) -> None:
    found = measure(phrase)
    assert tuple(found) == NAMES
    assert 0 < found["density"] <= GRID.steps_per_beat
    assert 0 <= found["register"] <= 127
    assert 0 <= found["range"] <= 63.5
    assert 1 <= found["dynamics"] <= 127
    assert 1 <= found["polyphony"] <= len(phrase)
    assert 0 <= found["articulation"] <= 1


def test_drums_are_no_pitches() -> None:
    line = [Note(0, 60, 80, 2), Note(8, 64, 80, 2)]
    plain = measure(Phrase.of(GRID, line))
    drums = [Note(0, 36, 80, 1, 0.0, DRUMS), Note(4, 38, 110, 1, 0.0, DRUMS)]
    both = measure(Phrase.of(GRID, [*line, *drums]))
    for name in ("register", "range", "polyphony"):
        assert both[name] == plain[name]
    assert both["density"] == plain["density"] == 2 / 8  # the mean of both tracks
    assert both["dynamics"] == 87.5
    alone = measure(Phrase.of(GRID, drums))
    assert (alone["register"], alone["range"], alone["polyphony"]) == (60.0, 0.0, 0.0)
    assert alone["density"] == 2 / 8


def test_every_hit_of_a_drum_is_an_onset_and_every_drum_a_line() -> None:
    hat = [Note(step, 42, 80, 1, 0.0, DRUMS) for step in range(32)]
    kick = [Note(step, 36, 80, 1, 0.0, DRUMS) for step in (0, 8, 16, 24)]
    late = [Note(step, 36, 80, 1, 0.0, DRUMS) for step in (1, 9, 17, 25)]
    straight, shifted = measure(Phrase.of(GRID, [*hat, *kick])), measure(Phrase.of(GRID, [*hat, *late]))
    assert straight["density"] == shifted["density"] == 36 / 8
    assert straight["complexity"] == 0.0
    assert shifted["complexity"] == 1.0


@settings(max_examples=40, deadline=None)
@given(phrases(), st.integers(-126, 126))
def test_louder_by_the_same_for_all_moves_dynamics_alone(phrase: Phrase, shift: int) -> None:
    levels = [note.velocity for note in phrase.notes]
    shift = max(1 - min(levels), min(127 - max(levels), shift))
    louder = Phrase.of(GRID, (note._replace(velocity=note.velocity + shift) for note in phrase.notes))
    before, after = measure(phrase), measure(louder)
    assert after.pop("dynamics") == pytest.approx(before.pop("dynamics") + shift)
    assert after == before


@settings(max_examples=40, deadline=None)
@given(phrases(), st.randoms(use_true_random=False))
def test_velocities_move_dynamics_alone(phrase: Phrase, chance: random.Random) -> None:
    before = measure(phrase)
    after = measure(
        Phrase(GRID, tuple(note._replace(velocity=chance.randint(1, 127)) for note in phrase.notes))
    )
    for name in NAMES:
        if name != "dynamics":
            assert after[name] == before[name]


def test_a_line_is_one_voice() -> None:
    line = Phrase.of(GRID, [Note(2, 60, 80, 1), Note(3, 90, 80, 1), Note(8, 30, 80, 1)])
    assert gaps(line) == [1, 5, 24]


def test_chords_go_on_in_their_nearest_voices() -> None:
    notes = [
        Note(0, 48, 80, 1),
        Note(0, 64, 80, 1),
        Note(2, 67, 80, 1),
        Note(4, 50, 80, 1),
        Note(4, 65, 80, 1),
        Note(4, 90, 80, 1),
        Note(5, 36, 80, 1, 0.0, DRUMS),
    ]
    assert gaps(Phrase.of(GRID, notes)) == [4, 2, 2, 28, 28, 28, 0]


@settings(max_examples=40, deadline=None)
@given(phrases(), st.integers(0, 1))
def test_legato_and_staccato_whatever_the_onsets(phrase: Phrase, legato: int) -> None:
    room = gaps(phrase)
    held = (note._replace(length=gap if legato else 1) for note, gap in zip(phrase.notes, room, strict=True))
    found = measure(Phrase(GRID, tuple(held)))["articulation"]
    assert found == (float(legato) if max(room) > 1 else 1.0)


@settings(max_examples=40, deadline=None)
@given(phrases())
def test_voices_heed_neither_register_nor_lengths(phrase: Phrase) -> None:
    low = min(note.pitch for note in phrase.notes)
    moved = Phrase(GRID, tuple(note._replace(pitch=note.pitch - low, length=1) for note in phrase.notes))
    assert gaps(moved) == gaps(phrase)


def test_what_a_codec_can_be_turned_along() -> None:
    assert applicable("melody") == tuple(name for name in NAMES if name != "polyphony")
    assert applicable("poly") == applicable("multitrack") == NAMES
    assert applicable("drums") == ("density", "complexity", "dynamics")
