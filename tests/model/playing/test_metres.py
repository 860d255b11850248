"""The shipped models in other metres: what is played comes back, and the knobs measure what is heard."""

from functools import cache

import numpy as np
import pytest

from model.latent.note_transformer import run_to_end
from model.music.attributes import measure
from model.music.grid import Grid
from model.music.metre import METRES, grid_in, padded
from model.music.phrase import Note, Phrase
from model.music.tracks import TRACKS
from model.playing.load import load
from model.playing.player import Player

OWN = Grid()
SCALE = (0, 2, 4, 5, 7, 9, 11)
TUNES = 6


@cache
def player(name: str) -> Player:
    return load(name)


def grid_of(metre: str) -> Grid:
    grid = grid_in(OWN, METRES[metre])
    assert grid is not None
    return grid


def tune(grid: Grid, seed: int, *, chords: bool = False) -> Phrase:
    """Write a stepwise tune of eighths to halves, now and then over a bar line, with a chord on each bar."""
    rng = np.random.default_rng(seed)
    bar, root, degree, step = grid.steps_per_bar, int(rng.integers(55, 68)), int(rng.integers(0, 7)), 0
    notes = []
    while step < grid.steps:
        room = bar - step % bar + (4 if rng.random() < 0.15 else 0)
        length = min(int(rng.choice([2, 2, 4, 4, 6, 8])), room, grid.steps - step)
        degree = int(np.clip(degree + rng.integers(-2, 3), 0, 13))
        if rng.random() < 0.9:
            pitch = root + 12 * (degree // 7) + SCALE[degree % 7]
            notes.append(Note(step, pitch, int(rng.integers(60, 110)), length))
        step += length
    for line in range(0, grid.steps if chords else 0, bar):
        third = int(rng.integers(0, 6))
        keys = [root - 12 + 12 * (tone // 7) + SCALE[tone % 7] for tone in (third, third + 2, third + 4)]
        notes += [Note(line, key, 70, bar) for key in keys]
    return Phrase.of(grid, notes)


def f1(played: Phrase, answer: Phrase) -> float:
    one, other = ({note[:2] for note in phrase.notes} for phrase in (played, answer))
    return 2 * len(one & other) / (len(one) + len(other))


@pytest.mark.parametrize("metre", METRES)
@pytest.mark.parametrize(("name", "least"), [("lead", 1.0), ("keys", 0.97)])
def test_what_is_played_in_a_metre_comes_back(name: str, least: float, metre: str) -> None:
    grid, model = grid_of(metre), player(name).on_grid(grid_of(metre))
    found = []
    for seed in range(TUNES):
        phrase = tune(grid, seed, chords=name == "keys")
        latent = model.encode(phrase)
        answer = model.decode(latent, turns={})
        assert answer.grid == model.card.grid == grid
        found.append(f1(phrase, answer))
    assert sum(found) / TUNES >= least


@pytest.mark.parametrize("metre", ["3/4", "6/8", "5/4"])
def test_knobs_measure_what_is_heard(metre: str) -> None:
    model = player("lead").on_grid(grid_of(metre))
    latent = model.encode(tune(model.card.grid, 3))
    plain = measure(model.decode(latent, turns={}))
    assert latent.attributes == pytest.approx(plain, abs=5.0)
    dense = measure(model.decode(latent, turns={"density": 0.5}))["density"]
    sparse = measure(model.decode(latent, turns={"density": -0.5}))["density"]
    assert sparse < plain["density"] < dense
    high = measure(model.decode(latent, turns={"register": 0.5}))["register"]
    assert high > plain["register"] + 3


def test_what_has_sounded_of_a_waltz_stays() -> None:
    model = player("lead").on_grid(grid_of("3/4"))
    phrase, other = tune(model.card.grid, 1), tune(model.card.grid, 2)
    answer = model.decode(model.encode(phrase), turns={"density": 0.8}, prefix=other, prefix_steps=14)
    begun, meant = ({note[:3] for note in one.notes if note.onset < 14} for one in (answer, other))
    assert begun == meant
    assert any(note.onset >= 14 for note in answer.notes)


def test_a_place_of_one_metre_sounds_in_another_bar_by_bar() -> None:
    model = player("lead")
    phrase = tune(OWN, 4)
    latent = model.encode(phrase)
    waltz = model.on_grid(grid_of("3/4")).decode(latent, turns={})
    whole = model.decode(latent, turns={})
    for bar in range(2):
        first = {
            (note.onset - 16 * bar, note.pitch) for note in whole.notes if 0 <= note.onset - 16 * bar < 12
        }
        assert first == {
            (note.onset - 12 * bar, note.pitch) for note in waltz.notes if 0 <= note.onset - 12 * bar < 12
        }
    assert model.on_grid(OWN) is model
    assert model.on_grid(grid_of("4/4")) is model


def test_a_band_joins_a_waltz_within_its_bars() -> None:
    model = player("multitrack").on_grid(grid_of("3/4"))
    phrase = tune(model.card.grid, 5)
    band = run_to_end(model.accompany(phrase, (1, 2, 3)))
    assert band.grid == model.card.grid
    assert {TRACKS[note.track] for note in band.notes} >= {"melody", "drums"}
    again = run_to_end(model.accompany(phrase, (1, 2, 3), keep=band.part(3)))
    assert again.part(3) == band.part(3)


def test_a_grid_that_the_model_has_no_phrases_on_is_refused() -> None:
    for grid in (Grid(4, 3), Grid(2, 5), Grid(2, 3, 3)):
        with pytest.raises(ValueError, match="has no phrases of"):
            player("lead").on_grid(grid)
    with pytest.raises(ValueError, match="another grid"):
        player("lead").on_grid(grid_of("3/4")).encode(Phrase(OWN))


def test_silence_behind_the_bars_is_read_and_not_answered() -> None:
    model, waltz = player("lead"), grid_of("3/4")
    phrase = tune(waltz, 6)
    assert np.array_equal(model.on_grid(waltz).encode(phrase).z, model.encode(padded(phrase, OWN)).z)
