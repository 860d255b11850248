"""How what is wanted enters a decoder: knobs' changes and conditions as vectors to add, zero at first.

Tested in tests/model/networks/decoders/test_base.py.
"""

import torch
from torch import Tensor, nn

from model.networks.sizes import Sizes


class Conditioning(nn.Linear):
    """Wanted changes and conditions to a vector for every beat or step.

    Both layers start at zero, so that an untrained knob does nothing, and no change and no condition are
    exactly the plain decode.  `weight` is the knobs' layer, `conditions` is None of a model that has none.
    """

    def __init__(self, sizes: Sizes, width: int) -> None:
        super().__init__(max(sizes.knobs, 1), width, bias=False)
        nn.init.zeros_(self.weight)
        self.grid = sizes.grid
        self.conditions: nn.Linear | None = None
        if sizes.condition_width:
            self.conditions = nn.Linear(sizes.condition_width, width, bias=False)
            nn.init.zeros_(self.conditions.weight)

    def beats(self, change: Tensor, condition: Tensor | None) -> Tensor:
        """Return [B, beats, width], or [B, 1, width] without conditions.

        Args:
            change: wanted change of each knob's attribute in standard deviations, [B, max(knobs, 1)].
            condition: [B, beats, condition], see `model.codecs.conditions`; None is none of them.
        """
        out: Tensor = super().forward(change).unsqueeze(1)
        if self.conditions is not None and condition is not None:
            out = out + self.conditions(condition)
        return out

    def steps(self, change: Tensor, condition: Tensor | None) -> Tensor:
        """Return [B, steps, width], or [B, 1, width] without conditions."""
        out = self.beats(change, condition)
        if out.shape[1] > 1 or (condition is not None and self.conditions is not None):
            out = torch.repeat_interleave(out, self.grid.steps_per_beat, dim=1)
        return out

    def forward(self, change: Tensor) -> Tensor:
        """Return the knobs' part alone, [B, width]."""
        out: Tensor = super().forward(change)
        return out
