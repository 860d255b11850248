"""What the shipped writer and ranker make of phrases held out."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from model.music.phrase import Phrase
from tests.fakes.midi_files import chords, tune_phrase, write
from tests.fakes.players import GRID, Memory
from trainer.corpus.meta import PrepareOptions
from trainer.corpus.prepare import prepare
from trainer.evaluation.going_on import dial_error, next_phrase, variation
from trainer.evaluation.heldout import held_out


def test_the_dial_errs_by_what_is_left_and_was_not_asked_for() -> None:
    assert dial_error([0.8, 0.6], 0.3) == pytest.approx(0.1)
    assert dial_error([1.0], 0.0) == 0.0


def test_a_phrase_is_left_behind_as_it_is_varied_more() -> None:
    found = variation(Memory(), [tune_phrase(seed) for seed in range(3)])
    assert found is not None
    assert found["phrases"] == 3
    f1 = found["f1"]
    assert f1[0] == 1.0
    assert f1[-1] < 0.5
    assert all(later <= earlier + 0.05 for earlier, later in pairwise(f1))
    assert found["f1_full"] == f1[-1]
    assert found["error"] < 0.1
    json.dumps(found)


def test_what_no_writer_knows_is_not_varied() -> None:
    assert variation(Memory(codec="unknown"), [tune_phrase(0)]) is None
    assert variation(Memory(), [Phrase(GRID)]) is None


def test_the_true_next_phrase_has_a_rank_where_pieces_were_prepared(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for seed in range(6):
        write(music / f"{seed}.mid", chords(seed))
    prepare([music], tmp_path / "out", PrepareOptions(GRID))
    player = Memory(codec="poly")
    pieces = held_out(player, "memory", tmp_path / "out", split="train").pieces
    assert pieces is not None
    none = next_phrase("drums", pieces)
    assert none is not None
    assert none["rank"] is None
    assert none["phrases"] == 0
    found = next_phrase("poly", pieces)
    assert found is not None
    assert found["phrases"] > 0
    assert found["chance"] < found["rank"] <= 1
    assert held_out(player, "memory", music).pieces is None, "files are no pieces"
