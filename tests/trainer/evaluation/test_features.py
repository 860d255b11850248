"""What describes a phrase has the same length whatever it holds, and is always a number."""

import numpy as np
import pytest

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS
from trainer.evaluation.features import features

GRID = Grid()
BAND = Phrase.of(
    GRID,
    [
        Note(0, 72, 90, 4),
        Note(6, 74, 80, 2),
        *(Note(0, key, 60, 16, 0.0, CHORDS) for key in (60, 64, 67)),
        Note(0, 36, 90, 8, 0.0, BASS),
        *(Note(step, 42, 40 + step, 1, 0.05, DRUMS) for step in range(0, 32, 2)),
        *(Note(step, 36, 100, 1, -0.05, DRUMS) for step in (0, 16)),
    ],
)


@pytest.mark.parametrize(
    ("codec", "length"), [("melody", 40), ("poly", 40), ("drums", 48), ("multitrack", 172)]
)
def test_as_many_finite_numbers_of_every_phrase(codec: str, length: int) -> None:
    for phrase in (BAND, BAND.part(DRUMS), BAND.part(BASS), Phrase(GRID)):
        found = features(phrase, codec)
        assert len(found) == length
        assert np.isfinite(found).all()


def test_drums_are_described_by_class_loudness_and_timing() -> None:
    beat = BAND.part(DRUMS)
    found = features(beat, "drums")
    assert found[:3] == pytest.approx([2 / 18, 0.0, 16 / 18])
    assert found[9] == 100.0
    assert found[-6] == 18.0
    louder = Phrase.of(GRID, (note._replace(velocity=note.velocity + 20) for note in beat.notes))
    assert features(louder, "drums") != found
    assert features(BAND, "multitrack")[-4:] == [2.0, 3.0, 1.0, 18.0]
