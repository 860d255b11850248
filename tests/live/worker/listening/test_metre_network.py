"""The metre's network: computed without arrays as it was trained, and right about plain music."""

from itertools import pairwise
from math import exp, log, log2
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from live.worker.listening.metre_network import LONGER, SAME, SHORTER, MetreEvidence, edges, metre_network
from live.worker.listening.onset_features import UNITS, PlayedFeatures
from scripts.metre_training import MetreTrainer, Run, batch, excerpt, trained

# eight eighths a bar, low on the one, a fifth on the three
BAR = (48, 64, 67, 64, 55, 64, 67, 64)


def music(bars: int) -> list[tuple[int, list[tuple[int, int]]]]:
    return [
        (6 * number, [(BAR[number % 8] + number // 8 % 2, 90 if number % 8 == 0 else 70)])
        for number in range(8 * bars)
    ]


@pytest.mark.parametrize("beats", [3, 4])
def test_it_says_what_the_trained_network_says(tmp_path: Path, beats: int) -> None:
    torch.manual_seed(5)
    trainer = MetreTrainer(beats).eval()
    name = {3: "three", 4: "four"}[beats]
    arrays = {f"{name} {key}": rows.astype(np.float16) for key, rows in trainer.arrays().items()}
    save_file(arrays, tmp_path / "w")
    draw = np.random.default_rng(2)
    drawn = [excerpt([[music(20)]], beats, draw) for _ in range(3)]
    rows, shares, units, true = batch(drawn, beats)
    with torch.no_grad():
        wanted = trainer(*map(torch.tensor, (rows, shares.astype(np.float32), units))).numpy()
    for number, one in enumerate(drawn):
        network = metre_network(beats, tmp_path / "w")
        evidence, played = MetreEvidence(network), PlayedFeatures()
        said = np.zeros(edges(beats)[-1])
        for at, distance in enumerate(np.diff(one.units, prepend=0).tolist()):
            evidence.hear(distance, played.of(one.notes[at]), max(one.notes[at])[0], float(one.octaves[at]))
            said *= network.decay
            for level, (first, after) in enumerate(pairwise(edges(beats))):
                sixteenth = int(one.units[at] + one.origin) // 6
                said[first:after] += [evidence.at(level, sixteenth - shift) for shift in range(after - first)]
        last = len(one.notes) - 1
        levels = np.repeat(
            [level - log(size / prior) for level, size, prior in
             zip(evidence.levels, (4 * beats, 8 * beats, 2 * beats), (0.5, 0.25, 0.25), strict=True)],
            (4 * beats, 8 * beats, 2 * beats),
        )  # fmt: skip
        assert said + levels == pytest.approx(wanted[number, last], abs=0.05)
        assert evidence.total == pytest.approx(float(np.logaddexp.reduce(wanted[number, last])), abs=0.05)
        assert set(true[number, :2]) == {-1}
        assert 0 <= true[number, last] < edges(beats)[-1]


@pytest.mark.parametrize(
    ("tempo", "units", "level"),
    [(110.0, UNITS // 2, SAME), (220.0, UNITS, LONGER), (55.0, UNITS // 4, SHORTER)],
)
def test_it_knows_the_beat_and_the_bar_line_of_plain_music(tempo: float, units: int, level: int) -> None:
    network = metre_network(4)
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
    arrays = trained([Run("song", "melody", music(20))], 3, seed=1, steps=2)
    again = trained([Run("song", "melody", music(20))], 3, seed=1, steps=2)
    assert all((arrays[name] == again[name]).all() for name in arrays)
    assert arrays["places"].shape[0] == edges(3)[-1]
