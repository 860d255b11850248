import numpy as np

from model.writing import tokens as t
from model.writing.notes_around import HERE, RHYTHM
from model.writing.odds import drawn, in_scale, onset_odds, value_odds
from model.writing.transformer import outputs


def test_distances_from_references_count_up_to_their_reach() -> None:
    numbers = np.zeros((1, outputs(t.PITCH)), dtype=np.float32)
    numbers[0, 128 + 24 + 2] = 3.0  # two semitones above the note before
    numbers[0, 128 + 49 + 48] = 2.0  # 24 or more above the note a bar before
    odds = value_odds(t.PITCH, numbers, np.array([[60, 40, t.NONE, t.NONE]]))
    assert odds[0].argmax() == 62
    assert odds[0, [61, 62, 63, 64, 127]].tolist() == [0, 3, 0, 2, 2]


def test_pitches_fit_what_sounds() -> None:
    numbers = np.zeros((1, outputs(t.PITCH)), dtype=np.float32)
    here = np.zeros((1, HERE), dtype=np.float32)
    numbers[0, -48 + 12 + 5] = 1.0  # chords: what sounds five semitones above the pitch
    here[0, 12 + 12 + 0] = 1.0  # chords sound a C
    odds = value_odds(t.PITCH, numbers, np.full((1, 4), t.NONE), here)
    assert {pitch % 12 for pitch in odds[0].nonzero()[0].tolist()} == {7}


def test_no_onset_before_the_last_one() -> None:
    numbers = np.zeros((1, outputs(t.ONSET)), dtype=np.float32)
    numbers[0, 33 + 4] = 1.0
    numbers[0, 66] = 2.0
    rhythm = np.zeros((1, RHYTHM, 32), dtype=np.float32)
    rhythm[0, 0, 20] = 1
    odds = onset_odds(numbers, np.array([8]), rhythm)
    assert (odds[0, :8] < -1e8).all()
    assert odds[0, [8, 12, 20, 32]].tolist() == [0, 1, 2, 0]


def test_strange_pitches_are_unlikely() -> None:
    odds = in_scale(np.zeros((1, 128), dtype=np.float32), np.eye(12, dtype=np.float32)[1:2])
    assert odds[0, [60, 61, 62]].tolist() == [0, -8, 0]


def test_drawing_follows_the_odds() -> None:
    odds = np.log(np.array([[0.5, 0.3, 0.2]], dtype=np.float32)).repeat(5000, axis=0)
    chance = np.random.default_rng(0).random(5000)
    shares = np.bincount(drawn(odds, chance, 1.0, 1.0)) / 5000
    np.testing.assert_allclose(shares, [0.5, 0.3, 0.2], atol=0.02)
    assert set(drawn(odds, chance, 1.0, 0.7).tolist()) == {0, 1}
    assert set(drawn(odds, chance, 0.0, 1.0).tolist()) == {0}
    assert set(drawn(odds, chance, 0.05, 1.0).tolist()) == {0}
