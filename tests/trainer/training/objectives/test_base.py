"""What every objective shares."""

import torch

from trainer.settings import FitConfig
from trainer.training.objectives.base import weighed


def test_velocities_of_every_part_are_weighed() -> None:
    one = torch.ones(2)
    found = weighed(
        {"velocity": one, "drums.drum_velocity": one, "onset": one}, FitConfig(velocity_weight=0.5)
    )
    assert {name: float(value[0]) for name, value in found.items()} == {
        "velocity": 0.5,
        "drums.drum_velocity": 0.5,
        "onset": 1.0,
    }
