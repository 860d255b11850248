"""Samples of a prior beside held-out phrases."""

from typing import Any

import numpy as np
import pytest

from model.music.phrase import Phrase
from tests.fakes.midi_files import tune_phrase
from tests.fakes.players import GRID, Sure
from trainer.evaluation.samples import PlayerOutput, Songs, samples

pytestmark = pytest.mark.usefixtures("two_divisions")

PHRASES = [tune_phrase(seed) for seed in range(24)]


def sampled(**options: Any) -> dict[str, Any]:
    player = Sure()
    for phrase in PHRASES:
        player.encode(phrase)
    return samples(player, PHRASES, PlayerOutput(), np.random.default_rng(0), **options)


def test_training_phrases_are_judged_beside_the_samples() -> None:
    high = [Phrase.of(GRID, [n._replace(pitch=n.pitch + 24) for n in phrase.notes]) for phrase in PHRASES]
    each = np.arange(24)
    alike = Songs([tune_phrase(seed) for seed in range(24, 48)], each)
    likely = sampled(seen=alike)
    assert likely["auc_training"] < 0.9
    assert sampled(seen=Songs(high, each))["auc_training"] > 0.9
    assert "auc_training" not in sampled(seen=Songs(high[:3], each[:3]))


def test_samples_are_classified_on_songs_that_the_classifiers_did_not_see() -> None:
    four = np.arange(24) % 4
    found = sampled(songs=four)
    assert found["songs"] == 4
    assert found["auc_least"] <= found["auc"] <= found["auc_most"]
    assert 0 <= found["auc_by_phrase"] <= 1
    few = sampled(songs=four % 2)
    assert few["auc"] is None
    assert few["auc_by_phrase"] == found["auc_by_phrase"]


def test_no_more_is_drawn_than_is_asked_for() -> None:
    found = sampled(most=20)
    assert found["phrases"] == 20
    assert found["auc_by_phrase"] is not None
