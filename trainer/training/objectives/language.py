"""A language model over phrases: -log p(step | steps before it), summed over the whole grid, in nats."""

import torch

from trainer.training.objectives.base import Batch, Loss, Moment, Objective, weighed
from trainer.training.objectives.elbo import taught


class Language(Objective):
    """Step by step, without a latent; the context bars of a continuation are learned as well."""

    def loss(self, role: str, batch: Batch, moment: Moment) -> Loss:  # noqa: ARG002 - the model is the only one
        """Return the negative log-likelihood of the next step, and its parts."""
        first = next(iter(batch.arrays.values()))
        z = torch.zeros(len(batch), 0, device=first.device)
        change = torch.zeros(len(batch), batch.change.shape[1], device=first.device)
        heads = taught(
            self.net,
            self.fit,
            z,
            change=change,
            target=batch.arrays,
            condition=batch.condition,
            moment=moment,
        )
        losses = weighed(self.net.head.loss(heads, batch.arrays), self.fit)
        parts = {name: value.mean() for name, value in losses.items()}
        return Loss(torch.stack(list(parts.values())).sum(), parts)
