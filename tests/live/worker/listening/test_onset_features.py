"""What the metre's network is told: rows of what is played, and of places on a grid."""

from live.worker.listening.metrical_positions import FOUR_FOUR, METRES, SIX_EIGHT, THREE_FOUR
from live.worker.listening.onset_features import (
    ALL_ROWS,
    FARTHEST,
    OTHER_PITCH,
    ROWS,
    SAME_PITCH,
    SILENT,
    SIZES,
    TEMPI,
    UNITS,
    UNKNOWN,
    PlacedFeatures,
    PlayedFeatures,
    tempo_rows,
)


def within(rows: list[int], name: str) -> int:
    """Return which of a feature's rows is among some."""
    (found,) = (row for row in rows if 0 <= row - ROWS[name] < SIZES[name])
    return found - ROWS[name]


def test_a_chord_is_told_by_its_size_outer_voices_and_new_harmony() -> None:
    played = PlayedFeatures()
    first = played.of([(60, 80)])
    assert within(first, "new") == 1
    assert within(first, "louder") == within(first, "loud") == 3
    chord = played.of([(48, 90), (64, 80), (67, 85)])
    assert within(chord, "size") == 2
    assert within(chord, "top") == 13 + 7
    assert within(chord, "low") == 13 - 12
    assert within(chord, "lowest") == 0
    assert within(chord, "louder") == 5
    assert within(chord, "thicker") == 4
    assert within(chord, "new") == 2  # C was there


def test_a_key_higher_changes_the_registers_alone() -> None:
    music = [[(60, 80)], [(48, 90), (64, 80)], [(67, 70)], [(66, 71)]]
    one, other = PlayedFeatures(), PlayedFeatures()
    registers = {ROWS[name] + row for name in ("low register", "top register") for row in range(22)}
    for notes in music:
        rows = one.of(notes)
        moved = other.of([(pitch + 6, velocity) for pitch, velocity in notes])
        assert set(rows) - registers == set(moved) - registers


def test_the_outermost_notes_are_told_too() -> None:
    played = PlayedFeatures()
    for pitch in (0, 127, 0, 127):
        rows = played.of([(pitch, 1), (pitch, 127)])
        assert all(0 <= row < ALL_ROWS for row in rows)
        assert len(rows) == 11


def test_a_place_knows_what_was_there_before() -> None:
    placed = PlacedFeatures(FOUR_FOUR)
    rows = placed.of(0, 60)
    assert {within(rows, name) for name in ("beat", "half", "bar", "two")} == {UNKNOWN}
    rows = placed.of(UNITS, 60)
    assert within(rows, "beat") == SAME_PITCH
    assert within(rows, "distance") == UNITS
    rows = placed.of(UNITS, 62)
    assert (within(rows, "beat"), within(rows, "half"), within(rows, "bar")) == (
        OTHER_PITCH,
        OTHER_PITCH,
        UNKNOWN,
    )
    assert within(rows, "before") == UNITS
    rows = placed.of(UNITS // 2, 62)
    assert (within(rows, "beat"), within(rows, "count")) == (SILENT, 3)


def test_half_a_bar_is_half_of_six_eighths_and_two_beats_of_others() -> None:
    for metre, units in {FOUR_FOUR: 2 * UNITS, THREE_FOUR: 2 * UNITS, SIX_EIGHT: 3 * UNITS // 2}.items():
        placed = PlacedFeatures(metre)
        placed.of(0, 60)
        rows = placed.of(units, 60)
        assert within(rows, "half") == SAME_PITCH
        assert within(rows, "metre") == list(METRES).index(metre)


def test_what_is_farther_than_two_bars_is_forgotten() -> None:
    placed = PlacedFeatures(THREE_FOUR)
    for _ in range(400):
        rows = placed.of(2 * UNITS, 60)
    assert placed.place == 800 * UNITS
    assert len(placed._tops) <= 3 * 2 // 2 + 2
    assert within(rows, "two") == SAME_PITCH
    assert within(placed.of(10**6, 60), "distance") == FARTHEST


def test_a_tempo_lies_between_two_rows() -> None:
    low, high, share = tempo_rows(7.0)
    assert (high - low, low - ROWS["tempo"]) == (1, 16)
    assert abs(share - 0.8) < 1e-9
    for octave in (-3.0, 20.0):
        low, high, share = tempo_rows(octave)
        assert ROWS["tempo"] <= low < high < ROWS["tempo"] + TEMPI
        assert 0 <= share <= 1
