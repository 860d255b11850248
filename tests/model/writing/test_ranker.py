"""Which of several phrases goes on best."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from model.music.phrase import Note, Phrase
from model.writing.continuity import NAMES
from model.writing.ranker import Ranker, read_ranker, shipped_ranker
from model.writing.wish import GRID, Kind
from tests.fakes.writers import ranker_arrays

TUNE = Phrase.of(GRID, [Note(4 * i, 60 + (0, 2, 4, 5, 7, 5, 4, 2)[i], 80, 4) for i in range(8)])
FAR = Phrase.of(GRID, [Note(3 * i, 37 + 6 * i, 20, 1) for i in range(10)])


def test_a_weight_on_one_number_ranks_by_it() -> None:
    arrays = ranker_arrays(units=1)
    for kind in Kind:
        name = kind.name.lower()
        arrays[f"{name}.weights"][:] = 0
        arrays[f"{name}.weights"][NAMES.index("notes like the last"), 0] = 1
        arrays[f"{name}.biases"][:] = 0
        arrays[f"{name}.sums"][:] = 2
    scores = Ranker(arrays).scores(Kind.MELODY, (TUNE,), (FAR, TUNE))
    assert scores.tolist() == [0.0, 2.0]


def test_after_nothing_all_go_on_equally_well() -> None:
    ranker = Ranker(ranker_arrays())
    assert ranker.scores(Kind.BAND, (), (TUNE, FAR)).tolist() == [0.0, 0.0]
    assert ranker.scores(Kind.BAND, (Phrase(GRID),), (TUNE, FAR)).tolist() == [0.0, 0.0]
    assert ranker.scores(Kind.BAND, (TUNE,), ()).shape == (0,)


def test_a_file_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    arrays = ranker_arrays()
    save_file(arrays, tmp_path / "good.safetensors")
    assert read_ranker(tmp_path / "good.safetensors").scores(Kind.DRUMS, (TUNE,), (FAR,)).shape == (1,)
    arrays["drums.biases"] = np.zeros(5, dtype=np.float32)
    with pytest.raises(ValueError, match="ranker of drums"):
        Ranker(arrays)
    del arrays["drums.biases"]
    with pytest.raises(KeyError):
        Ranker(arrays)


@pytest.mark.parametrize("kind", [Kind.MELODY, Kind.KEYBOARD])
def test_the_shipped_one_ranks_the_tune_in_its_key_before_one_far_away(kind: Kind) -> None:
    ranker = shipped_ranker()
    assert ranker is not None
    answer = Phrase.of(GRID, [Note(4 * i, 60 + (7, 5, 4, 2, 4, 2, 0, 0)[i], 80, 4) for i in range(8)])
    scores = ranker.scores(kind, (TUNE,), (answer, answer.moved(6), FAR))
    assert scores.argmax() == 0
