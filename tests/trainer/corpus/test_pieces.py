from pathlib import Path

import numpy as np
import pytest

from tests.fakes.pieces import write_pieces
from trainer.corpus.meta import NAME
from trainer.corpus.pieces import FOLDER, load_pieces
from trainer.corpus.prepare import write_json
from trainer.errors import OperationError, RequestError


def test_pieces_know_what_comes_before_and_where_they_end(tmp_path: Path) -> None:
    write_pieces(tmp_path, songs=2, windows=5)
    pieces = load_pieces(tmp_path, "train")
    assert len(pieces) == 2 * 4 * 5
    assert sorted(np.unique(pieces.songs).tolist()) == [0, 1]
    for window in range(len(pieces)):
        before = int(pieces.before[window])
        assert (before == -1) == (pieces.bars[window] < 2)
        if before >= 0:
            assert pieces.lines[before] == pieces.lines[window]
            assert pieces.bars[before] == pieces.bars[window] - 2
        assert pieces.last[window] == (pieces.bars[window] >= 3)


def test_a_folder_without_pieces_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="holds no pieces"):
        load_pieces(tmp_path, "train")
    write_pieces(tmp_path, songs=1, windows=3)
    np.save(tmp_path / FOLDER / "train" / "bars.npy", np.zeros(2, dtype=np.int32))
    with pytest.raises(OperationError, match="cut short or damaged"):
        load_pieces(tmp_path, "train")


def test_pieces_on_another_grid_than_the_writers_are_refused(tmp_path: Path) -> None:
    write_pieces(tmp_path, songs=1, windows=3)
    write_json(tmp_path / NAME, {"grid": {"bars": 2, "beats_per_bar": 3, "steps_per_beat": 4}})
    with pytest.raises(RequestError, match="the writer learns from 2 bars of 4 beats in 4 steps"):
        load_pieces(tmp_path, "train")
    write_json(tmp_path / NAME, {"grid": {"bars": 2, "beats_per_bar": 4, "steps_per_beat": 4}})
    assert len(load_pieces(tmp_path, "train"))
