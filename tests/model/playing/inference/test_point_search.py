"""A point whose phrase is nearer than that of the posterior's mean."""

from collections.abc import Sequence

import numpy as np

from model.latent.geometry import Vector
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.playing.inference.point_search import ROUNDS, SHARES, seek

GRID = Grid()
LOUD = np.where(np.arange(GRID.steps) % 4, 0.45, 1.0)  # notes off the beat come out too weak to be read


def of(*onsets: int) -> Phrase:
    return Phrase.of(GRID, [Note(onset, 60, 90, 1) for onset in onsets])


def encode(phrase: Phrase) -> Vector:
    z = np.zeros(GRID.steps, dtype=np.float32)
    for note in phrase.notes:
        z[note.onset] = LOUD[note.onset]
    return z


def decode(points: Sequence[Vector]) -> list[Phrase]:
    return [of(*np.flatnonzero(z > 0.5).tolist()) for z in points]


def test_what_an_encoder_has_lost_is_found_again() -> None:
    phrase = of(0, 3, 4, 6, 9)
    mean = encode(phrase)
    assert decode([mean]) == [of(0, 4)]
    z = seek(phrase, mean, encode=encode, decode=decode)
    assert decode([z]) == [phrase]
    np.testing.assert_array_equal(z, seek(phrase, mean, encode=encode, decode=decode))


def test_what_comes_back_at_once_lies_where_the_encoder_says() -> None:
    for phrase in (of(0, 4, 8), of()):
        z = encode(phrase)
        assert seek(phrase, z, encode=encode, decode=decode) is z


def test_what_does_not_come_back_is_given_up_after_some_rounds() -> None:
    asked = []

    def deaf(points: Sequence[Vector]) -> list[Phrase]:
        asked.append(len(points))
        return [of(5) for _ in points]

    z = encode(of(0))
    assert seek(of(0), z, encode=encode, decode=deaf) is z
    assert asked == [1, *[len(SHARES)] * ROUNDS]
