"""The multitrack head: the tracks' own heads side by side, empty tracks too."""

import pytest
import torch

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import ARGMAX, Sampling
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, TRACKS
from model.networks.heads.base import Chance, Tensors
from model.networks.heads.multitrack import MultitrackHead

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
def head() -> MultitrackHead:
    torch.manual_seed(0)
    return MultitrackHead(GRID)


def packed(phrase: Phrase) -> Tensors:
    return {name: torch.from_numpy(value) for name, value in pack_phrase(CODEC, phrase).items()}


def test_names_and_sizes_are_the_codec_s(head: MultitrackHead) -> None:
    arrays = packed(BAND)
    assert set(arrays) - set(head.inputs) == {"chords.offset"}  # what only a poly model may heed
    heads = head.write(torch.randn(2, GRID.steps, head.step_logits))
    assert set(head.outputs) == set(heads)
    assert {name: tuple(value.shape[1:]) for name, value in heads.items()} == CODEC.heads()
    assert head.read(arrays).shape == (1, GRID.steps, head.step_features)
    assert sum(head.track_features) == head.step_features
    assert sum(head.track_logits) == head.step_logits
    assert head.rolled(arrays).shape == head.roll(heads)[:1].shape == (1, GRID.steps, head.channels)


@pytest.mark.parametrize("tracks", [(0, 1, 2, 3), (0, 3), (1,), (3,), ()])
def test_losses_are_finite_with_empty_tracks(head: MultitrackHead, tracks: tuple[int, ...]) -> None:
    arrays = packed(BAND.part(*tracks))
    flat = torch.randn(1, GRID.steps, head.step_logits, requires_grad=True)
    losses = head.loss(head.write(flat), arrays)
    assert {name.split(".")[0] for name in losses} == set(TRACKS)
    assert all(value.shape == (1,) and bool(torch.isfinite(value).all()) for value in losses.values())
    (gradient,) = torch.autograd.grad(torch.stack([value.sum() for value in losses.values()]).sum(), flat)
    assert bool(torch.isfinite(gradient).all())


def test_onset_channels_count_each_track_s_notes(head: MultitrackHead) -> None:
    roll = head.rolled(packed(BAND))
    found = [float(roll[..., begin:end].sum()) for begin, end in head.onset_channels]
    assert found == [len(BAND.part(track)) for track in range(4)]


@pytest.mark.parametrize("choice", [ARGMAX, Sampling(temperature=1.0, top_p=0.9)])
def test_what_is_drawn_is_what_the_codec_packs_of_it(head: MultitrackHead, choice: Sampling) -> None:
    generator = torch.Generator().manual_seed(1)
    last, steps = head.blank(1, torch.device("cpu")), []
    for _ in range(GRID.steps):
        logits = 3 * torch.randn(1, head.step_logits, generator=generator)
        chance = Chance.of(choice, torch.rand(1, head.chances, generator=generator))
        last = head.draw(logits, chance, last)
        steps.append(last)
    drawn = {name: torch.cat([step[name] for step in steps], dim=1) for name in head.inputs}
    phrase = CODEC.unpack({name: value.numpy() for name, value in drawn.items()}, 0)
    assert len(phrase.part(CHORDS, BASS, DRUMS)) > 4
    again = packed(phrase)
    for name, value in drawn.items():
        torch.testing.assert_close(again[name].float(), value.float(), atol=0.008, rtol=0, msg=name)
