"""The ranker learns to know what goes on."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from model.writing.continuity import NAMES
from model.writing.ranker import read_ranker
from model.writing.wish import Kind
from tests.fakes.pieces import write_pieces
from trainer.corpus.pieces import load_pieces
from trainer.errors import OperationError
from trainer.writing.ranking import RankerConfig, fit_ranker, fitted, numbers

SMALL = RankerConfig(phrases=6, others=3, units=4, members=2, steps=3)


def test_a_fit_writes_a_ranker_for_every_kind_and_says_how_good_it_is(tmp_path: Path) -> None:
    write_pieces(tmp_path, songs=2, windows=9)
    said: list[str] = []
    shown: dict[str, tuple[int, int]] = {}
    file = fit_ranker(
        tmp_path,
        tmp_path / "ranker.safetensors",
        SMALL,
        said.append,
        lambda what, done, all_of_them: shown.update({what: (done, all_of_them)}),
    )
    assert shown["melody, phrases"] == (6, 6)
    assert shown["band, networks"] == (2, 2)
    read_ranker(file)
    assert load_file(file)["band.weights"].shape == (len(NAMES), 8)
    assert [line.split(":")[0] for line in said] == [kind.name.lower() for kind in Kind]
    again = fit_ranker(tmp_path, tmp_path / "again.safetensors", SMALL, said.append)
    assert again.read_bytes() == file.read_bytes()


def test_candidates_are_of_other_songs(tmp_path: Path) -> None:
    write_pieces(tmp_path, songs=2, windows=9)
    found = numbers(load_pieces(tmp_path, "train"), Kind.MELODY, 4, 3, 0)
    assert found.shape == (4, 4, len(NAMES))


def test_it_learns_what_tells_the_first_of_each_group() -> None:
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(200, 8, len(NAMES))).astype(np.float32)
    groups[:, 0, 3] += 8
    config = RankerConfig(units=8, members=1, steps=100)
    _, rank = fitted(groups[:150], groups[150:], config)
    assert rank > 0.8
    _, rank = fitted(groups[:150, 1:], groups[150:, 1:], config)
    assert rank < 0.6


def test_too_little_music_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="holds no pieces"):
        fit_ranker(tmp_path, tmp_path / "ranker.safetensors", SMALL)
    write_pieces(tmp_path, songs=1, windows=9)
    with pytest.raises(OperationError, match="too few songs of melody in its train split"):
        fit_ranker(tmp_path, tmp_path / "ranker.safetensors", SMALL)


def test_a_kind_that_is_missing_is_said_before_another_is_fitted(tmp_path: Path) -> None:
    write_pieces(tmp_path, songs=2, windows=9)
    place = tmp_path / "pieces" / "validation" / "kinds.npy"
    kinds = np.load(place)
    np.save(place, np.where(kinds == Kind.KEYBOARD, Kind.MELODY, kinds).astype(kinds.dtype))
    said: list[str] = []
    with pytest.raises(OperationError, match="too few songs of keyboard in its validation split"):
        fit_ranker(tmp_path, tmp_path / "ranker.safetensors", SMALL, said.append)
    assert not said
