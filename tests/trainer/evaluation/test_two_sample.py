"""Can two kinds of phrases be told apart, on songs that the classifiers did not learn from?"""

import numpy as np

from trainer.evaluation.two_sample import Side, classify, half


def test_classifiers_tell_what_differs_and_nothing_else() -> None:
    rng = np.random.default_rng(3)
    real = Side(rng.standard_normal((200, 6)))
    same = classify(real, Side(rng.standard_normal((200, 6))), 0)
    other = classify(real, Side(rng.standard_normal((200, 6)) + 1.5), 0)
    assert same is not None
    assert same.best < 0.65
    assert min(same.each) <= same.best <= max(same.each)
    assert other is not None
    assert min(other.logistic, other.boosting) > 0.95


def test_who_knows_the_songs_tells_even_music_from_music() -> None:
    rng = np.random.default_rng(4)
    each = np.repeat(np.arange(20), 20)
    one, two = (
        rng.standard_normal((20, 6))[each] + 0.1 * rng.standard_normal((400, 6)) for _ in range(2)
    )  # songs of one kind all; each song's phrases are alike
    known = classify(Side(one), Side(two), 0)
    unknown = classify(Side(one, each), Side(two, each), 0)
    assert known is not None
    assert known.best > 0.95
    assert unknown is not None
    assert unknown.best < 0.75


def test_a_song_is_never_on_both_sides() -> None:
    songs = np.array([5] * 50 + [1, 2, 2, 3, 3, 3])
    for seed in range(20):
        taken = half(Side(np.zeros((56, 1)), songs), np.random.default_rng(seed))
        assert 0 < taken.sum() < 56
        assert not set(songs[taken]) & set(songs[~taken])
    assert half(Side(np.zeros((57, 1))), np.random.default_rng(0)).sum() in (28, 29)
    assert classify(Side(np.zeros((56, 1)), songs % 3), Side(np.zeros((56, 1))), 0) is None


def test_what_is_of_one_song_on_both_sides_is_on_one_side_of_the_halves() -> None:
    rng = np.random.default_rng(5)
    songs = np.repeat(np.arange(20), 20)
    other = np.repeat(np.arange(20), 10)
    each = rng.standard_normal((20, 6))
    one, two = each[songs], each[other] + 0.01 * rng.standard_normal((200, 6))
    found = classify(Side(one, songs), Side(two, other), 0, paired=True)
    assert found is not None
    assert found.best < 0.75  # a song's own rows would tell


def test_the_error_is_that_of_other_songs_drawn_alike() -> None:
    rng = np.random.default_rng(6)
    areas, errors = [], []
    for _ in range(12):
        songs = np.repeat(np.arange(40), 3)
        one, two = (
            rng.standard_normal((40, 2))[songs] + shift + 0.5 * rng.standard_normal((120, 2))
            for shift in (0.0, 0.5)
        )
        found = classify(Side(one, songs), Side(two, songs), 0)
        assert found is not None
        areas.append(found.best)
        errors.append(found.error)
    assert 0.6 < float(np.mean(errors)) / float(np.std(areas)) < 1.6
