"""Paths: what the knobs make of a base, the morph knob and the pad between anchors, the bases before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.ipc.jam_memory import Anchor, Base
from live.ipc.places import Between, Blend, Moved, Place, Point, Varied
from live.jam.latent.path import (
    MOST_REPLACED,
    PathHistory,
    attributes,
    heaviest,
    morphed,
    moved,
    on_pad,
    points,
)
from live.timing.timeline import Nanos
from model.music.grid import Grid
from model.music.phrase import Phrase

UNIT = st.floats(0, 1)


def anchor(number: int) -> Anchor:
    return Anchor(Point([float(number)], {"density": float(number)}), Phrase(Grid()), (0.0, 0.0))


def weights(place: Place | None) -> list[tuple[float, float]]:
    """Return each place's attribute and its weight."""
    assert isinstance(place, Blend)
    return [
        (attributes(one)["density"], weight) for one, weight in zip(place.places, place.weights, strict=True)
    ]


def test_without_stray_and_drift_a_base_stays_where_it_is() -> None:
    base = Base(anchor(3).place, "played", None, 7)
    assert (
        moved(base, 5, {"stray": 0.0, "vary": 0.0, "temperature": 0.0}, drifting=False, turn=5, seed=1)
        is base.place
    )


@pytest.mark.parametrize(("stray", "drifting"), [(0.5, False), (0.0, True), (1.0, True)])
def test_stray_and_drift_move_it_by_cell_base_and_seed(stray: float, drifting: bool) -> None:
    base = Base(anchor(3).place, "played", None, 7)
    place = moved(
        base, 5, {"stray": stray, "vary": 0.0, "temperature": 0.0}, drifting=drifting, turn=5, seed=1
    )
    assert place == Moved(base.place, cell=5, stray=stray, number=7, drifting=drifting, seed=1)
    assert attributes(place) == attributes(base.place)


def test_before_bar_0_it_moves_as_in_the_first_cell() -> None:
    base = Base(anchor(3).place, "played")
    place = moved(base, -1, {"stray": 0.5, "vary": 0.5, "temperature": 0.0}, drifting=False, turn=-1, seed=1)
    assert isinstance(place, Moved)
    assert place.cell == 0
    assert isinstance(place.place, Varied)
    assert place.place.turn == 0


def test_vary_takes_what_was_played_before_stray_and_drift_move_it() -> None:
    base = Base(Between(anchor(1).place, anchor(3).place, 0.25), "morph", None, 7)
    place = moved(base, 5, {"stray": 0.5, "vary": 0.3, "temperature": 0.0}, drifting=False, turn=4, seed=1)
    assert isinstance(place, Moved)
    assert place.place == Varied(base.place, amount=0.3, turn=4, seed=1)
    assert attributes(place) == attributes(base.place)
    assert heaviest(place) == anchor(1).place
    assert points(place) == 2
    assert (
        moved(base, 5, {"stray": 0.0, "vary": 0.3, "temperature": 0.0}, drifting=False, turn=4, seed=1)
        == place.place
    )


def test_temperature_leaves_notes_to_chance_in_each_cell_anew() -> None:
    base = Base(anchor(3).place, "played", None, 7)
    knobs = {"stray": 0.0, "vary": 0.3, "temperature": 0.5}
    place = moved(base, 5, knobs, drifting=False, turn=4, seed=1)
    assert isinstance(place, Varied)
    assert (place.amount, place.turn) == (0.3, 5)
    assert place.seed != 1
    assert place.place == Varied(base.place, amount=0.3, turn=4, seed=1)


# -- anchors -------------------------------------------------------------------------------------


@given(UNIT)
def test_the_morph_knob_goes_from_a_to_b(t: float) -> None:
    anchors = {"A": anchor(1), "B": anchor(2)}
    assert morphed(anchors, t) == Between(anchors["A"].place, anchors["B"].place, t)


@pytest.mark.parametrize("names", ["", "A", "B", "CD"])
def test_there_is_no_morph_while_an_end_is_empty(names: str) -> None:
    assert morphed({name: anchor(1) for name in names}, 0.5) is None


@pytest.mark.parametrize(("x", "y", "number"), [(0, 1, 0), (1, 1, 1), (0, 0, 2), (1, 0, 3)])
def test_each_corner_of_the_pad_is_its_anchor(x: float, y: float, number: int) -> None:
    place = on_pad({corner: anchor(place) for place, corner in enumerate("ABCD")}, x, y)
    assert [(density, weight) for density, weight in weights(place) if weight] == [(number, 1.0)]


@given(UNIT, UNIT, st.sets(st.sampled_from("ABCD"), min_size=1))
def test_the_pad_stays_within_its_filled_corners(x: float, y: float, names: set[str]) -> None:
    place = on_pad({name: anchor(number) for number, name in enumerate(sorted(names))}, x, y)
    if place is not None:
        assert len(weights(place)) == len(names)
        assert all(weight >= 0 for _, weight in weights(place))
        assert sum(weight for _, weight in weights(place)) == pytest.approx(1)
        assert -1e-6 <= attributes(place)["density"] <= len(names) - 1 + 1e-6


def test_a_lone_anchor_is_the_whole_pad_but_its_far_edges() -> None:
    assert weights(on_pad({"A": anchor(1)}, 0.7, 0.2)) == [(1.0, 1.0)]
    assert on_pad({"A": anchor(1)}, 1.0, 0.5) is None
    assert on_pad({}, 0.5, 0.5) is None


def test_expressions_know_how_many_vectors_they_hold_and_what_they_mix() -> None:
    way = Between(anchor(1).place, anchor(3).place, 0.25)
    place = Blend([way, anchor(5).place], [0.5, 0.5])
    assert [points(one) for one in (anchor(1).place, way, place)] == [1, 2, 3]
    assert attributes(place)["density"] == pytest.approx(0.5 * 1.5 + 0.5 * 5)
    assert heaviest(way) == anchor(1).place
    assert heaviest(Blend([way, anchor(5).place], [0.4, 0.6])) == anchor(5).place


# -- the bases before ----------------------------------------------------------------------------


def test_the_bases_that_phrases_replaced_are_remembered_the_last_few_with_their_moments() -> None:
    history = PathHistory("follow")
    for number in range(MOST_REPLACED + 3):
        history.remember_base(Nanos(number))
        history.state.bases = (Base(anchor(number).place, "played", None, number),)
    assert [replaced.nanos for replaced in history.replaced] == list(range(3, MOST_REPLACED + 3))
    last = history.replaced[-1].bases[0]
    assert last is not None
    assert last.number == MOST_REPLACED + 1
    history.forget()
    assert not history.replaced
