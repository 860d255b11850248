"""The phrases that a model is measured on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from model.music.grid import Grid
from tests.fakes.midi_files import chords, write
from tests.fakes.players import GRID, Memory
from trainer.corpus.meta import PrepareOptions
from trainer.corpus.prepare import prepare
from trainer.errors import OperationError, RequestError, TrainerError
from trainer.evaluation.heldout import held_out, over_songs, parameters_of, phrases_for


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for seed in range(6):
        write(folder / f"{seed}.mid", chords(seed))
    return folder


def test_phrases_come_from_a_prepared_split_or_from_any_folder(music: Path, tmp_path: Path) -> None:
    report = prepare([music], tmp_path / "out", PrepareOptions(GRID))
    player = Memory(codec="poly")
    held_out = phrases_for(player, tmp_path / "out", split="test", limit=None, seed=0)
    assert len(held_out) == report.phrases["poly"]["test"]
    everything = phrases_for(player, music, split="test", limit=None, seed=0)
    assert len(everything) == sum(report.phrases["poly"].values())
    assert set(map(str, held_out)) <= set(map(str, everything))
    few = phrases_for(player, music, split="test", limit=3, seed=1)
    assert few == phrases_for(player, music, split="test", limit=3, seed=1)
    assert few != phrases_for(player, music, split="test", limit=3, seed=2)


def test_training_phrases_come_along_where_they_were_prepared(music: Path, tmp_path: Path) -> None:
    prepare([music], tmp_path / "out", PrepareOptions(GRID))
    player = Memory(codec="poly")
    seen = phrases_for(player, tmp_path / "out", split="train", limit=2, seed=0)
    found = held_out(player, "keys", tmp_path / "out", limit=2)
    assert found.seen is not None
    assert found.seen.phrases == seen
    assert found.songs is not None
    prepared_songs = np.load(tmp_path / "out" / "poly" / "test" / "songs.npy")
    assert set(found.songs) <= set(prepared_songs)
    assert not set(found.songs) & set(found.seen.songs)
    assert len(found.first(1).songs or ()) == 1
    assert held_out(player, "keys", tmp_path / "out", limit=2, split="train").seen is None
    assert held_out(player, "keys", music, limit=2).seen is None
    starts = tmp_path / "out" / "poly" / "train" / "starts.npy"
    whole = starts.read_bytes()
    starts.write_bytes(whole[:-8])
    with pytest.raises(TrainerError, match="train cannot be read"):
        held_out(player, "keys", tmp_path / "out", limit=2)
    shutil.rmtree(tmp_path / "out" / "poly" / "train")
    assert held_out(player, "keys", tmp_path / "out", limit=2).seen is None


def test_an_empty_split_names_those_that_hold_phrases(music: Path, tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.mkdir()
    shutil.copy(music / "0.mid", one)
    counts = prepare([one], tmp_path / "out", PrepareOptions(GRID)).phrases["poly"]
    full = next(split for split, count in counts.items() if count)
    empty = next(split for split, count in counts.items() if not count)
    with pytest.raises(OperationError, match=f"no poly phrase in {empty}: {full} has {counts[full]}$"):
        phrases_for(Memory(codec="poly"), tmp_path / "out", split=empty, limit=None, seed=0)


def test_what_does_not_fit_is_reported(music: Path, tmp_path: Path) -> None:
    prepare([music], tmp_path / "short", PrepareOptions(Grid(1, 4, 4)))
    with pytest.raises(
        RequestError, match="prepared for 1 bars of 4 beats in 4 steps, the checkpoint needs 2"
    ):
        phrases_for(Memory(), tmp_path / "short", split="test", limit=None, seed=0)
    with pytest.raises(RequestError, match="does not exist"):
        phrases_for(Memory(), tmp_path / "none", split="test", limit=None, seed=0)
    prepare([music], tmp_path / "out", PrepareOptions(GRID))
    with pytest.raises(RequestError, match="no phrases for the codec 'trio'"):
        phrases_for(Memory(codec="trio"), tmp_path / "out", split="test", limit=None, seed=0)
    (tmp_path / "out" / "melody" / "test" / "notes.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(OperationError, match=r"cannot be read: .*; run twobar-train prepare"):
        phrases_for(Memory(), tmp_path / "out", split="test", limit=None, seed=0)
    (tmp_path / "out" / "meta.json").write_text("{}")
    with pytest.raises(OperationError, match=r"meta\.json is damaged"):
        phrases_for(Memory(), tmp_path / "out", split="test", limit=None, seed=0)


def test_weights_are_counted_from_the_file_where_the_player_does_not_say(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}, "__metadata__": {}})
    path = tmp_path / "m.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(48))
    no_progress = Memory()
    del no_progress.parameters
    assert parameters_of(no_progress, str(path)) == 12
    assert parameters_of(no_progress, str(tmp_path / "none")) is None
    path.write_bytes(b"short")
    assert parameters_of(no_progress, str(path)) is None
    assert parameters_of(Memory(), str(path)) == 0


def test_every_song_has_its_turn_before_one_has_its_second() -> None:
    songs = np.array([7, 7, 7, 2, 2, 9])
    assert over_songs(songs) == [0, 3, 5, 1, 4, 2]
