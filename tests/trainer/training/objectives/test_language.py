"""The language model's loss."""

from pathlib import Path

import pytest
import torch

from model.networks.decoders.base import AutoregressiveDecoder
from tests.fakes.objectives import HALF, batch, built
from tests.fakes.runs import LANGUAGE
from tests.fakes.synthetic import GRID
from trainer.training.objectives.base import MODEL
from trainer.training.objectives.language import Language


def test_a_language_models_loss_is_the_likelihood_of_the_next_step(tmp_path: Path) -> None:
    net, fit = built(LANGUAGE, tmp_path)
    made = batch(knobs=1)
    loss = Language(net, fit).loss(MODEL, made, HALF)
    # by hand, step by step, told the truth
    with torch.no_grad():
        features = net.head.read(made.arrays)
        carried = net.begin(torch.zeros(len(made), 0), torch.zeros(len(made), 1), None)
        out = []
        for step in range(GRID.steps):
            before = features[:, step - 1] if step else torch.zeros_like(features[:, 0])
            assert isinstance(net.decoder, AutoregressiveDecoder)
            logits, carried = net.decoder.step(carried, before)
            out.append(logits)
        heads = net.head.write(torch.stack(out, dim=1))
        wanted = sum(value.mean() for value in net.head.loss(heads, made.arrays).values())
    assert float(loss.total.detach()) == pytest.approx(float(wanted), rel=1e-4)
