"""What a step-by-step decoder is fed while it learns: the truth, nothing, or what it would have drawn."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from model.codecs.sampling import Sampling
from model.networks.decoders.base import AutoregressiveDecoder, delayed
from model.networks.heads.base import Chance, Head


class TeacherForcing(nn.Module):
    """Teacher forcing with word dropout and scheduled sampling.

    Attributes:
        unheard: features [F] that stand for a dropped step; learned, zeros at first.
    """

    def __init__(self, head: Head) -> None:
        """Make the vector of a dropped step; the head stays its owner's."""
        super().__init__()
        self.unheard = nn.Parameter(torch.zeros(head.step_features))
        self._head = (head,)  # in a tuple, so that its parameters are not counted here too

    def taught(
        self,
        decoder: AutoregressiveDecoder,
        z: Tensor,
        change: Tensor,
        condition: Tensor | None,
        arrays: Mapping[str, Tensor],
        *,
        word_dropout: float,
        scheduled: float,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Return outputs [B, S, L] while the arrays [B, S, ...] are learned; see `networks.vae.VAE.teach`."""
        before = delayed(self._head[0].read(arrays))
        count, steps = before.shape[:2]
        visible = torch.ones(count, steps, 1, device=before.device, dtype=torch.bool)
        if word_dropout > 0:
            drawn = torch.rand(count, steps - 1, 1, device=before.device, generator=generator)
            visible = torch.cat((visible[:, :1], drawn >= word_dropout), dim=1)
            before = torch.where(visible, before, self.unheard.to(before.dtype))
        if scheduled <= 0:
            return decoder(z, change, condition, before)  # type: ignore[no-any-return]  # torch's call
        return self._sampled(
            decoder,
            z,
            change,
            condition,
            arrays,
            before=before,
            visible=visible,
            scheduled=scheduled,
            generator=generator,
        )

    def _sampled(
        self,
        decoder: AutoregressiveDecoder,
        z: Tensor,
        change: Tensor,
        condition: Tensor | None,
        arrays: Mapping[str, Tensor],
        *,
        before: Tensor,
        visible: Tensor,
        scheduled: float,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Go step by step, each fed with chance `scheduled` what was drawn at temperature 1 for the last."""
        head = self._head[0]
        count, steps = before.shape[:2]
        from_model = torch.rand(count, steps, device=before.device, generator=generator) < scheduled
        noise = torch.rand(count, steps, head.chances, device=before.device, generator=generator)
        state = decoder.start(z, change, condition)
        last = head.blank(count, before.device)
        fed = before[:, 0]
        out = []
        for step in range(steps):
            logits, state = decoder.step(state, fed)
            out.append(logits)
            if step + 1 == steps:
                break
            with torch.no_grad():
                chance = Chance.of(Sampling(1.0), noise[:, step])
                drawn = head.draw(logits.detach(), chance, last)
                last = {
                    name: torch.where(
                        from_model[:, step].reshape(-1, *(1,) * (value.ndim - 1)),
                        value.to(arrays[name].dtype),
                        arrays[name][:, step : step + 1],
                    )
                    for name, value in drawn.items()
                }
            read = head.read(last)[:, 0].to(before.dtype)
            fed = torch.where(
                from_model[:, step].unsqueeze(1) & visible[:, step + 1], read, before[:, step + 1]
            )
        return torch.stack(out, dim=1)
