from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from model.writing import tokens as t
from model.writing.wish import STEPS, Kind
from tests.fakes.pieces import write_pieces
from trainer.corpus.pieces import load_pieces
from trainer.writing import examples as module
from trainer.writing.examples import BARS, BEATS, FREE, HAND, NOTES, TRACKS, ExampleSource


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> ExampleSource:
    folder: Path = tmp_path_factory.mktemp("pieces")
    write_pieces(folder)
    return ExampleSource(load_pieces(folder, "train"))


def test_every_window_of_a_song_comes_as_often_as_the_others(source: ExampleSource) -> None:
    pieces = source._pieces
    chosen, chance = source._kinds[Kind.MELODY]
    _, song, number = np.unique(pieces.songs[chosen], return_inverse=True, return_counts=True)
    wanted = 1 / np.sqrt(number[song])
    np.testing.assert_allclose(np.diff(chance, prepend=0), wanted / wanted.sum(), rtol=1e-9)


def test_a_run_is_what_leads_to_a_window(source: ExampleSource) -> None:
    pieces = source._pieces
    window = int(np.flatnonzero((pieces.kinds == Kind.MELODY) & (pieces.bars == 7))[0])
    run = source.run(window, 3)
    assert pieces.bars[run].tolist() == [3, 5, 7]
    assert set(pieces.lines[run].tolist()) == {int(pieces.lines[window])}
    assert pieces.bars[source.run(window, 5)].tolist() == [1, 3, 5, 7]  # nothing lies before


def test_batches_are_of_one_kind_and_about_the_size(source: ExampleSource) -> None:
    for batch in islice(source.batches(600, np.random.default_rng(0)), 12):
        assert batch.types.size <= 600 or len(batch.types) == 1
        is_note = (batch.types == t.FIXED) | (batch.types == t.NEW)
        assert set(batch.tokens[is_note][:, t.TRACK].tolist()) <= batch.kind.tracks
        assert (batch.tokens[~is_note] == 0).all()


def test_new_notes_are_chosen_one_after_another_and_each_phrase_ends(source: ExampleSource) -> None:
    for batch in islice(source.batches(600, np.random.default_rng(1)), 8):
        new = int((batch.types == t.NEW).sum())
        assert len(batch.notes) == len(batch.going_on) == new
        assert (batch.onset == t.END).sum() == len(batch.begins)
        assert np.array_equal(batch.onset[batch.going_on], batch.notes[:, t.ONSET])
        assert (batch.notes[:, t.ONSET] >= batch.previous[batch.going_on]).all()
        assert batch.wanted[np.arange(new), batch.notes[:, t.TRACK]].all()
        rows, places = batch.choosing[batch.going_on].T
        assert np.array_equal(
            batch.tokens[rows, places + 1], batch.notes
        )  # the next token is what was chosen


def test_what_is_left_counts_down_to_none(source: ExampleSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNTED", 1)
    for batch in islice(source.batches(600, np.random.default_rng(2)), 8):
        ends = batch.left[batch.onset == t.END]
        assert set(ends.ravel().tolist()) <= {0, t.bucket(0)}  # not known, or none
    assert (ends > 0).any()


@pytest.mark.parametrize("scheme", [FREE, NOTES, BEATS, BARS, TRACKS, HAND])
def test_fixed_notes_lie_where_nothing_is_open(
    source: ExampleSource, scheme: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAST", tuple(float(number == scheme) for number in range(6)))
    monkeypatch.setattr(module, "EARLIER", 0)
    some = 0
    for batch in islice(source.batches(600, np.random.default_rng(3)), 8):
        fixed = int((batch.types == t.FIXED).sum())
        some += fixed
        first, last = batch.conditions[:, 2], batch.conditions[:, 3]
        assert ((first >= 0) & (first < last) & (last <= STEPS)).all()
        steps = batch.rhythm[batch.going_on, 0]
        assert (steps[np.arange(len(batch.notes)), batch.notes[:, t.ONSET]] == 1).all()
    assert (some > 0) == (scheme != FREE)


def test_keys_are_counted_by_kind(source: ExampleSource) -> None:
    shares = source.keys()
    assert shares.shape == (len(Kind), 12)
    assert shares.sum(1).tolist() == pytest.approx([1, 1, 1, 1])
    assert shares[Kind.DRUMS, 0] == 1


def test_music_of_every_key_is_learned_in_one(source: ExampleSource) -> None:
    notes = [
        batch.notes for batch in islice(source.batches(600, np.random.default_rng(4)), 4)
        if batch.kind == Kind.MELODY
    ]  # fmt: skip
    assert all((found[:, t.PITCH] >= 0).all() and (found[:, t.PITCH] < 128).all() for found in notes)
