"""Edits of drums: hits come, go and move within their own drum."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.edits.drums import CRASHES, most, room, with_hits
from model.edits.rhythm import syncopated
from model.edits.solve import filled, shifted, spread_to, voiced
from model.edits.transforms import edit
from model.music.attributes import measure
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS

GRID = Grid()
KEYS = (36, 38, 42, 46, 43, 47, 50, 49, 51)
TURNS = (-1.0, -0.6, -0.3, 0.0, 0.2, 0.5, 1.0)


def hit(step: int, drum: int, velocity: int = 90) -> Note:
    return Note(step, drum, velocity, 1, 0.0, DRUMS)


ROCK = Phrase.of(
    GRID,
    [
        *(hit(step, 42, 70) for step in range(0, 32, 2)),
        *(hit(step, 36) for step in (0, 10, 16, 26)),
        *(hit(step, 38) for step in (4, 12, 20, 28)),
    ],
)


@st.composite
def grooves(draw: st.DrawFn) -> Phrase:
    one = st.builds(hit, st.integers(0, 31), st.sampled_from(KEYS), st.integers(1, 127))
    return Phrase.of(GRID, draw(st.lists(one, min_size=1, max_size=60)))


def generator() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("name", ["density", "dynamics"])
@settings(max_examples=20, deadline=None)
@given(phrase=grooves())
def test_more_is_never_less(name: str, phrase: Phrase) -> None:
    values = [measure(edit(phrase, name, turn, generator()))[name] for turn in TURNS]
    assert all(b >= a - 1e-9 for a, b in pairwise(values))


@settings(max_examples=20, deadline=None)
@given(phrase=grooves())
def test_moving_hits_keeps_their_number_and_their_drums(phrase: Phrase) -> None:
    values = []
    for turn in TURNS:
        moved = edit(phrase, "complexity", turn, generator())
        assert sorted(note.pitch for note in moved.notes) == sorted(note.pitch for note in phrase.notes)
        values.append(measure(moved)["complexity"])
    assert all(b >= a - 1e-9 for a, b in pairwise(values))


@settings(max_examples=20, deadline=None)
@given(phrase=grooves(), change=st.integers(-60, 200))
def test_just_so_many_hits_come_or_go(phrase: Phrase, change: int) -> None:
    less, more = room(phrase)
    edited = with_hits(phrase, change)
    assert len(edited) - len(phrase) == max(-less, min(more, change))
    assert {note.track for note in edited.notes} <= {DRUMS}
    if change > 0:
        assert set(phrase.notes) <= set(edited.notes)
        for drum in {note.pitch for note in edited.notes}:
            before, after = (sum(note.pitch == drum for note in one.notes) for one in (phrase, edited))
            assert after <= max(before, most(drum, GRID.steps))
    else:
        assert set(edited.notes) <= set(phrase.notes)


def test_a_crash_never_comes_by_itself() -> None:
    crashed = Phrase.of(GRID, [*ROCK.notes, hit(0, 49)])
    full = edit(crashed, "density", 1.0, generator())
    assert sum(note.pitch in CRASHES for note in full.notes) == 1


def test_thinning_leaves_the_backbone_standing() -> None:
    thin = edit(ROCK, "density", -0.4, generator())
    left = {(note.onset, note.pitch) for note in thin.notes}
    assert {(0, 36), (16, 36)} <= left
    assert sum(pitch == 38 for _, pitch in left) >= 3


def test_filling_balances_what_it_adds() -> None:
    for wanted in (1.5, 2.0, 4.0, 5.0, 6.0):
        fuller = filled(ROCK, wanted)
        assert measure(fuller)["density"] == wanted
        assert abs(measure(fuller)["complexity"] - measure(ROCK)["complexity"]) < 0.15


def test_kick_and_snare_without_a_hat_get_one() -> None:
    bare = Phrase.of(GRID, [note for note in ROCK.notes if note.pitch != 42])
    assert any(note.pitch == 42 for note in edit(bare, "density", 0.5, generator()).notes)


def test_syncopating_reaches_its_measure() -> None:
    for wanted in (0.0, 0.2, 0.4):
        assert abs(measure(syncopated(ROCK, wanted))["complexity"] - wanted) < 0.05


def test_what_asks_for_pitches_or_lengths_leaves_drums_alone() -> None:
    for edited in (shifted(ROCK, 90), spread_to(ROCK, 1.0), voiced(ROCK, 4.0)):
        assert edited == ROCK
    for name in ("register", "range", "polyphony", "articulation"):
        assert edit(ROCK, name, 0.7, generator()) == ROCK
