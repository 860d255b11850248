from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import writer as benchmark
from benchmarks.scale import Scale
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.writing.continuity import Floats
from model.writing.ranker import Ranker
from model.writing.wish import GRID, Kind
from tests.fakes.pieces import write_pieces
from tests.fakes.writers import random_writer, ranker_arrays
from trainer.corpus.pieces import load_pieces
from trainer.evaluation.writing import (
    PhraseInPiece,
    distinguished,
    in_scale,
    phrases_in_pieces,
    ranks_of,
    reciprocal_rank,
    taken_up,
)

DEGREES = (0, 2, 4, 5, 7, 9, 11, 12)
SCALE = Phrase.of(GRID, [Note(4 * step, 60 + degree, 80, 4) for step, degree in enumerate(DEGREES)])


def test_phrases_are_spread_over_the_songs_with_what_leads_to_them(tmp_path: Path) -> None:
    write_pieces(tmp_path, songs=3, windows=9)
    pieces = load_pieces(tmp_path, "test")
    found = phrases_in_pieces(pieces, Kind.MELODY, 6, np.random.default_rng(0))
    assert sorted(one.song for one in found) == [20, 20, 21, 21, 22, 22]
    for one in found:
        assert 2 <= len(one.context) <= 4
        assert one.place is None or one.place >= 2
        assert one.wish(Kind.MELODY).context == one.context


class Fixed(Ranker):
    """Finds the same scores for whatever it is asked."""

    def scores(self, kind: Kind, context: Sequence[Phrase], candidates: Sequence[Phrase]) -> Floats:
        return np.array([0.5, 0.9, 0.1, 0.2], dtype=np.float32)[: len(candidates)]


def test_ranks_are_of_the_true_phrase_among_others() -> None:
    asked = [PhraseInPiece(SCALE, (SCALE,), None, 1)]
    others = [PhraseInPiece(SCALE.moved(number), (SCALE,), None, 2) for number in (1, 2, 3)]
    ranker = Fixed(ranker_arrays())
    assert reciprocal_rank(ranker, Kind.MELODY, asked, [*others, asked[0]]) == [0.5]


def test_one_that_ranks_all_alike_ranks_the_true_phrase_last() -> None:
    assert ranks_of(np.zeros((2, 5))).tolist() == [5, 5]


def test_notes_are_counted_in_the_scale_of_the_context() -> None:
    one = PhraseInPiece(SCALE, (SCALE,), None, 1)
    notes = [Note(0, 61, 80, 1), Note(1, 62, 80, 1), Note(2, 37, 80, 1, 0.0, DRUMS)]
    assert in_scale(one, notes) == (1, 2)
    assert in_scale(PhraseInPiece(SCALE, (Phrase(GRID),), None, 1), notes) == (0, 0)


def test_the_same_music_cannot_be_told_apart_and_other_music_can() -> None:
    phrases = [SCALE.moved(number % 5) for number in range(40)]
    songs = np.arange(40) // 5
    assert distinguished(Kind.MELODY, phrases, phrases, songs) == pytest.approx(0.5, abs=0.1)
    other = [Phrase.of(GRID, phrase.notes[::3]) for phrase in phrases]
    assert distinguished(Kind.MELODY, phrases, other, songs) > 0.9


def test_figures_are_known_again_in_another_key_and_place() -> None:
    tune = [Note(step, pitch, 80, 2) for step, pitch in ((0, 60), (2, 64), (4, 62), (6, 62))]
    later = [note._replace(onset=note.onset + 8, pitch=note.pitch + 5) for note in tune]
    assert taken_up(Phrase.of(GRID, tune), Phrase.of(GRID, later)) == 1.0
    longer = [*later, Note(24, 50, 80, 2)]
    assert taken_up(Phrase.of(GRID, tune), Phrase.of(GRID, longer)) == 0.5
    slower = [note._replace(onset=2 * note.onset) for note in tune]
    assert taken_up(Phrase.of(GRID, tune), Phrase.of(GRID, slower)) == 0.0
    assert taken_up(Phrase.of(GRID, tune), Phrase(GRID)) == 0.0


def test_what_is_of_no_song_is_not_told_by_the_songs_that_music_is_of() -> None:
    rng = np.random.default_rng(0)
    music = [SCALE.moved(song) for song in rng.integers(-12, 12, 12).tolist() for _ in range(8)]
    drawn = [SCALE.moved(song) for song in rng.integers(-12, 12, 96).tolist()]
    each = np.arange(96)
    by_song = distinguished(Kind.MELODY, music, drawn, np.arange(96) // 8, paired=False)
    assert by_song < distinguished(Kind.MELODY, music, drawn, each, paired=False) - 0.05


def test_the_benchmark_says_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scale = Scale(tmp_path, 0.1, 1, jack=False, data=tmp_path)
    monkeypatch.setattr(benchmark, "shipped_writer", lambda: None)
    assert [row.measured for row in benchmark.measure(scale)] == ["are not there"]
    monkeypatch.setattr(benchmark, "shipped_writer", random_writer)
    monkeypatch.setattr(benchmark, "shipped_ranker", lambda: Ranker(ranker_arrays()))
    (row,) = benchmark.measure(scale)
    assert "holds no pieces" in row.measured
