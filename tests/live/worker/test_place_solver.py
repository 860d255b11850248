"""Places worked out: stray and drift move as far as they say, alike for the same seed; morph and pad."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.ipc.places import Between, Blend, Moved, OnMap, Place, Point
from live.worker.place_solver import DRIFT_SIZE, PlaceSolver, point_of
from model.latent.geometry import Latent, Vector
from model.music.grid import Grid
from model.music.phrase import Note

SIZE = 64
SCALE = np.array([0.5 + 0.02 * place for place in range(SIZE)], dtype=np.float32)
UNIT = st.floats(0, 1)
SEEDS = st.integers(0, 2**32 - 1)
CELLS = st.integers(0, 200)


def latent(number: int, *, size: int = SIZE) -> Latent:
    z = np.random.default_rng(number).standard_normal(size) * SCALE[:size]
    return Latent("m", z.astype(np.float32), {"density": float(number)})


def point(number: int, *, size: int = SIZE) -> Point:
    return point_of(latent(number, size=size))


def path(seed: int = 0) -> tuple[PlaceSolver, int]:
    return PlaceSolver("m", SCALE, Grid()), seed


def moved(
    on: tuple[PlaceSolver, int], *, cell: int = 0, stray: float = 0.0, drifting: bool = False, number: int = 0
) -> Vector:
    places, seed = on
    place = Moved(point(3), cell=cell, stray=stray, number=number, drifting=drifting, seed=seed)
    return places.latent(place).z


def worked_out(place: Place) -> Latent:
    return PlaceSolver("m", SCALE, Grid()).latent(place)


def test_a_place_on_the_map_is_carried_there_by_the_model() -> None:
    def carry(latent: Latent, x: float, y: float) -> Latent:
        return replace(latent, z=np.array([x, y], np.float32))

    places = PlaceSolver("m", SCALE[:2], Grid(), carry=carry)
    assert places.latent(OnMap(point(3, size=2), 0.5, -0.25)).z.tolist() == [0.5, -0.25]


@given(SEEDS, CELLS)
def test_without_stray_and_drift_a_place_stays_to_the_bit(seed: int, cell: int) -> None:
    assert np.array_equal(moved(path(seed), cell=cell), latent(3).z)


@given(SEEDS, CELLS, UNIT, st.booleans())
def test_the_same_seed_moves_the_same_way(seed: int, cell: int, stray: float, drifting: bool) -> None:
    one, other = (moved(path(seed), cell=cell, stray=stray, drifting=drifting) for _ in range(2))
    assert np.array_equal(one, other)


def test_another_seed_phrase_or_cell_strays_elsewhere() -> None:
    ways = [
        moved(path(seed), cell=cell, stray=0.5, number=number)
        for seed, cell, number in ((1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1))
    ]
    for index, way in enumerate(ways):
        assert not any(np.allclose(way, other) for other in ways[index + 1 :])


@given(SEEDS, CELLS)
def test_stray_turns_towards_one_random_place_and_ends_there(seed: int, cell: int) -> None:
    on = path(seed)
    end = moved(on, cell=cell, stray=1.0)
    for stray in (0.25, 0.5, 0.75):
        angle = stray * np.pi / 2
        expected = np.cos(angle) * latent(3).z + np.sin(angle) * end
        assert np.allclose(moved(on, cell=cell, stray=stray), expected, atol=1e-5)


def test_full_stray_scatters_like_the_training_data() -> None:
    ends = np.stack([moved(path(7), cell=cell, stray=1.0) for cell in range(400)])
    assert np.allclose(ends.std(0), SCALE, rtol=0.2)
    assert abs(np.corrcoef(ends.mean(0), latent(3).z)[0, 1]) < 0.4


@pytest.mark.parametrize("start", [0, 5, 60])
def test_drift_walks_slowly_and_stays_near(start: int) -> None:
    on = path(5)
    walk = np.stack([moved(on, cell=cell, drifting=True) - latent(3).z for cell in range(start, start + 400)])
    spread = walk[50:].std(0) / SCALE
    assert spread.mean() == pytest.approx(DRIFT_SIZE, rel=0.15)
    assert np.abs(walk / SCALE).max() < 6 * DRIFT_SIZE
    steps = np.diff(walk[50:], axis=0).std(0) / SCALE
    assert steps.mean() < 0.75 * spread.mean()  # neighbours are nearer than strangers (by sqrt 2)


def test_drift_goes_somewhere_and_is_back_after_32_bars() -> None:
    away = [
        np.mean([np.abs(moved(path(seed), cell=cell, drifting=True) - latent(3).z) for seed in range(40)])
        for cell in range(33)
    ]
    assert away[0] == away[16] == away[32] == 0.0
    assert min(away[1:16]) > 0.0
    assert min(away[6:11]) > 2 * max(away[1], away[15])


@pytest.mark.parametrize("bars", [16, 32, 64])
def test_drift_of_long_phrases_is_away_in_every_second_one(bars: int) -> None:
    on = PlaceSolver("m", SCALE, Grid(bars=bars)), 0
    away = [np.abs(moved(on, cell=cell, drifting=True) - latent(3).z).mean() for cell in range(4)]
    assert away[0] == away[2] == 0.0
    assert min(away[1], away[3]) > 0.0


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12))
def test_a_cell_decoded_again_drifts_to_the_same_place(cells: list[int]) -> None:
    on = path(5)
    straight = {cell: moved(on, cell=cell, drifting=True) for cell in range(31)}
    again = path(5)
    moved(again, cell=0, drifting=True)
    order = sorted(cells)
    for cell in order:
        for near in {cell, max(0, cell - 1), cell}:
            assert np.array_equal(moved(again, cell=near, drifting=True), straight[near])


def test_the_second_set_of_a_night_drifts_like_the_first() -> None:
    on = path(5)
    first = [moved(on, cell=cell, drifting=True) for cell in range(60)]
    second = [moved(on, cell=cell, drifting=True) for cell in range(60)]
    assert np.array_equal(first, second)


def test_a_latent_of_another_size_is_left_where_it_is() -> None:
    place = Moved(point(3, size=8), cell=0, stray=1.0, number=0, drifting=True, seed=0)
    assert np.array_equal(worked_out(place).z, latent(3, size=8).z)


@given(st.lists(CELLS, min_size=1, max_size=8), CELLS)
def test_where_a_phrase_drifts_to_is_its_own_whatever_was_asked_before(cells: list[int], cell: int) -> None:
    fresh, used = path(5), path(5)
    for other in cells:
        moved(used, cell=other, drifting=True)
    assert np.array_equal(moved(used, cell=cell, drifting=True), moved(fresh, cell=cell, drifting=True))


# -- between anchors -------------------------------------------------------------------------------


@pytest.mark.parametrize(("t", "number"), [(0.0, 1), (1.0, 2)])
def test_the_way_ends_at_its_ends(t: float, number: int) -> None:
    assert np.array_equal(worked_out(Between(point(1), point(2), t)).z, latent(number).z)


@given(UNIT)
def test_between_two_places_the_norm_and_the_attributes_go_linearly(t: float) -> None:
    place = worked_out(Between(point(1), point(2), t))
    norms = [float(np.linalg.norm(latent(number).z)) for number in (1, 2)]
    assert float(np.linalg.norm(place.z)) == pytest.approx((1 - t) * norms[0] + t * norms[1], rel=1e-4)
    assert place.attributes["density"] == pytest.approx(1 + t)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=4))
def test_a_blend_stays_within_its_places(shares: list[float]) -> None:
    weights = [share / sum(shares) for share in shares]
    place = worked_out(Blend([point(number) for number in range(len(shares))], weights))
    assert -1e-6 <= place.attributes["density"] <= len(shares) - 1 + 1e-6
    norms = [np.linalg.norm(latent(number).z) for number in range(len(shares))]
    assert min(norms) * 0.999 <= np.linalg.norm(place.z) <= max(norms) * 1.001


def test_places_lie_inside_each_other() -> None:
    inner = Moved(point(1), cell=3, stray=0.5, number=2, drifting=False, seed=4)
    resolved = point_of(worked_out(inner))
    whole, flat = Between(inner, point(2), 0.3), Between(resolved, point(2), 0.3)
    assert np.array_equal(worked_out(whole).z, worked_out(flat).z)
    assert worked_out(whole).attributes == worked_out(flat).attributes


def test_a_point_crosses_the_wire_to_the_bit() -> None:
    assert np.array_equal(worked_out(point(7)).z, latent(7).z)


@pytest.mark.parametrize("value", [1e39, float("nan"), float("inf")])
def test_a_place_that_float32_cannot_hold_is_refused(value: float) -> None:
    places = PlaceSolver("m", SCALE, Grid())
    beyond = Point([value] * SIZE)
    for place in (beyond, Between(beyond, point(1), 0.5), Blend([beyond, point(1)], [0.5, 0.5])):
        with pytest.raises(ValueError, match="not finite"):
            places.latent(place)


def test_stray_goes_to_where_another_phrase_lies_if_one_was_played() -> None:
    places = PlaceSolver("m", np.ones(2, np.float32), Grid())
    notes = [Note(0, 60, 90, 2)]
    other = Latent("m", np.array([0.0, 2.0], np.float32), {"density": 1.0})
    played = Point([2.0, 0.0], {"density": 0.0}, notes)
    for place, strange in ((played, True), (Point([2.0, 0.0], {"density": 0.0}), False)):
        way = [
            places.latent(
                Moved(place, 0, stray, 1, drifting=False, seed=0), strange=lambda _from, _how: other
            )
            for stray in (0.0, 0.5, 1.0)
        ]
        assert way[0].z.tolist() == [2.0, 0.0]
        assert (way[2].z.tolist() == [0.0, 2.0]) is strange
        assert bool(way[1].z[0] == pytest.approx(way[1].z[1])) is strange
