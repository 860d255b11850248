"""Plots of next to nothing."""

import numpy as np

from trainer.reports.plots import atlas, curves

LOG = [
    {"step": n, "seconds": 60.0 * n, "note_f1": 0.1 * n, "loss_kl": 5.0 - n, "loss_pitch": 9.0}
    for n in range(4)
]


def test_curves_and_maps_of_next_to_nothing() -> None:
    assert curves([]) is None
    assert curves([{"step": 1, "seconds": 2.0}]) is None
    assert len(curves(LOG[:1]).axes) == 2
    rng = np.random.default_rng(0)
    assert atlas(rng.standard_normal((19, 4)), rng.standard_normal((19, 2)), ["a", "b"]) is None
    assert atlas(np.zeros((20, 1)), np.zeros((20, 2)), ["a", "b"]) is None
    assert len(atlas(rng.standard_normal((20, 1)), np.zeros((20, 2)), ["a", "b"]).axes) >= 2
