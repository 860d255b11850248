"""Paths: stray and drift move as far as they say, the same way for the same seed; anchors and the pad."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.jam.path import DRIFT_SIZE, Anchor, Base, Path, PathState, morphed, on_pad
from model.latent.geometry import Latent, LatentMismatchError, Vector
from model.music.grid import Grid
from model.music.phrase import Phrase

SIZE = 64
SCALE = [0.5 + 0.02 * place for place in range(SIZE)]
UNIT = st.floats(0, 1)
SEEDS = st.integers(0, 2**32 - 1)
CELLS = st.integers(0, 200)


def latent(number: int, *, model: str = "m", size: int = SIZE) -> Latent:
    z = np.random.default_rng(number).standard_normal(size) * SCALE[:size]
    return Latent(model, z.astype(np.float32), {"density": float(number)})


def anchor(number: int, *, model: str = "m") -> Anchor:
    return Anchor(latent(number, model=model), Phrase(Grid()), (0.0, 0.0))


def path(seed: int = 0) -> Path:
    made = Path(seed=seed)
    made.set_model(SCALE)
    return made


def moved(on: Path, *, cell: int = 0, stray: float = 0.0, drifting: bool = False, number: int = 0) -> Vector:
    knobs: Mapping[str, float] = {"stray": stray}
    return on.moved(Base(latent(3), "played", None, number), cell, knobs, drifting=drifting)


@given(SEEDS, CELLS)
def test_without_stray_and_drift_it_is_her_phrase_to_the_bit(seed: int, cell: int) -> None:
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


def test_the_second_set_of_an_evening_drifts_like_the_first() -> None:
    on = path(5)
    first = [moved(on, cell=cell, drifting=True) for cell in range(60)]
    second = [moved(on, cell=cell, drifting=True) for cell in range(60)]
    assert np.array_equal(first, second)


def test_a_latent_of_another_size_is_left_where_it_is() -> None:
    base = Base(latent(3, size=8), "played")
    assert np.array_equal(path().moved(base, 0, {"stray": 1.0}, drifting=True), latent(3, size=8).z)


# -- anchors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("t", "name"), [(0.0, "A"), (1.0, "B")])
def test_the_morph_knob_ends_at_the_anchors(t: float, name: str) -> None:
    anchors = {"A": anchor(1), "B": anchor(2)}
    place = morphed(anchors, t)
    assert place is not None
    assert np.array_equal(place.z, anchors[name].latent.z)


@given(UNIT)
def test_between_the_anchors_the_norm_and_the_attributes_go_linearly(t: float) -> None:
    anchors = {"A": anchor(1), "B": anchor(2)}
    place = morphed(anchors, t)
    assert place is not None
    norms = [float(np.linalg.norm(anchors[name].latent.z)) for name in "AB"]
    assert float(np.linalg.norm(place.z)) == pytest.approx((1 - t) * norms[0] + t * norms[1], rel=1e-4)
    assert place.attributes["density"] == pytest.approx(1 + t)


@pytest.mark.parametrize("names", ["", "A", "B", "CD"])
def test_there_is_no_morph_while_an_end_is_empty(names: str) -> None:
    assert morphed({name: anchor(1) for name in names}, 0.5) is None


def test_anchors_of_two_models_do_not_mix() -> None:
    with pytest.raises(LatentMismatchError):
        morphed({"A": anchor(1), "B": anchor(2, model="other")}, 0.5)


@pytest.mark.parametrize(("x", "y", "name"), [(0, 1, "A"), (1, 1, "B"), (0, 0, "C"), (1, 0, "D")])
def test_each_corner_of_the_pad_is_its_anchor(x: float, y: float, name: str) -> None:
    anchors = {corner: anchor(number) for number, corner in enumerate("ABCD")}
    place = on_pad(anchors, x, y)
    assert place is not None
    assert np.allclose(place.z, anchors[name].latent.z, atol=1e-5)


@given(UNIT, UNIT, st.sets(st.sampled_from("ABCD"), min_size=1))
def test_the_pad_stays_within_its_filled_corners(x: float, y: float, names: set[str]) -> None:
    place = on_pad({name: anchor(number) for number, name in enumerate(sorted(names))}, x, y)
    if place is not None:
        assert -1e-6 <= place.attributes["density"] <= len(names) - 1 + 1e-6
        assert np.isfinite(place.z).all()
        norms = [np.linalg.norm(latent(number).z) for number in range(len(names))]
        assert min(norms) * 0.999 <= np.linalg.norm(place.z) <= max(norms) * 1.001


def test_a_lone_anchor_is_the_whole_pad_but_its_far_edges() -> None:
    place = on_pad({"A": anchor(1)}, 0.7, 0.2)
    assert place is not None
    assert np.array_equal(place.z, latent(1).z)
    assert on_pad({"A": anchor(1)}, 1.0, 0.5) is None
    assert on_pad({}, 0.5, 0.5) is None


def test_a_copied_state_keeps_its_anchors() -> None:
    state = PathState(anchors={"A": anchor(1)})
    kept = state.copy()
    state.anchors["B"] = anchor(2)
    state.frozen = True
    assert list(kept.anchors) == ["A"]
    assert not kept.frozen
