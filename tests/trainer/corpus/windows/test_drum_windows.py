"""Windows of drums: nine classes, human timing kept, what the grid cannot hold left out."""

from pathlib import Path

import numpy as np
import pytest

from model.codecs.base import OFFSET, ONSET, PITCH, TRACK, VELOCITY, pack_phrase, phrase_of
from model.codecs.drums import KEYS
from model.codecs.registry import build
from model.music.grid import Grid
from model.music.tracks import DRUMS
from tests.fakes.midi_files import Track, beat, tune, write, write_band
from trainer.corpus.reading.read_midi import UnreadableError, read
from trainer.corpus.windows.phrase_windows import Windows

GRID = Grid()


def drums(path: Path, track: Track, grid: Grid = GRID, metre: tuple[int, int] = (4, 4)) -> Windows:
    return read(write_band(path / "beat.mid", [track], metre=metre).read_bytes(), grid).windows["drums"]


def test_a_beat_is_nine_keys_of_one_step_that_the_codec_keeps(tmp_path: Path) -> None:
    found = drums(tmp_path, beat())
    assert len(found.counts) >= 4
    assert set(found.notes[:, PITCH].tolist()) <= set(KEYS)
    assert set(found.notes[:, TRACK].tolist()) == {DRUMS}
    codec = build("drums", GRID)
    for rows in np.split(found.notes, np.cumsum(found.counts)[:-1]):
        phrase = phrase_of(GRID, rows)
        assert len(phrase) == len(rows)
        assert codec.unpack(pack_phrase(codec, phrase), 0) == phrase


@pytest.mark.parametrize("late", [-40, 0, 45])
def test_who_plays_before_or_behind_the_click_is_saved_with_offsets(tmp_path: Path, late: int) -> None:
    found = drums(tmp_path, beat(late=late))
    assert len(found.counts) >= 4
    offsets = set(found.notes[:, OFFSET].tolist())
    assert offsets == {round(late / 120 * 100)}
    onsets = found.notes[: found.counts[-1], ONSET]
    assert onsets.min() == (2 if late < 0 else 0) or onsets.min() == 0


def test_velocities_stay_what_they_were(tmp_path: Path) -> None:
    assert set(drums(tmp_path, beat()).notes[:, VELOCITY].tolist()) == {60, 70, 90, 100}


def test_rolls_that_the_grid_cannot_hold_are_left_out(tmp_path: Path) -> None:
    roll = Track([(40 * n, 38, 20, 50 + n % 7) for n in range(6 * 48)], channel=9)
    with pytest.raises(UnreadableError, match="on the grid"):
        drums(tmp_path, roll)
    assert len(drums(tmp_path, roll, Grid(2, 4, 12)).counts) >= 1


def test_eighths_on_a_grid_of_triplets_are_left_out(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="on the grid"):
        drums(tmp_path, beat(), Grid(2, 4, 3))


def test_two_sounds_of_one_class_at_once_are_one_hit(tmp_path: Path) -> None:
    both = Track(
        [*beat().notes, *((tick, 35, 60, 80) for tick, key, _, _ in beat().notes if key == 36)], channel=9
    )
    assert np.array_equal(drums(tmp_path / "a", both).notes, drums(tmp_path / "b", beat()).notes)


def test_a_bar_without_a_hit_is_no_beat(tmp_path: Path) -> None:
    gap = Track([hit for hit in beat().notes if not 1920 <= hit[0] < 5760], channel=9)
    assert len(drums(tmp_path, gap).counts) == 2  # bars 4 to 6


def test_the_same_hits_played_louder_are_alike_and_counted_out(tmp_path: Path) -> None:
    one = beat(bars=1).notes
    loud = [
        (tick + 1920 * n, key, length, min(127, 20 + 2 * n))
        for n in range(50)
        for tick, key, length, _ in one
    ]
    found = drums(tmp_path, Track(loud, channel=9))
    assert len(set(found.shape.tolist())) == 1
    assert len(found.counts) == 6


@pytest.mark.parametrize(
    ("grid", "metre", "beats"),
    [
        (Grid(1), (4, 4), 4),
        (Grid(4), (4, 4), 4),
        (Grid(16), (4, 4), 4),
        (Grid(2, 3, 4), (3, 4), 3),
        (Grid(2, 3, 4), (6, 8), 3),
        (Grid(2, 4, 6), (4, 4), 4),
    ],
)
def test_other_grids(tmp_path: Path, grid: Grid, metre: tuple[int, int], beats: int) -> None:
    found = drums(tmp_path, beat(bars=24, beats=beats), grid, metre)
    assert len(found.counts) >= 3
    assert found.notes[:, ONSET].max() < grid.steps


def test_drums_of_another_metre_are_left_out(tmp_path: Path) -> None:
    path = write_band(tmp_path / "waltz.mid", [beat(beats=3)], metre=(3, 4))
    with pytest.raises(UnreadableError):
        read(path.read_bytes(), GRID, metres="all")


def test_drums_alone_have_a_fingerprint_of_their_hits(tmp_path: Path) -> None:
    one, again, other = (
        read(write_band(tmp_path / f"{n}.mid", [beat(bars=40, seed=seed)]).read_bytes(), GRID).fingerprint
        for n, seed in enumerate((1, 1, 2))
    )
    assert len(one) > 10
    assert np.array_equal(one, again)
    assert not set(one.tolist()) & set(other.tolist())
    pitched = read(write(tmp_path / "tune.mid", [tune(1)]).read_bytes(), GRID)
    assert len(pitched.fingerprint)
