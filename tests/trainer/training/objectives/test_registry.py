"""From a configuration's name to its objective."""

from pathlib import Path

from tests.fakes.objectives import built
from tests.fakes.runs import LANGUAGE, STEPWISE
from trainer.training.objectives import registry
from trainer.training.objectives.elbo import Elbo
from trainer.training.objectives.language import Language


def test_the_objective_is_the_one_that_is_named(tmp_path: Path) -> None:
    assert type(registry.build(*built(STEPWISE, tmp_path))) is Elbo
    assert type(registry.build(*built(LANGUAGE, tmp_path))) is Language
