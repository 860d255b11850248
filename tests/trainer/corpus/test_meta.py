"""What a prepared folder says of itself."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from model.music.grid import Grid
from trainer.corpus import meta
from trainer.errors import OperationError

GRID = Grid(2, 4, 4)


def test_a_folder_that_was_not_prepared_has_no_description(tmp_path: Path) -> None:
    assert meta.read(tmp_path) is None


def test_what_an_older_folder_does_not_say_is_as_by_default(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text(json.dumps({"grid": asdict(GRID), "format": 1}))
    assert meta.read(tmp_path) == meta.Meta(GRID, {}, (), "permissive", "own", 0)


def test_everything_is_read(tmp_path: Path) -> None:
    phrases = {"melody": {"train": 3, "test": 1}}
    said = {"phrases": phrases, "styles": ["a", "b"], "licences": "all", "metres": "all", "seed": 4}
    (tmp_path / "meta.json").write_text(json.dumps({"grid": asdict(GRID), **said}))
    assert meta.read(tmp_path) == meta.Meta(GRID, phrases, ("a", "b"), "all", "all", 4)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"grid": 3}', '{"grid": {"bars": -1}}', "\xff"])
def test_a_damaged_description_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "meta.json").write_text(text, encoding="latin-1")
    with pytest.raises(OperationError, match=r"meta\.json is damaged: run twobar-train prepare again"):
        meta.read(tmp_path)
