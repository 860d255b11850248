"""From a configuration's name to its objective."""

from pathlib import Path

import torch

from model.networks.vae import VAE
from tests.fakes.runs import LANGUAGE, STEPWISE
from trainer import settings
from trainer.settings import FitConfig
from trainer.training.objectives import registry
from trainer.training.objectives.elbo import Elbo
from trainer.training.objectives.language import Language


def built(text: str, tmp_path: Path, *overrides: str) -> tuple[VAE, FitConfig]:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    configuration = settings.read(path, list(overrides))
    torch.manual_seed(3)
    return VAE(configuration.model), configuration.fit


def test_the_objective_is_the_one_that_is_named(tmp_path: Path) -> None:
    assert type(registry.build(*built(STEPWISE, tmp_path))) is Elbo
    assert type(registry.build(*built(LANGUAGE, tmp_path))) is Language
