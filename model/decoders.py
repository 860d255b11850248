"""Decoders: a latent z [B, d] and a wanted change of attributes [B, knobs] to outputs [B, beats, logits]."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.bands import BandDecoder, Layout
from model.blocks import Block
from model.config import BottleneckConfig, DecoderConfig
from model.errors import ConfigError, nearest


class PatchDecoder(nn.Module):
    """All beats at once: z to one token per beat, a Transformer, one linear head per beat.

    The wanted change of attributes enters every token through a layer that starts at zero, so that an
    untrained knob does nothing and no change asked for is exactly the plain decode.
    """

    def __init__(
        self, config: DecoderConfig, bottleneck: BottleneckConfig, *, beats: int, knobs: int, logits: int
    ) -> None:
        """Make the way in, `depth` blocks and the head."""
        super().__init__()
        self.beats, self.sliced = beats, bottleneck.kind != "phrase"
        if self.sliced:
            self.enter = nn.Linear(bottleneck.size // beats, config.width)
        else:
            self.enter = nn.Linear(bottleneck.size, beats * config.width)
        self.width = config.width
        self.place = nn.Parameter(torch.randn(beats, config.width) * 0.02)
        self.steer = nn.Linear(max(knobs, 1), config.width, bias=False)
        nn.init.zeros_(self.steer.weight)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.widen = nn.Linear(config.width, 2 * config.width)
        self.head = nn.Linear(2 * config.width, logits)

    def forward(self, z: Tensor, change: Tensor) -> Tensor:
        """Return outputs [B, beats, logits].

        Args:
            z: float [B, d].
            change: wanted change of each knob's attribute in standard deviations, [B, max(knobs, 1)].

        """
        tokens = (
            self.enter(z.reshape(-1, self.beats, z.shape[-1] // self.beats))
            if self.sliced
            else (self.enter(z).reshape(-1, self.beats, self.width))
        )
        tokens = tokens + self.place + self.steer(change).unsqueeze(1)
        out: Tensor = self.head(F.relu(self.widen(self.norm(self.blocks(tokens)))))
        return out


Decoder = PatchDecoder | BandDecoder
DECODERS: dict[str, type[PatchDecoder]] = {"patch": PatchDecoder}


def build_decoder(
    config: DecoderConfig,
    bottleneck: BottleneckConfig,
    *,
    beats: int,
    knobs: int,
    logits: int,
    layout: Layout | None,
) -> Decoder:
    """Return the decoder that the configuration names.

    Raises:
        ConfigError: there is no such decoder, it does not fit the codec or the bottleneck, or its heads do
            not divide its width.

    """
    if config.width % config.heads:
        raise ConfigError(f"model.decoder: heads {config.heads} do not divide width {config.width}")
    if config.kind == "bands":
        if layout is None:
            raise ConfigError("model.decoder: kind 'bands' needs a codec with a roll of keys, such as 'poly'")
        if bottleneck.size % (beats * layout.bands):
            cells = f"{beats} beats x {layout.bands} bands"
            raise ConfigError(f"model.bottleneck: size {bottleneck.size} is no multiple of {cells}")
        return BandDecoder(config, bottleneck, layout, knobs=knobs)
    if config.kind not in DECODERS:
        known = (*DECODERS, "bands")
        raise ConfigError(f"model.decoder: unknown kind '{config.kind}'; {nearest(config.kind, known)}")
    return DECODERS[config.kind](config, bottleneck, beats=beats, knobs=knobs, logits=logits)
