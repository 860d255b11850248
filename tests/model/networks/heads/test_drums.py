"""The drums head: what it writes, what it costs, what it draws."""

import numpy as np
import torch

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import ARGMAX, Sampling
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.networks.heads.base import Chance, Tensors
from model.networks.heads.drums import KITS, DrumsHead

GRID = Grid(1)
BEAT = Phrase.of(
    GRID,
    [
        *(Note(step, 36, 100, 1, 0.1, DRUMS) for step in (0, 8)),
        *(Note(step, 38, 110, 1, -0.2, DRUMS) for step in (4, 12)),
        *(Note(step, 42, 40 + step, 1, 0.0, DRUMS) for step in range(0, 16, 2)),
    ],
)
HEAD = DrumsHead(GRID)


def packed() -> Tensors:
    return {n: torch.from_numpy(v) for n, v in pack_phrase(build("drums", GRID), BEAT).items()}


def sure(arrays: Tensors) -> torch.Tensor:
    """Outputs of a network that knows the phrase, [1, steps, 27]."""
    hit, velocity, offset = arrays["drums"].unbind(2)
    return torch.cat(
        (hit * 60 - 30, torch.logit(velocity.clamp(1e-6, 1 - 1e-6)), torch.atanh(2 * offset)), -1
    )


def test_a_network_that_knows_the_phrase_spells_it_at_no_cost() -> None:
    arrays = packed()
    heads = HEAD.write(sure(arrays))
    assert all(float(value) < 1e-4 for value in HEAD.loss(heads, arrays).values())
    played = build("drums", GRID).read({name: value[0].numpy() for name, value in heads.items()})
    assert played == BEAT
    torch.testing.assert_close(HEAD.roll(heads), HEAD.rolled(arrays), atol=1e-5, rtol=0)


def test_levels_cost_at_hits_alone_in_units_of_their_spread() -> None:
    arrays = packed()
    heads = {name: value.clone() for name, value in HEAD.write(sure(arrays)).items()}
    heads["drum_velocity"][0, 1] = 0.9  # no hit there
    heads["drum_offset"][0, 1] = 0.4
    assert float(HEAD.loss(heads, arrays)["velocity"]) < 1e-4
    heads["drum_velocity"][0, 0, 0] += 0.06
    heads["drum_offset"][0, 0, 0] += 0.16
    found = HEAD.loss(heads, arrays)
    assert abs(float(found["velocity"]) - 0.5) < 1e-3
    assert abs(float(found["offset"]) - 2.0) < 1e-3


def test_a_draw_gives_what_the_codec_packs() -> None:
    arrays = packed()
    logits = sure(arrays)
    last = HEAD.blank(1, torch.device("cpu"))
    steps = []
    for step in range(GRID.steps):
        chance = Chance.of(ARGMAX, torch.full((1, KITS), 0.5))
        last = HEAD.draw(logits[:, step], chance, last)
        steps.append(last["drums"])
    torch.testing.assert_close(torch.cat(steps, 1), arrays["drums"], atol=1e-4, rtol=0)


def test_sampled_hits_come_as_often_as_their_chance_says() -> None:
    logits = torch.zeros(4000, 27)
    logits[:, :KITS] = 2.0  # a chance of one half
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.random((4000, KITS), dtype=np.float32))
    drawn = HEAD.draw(logits, Chance.of(Sampling(temperature=1.0), noise), {})["drums"]
    assert abs(float(drawn[:, 0, 0].mean()) - 0.5) < 0.02
    assert float((drawn[:, 0, 1] > 0).ne(drawn[:, 0, 0] > 0).sum()) == 0


def test_the_roll_passes_gradients_to_hits() -> None:
    flat = torch.zeros(1, 16, 27, requires_grad=True)
    (gradient,) = torch.autograd.grad(HEAD.roll(HEAD.write(flat))[..., :KITS].sum(), flat)
    assert float(gradient[..., :KITS].abs().min()) > 0
