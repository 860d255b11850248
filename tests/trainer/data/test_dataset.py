"""Batches: cut from tables without a loop, moved within limits, alike for a phrase and its edit."""

import json
from pathlib import Path

import numpy as np
import pytest

from model.codecs.base import ONSET, PITCH, VELOCITY, pack_phrase
from model.codecs.registry import build
from tests.fakes.synthetic import GRID, chords, prepare
from trainer.data.augment import highest, shape_velocities, shifts
from trainer.data.dataset import Phrases, batch, batch_with_edits, load
from trainer.data.edit_pairs import load as load_pairs
from trainer.data.edit_pairs import make, save
from trainer.errors import TrainerError


@pytest.fixture
def phrases(tmp_path: Path) -> Phrases:
    return load(prepare(tmp_path, "poly", train=12), "poly", "train")


def test_a_batch_holds_the_chosen_phrases(phrases: Phrases) -> None:
    codec = build("poly", GRID)
    made = batch(phrases, codec, np.array([7, 0, 7]), rng=None)
    for row, seed in enumerate((7, 0, 7)):
        np.testing.assert_array_equal(made["roll"][row], pack_phrase(codec, chords(seed))["roll"][0])
        assert phrases.phrase(seed, GRID) == chords(seed)


def test_transpositions_stay_on_the_piano(phrases: Phrases) -> None:
    table, rows = phrases.gather(np.arange(12))
    rng = np.random.default_rng(0)
    moved = shifts([(table[:, PITCH], rows)], 12, reach=(-60, 60), limits=(21, 108), rng=rng)
    pitches = table[:, PITCH] + moved[rows]
    assert pitches.min() >= 21
    assert pitches.max() <= 108
    assert len(set(moved.tolist())) > 4


def test_only_phrases_of_one_velocity_get_a_drawn_one(phrases: Phrases) -> None:
    table, rows = phrases.gather(np.arange(4))
    table[rows == 2, VELOCITY] = 90
    before = table.copy()
    shape_velocities(table, rows, 4, np.random.default_rng(0), grid=GRID)
    assert len(set(table[rows == 2, VELOCITY].tolist())) > 2
    np.testing.assert_array_equal(table[rows != 2], before[rows != 2])


def test_of_a_single_line_the_highest_notes_stay(phrases: Phrases) -> None:
    table, rows = phrases.gather(np.arange(2))
    line_notes, owners = highest(table, rows, np.array([True, False]))
    np.testing.assert_array_equal(line_notes[owners == 1], table[rows == 1])
    line = line_notes[owners == 0]
    assert len(set(line[:, ONSET].tolist())) == len(line)
    for note in line:
        same = table[(rows == 0) & (table[:, ONSET] == note[ONSET])]
        assert note[PITCH] == same[:, PITCH].max()
    assert len(line) == len(set(table[rows == 0, ONSET].tolist()))


def test_a_rotated_phrase_begins_elsewhere_and_keeps_its_notes(phrases: Phrases) -> None:
    codec = build("poly", GRID)
    plain = batch(phrases, codec, np.arange(12), rng=np.random.default_rng(0), reach=(0, 0))["roll"]
    turned = batch(phrases, codec, np.arange(12), rng=np.random.default_rng(0), reach=(0, 0), rotated=1.0)[
        "roll"
    ]
    onsets, moved = plain[:, :, 0], turned[:, :, 0]
    for row in range(12):
        assert any(np.array_equal(np.roll(onsets[row], step, axis=0), moved[row]) for step in range(1, 32))


def test_an_edit_is_moved_as_its_phrase_is(phrases: Phrases, tmp_path: Path) -> None:
    codec = build("poly", GRID)
    spread = np.ones(1, dtype=np.float32)
    made = make(phrases, codec, knobs=["density"], spread=spread, count=20, seed=0)
    assert len(made) == 20
    save(made, tmp_path / "edits.npz")
    found = load_pairs(tmp_path / "edits.npz")
    assert found is not None
    np.testing.assert_array_equal(found.edited.notes, made.edited.notes)
    picked = np.flatnonzero(made.change[:, 0] < -0.3)[:4]
    assert len(picked) > 1
    rng = np.random.default_rng(1)
    first, second = batch_with_edits(phrases, made.edited, codec, made.source[picked], picked, rng=rng)
    for row in range(len(picked)):
        # what density thinned is a part of what was there, in the same transposition
        assert not (second["roll"][row, :, 0] > first["roll"][row, :, 0]).any()
        assert second["roll"][row, :, 0].sum() < first["roll"][row, :, 0].sum()


def test_making_edits_can_be_stopped(phrases: Phrases) -> None:
    spread = np.ones(1, dtype=np.float32)
    codec = build("poly", GRID)
    made = make(
        phrases, codec, knobs=["register"], spread=spread, count=500, seed=0, going=lambda done: done < 64
    )
    assert len(made) == 64


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        (VELOCITY, 0, "a note's velocity is 0, not 1 to 127"),
        (PITCH, 999, "a note's pitch is 999, not 0 to 127"),
        (ONSET, 40, "a note ends at step 4[0-9] of a phrase of 32"),
    ],
)
def test_notes_that_cannot_be_are_reported(tmp_path: Path, column: int, value: int, sentence: str) -> None:
    notes = prepare(tmp_path, "poly", train=3) / "poly" / "train" / "notes.npy"
    grid = {"bars": GRID.bars, "beats_per_bar": GRID.beats_per_bar, "steps_per_beat": GRID.steps_per_beat}
    (tmp_path / "meta.json").write_text(json.dumps({"grid": grid}))
    table = np.load(notes)
    table[-1, column] = value
    np.save(notes, table)
    with pytest.raises(TrainerError, match=f"is damaged: {sentence}"):
        load(tmp_path, "poly", "train")
    np.save(notes, table.astype(np.float32))
    with pytest.raises(TrainerError, match="its notes are float32, not whole numbers"):
        load(tmp_path, "poly", "train")


def test_splits_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    prepare(tmp_path, "poly", train=3)
    place = tmp_path / "poly" / "train"
    np.save(place / "starts.npy", np.array([0, 5, 3, 10]))
    with pytest.raises(TrainerError, match="cut short or damaged"):
        load(tmp_path, "poly", "train")


def test_a_transposition_keeps_the_notes_of_all_tables_within_the_limits() -> None:
    rng = np.random.default_rng(3)
    tables = []
    for count in (40, 0, 17):  # some phrases have no note in one of them
        rows, pitches = rng.integers(0, 9, count), rng.integers(21, 109, count).astype(np.int16)
        tables.append((pitches, rows))
    moved = shifts(tables, 9, reach=(-60, 60), limits=(21, 108), rng=rng)
    assert moved.any()
    for pitches, rows in tables:
        after = pitches + moved[rows]
        assert after.min(initial=21) >= 21
        assert after.max(initial=108) <= 108
