"""Prepared folders that lie elsewhere, on fsspec's own file system in memory."""

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from model.music.grid import Grid
from tests.fakes.midi_files import tune, write
from trainer.corpus.meta import PrepareOptions
from trainer.corpus.prepare import prepare
from trainer.data import cloud
from trainer.data.dataset import load
from trainer.errors import OperationError, RequestError

URL = "memory://shelf/prepared"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Any]:
    """A prepared folder in memory, and nothing of it on the disk."""
    for number in range(4):
        write(tmp_path / "midi" / f"{number}.mid", [tune(number)])
    prepare([tmp_path / "midi"], tmp_path / "made", PrepareOptions(Grid()))
    system = fsspec.filesystem("memory")
    system.put(str(tmp_path / "made"), "/shelf/prepared", recursive=True)
    yield system
    system.rm("/shelf", recursive=True)


def test_what_is_learned_from_is_copied_and_mapped_not_read(shelf: Any, tmp_path: Path) -> None:
    folder = cloud.local(URL, "melody", tmp_path / "runs" / "a")
    assert folder.parent == tmp_path / "runs" / "prepared"
    found = load(folder, "melody", "train")
    expected = load(tmp_path / "made", "melody", "train")
    assert np.array_equal(found.notes, expected.notes)
    assert isinstance(found.notes.base, np.memmap)
    assert not (folder / "poly").exists()
    assert not (folder / ".index").exists()


def test_only_what_has_changed_is_copied_again(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.local(URL, "melody", tmp_path / "a")
    copied: list[str] = []
    copy = cloud._copy

    def noted(system: Any, place: str, path: Path) -> None:
        copied.append(path.name)
        copy(system, place, path)

    monkeypatch.setattr(cloud, "_copy", noted)
    assert cloud.local(URL, "melody", tmp_path / "b") == cloud.local(URL, "melody", tmp_path / "a")
    assert copied == []
    shelf.pipe("/shelf/prepared/melody/train/songs.npy", shelf.cat("/shelf/prepared/melody/train/songs.npy"))
    cloud.local(URL, "melody", tmp_path / "a", resume=True)
    assert copied == []
    cloud.local(URL, "melody", tmp_path / "a")
    assert copied == ["songs.npy", "meta.json"]


def test_a_folder_on_this_machine_is_taken_as_it_is(tmp_path: Path) -> None:
    assert cloud.local(f"file://{tmp_path}/made", "melody", tmp_path / "a") == tmp_path / "made"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("memory://nowhere", "was not written by 'twobar-train prepare'"),
        ("gopher://shelf", "is no place that fsspec knows"),
    ],
)
def test_places_without_data_are_refused(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=says):
        cloud.local(url, "melody", tmp_path / "a")


def test_without_the_extra_it_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("fsspec"):
            raise ImportError(name)
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OperationError, match=r"fsspec is not installed.*twobar\[trainer,cloud\]"):
        cloud.local(URL, "melody", tmp_path / "a")
