"""The closed loop: what a turn asks for is reached, what nobody asked for is played back to where it was."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.checkpoint import Calibration
from model.edits.common import is_monophonic
from model.edits.expression import levelled
from model.edits.solve import shifted
from model.edits.transforms import edit
from model.music.attributes import NAMES, TYPICAL, applicable, measure
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, DRUMS
from model.playing.inference.closed_loop import completed, limits, nearest, settle, steer, targets
from tests.fakes.any_notes import any_notes
from tests.fakes.synthetic import chords, melody
from tests.model.edits.test_drums import ROCK
from tests.model.test_checkpoint import small

GRID = Grid()
TURNS = tuple(float(turn) for turn in np.linspace(-1, 1, 9))
COLUMNS = np.array([TYPICAL[name] for name in NAMES], dtype=np.float32)
MUSIC = Calibration(NAMES, *COLUMNS.T)
PHRASES = st.integers(0, 200).map(chords) | st.integers(0, 200).map(melody)


def band(seed: int) -> Phrase:
    """A tune with a bass and drums."""
    bass = [note._replace(pitch=note.pitch - 24, track=BASS) for note in melody(seed + 1).notes]
    return Phrase.of(GRID, [*melody(seed).notes, *bass, *ROCK.notes])


def turned(
    phrase: Phrase,
    turns: Mapping[str, float],
    *,
    learned: Sequence[str] = (),
    calibration: Calibration = MUSIC,
) -> Phrase:
    """Steer a network that follows a wish for density too far and adds a little of everything else."""

    def decode(changes: Sequence[Mapping[str, float]]) -> list[Phrase]:
        shares = (max(-1.0, min(1.0, 0.5 * change.get("density", 0.0))) for change in changes)
        return [shifted(edit(phrase, "density", share, rng()), 67.0) for share in shares]

    return steer(phrase, turns, calibration=calibration, learned=learned, decode=decode)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_targets_are_linear_in_the_turn_and_a_deviation_beyond_the_edge() -> None:
    calibration = small().calibration  # 2nd percentile 0, 98th 2 of everything
    base = dict.fromkeys(calibration.names, 0.5)
    assert targets(base, {"density": 0.5}, calibration) == {"density": 1.25}
    assert targets(base, {"density": -1.0}, calibration) == {"density": 0.0}
    beyond = dict.fromkeys(calibration.names, 3.0)
    assert targets(beyond, {"density": 1.0}, calibration) == {"density": 4.0}  # the spread is 1
    assert targets(beyond, {"density": 0.5}, calibration) == {"density": 3.5}
    assert targets(beyond, {"complexity": 1.0}, calibration) == {"complexity": 3.0}  # there is no more of it


def test_the_nearest_candidate_also_keeps_the_other_attributes() -> None:
    calibration = small().calibration
    phrase = chords(1)
    base = measure(phrase)
    louder = shifted(levelled(phrase, base["dynamics"] + 10), base["register"] + 7)
    cleaner = levelled(phrase, base["dynamics"] + 10)
    wanted = {"dynamics": base["dynamics"] + 10}
    assert nearest([phrase, louder, cleaner], wanted, base, calibration)[0] == cleaner
    with pytest.raises(ValueError, match="no candidate"):
        nearest([], wanted, base, calibration)


def test_a_calibration_without_an_attribute_gets_its_usual_place() -> None:
    old = Calibration(
        NAMES[:-1], *(np.full(len(NAMES) - 1, value, dtype=np.float32) for value in (1, 2, 0, 4))
    )
    full = completed(old)
    assert full.names == NAMES
    assert (full.of("mean", "density"), full.of("spread", "density")) == (1.0, 2.0)
    usual = [full.of(field, "articulation") for field in ("mean", "spread", "low", "high")]
    assert usual == pytest.approx(TYPICAL["articulation"])
    assert completed(full) is full
    phrase = melody(3)
    assert turned(phrase, {"articulation": -0.5}, calibration=old) == turned(
        phrase, {"articulation": -0.5}, calibration=full
    )


@settings(max_examples=25, deadline=None)
@given(PHRASES, st.sampled_from(("density", "complexity", "register", "range", "dynamics", "articulation")))
def test_more_turn_is_more_of_it(phrase: Phrase, name: str) -> None:
    values = np.array([measure(turned(phrase, {name: turn}))[name] for turn in TURNS])
    spread = MUSIC.of("spread", name)
    assert np.all(np.diff(values) >= -0.12 * spread)
    assert values[-1] > values[0]
    wanted = [
        targets(measure(phrase), {name: t}, MUSIC, limits(phrase, measure(phrase)))[name] for t in (-1.0, 1.0)
    ]
    assert abs(values[0] - wanted[0]) < 0.6 * spread
    assert abs(values[-1] - wanted[1]) < 0.6 * spread


@settings(max_examples=12, deadline=None)
@given(PHRASES, st.sampled_from((-1.0, -0.5, 0.25, 0.5)))
def test_a_turn_of_density_leaves_rhythm_loudness_and_lengths(phrase: Phrase, turn: float) -> None:
    before = measure(phrase)
    after = measure(turned(phrase, {"density": turn}, learned=("density",)))
    for name, share in (("complexity", 0.5), ("dynamics", 0.1), ("articulation", 0.3)):
        assert abs(after[name] - before[name]) <= share * MUSIC.of("spread", name)


def played(seed: int) -> Phrase:
    """A phrase with dynamics of its own, in places at the ends of the scale."""
    chance = np.random.default_rng(seed)
    phrase = (chords, melody, band)[seed % 3](seed)
    wide = 60 if seed % 4 == 0 else 25
    levels = np.clip(chance.normal(70, wide, len(phrase)), 1, 127).astype(int).tolist()
    pairs = zip(phrase.notes, levels, strict=True)
    return Phrase(GRID, tuple(note._replace(velocity=level) for note, level in pairs))


def shouted(phrase: Phrase, turns: Mapping[str, float]) -> Phrase:
    """Steer a network whose answers have other velocities than the plain decode."""

    def decode(changes: Sequence[Mapping[str, float]]) -> list[Phrase]:
        found = []
        for change in changes:
            answer = phrase
            for name, value in change.items():
                answer = edit(answer, name, max(-1.0, min(1.0, 0.5 * value)), rng())
            levels = np.random.default_rng(9).integers(1, 128, len(answer)).tolist()
            pairs = zip(answer.notes, levels, strict=True)
            found.append(Phrase(phrase.grid, tuple(note._replace(velocity=level) for note, level in pairs)))
        return found

    return steer(phrase, turns, calibration=MUSIC, learned=tuple(turns), decode=decode)


@pytest.mark.parametrize("name", ["density", "complexity", "range", "articulation"])
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 300), st.sampled_from((-1.0, -0.4, 0.3, 1.0)))
def test_notes_that_stay_are_as_loud_beside_each_other_as_they_were(
    name: str, seed: int, turn: float
) -> None:
    phrase = played(seed)
    before = {(note.onset, note.pitch, note.track): note.velocity for note in phrase.notes}
    for answer in (turned(phrase, {name: turn}, learned=("density",)), shouted(phrase, {name: turn})):
        pairs = [
            (before[key], note.velocity)
            for note in answer.notes
            if (key := (note.onset, note.pitch, note.track)) in before
        ]
        shifts = range(-126, 127)
        assert any(
            all(after == min(127, max(1, level + shift)) for level, after in pairs) for shift in shifts
        )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 200), st.sampled_from(applicable("melody")), st.sampled_from(TURNS))
def test_a_line_stays_a_line(seed: int, name: str, turn: float) -> None:
    if turn:
        assert is_monophonic(turned(melody(seed), {name: turn}, learned=("density",)))


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 200), st.dictionaries(st.sampled_from(NAMES), st.floats(-1, 1).filter(bool), min_size=1)
)
def test_several_tracks_stay_apart(seed: int, turns: dict[str, float]) -> None:
    phrase = band(seed)
    answer = turned(phrase, turns)
    assert {note.track for note in answer.notes} == {note.track for note in phrase.notes}
    assert Phrase.of(GRID, answer.notes) == answer
    assert {note.pitch for note in answer.notes if note.track == DRUMS} <= {36, 38, 42}


GRIDS = (Grid(1, 3, 4), Grid(2, 4, 6), Grid(1, 1, 1), Grid(2, 2, 3), Grid(4, 4, 4))


@st.composite
def anything(draw: st.DrawFn) -> Phrase:
    grid = draw(st.sampled_from(GRIDS))
    note = any_notes(
        steps=grid.steps,
        longest=grid.steps,
        velocities=st.sampled_from((1, 2, 64, 126, 127)),
        tracks=st.integers(0, 3),
    )
    return Phrase.of(grid, draw(st.lists(note, max_size=30)))


@settings(max_examples=60, deadline=None)
@given(anything(), st.dictionaries(st.sampled_from(NAMES), st.floats(-1, 1).filter(bool), min_size=1))
def test_whatever_is_played_and_turned_the_answer_is_a_phrase(
    phrase: Phrase, turns: dict[str, float]
) -> None:
    answer = turned(phrase, turns, learned=("density",) if len(phrase) > 1 else ())
    assert Phrase.of(phrase.grid, answer.notes) == answer
    assert bool(answer.notes) == bool(phrase.notes)


@pytest.mark.parametrize("name", applicable("drums"))
def test_drums_heed_what_applies_to_them(name: str) -> None:
    values = [measure(turned(ROCK, {name: turn}))[name] for turn in TURNS]
    assert all(b > a for a, b in pairwise(values))
    for turn in TURNS:
        assert {note.track for note in turned(ROCK, {name: turn}).notes} == {DRUMS}


def test_the_plain_answer_is_taken_where_the_network_was_taught_nothing() -> None:
    phrase = chords(4)
    louder = turned(phrase, {"dynamics": 0.5})
    assert [note[:2] for note in louder.notes] == [note[:2] for note in phrase.notes]


def test_a_busier_answer_of_the_network_repeats_no_pitch() -> None:
    phrase = Phrase.of(
        GRID, [Note(4 * i, 60 + away, 80, 4) for i, away in enumerate((0, 2, 4, 5, 7, 5, 4, 2))]
    )

    def decode(changes: Sequence[Mapping[str, float]]) -> list[Phrase]:
        again = [
            note._replace(onset=note.onset + late, length=1) for note in phrase.notes for late in (0, 1, 2)
        ]
        return [Phrase.of(GRID, again) for _ in changes]

    turns = {"density": 1.0}
    busy = steer(phrase, turns, calibration=MUSIC, learned=("density",), decode=decode)
    assert len(busy) >= 2.5 * len(phrase)
    assert all(one.pitch != two.pitch for one, two in pairwise(busy.notes))


def test_silence_stays_silent() -> None:
    silence = Phrase(GRID)
    assert settle(silence, {"density": 2.0}, measure(silence), MUSIC, plain=silence) == silence
    one = replace(silence, notes=(Note(0, 60, 80, 1),))
    assert len(turned(one, {"articulation": 1.0, "complexity": -1.0})) == 1
