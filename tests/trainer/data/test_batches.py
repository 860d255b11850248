"""Batches of a run: whose part of the order they are, what the encoder hears, what the decoder is told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.codecs.base import Codec
from model.codecs.conditions import columns_of, condition_width
from model.codecs.registry import build
from model.config import ModelConfig
from model.music.grid import Grid
from tests.fakes.families import STYLES, corpus
from trainer.data import edit_pairs
from trainer.data.batches import Feed
from trainer.data.conditions import ConditionMaker
from trainer.data.dataset import Phrases, load, styles_of
from trainer.data.part_dropout import hide, sounding
from trainer.errors import RequestError
from trainer.run.distributed import World
from trainer.settings import FitConfig

GRID = Grid()


def loaded(tmp_path: Path, codec: str, *, styled: bool = False) -> tuple[Phrases, Codec]:
    folder = corpus(tmp_path / "data", codec, GRID)
    return load(folder, codec, "train", styled=styled), build(codec, GRID)


def fed(
    tmp_path: Path,
    codec: str,
    fit: FitConfig,
    *,
    world: World | None = None,
    edits: bool = False,
    **more: Any,
) -> Feed:
    model = ModelConfig("tiny", codec, **more)
    phrases, made = loaded(tmp_path, codec, styled="style" in model.conditions)
    conditions = ConditionMaker.of(model, styles_of(tmp_path / "data") if "style" in model.conditions else ())
    batch_with_edits = None
    if edits:
        spread = np.ones(len(model.knobs), dtype=np.float32)
        batch_with_edits = edit_pairs.make(phrases, made, knobs=model.knobs, spread=spread, count=9, seed=0)
    return Feed(model, fit, made, phrases, batch_with_edits, conditions, world or World())


PLAIN = FitConfig(batch=3, transpose=(0, 0))


def test_processes_share_the_order_and_none_gets_anothers_phrases(tmp_path: Path) -> None:
    alone = fed(tmp_path, "melody", FitConfig(batch=6, transpose=(0, 0))).draw(edits=False).arrays["token"]
    parts = [
        fed(tmp_path, "melody", PLAIN, world=World(rank, 2)).draw(edits=False).arrays["token"]
        for rank in (0, 1)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), alone)


def test_an_epoch_shows_every_phrase_once(tmp_path: Path) -> None:
    feeds = [fed(tmp_path, "melody", PLAIN, world=World(rank, 2)) for rank in (0, 1)]
    count = len(feeds[0].train)
    wholes = count // 6
    seen = [feed.draw(edits=False).arrays["token"] for _ in range(wholes) for feed in feeds]
    rows = {row.tobytes() for batch in seen for row in batch}
    assert len(rows) == wholes * 6


def test_each_process_draws_its_augmentation_apart(tmp_path: Path) -> None:
    fit = FitConfig(batch=3, transpose=(-6, 5))
    feeds = [fed(tmp_path, "melody", fit, world=World(rank, 2)) for rank in (0, 1)]
    assert feeds[0].chance.random() != feeds[1].chance.random()
    np.testing.assert_array_equal(feeds[0].rng.permutation(50), feeds[1].rng.permutation(50))


def test_edits_come_first_beside_their_source(tmp_path: Path) -> None:
    fit = FitConfig(batch=8, transpose=(0, 0), edit_share=0.5)
    feed = fed(tmp_path, "melody", fit, edits=True, knobs=("density", "range"))
    drawn = feed.draw(edits=True)
    assert (len(drawn.arrays["token"]), len(drawn.edited["token"]), drawn.change.shape) == (8, 4, (4, 2))
    assert np.abs(drawn.change).sum() > 0
    assert len(feed.draw(edits=False).edited["token"]) == 0


def test_parts_are_hidden_from_the_encoder_alone(tmp_path: Path) -> None:
    drawn = fed(tmp_path, "multitrack", FitConfig(batch=40, drop_parts=0.5)).draw(edits=False)
    assert drawn.hidden is not None
    arrays = {name: torch.from_numpy(value) for name, value in drawn.arrays.items()}
    missing = sounding(arrays) & ~sounding(hide(arrays, drawn.hidden))
    share = missing.any(1).mean()
    assert 0.2 < share < 0.8
    assert not (missing == sounding(arrays)).all(1).any()  # something is always heard
    assert fed(tmp_path, "multitrack", FitConfig(batch=4)).draw(edits=False).hidden is None


def test_the_decoder_gets_the_condition_of_each_row(tmp_path: Path) -> None:
    fit = FitConfig(batch=8, transpose=(0, 0), edit_share=0.5)
    more: dict[str, Any] = {"conditions": ("key", "style"), "styles": (STYLES[1], "elsewhere")}
    feed = fed(tmp_path, "melody", fit, edits=True, knobs=("density",), **more)
    drawn = feed.draw(edits=True)
    assert drawn.condition is not None
    assert drawn.condition.shape == (8, GRID.beats, condition_width(feed.model))
    assert feed.edits is not None
    # every second phrase has the second of the folder's styles, which is the model's first
    labels = drawn.condition[:, 0, columns_of(feed.model, "style")].argmax(1)
    tokens = feed.codec.pack(*feed.train.gather(np.arange(len(feed.train))), len(feed.train))["token"]
    for row, token in enumerate(drawn.arrays["token"]):
        index = next(i for i, each in enumerate(tokens) if np.array_equal(each, token))
        assert labels[row] == (0 if index % 2 else 2)  # 2: no style of the model's


def test_conditions_are_withheld_for_their_share(tmp_path: Path) -> None:
    fit = FitConfig(batch=60, condition_dropout=0.5)
    drawn = fed(tmp_path, "melody", fit, conditions=("key",)).draw(edits=False)
    assert drawn.condition is not None
    informed = drawn.condition.any((1, 2)).mean()
    assert 0.25 < informed < 0.75
    assert fed(tmp_path, "melody", PLAIN).draw(edits=False).condition is None


def test_styles_that_the_folder_does_not_know_are_reported() -> None:
    model = ModelConfig("tiny", "melody", conditions=("style",), styles=("jaz", "folk"))
    with pytest.raises(RequestError, match=r"none of jaz, folk; there is: jazz, rock; did you mean 'jazz'"):
        ConditionMaker.of(model, ("jazz", "rock"))
    np.testing.assert_array_equal(ConditionMaker.of(model, ("rock", "folk")).places, [-1, 1])
