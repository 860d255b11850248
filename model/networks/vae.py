"""The network that a configuration describes, whatever its family: encoder, bottleneck, decoder.

    arrays [B, S, ...]          packed phrases, as the codec gives them
      head.read                 features [B, S, F]
      encoder                   summary [B, tokens, width]
      bottleneck                mean, log-variance [B, d]
      sample                    z [B, d], beside it change [B, knobs] and condition [B, beats, C]
      decoder                   outputs [B, S, L], all at once or step by step
      head.write                the codec's heads [B, S, ...]

A variational autoencoder (Kingma and Welling 2013, "Auto-encoding variational Bayes") with law `gaussian`; an
encoder-decoder with law `none`; a generator of noise with law `noise`; a language model without a latent.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from model.codecs.conditions import condition_width
from model.codecs.sampling import ARGMAX, Sampling
from model.config import ModelConfig
from model.errors import ModelError
from model.networks.bottleneck import Bottleneck, check_slices, divergence
from model.networks.decoders.base import AutoregressiveDecoder, State
from model.networks.decoders.registry import build_decoder
from model.networks.encoders.registry import build_encoder
from model.networks.heads.base import Chance, Tensors
from model.networks.heads.registry import build_head
from model.networks.sizes import Sizes
from model.networks.teacher_forcing import TeacherForcing

T = TypeVar("T")


def named(parameters: Mapping[str, T]) -> dict[str, T]:
    """Return parameters by the names that the network has, as files of before have others."""
    return {
        re.sub(r"^surface\.", "head.", name).replace(".told.", ".conditions."): value
        for name, value in parameters.items()
    }


class VAE(nn.Module):
    """Phrase arrays to z and back.

    Attributes:
        config: what it was built from.
        latent: whether there is a z; without one every z is [B, 0].
        autoregressive: whether the decoder goes step by step.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Build every part that the configuration names.

        Raises:
            ConfigError: a part is unknown, or sizes do not fit together.
        """
        super().__init__()
        config.check()
        self.config = config
        self.head = build_head(config)
        self.sizes = Sizes(
            grid=config.grid.build(),
            features=self.head.step_features,
            logits=self.head.step_logits,
            latent=config.latent_size,
            neck=config.bottleneck.kind,
            knobs=len(config.knobs),
            condition_width=condition_width(config),
            channels=self.head.channels,
            layout=self.head.layout,
            track_features=self.head.track_features,
            track_logits=self.head.track_logits,
        )
        check_slices(config.bottleneck, self.sizes)
        self.latent = config.latent_size > 0
        if config.encoder.kind != "none":
            self.encoder = build_encoder(config.encoder, self.sizes)
            self.bottleneck = Bottleneck(
                config.bottleneck, self.sizes, tokens=self.encoder.tokens, width=self.encoder.width
            )
        self.decoder = build_decoder(config.decoder, self.sizes)
        self.autoregressive = isinstance(self.decoder, AutoregressiveDecoder)
        if self.autoregressive:
            self.feeding = TeacherForcing(self.head)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:  # noqa: ANN401 - as torch has it
        """Take parameters as `torch.nn.Module` does, under older names too."""
        return super().load_state_dict(named(state_dict), strict=strict, assign=assign)

    # -- encode

    def encode(self, arrays: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z given x), each float [B, d].

        A deterministic summary has next to no variance; without a latent both are [B, 0]; of noise that
        nothing encodes they are the prior's: zeros.
        """
        if self.config.encoder.kind == "none":
            count, like = len(next(iter(arrays.values()))), next(self.parameters())
            prior = like.new_zeros(count, self.config.latent_size)  # [B, d]
            return prior, prior.clone()
        read = self.head.rolled if self.encoder.rolls else self.head.read
        x = read(arrays)  # [B, S, F], of rolls [B, S, channels]
        summary = self.encoder(x)  # [B, tokens, width]
        mean, logvar = self.bottleneck(summary)  # [B, d], [B, d]
        return mean, logvar

    # -- bottleneck

    def sample(self, mean: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw z as the law says, [B, d]: the mean itself where it is deterministic."""
        if self.config.bottleneck.law == "none":
            return mean
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        return mean + noise * (0.5 * logvar).exp()  # [B, d]

    def divergence(self, mean: Tensor, logvar: Tensor) -> Tensor:
        """Return KL(q || N(0, 1)) in nats of each dimension, [B, d]; zeros for any law but `gaussian`."""
        if self.config.bottleneck.law != "gaussian":
            return torch.zeros_like(mean, dtype=torch.float32)
        return divergence(mean, logvar)

    # -- decode

    def decode(self, z: Tensor, change: Tensor | None = None, condition: Tensor | None = None) -> Tensors:
        """Return the heads that a decoder which writes all at once gives.

        Args:
            z: float [B, d].
            change: of the knobs' attributes, [B, max(knobs, 1)], in standard deviations; None is none.
            condition: [B, beats, condition], see `model.codecs.conditions`; None is none.

        Raises:
            ModelError: the decoder goes step by step: it needs `teach` or `generate`.
        """
        if isinstance(self.decoder, AutoregressiveDecoder):
            raise ModelError("a decoder that goes step by step has no heads before it has drawn")
        flat = self.decoder(z, *self._wanted(z, change, condition))  # [B, S, L]
        return self.head.write(flat)  # each [B, S, ...]

    def teach(
        self,
        z: Tensor,
        change: Tensor | None,
        arrays: Mapping[str, Tensor],
        condition: Tensor | None = None,
        *,
        word_dropout: float = 0.0,
        scheduled: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensors:
        """Return the heads of any decoder while it learns `arrays`; they matter step by step only.

        Args:
            z: as in `decode`.
            change: as in `decode`.
            arrays: what it shall write, packed, [B, S, ...].
            condition: as in `decode`.
            word_dropout: chance that a step does not see the one before it (Bowman et al. 2016, "Generating
                sentences from a continuous space").
            scheduled: chance that a step sees the model's own draw for the one before it instead of the
                truth (Bengio et al. 2015, "Scheduled sampling for sequence prediction").
            generator: of the chance; its device is the network's.
        """
        if not isinstance(self.decoder, AutoregressiveDecoder):
            return self.decode(z, change, condition)
        flat = self.feeding.taught(
            self.decoder,
            z,
            *self._wanted(z, change, condition),
            arrays,
            word_dropout=word_dropout,
            scheduled=scheduled,
            generator=generator,
        )  # [B, S, L]
        return self.head.write(flat)  # each [B, S, ...]

    def generate(
        self,
        z: Tensor,
        change: Tensor | None = None,
        sampling: Sampling = ARGMAX,
        prefix: Mapping[str, Tensor] | None = None,
        prefix_steps: int = 0,
        *,
        generator: torch.Generator | None = None,
        condition: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> Tensors:
        """Return packed arrays [B, S, ...] that the model draws, free-running.

        Args:
            z: float [B, d].
            change: as in `decode`.
            sampling: temperature, top-k, top-p and seed.
            prefix: packed arrays [B or 1, S or fewer, ...] whose first `prefix_steps` steps are kept; a
                decoder that goes step by step is fed them.
            prefix_steps: how many.
            generator: of the noise, on the CPU; by default a new one with the sampling's seed.
            condition: as in `decode`.
            noise: the noise itself, uniform [B or 1, S, chances], instead of a generator.
        """
        steps, count = self.sizes.grid.steps, z.shape[0]
        if noise is None and sampling.temperature > 0:
            if generator is None:
                generator = torch.Generator().manual_seed(sampling.seed)
            noise = torch.rand(count, steps, self.head.chances, generator=generator)
        if noise is None:
            noise = torch.full((1, steps, self.head.chances), 0.5)
        noise = noise.to(z.device).expand(count, -1, -1)  # [B, S, chances]
        wanted = self._wanted(z, change, condition)
        drawn = []
        with torch.no_grad():
            if self.autoregressive:
                state = self.begin(z, *wanted)
            else:
                flat = self.decoder(z, *wanted)  # [B, S, L]
            last = self.head.blank(count, z.device)  # each [B, 1, ...]
            for step in range(steps):
                chance = Chance.of(sampling, noise[:, step])
                if self.autoregressive:
                    last, state = self.advance(state, last, chance)
                else:
                    last = self.head.draw(flat[:, step], chance, last)
                if prefix is not None and step < prefix_steps:
                    last = {
                        name: prefix[name][:, step : step + 1].expand_as(value).to(value.dtype)
                        for name, value in last.items()
                    }
                drawn.append(last)
        return {name: torch.cat([now[name] for now in drawn], dim=1) for name in self.head.inputs}

    def begin(self, z: Tensor, change: Tensor, condition: Tensor | None) -> State:
        """Return a step-by-step decoder's state before the first step."""
        assert isinstance(self.decoder, AutoregressiveDecoder)
        return self.decoder.start(z, change, condition)

    def advance(self, state: State, last: Mapping[str, Tensor], chance: Chance) -> tuple[Tensors, State]:
        """Draw the next step of a step-by-step decoder: its arrays [B, 1, ...] and the state after it.

        Args:
            state: from `begin` or the step before.
            last: arrays [B, 1, ...] of the step before; the head's `blank` before the first.
            chance: of this step.
        """
        assert isinstance(self.decoder, AutoregressiveDecoder)
        begun = (state["place"] > 0).unsqueeze(1)  # [B, 1]: nothing is read before the first step
        before = self.head.read(last)[:, 0]  # [B, F]
        logits, state = self.decoder.step(state, before * begun.to(before.dtype))  # [B, L]
        return self.head.draw(logits, chance, last), state

    def _wanted(
        self, z: Tensor, change: Tensor | None, condition: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Return changes and conditions, zeros where none are given."""
        if change is None:
            change = z.new_zeros(z.shape[0], max(self.sizes.knobs, 1))  # [B, knobs]
        if not self.sizes.condition_width:
            return change, None
        if condition is None:
            condition = z.new_zeros(
                z.shape[0], self.sizes.grid.beats, self.sizes.condition_width
            )  # [B, beats, C]
        return change, condition
