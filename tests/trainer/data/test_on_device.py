"""Batches made in torch, on whatever device: those that numpy makes, number for number."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from model.codecs.base import Table
from model.codecs.registry import build
from model.config import ModelConfig
from model.music.grid import Grid
from model.music.tracks import DRUMS, MELODY
from trainer.data.batches import Feed
from trainer.data.conditions import ConditionMaker
from trainer.data.dataset import Phrases
from trainer.data.edit_pairs import EditPairs
from trainer.data.on_device import DeviceBatches, why_not
from trainer.settings import FitConfig

GRID = Grid()
CPU = torch.device("cpu")
COUNT = 40


def music(codec: str, seed: int, *, keyboard: bool = False) -> Phrases:
    """Make phrases by chance: several notes on a step, overlapping ones, flat velocities, the last keys."""
    rng = np.random.default_rng(seed)
    tables = []
    for number in range(COUNT):
        count = int(rng.integers(1, 40))
        track = DRUMS if codec == "drums" else MELODY
        rows = np.zeros((count, 6), dtype=np.int16)
        rows[:, 0] = rng.integers(0, GRID.steps, count)
        rows[:, 1] = rng.integers(0, 128, count) if number % 5 else rng.integers(50, 60, count)
        rows[:, 2] = 80 if number % 3 == 0 else rng.integers(1, 128, count)
        rows[:, 3] = np.minimum(rng.integers(1, 12, count), GRID.steps - rows[:, 0])
        rows[:, 4] = rng.integers(-50, 51, count)
        rows[:, 5] = rng.integers(0, 4, count) if codec == "multitrack" and not keyboard else track
        rows[:, 1] = np.where(
            rows[:, 5] == DRUMS, rng.choice((36, 38, 42, 46, 49, 51, 45, 47, 48), count), rows[:, 1]
        )
        tables.append(distinct(rows))
    if codec == "multitrack" and not keyboard:
        for table in tables:
            table[-1, 5] = max(1, table[-1, 5])
    notes = np.concatenate(tables)
    starts = np.cumsum([0, *map(len, tables)]).astype(np.int64)
    return Phrases(notes, starts, np.arange(COUNT, dtype=np.int32))


def distinct(rows: Table) -> Table:
    """Return notes by onset, pitch and track, one on each place, as prepare writes them."""
    _, first = np.unique(rows[:, [0, 1, 5]], axis=0, return_index=True)
    return rows[first]


def edited(phrases: Phrases, knobs: int) -> EditPairs:
    other = music("melody", 9)
    rng = np.random.default_rng(3)
    return EditPairs(
        other, rng.integers(0, len(phrases), COUNT), rng.random((COUNT, knobs)).astype(np.float32)
    )


def drawn(
    codec: str, fit: FitConfig, *, device: bool, edits: bool = False, timed: bool = True
) -> list[dict[str, Any]]:
    phrases, made = music(codec, 1), build(codec, GRID, timed=timed)
    model = ModelConfig("tiny", codec, knobs=("density",) if edits else ())
    pairs = edited(phrases, 1) if edits else None
    batches = DeviceBatches(fit, made, phrases, pairs, CPU) if device else None
    feed = Feed(model, fit, made, phrases, pairs, ConditionMaker.of(model, ()), batches=batches)
    found = []
    for _ in range(3):
        one = feed.draw(edits=edits)
        held = {f"arrays {name}": np.asarray(value) for name, value in one.arrays.items()}
        held |= {f"edited {name}": np.asarray(value) for name, value in one.edited.items()}
        found.append(held | {"change": one.change, "hidden": np.asarray(one.hidden, dtype=float)})
    return found


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("melody", {}),
        ("melody", {"rotate": 0.5, "transpose": (-12, 12)}),
        ("poly", {"alone": 0.4}),
        ("poly", {"rotate": 0.3}),
        ("roll", {}),
        ("drums", {"rotate": 0.5}),
        ("multitrack", {}),
        ("multitrack", {"drop_parts": 0.6}),
    ],
)
def test_batches_are_those_of_numpy(codec: str, options: dict[str, Any]) -> None:
    fit = FitConfig(batch=24, **options)
    host, device = (drawn(codec, fit, device=each) for each in (False, True))
    for one, other in zip(host, device, strict=True):
        assert list(one) == list(other)
        for name, values in one.items():
            assert values.dtype == other[name].dtype, name
            np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_so_are_edits_beside_their_phrases() -> None:
    fit = FitConfig(batch=24, edit_share=0.5)
    host, device = (drawn("melody", fit, device=each, edits=True) for each in (False, True))
    for one, other in zip(host, device, strict=True):
        assert len(one["edited token"]) == 12
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name], err_msg=name)


@pytest.mark.parametrize("codec", ["poly", "multitrack"])
def test_offsets_that_no_model_reads_are_not_packed(codec: str) -> None:
    fit = FitConfig(batch=24)
    whole = drawn(codec, fit, device=False)
    host, device = (drawn(codec, fit, device=each, timed=False) for each in (False, True))
    for one, other, more in zip(host, device, whole, strict=True):
        assert list(one) == list(other)
        assert len(one) == len(more) - 2  # of the phrases, and of their edits
        assert not any(name.endswith("offset") for name in one)
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name], err_msg=name)
            np.testing.assert_array_equal(values, more[name], err_msg=name)


def test_what_the_device_cannot_is_said() -> None:
    model = ModelConfig("tiny", "multitrack")
    assert not why_not(model, music("multitrack", 1), CPU)
    silent = music("multitrack", 1)
    silent = replace(silent, starts=np.append(silent.starts, len(silent.notes)))
    assert not why_not(model, silent, CPU)
    assert "keyboards" in why_not(model, music("multitrack", 1, keyboard=True), CPU)
    assert "64 bits" in why_not(model, music("multitrack", 1), torch.device("mps"))
    told = ModelConfig("tiny", "melody", conditions=("key",))
    assert "conditions" in why_not(told, music("melody", 1), CPU)
