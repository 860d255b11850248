"""The language model's loss."""

from pathlib import Path

import pytest
import torch

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.networks.decoders.base import AutoregressiveDecoder
from model.networks.vae import VAE
from tests.fakes.runs import LANGUAGE
from tests.fakes.synthetic import GRID, melody
from trainer import settings
from trainer.settings import FitConfig
from trainer.training.objectives.base import MODEL, Batch, Moment
from trainer.training.objectives.language import Language

HALF = Moment(100, 0.5)


def built(text: str, tmp_path: Path, *overrides: str) -> tuple[VAE, FitConfig]:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    configuration = settings.read(path, list(overrides))
    torch.manual_seed(3)
    return VAE(configuration.model), configuration.fit


def batch(count: int = 6, *, edits: int = 0, knobs: int = 2) -> Batch:
    codec = build("melody", GRID)
    packed = [pack_phrase(codec, melody(seed)) for seed in range(count)]
    arrays = {name: torch.cat([torch.from_numpy(each[name]) for each in packed]) for name in packed[0]}
    edited = {name: value.flip(0)[:edits] for name, value in arrays.items()}
    return Batch(arrays, edited, torch.ones(edits, knobs))


def test_a_language_models_loss_is_the_likelihood_of_the_next_step(tmp_path: Path) -> None:
    net, fit = built(LANGUAGE, tmp_path)
    made = batch(knobs=1)
    loss = Language(net, fit).loss(MODEL, made, HALF)
    # by hand, step by step, told the truth
    with torch.no_grad():
        features = net.surface.read(made.arrays)
        carried = net.begin(torch.zeros(len(made), 0), torch.zeros(len(made), 1), None)
        out = []
        for step in range(GRID.steps):
            before = features[:, step - 1] if step else torch.zeros_like(features[:, 0])
            assert isinstance(net.decoder, AutoregressiveDecoder)
            logits, carried = net.decoder.step(carried, before)
            out.append(logits)
        heads = net.surface.write(torch.stack(out, dim=1))
        wanted = sum(value.mean() for value in net.surface.loss(heads, made.arrays).values())
    assert float(loss.total.detach()) == pytest.approx(float(wanted), rel=1e-4)
