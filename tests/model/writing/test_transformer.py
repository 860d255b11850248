import numpy as np
import pytest

from model.writing.notes_around import HERE
from model.writing.transformer import AttentionMemory, Transformer, shapes
from tests.fakes.writers import random_network

RNG = np.random.default_rng(3)
TIMES = np.sort(RNG.integers(0, 96, size=(2, 7)), axis=1)
X = RNG.normal(size=(2, 7, 16)).astype(np.float32)


def test_token_by_token_is_as_all_at_once() -> None:
    network = random_network()
    whole = AttentionMemory(network, np.array([7, 7]), 1)
    seen = network.prefix(X, TIMES, whole)
    steps = AttentionMemory(network, np.array([4, 4]), 4)
    network.prefix(X[:, :4], TIMES[:, :4], steps)
    for place in range(4, 7):
        step = network.step(X[:, place], TIMES[:, place], steps)
        np.testing.assert_allclose(step, seen[:, place], atol=1e-5)
    here = RNG.normal(size=(2, HERE)).astype(np.float32)
    onsets = np.array([3, 5])
    looked = [network.look(step, onsets, onsets + 64, here, memory) for memory in (whole, steps)]
    np.testing.assert_allclose(looked[0], looked[1], atol=1e-5)
    keys, values = whole.seen(1)
    looked_at = (keys[0, :, :7], values[0, :, :7])
    one = network.look_all(
        step[:1], onsets[:1], onsets[:1] + 64, here[:1], looked_at=looked_at, until=np.array([7])
    )
    np.testing.assert_allclose(one, looked[0][:1], atol=1e-5)


def test_what_fills_a_shorter_row_up_is_not_seen() -> None:
    network = random_network()
    padded = AttentionMemory(network, np.array([7, 4]), 2)
    network.prefix(X, TIMES, padded)
    alone = AttentionMemory(network, np.array([4]), 2)
    network.prefix(X[1:, :4], TIMES[1:, :4], alone)
    one = network.step(X[1:, 6], TIMES[1:, 6], alone)
    both = network.step(X[:, 6], TIMES[:, 6], padded)
    np.testing.assert_allclose(one[0], both[1], atol=1e-5)
    padded.keep(np.array([False, True]))
    one, other = (network.step(X[1:, 5], TIMES[1:, 5], memory) for memory in (alone, padded))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_attention_knows_how_far_apart_notes_are_not_where_they_lie() -> None:
    network = random_network()
    here, there = (AttentionMemory(network, np.array([7, 7]), 1) for _ in range(2))
    np.testing.assert_allclose(
        network.prefix(X, TIMES, here), network.prefix(X, TIMES + 32, there), atol=1e-4
    )


def test_tensors_of_another_shape_are_refused() -> None:
    tensors = {name: np.ones(shape) for name, shape in shapes(16, 1).items()}
    tensors["0.out"] = np.ones((16, 8))
    with pytest.raises(ValueError, match=r"tensor 0\.out is \(16, 8\), not \(16, 16\)"):
        Transformer(tensors)
