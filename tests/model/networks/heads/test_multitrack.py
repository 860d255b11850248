"""The multitrack surface: the tracks' own surfaces side by side, empty tracks too."""

import pytest
import torch

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import ARGMAX, Sampling
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, TRACKS
from model.networks.heads.base import Chance, Tensors
from model.networks.heads.multitrack import MultitrackSurface

GRID = Grid(1)
BAND = Phrase.of(
    GRID,
    [
        Note(0, 72, 90, 4),
        Note(6, 74, 80, 2),
        *(Note(0, key, 60, 8, 0.0, CHORDS) for key in (60, 64, 67)),
        Note(0, 36, 90, 8, 0.0, BASS),
        *(Note(step, 42, 40 + step, 1, 0.05, DRUMS) for step in range(0, 16, 2)),
    ],
)
CODEC = build("multitrack", GRID)


@pytest.fixture
def surface() -> MultitrackSurface:
    torch.manual_seed(0)
    return MultitrackSurface(GRID)


def packed(phrase: Phrase) -> Tensors:
    return {name: torch.from_numpy(value) for name, value in pack_phrase(CODEC, phrase).items()}


def test_names_and_sizes_are_the_codec_s(surface: MultitrackSurface) -> None:
    arrays = packed(BAND)
    assert set(arrays) - set(surface.inputs) == {"chords.offset"}  # what only a poly model may heed
    heads = surface.write(torch.randn(2, GRID.steps, surface.step_logits))
    assert set(surface.outputs) == set(heads)
    assert {name: tuple(value.shape[1:]) for name, value in heads.items()} == CODEC.heads()
    assert surface.read(arrays).shape == (1, GRID.steps, surface.step_features)
    assert sum(surface.track_features) == surface.step_features
    assert sum(surface.track_logits) == surface.step_logits
    assert surface.rolled(arrays).shape == surface.roll(heads)[:1].shape == (1, GRID.steps, surface.channels)


@pytest.mark.parametrize("tracks", [(0, 1, 2, 3), (0, 3), (1,), (3,), ()])
def test_losses_are_finite_with_empty_tracks(surface: MultitrackSurface, tracks: tuple[int, ...]) -> None:
    arrays = packed(BAND.part(*tracks))
    flat = torch.randn(1, GRID.steps, surface.step_logits, requires_grad=True)
    losses = surface.loss(surface.write(flat), arrays)
    assert {name.split(".")[0] for name in losses} == set(TRACKS)
    assert all(value.shape == (1,) and bool(torch.isfinite(value).all()) for value in losses.values())
    (gradient,) = torch.autograd.grad(torch.stack([value.sum() for value in losses.values()]).sum(), flat)
    assert bool(torch.isfinite(gradient).all())


def test_onset_channels_count_each_track_s_notes(surface: MultitrackSurface) -> None:
    roll = surface.rolled(packed(BAND))
    found = [float(roll[..., begin:end].sum()) for begin, end in surface.onset_channels]
    assert found == [len(BAND.part(track)) for track in range(4)]


@pytest.mark.parametrize("choice", [ARGMAX, Sampling(temperature=1.0, top_p=0.9)])
def test_what_is_drawn_is_what_the_codec_packs_of_it(surface: MultitrackSurface, choice: Sampling) -> None:
    generator = torch.Generator().manual_seed(1)
    last, steps = surface.blank(1, torch.device("cpu")), []
    for _ in range(GRID.steps):
        logits = 3 * torch.randn(1, surface.step_logits, generator=generator)
        chance = Chance.of(choice, torch.rand(1, surface.chances, generator=generator))
        last = surface.draw(logits, chance, last)
        steps.append(last)
    drawn = {name: torch.cat([step[name] for step in steps], dim=1) for name in surface.inputs}
    phrase = CODEC.unpack({name: value.numpy() for name, value in drawn.items()}, 0)
    assert len(phrase.part(CHORDS, BASS, DRUMS)) > 4
    again = packed(phrase)
    for name, value in drawn.items():
        torch.testing.assert_close(again[name].float(), value.float(), atol=0.008, rtol=0, msg=name)
