"""Tiny networks with their settings, and batches, for the tests of objectives."""

from pathlib import Path

import torch

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.networks.vae import VAE
from tests.fakes.synthetic import GRID, melody
from trainer import settings
from trainer.settings import FitConfig
from trainer.training.objectives.base import Batch, Moment

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
