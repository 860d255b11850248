"""Parts that are kept from the encoder: silent there, all else as it was."""

import numpy as np
import pytest
import torch
from torch import Tensor

from model.codecs.melody import REST
from trainer.data.part_dropout import draw, hide, parts_of, sounding

ORDER = ["melody", "chords", "bass", "drums"]


def band(count: int, *, without: int | None = None) -> dict[str, Tensor]:
    rng = np.random.default_rng(0)
    arrays = {
        "melody.token": torch.from_numpy(rng.integers(0, 128, (count, 8))),
        "melody.velocity": torch.from_numpy(rng.random((count, 8), dtype=np.float32)),
        "chords.roll": torch.ones(count, 8, 3, 88),
        "bass.token": torch.from_numpy(rng.integers(0, 128, (count, 8))),
        "bass.velocity": torch.from_numpy(rng.random((count, 8), dtype=np.float32)),
        "drums.drums": torch.ones(count, 8, 3, 9),
    }
    if without is not None:
        only = np.zeros((count, 4), dtype=bool)
        only[:, without] = True
        arrays = hide(arrays, only)
    return arrays


def test_a_hidden_part_is_silent_and_the_others_are_untouched() -> None:
    arrays = band(3)
    before = {name: value.clone() for name, value in arrays.items()}
    hidden = np.zeros((3, 4), dtype=bool)
    hidden[1, [0, 3]] = True
    silenced = hide(arrays, hidden)
    assert (silenced["melody.token"][1] == REST).all()
    assert (silenced["melody.velocity"][1] == 0).all()
    assert (silenced["drums.drums"][1] == 0).all()
    for name, value in before.items():
        np.testing.assert_array_equal(arrays[name], value)  # what the loss asks for
        rows = [0, 2] if name.split(".")[0] in ("melody", "drums") else [0, 1, 2]
        np.testing.assert_array_equal(silenced[name][rows], value[rows])


def test_parts_are_named_in_order_and_one_voice_has_none() -> None:
    assert parts_of(band(1)) == ORDER
    assert parts_of({"token": torch.zeros((1, 8))}) == []


@pytest.mark.parametrize("part", range(4))
def test_who_plays_is_known(part: int) -> None:
    assert sounding(band(2, without=part)).tolist() == [[index != part for index in range(4)]] * 2


def test_in_a_share_of_the_phrases_one_to_three_parts_are_hidden_and_one_always_sounds() -> None:
    hidden = draw(sounding(band(4000)), 0.5, np.random.default_rng(1))
    counts = np.bincount(hidden.sum(1), minlength=5)
    assert counts[0] == pytest.approx(2000, abs=150)
    assert counts[1:4] == pytest.approx([667] * 3, abs=100)
    assert counts[4] == 0
    assert hidden.mean(0) == pytest.approx([0.25] * 4, abs=0.03)  # none more often than another


def test_a_part_that_plays_alone_is_never_hidden() -> None:
    arrays = band(500)
    for name in arrays:
        if not name.startswith("bass"):
            arrays[name][:] = REST if name.endswith("token") else 0
    hidden = draw(sounding(arrays), 1.0, np.random.default_rng(2))
    assert not hidden[:, 2].any()
    assert not draw(sounding(band(500)), 0.0, np.random.default_rng(2)).any()
