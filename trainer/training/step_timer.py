"""A run's own steps, timed: in which precision and on how many threads they are quickest, and if compiled.

Tested in tests/trainer/training/test_resume.py, tests/trainer/training/test_adversarial_fit.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from model.networks.vae import VAE
from trainer.run.device import KINDS, faster, quickest_threads
from trainer.training.compiling import compile_where_quicker
from trainer.training.objectives.base import MODEL, Batch, Moment, Objective
from trainer.training.role import TrainedRole, train_only


@dataclass(frozen=True, slots=True)
class StepTimer:
    """Takes steps that change nothing of the run.

    A processor may multiply large matrices faster in bfloat16, or on two threads, and still be slow at what
    this model does.

    Attributes:
        roles: by role.
        objective: that names the rounds of a step.
        batch: as large as the run's.
    """

    roles: Mapping[str, TrainedRole]
    objective: Objective
    batch: Batch

    def seconds(self, kind: torch.dtype | None = None) -> float:
        """Return how long a step of all roles takes in a precision, the run's own by default."""
        kind = self.roles[MODEL].kind if kind is None else kind
        moment, held, seconds = Moment(0, 1.0), self.objective.state(), 0.0
        with torch.random.fork_rng(devices=[]):
            for role in self.objective.rounds(moment):
                train_only(self.roles, role)
                seconds += self.roles[role].timed(self.batch, moment, kind)
        self.objective.restore(held)
        return seconds

    def precision(self) -> str:
        """Return `bfloat16` where steps are clearly faster in it, else `float32`."""
        return faster(lambda name: self.seconds(KINDS[name]))

    def threads(self) -> int:
        """Return with how many of torch's threads steps are quickest."""
        return quickest_threads(self.seconds)

    def compile(self, net: VAE) -> str:
        """Compile a network where that makes steps quicker; return what came of it."""
        return compile_where_quicker(net, self.seconds)
