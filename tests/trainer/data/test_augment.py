"""What is drawn anew: keys (never of drums), velocities part by part, hits a little off their places."""

from pathlib import Path

import numpy as np
import pytest

from model.codecs.base import OFFSET, ONSET, PITCH, TRACK, VELOCITY, Codec
from model.codecs.registry import build
from model.music.tracks import DRUMS
from tests.fakes.families import corpus
from tests.fakes.synthetic import GRID
from trainer.data.augment import jitter, scale_velocities, shape_velocities, transpose
from trainer.data.dataset import Phrases, batch, batch_with_edits, load

COUNT = 10
CHOSEN = np.arange(COUNT)


def rng() -> np.random.Generator:
    return np.random.default_rng(4)


@pytest.fixture
def bands(tmp_path: Path) -> Phrases:
    return load(corpus(tmp_path, "multitrack", GRID), "multitrack", "train")


@pytest.fixture
def beats(tmp_path: Path) -> Phrases:
    return load(corpus(tmp_path, "drums", GRID), "drums", "train")


def test_pitched_tracks_move_together_and_drums_stay(bands: Phrases) -> None:
    table, rows = bands.gather(CHOSEN)
    before = table.copy()
    transpose([(table, rows)], COUNT, reach=(-5, 6), limits=(21, 108), rng=rng())
    drums = table[:, TRACK] == DRUMS
    np.testing.assert_array_equal(table[drums], before[drums])
    moved = table[:, PITCH] - before[:, PITCH]
    for row in range(COUNT):
        assert len(set(moved[(rows == row) & ~drums].tolist())) == 1
    assert len(set(moved[~drums].tolist())) > 3


def test_only_parts_of_one_velocity_get_a_drawn_one(bands: Phrases) -> None:
    table, rows = bands.gather(CHOSEN)
    before = table.copy()
    shape_velocities(table, rows, COUNT, rng(), grid=GRID)
    # the made chords and bass have one velocity, melody and drums many
    changed = table[:, VELOCITY] != before[:, VELOCITY]
    assert set(table[changed, TRACK].tolist()) == {1, 2}
    for row in range(COUNT):
        assert len(set(table[(rows == row) & (table[:, TRACK] == 1), VELOCITY].tolist())) > 1


def test_drums_are_played_louder_or_softer_each_phrase_by_another_factor(beats: Phrases) -> None:
    table, rows = beats.gather(CHOSEN)
    before = table.copy()
    scale_velocities([(table, rows)], COUNT, rng())
    ratio = table[:, VELOCITY] / before[:, VELOCITY]
    means = [ratio[rows == row].mean() for row in range(COUNT)]
    assert max(means) - min(means) > 0.1
    assert ((ratio > 0.78) & (ratio < 1.25)).all()
    np.testing.assert_array_equal(table[:, :VELOCITY], before[:, :VELOCITY])


def test_hits_move_a_little_and_stay_within_half_a_step(beats: Phrases) -> None:
    table, _ = beats.gather(CHOSEN)
    table[:5, OFFSET] = 50
    before = table.copy()
    jitter(table, rng())
    away = table[:, OFFSET] - before[:, OFFSET]
    assert 1 < away.std() < 3
    assert np.abs(table[:, OFFSET]).max() <= 50


@pytest.mark.parametrize("kind", ["drums", "multitrack"])
def test_a_batch_with_chance_is_legal_and_without_it_is_the_data(tmp_path: Path, kind: str) -> None:
    phrases, codec = load(corpus(tmp_path, kind, GRID), kind, "train"), build(kind, GRID)
    plain = batch(phrases, codec, CHOSEN, rng=None)
    for row in range(COUNT):
        assert codec.unpack(plain, row) == phrases.phrase(row, GRID)
    drawn = batch(phrases, codec, CHOSEN, rng=rng(), rotated=0.5)
    assert {name: value.shape for name, value in drawn.items()} == {n: v.shape for n, v in plain.items()}
    for row in range(COUNT):
        again = codec.unpack(drawn, row)
        assert 0 < len(again) <= len(phrases.phrase(row, GRID))


def hits(codec: Codec, arrays: dict[str, np.ndarray], row: int) -> set[tuple[int, int]]:
    phrase = codec.unpack(arrays, row)
    return {(note.onset, note.pitch) for note in phrase.notes if note.track == DRUMS}


def test_a_drum_edit_is_played_as_its_phrase_is(beats: Phrases) -> None:
    codec = build("drums", GRID)
    first, second = batch_with_edits(beats, beats, codec, CHOSEN, CHOSEN, rng=rng())
    np.testing.assert_array_equal(first["drums"], second["drums"])
    for row in range(COUNT):
        wanted = {(note.onset, note.pitch) for note in beats.phrase(row, GRID).notes}
        assert hits(codec, first, row) == wanted


def test_velocity_contours_follow_the_grid(beats: Phrases) -> None:
    table, rows = beats.gather(CHOSEN)
    table[:, VELOCITY] = 80
    other = table.copy()
    shape_velocities(table, rows, COUNT, rng(), grid=GRID, like=(other, rows))
    assert table[:, ONSET].max() < GRID.steps
    assert len(set(other[:, VELOCITY].tolist())) > 20
    assert np.corrcoef(table[:, VELOCITY], other[:, VELOCITY])[0, 1] > 0.9
