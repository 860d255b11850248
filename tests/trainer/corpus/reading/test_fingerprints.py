"""What a song is known by."""

from pathlib import Path

import numpy as np

from model.music.grid import Grid
from tests.fakes.midi_files import beat, write, write_band
from trainer.corpus.hashing import Hashes
from trainer.corpus.reading.read_midi import read


def walk(shift: int, notes: int = 96, late: int = 0) -> list[tuple[int, int, int]]:
    """A line that never says the same twice, up by so many semitones, behind so many ticks of silence."""
    rng = np.random.default_rng(5)
    steps = rng.integers(-4, 5, notes).cumsum() % 24
    return [(late + 240 * n, 48 + shift + int(step), 200) for n, step in enumerate(steps)]


def known_by(path: Path) -> Hashes:
    return read(path.read_bytes(), Grid()).fingerprint


def test_a_song_is_known_in_another_key_and_behind_a_pause(tmp_path: Path) -> None:
    plain = known_by(write(tmp_path / "a.mid", [walk(0)]))
    moved = known_by(write(tmp_path / "b.mid", [walk(5, late=1920)]))
    assert len(plain) > 5
    assert np.array_equal(plain, moved)
    assert np.array_equal(plain, np.unique(plain))


def test_drums_alone_are_known_by_their_hits(tmp_path: Path) -> None:
    one, other = (known_by(write_band(tmp_path / f"{late}.mid", [beat(late=late)])) for late in (0, 20))
    assert np.array_equal(one, other)
