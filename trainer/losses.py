"""What a step of training minimises, in nats per phrase.

CE(x | z) + beta KL(q(z | x) || N(0, 1)) + weight CE(x' | z, c(x') - c(x)): the evidence lower bound with
beta (Higgins et al. 2017, "beta-VAE") and the edit pairs of `trainer.pairs`.  Every part is logged, also
one whose weight is 0.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.heads import Tensors
from model.vae import VAE, divergence, sample


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed phrases x, and for the first E of them an edit x'.

    Attributes:
        arrays: the codec's arrays of x, [B, ...].
        edited: the codec's arrays of x', [E, ...]; E may be 0.
        change: float32 [E, knobs], in standard deviations.

    """

    arrays: Tensors
    edited: Tensors
    change: Tensor


def objective(
    net: VAE, batch: Batch, *, beta: float, edit_weight: float, velocity_weight: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss, a scalar, and its parts by name, each a mean over the batch in nats."""
    mean, logvar = net.encode(batch.arrays)
    z = sample(mean.float(), logvar.float())
    count, edits = z.shape[0], batch.change.shape[0]
    change = torch.cat((z.new_zeros(count, batch.change.shape[1]), batch.change))
    heads = net.decode(torch.cat((z, z[:edits])), change)
    target = {name: torch.cat((value, batch.edited[name])) for name, value in batch.arrays.items()}
    losses = net.surface.loss(heads, target)
    losses["velocity"] = losses["velocity"] * velocity_weight
    parts = {name: value[:count].mean() for name, value in losses.items()}
    plain = torch.stack(list(parts.values())).sum()
    kl = divergence(mean, logvar).sum(1).mean()
    edit = plain.new_zeros(())
    if edits:
        edit = torch.stack([value[count:].mean() for value in losses.values()]).sum()
    return plain + beta * kl + edit_weight * edit, {**parts, "kl": kl, "edit": edit}
