"""Where the bar line is, by excerpts of music: what the scripts of tables read, and a fit."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from model.music.grid import Grid
from trainer.corpus.reading.read_midi import UnreadableError, parse
from trainer.corpus.reading.sheets import Sheet
from trainer.corpus.reading.sources import discover
from trainer.corpus.reading.tracks import Wide
from trainer.corpus.windows.bar_runs import Metres, bar_runs
from trainer.corpus.windows.phrase_windows import KEYBOARDS, LOWEST_LINE, MONOPHONIC

PARTS, FITTED = 10, range(6)  # of so many parts of all songs
METRES = {4: frozenset({(4, 4), (2, 2)}), 3: frozenset({(3, 4)})}
OFF, OFF_SHARE = 20, 0.2  # hundredths of a step, and the share of onsets so far off that is too much
CUES = 29

Onset = tuple[int, list[tuple[int, int]]]
"""A step, and the (pitch, velocity) of what starts on it."""


class Excerpt(NamedTuple):
    """What a few bars say: cues by place, the rhythm's logarithms by shift, the first onset's place."""

    cues: NDArray[np.float32]
    rhythm: NDArray[np.float64]
    first: int


def fitted(excerpts: Sequence[Excerpt], steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the first onset's place and the cues, [cue][place], count for, in logarithms."""
    cues = torch.tensor(np.array([excerpt.cues for excerpt in excerpts]))
    rhythm = torch.tensor(np.array([excerpt.rhythm for excerpt in excerpts]), dtype=torch.float32)
    opening = torch.tensor([excerpt.first for excerpt in excerpts])
    weights = torch.zeros(CUES, steps, requires_grad=True)
    first = torch.zeros(steps, requires_grad=True)
    share = torch.tensor(0.8, requires_grad=True)
    search = torch.optim.LBFGS([weights, first, share], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        scores = [
            (cues * torch.roll(weights, -shift, 1)[None]).sum((1, 2))
            + share * rhythm[:, shift]
            + first[(opening + shift) % steps]
            for shift in range(steps)
        ]
        true = torch.zeros(len(excerpts), dtype=torch.long)
        fit = torch.nn.functional.cross_entropy(torch.stack(scores, 1), true)
        return fit + 2e-3 * (weights**2).sum() + 1e-3 * (first**2).sum()

    def step() -> float:
        search.zero_grad()
        value = loss()
        value.backward()
        return float(value.detach())

    search.step(step)
    by_cue = weights.detach().double().numpy()
    by_place = torch.log_softmax(first.detach().double(), 0).numpy()
    return by_place, by_cue - by_cue.mean(1, keepdims=True)


class Line(NamedTuple):
    """A run of bars: which song it is from, whether it is its melody or its keyboard, and the notes."""

    song: str
    kind: str
    notes: Wide


def lines_of(folders: Iterable[Path], signatures: frozenset[tuple[int, int]], beats: int) -> Iterator[Line]:
    """Yield the melody and the keyboard of each run of bars of the songs to learn from.

    Args:
        folders: of MIDI files.
        signatures: (numerator, denominator) that are read.
        beats: quarters in a bar.
    """
    grid = Grid(beats_per_bar=beats)
    sources, _ = discover(folders, licences="permissive")
    for source in sources:
        song = source.cluster or source.name
        if int(hashlib.md5(song.encode(), usedforsecurity=False).hexdigest(), 16) % PARTS not in FITTED:
            continue
        try:
            score = parse(source.path.read_bytes())
        except (OSError, UnreadableError):
            continue
        metres = {(signature.numerator, signature.denominator) for signature in score.time_signatures}
        tracks = [track for track in score.tracks if len(track.notes) and not track.is_drum]
        if not tracks or not metres or not metres <= signatures:
            continue
        sheet = Sheet.of(tracks, score.tpq, bar_runs(Metres.of(score), grid), grid)
        single = [line for line in sheet.lines if line.alone >= MONOPHONIC and line.mean >= LOWEST_LINE]
        lead = max(single or sheet.lines, key=lambda line: (line.voiced, line.mean))
        keys = [line for line in sheet.lines if line.program in KEYBOARDS and not line.voiced]
        together = sheet.chords(keys)
        for span in range(len(sheet.spans)):
            yield Line(song, "melody", sheet.line(span, lead))
            yield Line(song, "keyboard", together[span])


def runs_of(folders: Iterable[Path], beats: int) -> Iterator[list[Onset]]:
    """Yield the onsets of each run of bars, of its melody and of its keyboard."""
    onsets = (_onsets(line.notes) for line in lines_of(folders, METRES[beats], beats))
    yield from (run for run in onsets if len(run) > 4 * beats)


def _onsets(notes: Wide) -> list[Onset]:
    if not len(notes) or float(np.mean(np.abs(notes[:, 4]) > OFF)) > OFF_SHARE:
        return []
    found: dict[int, list[tuple[int, int]]] = {}
    for step, pitch, velocity in notes[:, :3].tolist():
        found.setdefault(step, []).append((pitch, velocity))
    return sorted(found.items())
