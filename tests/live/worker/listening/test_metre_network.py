"""The metre's network: computed without arrays as it was trained, and right about plain music."""

import random
from itertools import pairwise
from math import exp, log2
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from live.worker.listening.metre_network import (
    LONGER,
    PRIORS,
    SAME,
    SHORTER,
    MetreEvidence,
    edges,
    metre_network,
)
from live.worker.listening.metrical_positions import FOUR_FOUR, METRES, PARTS, SIX_EIGHT, THREE_FOUR, quarters
from live.worker.listening.onset_features import UNITS, PlacedFeatures, PlayedFeatures, tempo_rows
from model.music.metre import Metre
from scripts.metre_training import Excerpt, MetreTrainer, Run, arrays_of, batch, excerpt, trained

# eight eighths a bar, low on the one, a fifth on the three
BAR = (48, 64, 67, 64, 55, 64, 67, 64)


def music(bars: int) -> list[tuple[int, list[tuple[int, int]]]]:
    return [
        (6 * number, [(BAR[number % 8] + number // 8 % 2, 90 if number % 8 == 0 else 70)])
        for number in range(8 * bars)
    ]


@pytest.mark.parametrize("metre", METRES)
def test_it_says_what_the_trained_network_says(tmp_path: Path, metre: Metre) -> None:
    torch.manual_seed(5)
    trainer = MetreTrainer(METRES).eval()
    save_file({name: rows.astype(np.float16) for name, rows in trainer.arrays().items()}, tmp_path / "w")
    draw, begins = np.random.default_rng(2), edges(quarters(metre))
    drawn = [excerpt([[arrays_of(music(20))]], metre, draw) for _ in range(3)]
    rows, shares, units, true = batch(drawn, metre)
    with torch.no_grad():
        wanted = trainer(metre, *map(torch.tensor, (rows, shares.astype(np.float32), units))).numpy()
    for number, one in enumerate(drawn):
        network = metre_network(metre, tmp_path / "w")
        evidence, played = MetreEvidence(network), PlayedFeatures()
        said = np.zeros(begins[-1])
        for at, distance in enumerate(np.diff(one.units, prepend=0).tolist()):
            pitch, velocity = int(one.voices.top[at]), int(one.voices.velocity[at])
            evidence.hear(distance, played.of([(pitch, velocity)]), pitch, float(one.octaves[at]))
            said *= network.decay
            for level, (first, after) in enumerate(pairwise(begins)):
                sixteenth = int(one.units[at] + one.origin) // 6
                said[first:after] += [evidence.at(level, sixteenth - shift) for shift in range(after - first)]
        last, sizes = len(one.units) - 1, np.diff(begins)
        levels = np.repeat(evidence.levels - np.log(sizes / PRIORS), sizes)
        assert said + levels == pytest.approx(wanted[number, last], abs=0.05)
        assert evidence.total == pytest.approx(float(np.logaddexp.reduce(wanted[number, last])), abs=0.05)
        assert set(true[number, :2]) == {-1}
        assert 0 <= true[number, last] < begins[-1]


@pytest.mark.parametrize("metre", METRES)
def test_it_learns_from_the_rows_that_it_will_hear(metre: Metre) -> None:
    chance, excerpts, wanted = random.Random(3), list[Excerpt](), list[list[list[int]]]()
    for count in (5, 80, 33):
        notes = [
            [(chance.randint(0, 127), chance.randint(1, 127)) for _ in range(chance.randint(1, 6))]
            + [(60, 64)]
            for _ in range(count)
        ]
        parts, voices = arrays_of(list(zip(sorted(chance.sample(range(300), count)), notes, strict=True)))
        units, octaves = (parts - parts[0]) * UNITS // PARTS, np.linspace(3, 10, count)
        excerpts.append(Excerpt(units, voices, octaves, np.zeros(count, dtype=np.int64), 0))
        played, placed, told = PlayedFeatures(), PlacedFeatures(metre), list[list[int]]()
        for chord, distance, octave in zip(notes, np.diff(units, prepend=0), octaves, strict=True):
            rows_of_place = placed.of(int(distance), max(chord)[0])
            told.append(sorted([*played.of(chord), *rows_of_place, *tempo_rows(octave)[:2]]))
        wanted.append(told)
    rows, shares, _, _ = batch(excerpts, metre)
    for number, told in enumerate(wanted):
        assert np.sort(rows[number, : len(told)]).tolist() == told
        high = [tempo_rows(octave)[2] for octave in excerpts[number].octaves.tolist()]
        assert shares[number, : len(told), -1] == pytest.approx(high)
        assert not shares[number, len(told) :].any()


@pytest.mark.parametrize(
    ("tempo", "units", "level"),
    [(110.0, UNITS // 2, SAME), (220.0, UNITS, LONGER), (55.0, UNITS // 4, SHORTER)],
)
def test_it_knows_the_beat_and_the_bar_line_of_plain_music(tempo: float, units: int, level: int) -> None:
    network = metre_network(FOUR_FOUR)
    evidence, shift = MetreEvidence(network), 2
    said = [0.0] * 16
    played = PlayedFeatures()
    for number, (_, notes) in enumerate(music(5)[shift:]):
        evidence.hear(units if number else 0, played.of(notes), notes[0][0], log2(tempo))
        place = [evidence.at(level, (number + shift - late) * units // 6) for late in range(8)]
        said = [network.decay * before + one for before, one in zip(said, place, strict=False)]
    assert said.index(max(said)) == 0
    share = exp(said[0] - evidence.total + evidence.levels[level])
    assert share > 10  # so much likelier than even


def test_training_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.metre_training.BATCH", 8)
    runs = {metre: [Run("song", "melody", music(20))] for metre in (THREE_FOUR, SIX_EIGHT)}
    arrays, again = trained(runs, seed=1, steps=2), trained(runs, seed=1, steps=2)
    assert all((arrays[name] == again[name]).all() for name in arrays)
    assert {name for name in arrays if "places" in name} == {
        "three places", "three places_bias", "six places", "six places_bias",
    }  # fmt: skip
