"""Capture: what is played comes back on the nearest step, with how far it was from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.jam.input.capture import MOST_A_STEP, MOST_AT_ONCE, MOST_NOTES, Capture
from live.timing.timeline import Tick
from model.music.grid import Grid
from model.music.phrase import check_note

GRIDS = st.builds(Grid, st.integers(1, 4), st.integers(1, 7), st.sampled_from([1, 2, 3, 4, 6, 8, 32]))
GRID = Grid()
STEP = GRID.ticks_per_step
PLAYED = st.lists(
    st.tuples(st.integers(-200, 9000), st.integers(0, 3000), st.integers(40, 44), st.integers(1, 127)),
    max_size=30,
)


def captured(played: list[tuple[int, int, int, int]]) -> Capture:
    """Play (start, length, pitch, velocity) as a keyboard would send it."""
    capture = Capture()
    messages = [(start, 1, pitch, velocity) for start, _, pitch, velocity in played]
    messages += [(start + length, 0, pitch, 0) for start, length, pitch, _ in played]
    for tick, _, pitch, velocity in sorted(messages):
        if velocity:
            capture.on(("keys", 1, pitch), velocity, Tick(tick))
        else:
            capture.off(("keys", 1, pitch), Tick(tick))
    return capture


@pytest.fixture
def capture() -> Capture:
    return Capture()


@given(PLAYED, GRIDS, st.integers(0, 8))
def test_whatever_is_played_a_phrase_is_sound(
    played: list[tuple[int, int, int, int]], grid: Grid, bar: int
) -> None:
    phrase = captured(played).phrase(grid, Tick(bar * grid.ticks_per_bar))
    places = [(note.onset, note.pitch) for note in phrase.notes]
    assert places == sorted(set(places))
    for note in phrase.notes:
        check_note(grid, note)
        assert note.onset + note.length <= grid.steps


@given(st.integers(0, 31), st.integers(0, STEP - 1), st.integers(0, 4))
def test_an_onset_lies_within_half_a_step_of_its_place(step: int, within: int, phrase_index: int) -> None:
    zero = phrase_index * GRID.ticks
    start = zero + step * STEP - STEP // 2 + within
    phrase = captured([(start, 100, 60, 90)]).phrase(GRID, Tick(zero))
    (note,) = phrase.notes
    assert (note.onset, note.velocity) == (step, 90)
    assert zero + round((note.onset + note.offset) * STEP) == start


@given(st.integers(-1, 4 * 1920), GRIDS)
def test_every_note_belongs_to_exactly_one_phrase(start: int, grid: Grid) -> None:
    capture = captured([(start, 10, 60, 90)])
    cells = range(-1, start // grid.ticks + 2)
    found = [cell for cell in cells if len(capture.phrase(grid, Tick(cell * grid.ticks)))]
    assert len(found) == 1


def test_a_note_half_a_step_early_is_the_phrase_s_first() -> None:
    capture = captured([(GRID.ticks - STEP // 2, 200, 60, 90)])
    assert len(capture.phrase(GRID, Tick(0))) == 0
    (note,) = capture.phrase(GRID, Tick(GRID.ticks)).notes
    assert (note.onset, note.offset) == (0, -0.5)


def test_a_key_still_down_sounds_to_the_end(capture: Capture) -> None:
    capture.on(("keys", 1, 60), 90, Tick(4 * STEP))
    (note,) = capture.phrase(GRID, Tick(0)).notes
    assert (note.onset, note.length) == (4, 28)


def test_a_note_that_ends_within_its_step_has_one_step() -> None:
    (note,) = captured([(8 * STEP, 5, 60, 90)]).phrase(GRID, Tick(0)).notes
    assert note.length == 1


@pytest.mark.parametrize(
    ("length", "steps"), [(STEP + STEP // 2 - 1, 1), (STEP + STEP // 2, 2), (4 * STEP - 5, 4)]
)
def test_lengths_go_to_the_nearest_step(length: int, steps: int) -> None:
    (note,) = captured([(0, length, 60, 90)]).phrase(GRID, Tick(0)).notes
    assert note.length == steps


def test_a_key_struck_twice_without_a_note_off_is_two_notes(capture: Capture) -> None:
    capture.on(("keys", 1, 60), 90, Tick(0))
    capture.on(("keys", 1, 60), 91, Tick(4 * STEP))
    capture.off(("keys", 1, 60), Tick(6 * STEP))
    capture.off(("keys", 1, 60), Tick(7 * STEP))  # means nothing
    notes = capture.phrase(GRID, Tick(0)).notes
    assert [(note.onset, note.length, note.velocity) for note in notes] == [(0, 4, 90), (4, 2, 91)]


def test_two_channels_hold_one_key_each_for_itself(capture: Capture) -> None:
    capture.on(("keys", 1, 60), 90, Tick(0))
    capture.on(("keys", 2, 60), 91, Tick(2 * STEP))
    capture.off(("keys", 1, 60), Tick(4 * STEP))
    assert [note.end for note in capture.between(Tick(0), Tick(STEP), Tick(9))] == [4 * STEP]
    held = capture.between(Tick(STEP), Tick(3 * STEP), Tick(8 * STEP))
    assert [note.end for note in held] == [8 * STEP]


def test_two_keyboards_hold_one_key_on_one_channel_each_for_itself(capture: Capture) -> None:
    capture.on(("left", 1, 60), 90, Tick(0))
    capture.on(("right", 1, 60), 91, Tick(2 * STEP))
    capture.off(("left", 1, 60), Tick(4 * STEP))
    capture.off(("right", 1, 60), Tick(8 * STEP))
    notes = capture.between(Tick(0), Tick(GRID.ticks), Tick(GRID.ticks))
    assert [(note.start, note.end) for note in notes] == [(0, 4 * STEP), (2 * STEP, 8 * STEP)]


@given(PLAYED, st.integers(0, 9000), st.integers(0, 4000))
def test_what_started_within_a_span_is_found_however_much_was_played(
    played: list[tuple[int, int, int, int]], first: int, length: int
) -> None:
    capture = captured(played)
    notes = capture.between(Tick(-(10**6)), Tick(10**6), Tick(10**6))
    within = [note for note in notes if first <= note.start < first + length]
    assert capture.between(Tick(first), Tick(first + length), Tick(10**6)) == within


def test_a_keyboard_that_goes_lets_its_keys_go(capture: Capture) -> None:
    capture.on(("keys", 1, 60), 90, Tick(0))
    capture.on(("keys", 1, 64), 90, Tick(STEP))
    capture.release_all(Tick(2 * STEP))
    notes = capture.phrase(GRID, Tick(0)).notes
    assert [note.length for note in notes] == [2, 1]


def test_memory_is_bounded() -> None:
    capture = captured([(10 * number, 5, 60, 90) for number in range(MOST_NOTES + 50)])
    found = capture.between(Tick(0), Tick(10**9), Tick(10**9))
    assert len(found) == MOST_NOTES
    assert found[0].start == 500


def test_clear_forgets_keys_that_are_down_too(capture: Capture) -> None:
    capture.on(("keys", 1, 60), 90, Tick(0))
    capture.clear()
    capture.off(("keys", 1, 60), Tick(50))
    assert capture.between(Tick(0), Tick(100), Tick(100)) == []


def test_a_pedal_lets_notes_ring_until_it_comes_up_or_the_key_is_struck_again(capture: Capture) -> None:
    capture.pedal("keys", 1, 127, Tick(0))
    for tick in (0, 100):
        capture.on(("keys", 1, 60), 90, Tick(tick))
        capture.off(("keys", 1, 60), Tick(tick + 10))
    capture.on(("other", 1, 62), 90, Tick(100))
    capture.off(("other", 1, 62), Tick(110))  # the pedal is another keyboard's
    capture.pedal("keys", 1, 50, Tick(300))  # a half-pedal
    assert [note.end for note in capture.between(Tick(0), Tick(500), Tick(400))] == [100, 110, 400]
    capture.pedal("keys", 1, 20, Tick(350))
    assert [note.end for note in capture.between(Tick(0), Tick(500), Tick(400))] == [100, 110, 350]


def test_what_sounds_is_struck_up_to_the_end_and_known_to_sound(capture: Capture) -> None:
    capture.on(("keys", 1, 60), 90, Tick(1900))
    (row,) = capture.struck(GRID, Tick(1920), Tick(0), Tick(3840))
    assert row == (-20, GRID.ticks, 60, 90)
    (held,) = capture.still_sounding(Tick(0), Tick(3840))
    assert capture.is_sounding([held])
    assert capture.end_of(held) is None
    capture.off(("keys", 1, 60), Tick(4000))
    assert not capture.is_sounding([held])
    assert capture.end_of(held) == 4000
    assert capture.struck(GRID, Tick(1920), Tick(0), Tick(3840)) == [(-20, 2080, 60, 90)]


def test_of_a_storm_a_phrase_takes_what_hands_can_strike_the_loudest(capture: Capture) -> None:
    for number in range(300):
        capture.on(("keys", number % 3, number // 3), 1 + number % 100, Tick(10))
    capture.on(("keys", 5, 60), 1, Tick(480))
    phrase, rows = capture.phrase(GRID, Tick(0)), capture.struck(GRID, Tick(0), Tick(0), Tick(3840))
    assert len(rows) == MOST_AT_ONCE + 1
    assert min(row[3] for row in rows if row[0] == 10) > 100 - MOST_AT_ONCE // 3 - 2
    assert {note.pitch for note in phrase.notes} == {row[2] for row in rows}
    assert [note.pitch for note in phrase.notes if note.onset] == [60]


def test_a_phrase_takes_so_many_notes_of_a_flood_and_all_of_what_is_played(capture: Capture) -> None:
    for number in range(MOST_A_STEP * GRID.steps):
        capture.on(("keys", 0, number % 128), 90, Tick(15 * number))
    played = len(capture.struck(GRID, Tick(0), Tick(0), Tick(3840)))
    assert played == MOST_A_STEP * GRID.steps
    for number in range(2000):
        capture.on(("keys", 1 + number % 7, number % 128), 50, Tick(number))
    assert len(capture.struck(GRID, Tick(0), Tick(0), Tick(3840))) == MOST_A_STEP * GRID.steps
