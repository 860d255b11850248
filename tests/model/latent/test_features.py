"""What is heard in a phrase: always as many numbers, each of them a number, and telling what it should."""

import numpy as np
import pytest

from model.latent.features import features
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, DRUMS
from tests.fakes.synthetic import chords, melody

CODECS = ("melody", "poly", "drums", "multitrack")


def beat(*hits: tuple[int, int]) -> Phrase:
    return Phrase.of(Grid(), [Note(step, key, 100, 1, 0.0, DRUMS) for step, key in hits])


PHRASES = {
    "melody": [melody(1), melody(2)],
    "poly": [chords(1), chords(2)],
    "drums": [beat((0, 36), (8, 38)), beat((3, 42))],
    "multitrack": [
        Phrase.of(Grid(), [*melody(1).notes, *beat((0, 36)).notes]),
        Phrase.of(Grid(), [Note(0, 36, 80, 4, 0.0, BASS)]),
    ],
}


@pytest.mark.parametrize("codec", CODECS)
def test_every_phrase_has_as_many_finite_numbers(codec: str) -> None:
    rows = [features(phrase, codec) for phrase in (Phrase(Grid()), *PHRASES[codec])]
    assert len({row.shape for row in rows}) == 1
    assert all(row.dtype == np.float32 and np.isfinite(row).all() for row in rows)
    assert not np.array_equal(rows[1], rows[2])


def test_other_metres_have_numbers_as_well() -> None:
    waltz = Grid(bars=4, beats_per_bar=3)
    assert np.isfinite(features(Phrase.of(waltz, melody(1).notes), "melody")).all()
    assert np.isfinite(features(Phrase(Grid(bars=1)), "drums")).all()


def test_a_bar_said_again_differs_from_one_that_is_not() -> None:
    bar = [Note(step, 60 + step, 80, 2) for step in (0, 4, 6, 12)]
    again = Phrase.of(Grid(), [*bar, *(note._replace(onset=note.onset + 16) for note in bar)])
    other = Phrase.of(Grid(), [*bar, *(note._replace(onset=note.onset + 17) for note in bar[:3])])
    apart = features(again, "melody") - features(other, "melody")
    assert apart[-23] == pytest.approx(1.0)  # all of it, of two bars
    assert apart[-22] == pytest.approx(1.0)  # its rhythm


def test_leaps_are_counted_with_their_direction() -> None:
    up = Phrase.of(Grid(), [Note(0, 60, 80, 4), Note(8, 72, 80, 4)])
    down = Phrase.of(Grid(), [Note(0, 72, 80, 4), Note(8, 60, 80, 4)])
    assert features(up, "melody")[13 + 12] == 1
    assert features(down, "melody")[13 - 12] == 1
