"""The evidence lower bound: CE(x | z) + beta max(KL(q(z | x) || N(0, 1)) - free, 0), in nats per phrase.

With beta (Higgins et al. 2017, "beta-VAE"), free bits as a total per phrase (Roberts et al. 2018,
"MusicVAE"), the edit pairs of `data.edit_pairs`, weight CE(x' | z, c(x') - c(x)), and a critic's term where
one is set.  For decoders that write step by step: word dropout (Bowman et al. 2016, "Generating sentences
from a continuous space") and scheduled sampling (Bengio et al. 2015).  A summary without a law of its own,
as in seq2seq, has no KL.
"""

from typing import ClassVar

import torch
from torch import Tensor

from model.networks.heads.base import Tensors
from model.networks.vae import VAE
from trainer.settings import FitConfig
from trainer.training.objectives.base import MODEL, Batch, Loss, Moment, Objective, Term, weighed
from trainer.training.objectives.schedules import beta, true_share

WHOLE = {"patch", "conv", "bands"}  # encoders and decoders that read every parameter in every step


class Elbo(Objective):
    """Anything with an encoder."""

    uses_edits: ClassVar[bool] = True

    def __init__(self, net: VAE, fit: FitConfig, term: Term | None = None) -> None:
        """Hold the network and the settings.

        Args:
            net: with an encoder.
            fit: settings of the run.
            term: a critic's, added to the loss from the share `fit.critic.start` of the run on.
        """
        super().__init__(net, fit)
        self.term = term
        if term is not None:
            self.networks = term.networks

    def optimiser(self, role: str) -> torch.optim.Optimizer:
        """Return the optimiser of one of the term's networks."""
        assert self.term is not None
        return self.term.optimiser(role)

    def rounds(self, moment: Moment) -> tuple[str, ...]:
        """Return the term's roles, once it counts, and the model."""
        return (
            (*self.term.rounds(moment), MODEL) if self.term is not None and self._counts(moment) else (MODEL,)
        )

    def loss(self, role: str, batch: Batch, moment: Moment) -> Loss:
        """Return the bound, with every part of it; also of a part whose weight is 0."""
        if role != MODEL:
            assert self.term is not None
            with torch.no_grad():
                heads = self._heads(batch, moment)[0]
            return self.term.loss(role, heads, batch, moment)
        count, edits = len(batch), len(batch.change)
        heads, target, price = self._heads(batch, moment)
        losses = weighed(self.net.head.loss(heads, target), self.fit)
        parts = {name: value[:count].mean() for name, value in losses.items()}
        plain = torch.stack(list(parts.values())).sum()
        kl = price.mean()
        dear = (price - self.fit.free_bits).clamp(min=0).mean() if self.fit.free_bits else kl
        edit = plain.new_zeros(())
        if edits:
            edit = torch.stack([value[count:].mean() for value in losses.values()]).sum()
        total = plain + beta(self.fit, moment.share) * dear + self.fit.edit_weight * edit
        added: Tensors = {}
        if self.term is not None and self._counts(moment):
            added = self.term.parts({name: value[:count] for name, value in heads.items()}, batch, moment)
            total = total + torch.stack(list(added.values())).sum()
        return Loss(total, {**parts, "kl": kl, "edit": edit, **added})

    def reads_all(self, role: str) -> bool:
        """Return whether the model learns as a whole: what reads pictures leaves the embedding alone."""
        kinds = {self.net.config.encoder.kind, self.net.config.decoder.kind}
        return role == MODEL and kinds <= WHOLE

    def _heads(self, batch: Batch, moment: Moment) -> tuple[Tensors, Tensors, Tensor]:
        """Return heads of x and x', what they should be, and the KL of each x, [B] in nats."""
        mean, logvar = self.net.encode(batch.arrays if batch.encoder_input is None else batch.encoder_input)
        z = self.net.sample(mean.float(), logvar.float())
        count, edits = len(batch), len(batch.change)
        price = self.net.divergence(mean, logvar).sum(1)
        change = torch.cat((z.new_zeros(count, batch.change.shape[1]), batch.change))
        target = {name: torch.cat((value, batch.edited[name])) for name, value in batch.arrays.items()}
        condition = batch.condition
        if condition is not None:
            condition = torch.cat((condition, condition[:edits]))
        heads = taught(
            self.net,
            self.fit,
            torch.cat((z, z[:edits])),
            change=change,
            target=target,
            condition=condition,
            moment=moment,
        )
        return heads, target, price

    def _counts(self, moment: Moment) -> bool:
        """Return whether the term counts yet."""
        return moment.share >= self.fit.critic.start


def taught(
    net: VAE,
    fit: FitConfig,
    z: Tensor,
    *,
    change: Tensor,
    target: Tensors,
    condition: Tensor | None,
    moment: Moment,
) -> Tensors:
    """Return the decoder's heads, after the target's steps where it writes step by step."""
    return net.teach(
        z,
        change,
        target,
        condition,
        word_dropout=fit.word_dropout,
        scheduled=1.0 - true_share(fit, moment.step),
    )
