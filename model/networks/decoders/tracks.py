"""Decoder kind `tracks`: the generator of a multi-track Transformer GAN, also at home in a VAE.

One token per track and beat, all at once: what z says to the track and to the beat, beside learned
embeddings of the segment (which bar), the instrument (which track) and the timing (which beat of the bar).
A Transformer lets tracks and beats hear each other.  Beside it an LSTM runs along the steps of the timeline,
which all tracks share: a common pulse that enters the tokens beat by beat and the heads step by step.

A shared network that speaks for the whole band before one private head per track follows Dong et al. 2018,
"MuseGAN: multi-track sequential generative adversarial networks" (the hybrid model of "Modeling the
multi-track interdependency"); the pulse along the timeline is their temporal generator ("Modeling the
temporal structure") as a recurrent net.
Pre-norm blocks as in `layers.blocks`; nothing here depends on the rest of the batch, so that a critic's
gradient penalty stays a penalty per phrase.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.config import DecoderConfig
from model.errors import ConfigError
from model.networks.conditioning import Conditioning
from model.networks.decoders.base import ParallelDecoder
from model.networks.layers.blocks import Block
from model.networks.sizes import Sizes

SPREAD = 0.3  # standard deviation of the embeddings: they must be heard beside z from the first step on


class TracksDecoder(ParallelDecoder):
    """z [B, d] to step outputs [B, steps, sum of the tracks' outputs]; parallel.

    Attributes:
        tracks: outputs per step of each track, in the order in which the head joins them.
    """

    def __init__(self, config: DecoderConfig, sizes: Sizes) -> None:
        """Make embeddings, Transformer, timeline and heads.

        Args:
            config: width, depth and heads of the Transformer; `conductor_width` and `conductor_depth` are
                those of the LSTM along the timeline.
            sizes: each beat reads the whole z, or its own slice of it where it has one; each track hears
                the whole z in both cases.

        Raises:
            ConfigError: z is cut into other slices than beats.
        """
        super().__init__()
        if sizes.neck not in ("phrase", "beats"):
            raise ConfigError(
                f"model.decoder: kind 'tracks' reads a latent cut by phrase or by beats, not '{sizes.neck}'"
            )
        width, pulse = config.width, config.conductor_width
        grid, size = sizes.grid, sizes.latent
        self.grid, self.tracks, self.sliced = grid, sizes.track_logits, sizes.sliced
        self.to_track = nn.Linear(size, len(self.tracks) * width)
        self.to_beat = nn.Linear(size // grid.beats, width) if self.sliced else nn.Linear(size, width)
        self.segment = nn.Parameter(torch.randn(grid.bars, width) * SPREAD)
        self.instrument = nn.Parameter(torch.randn(len(self.tracks), width) * SPREAD)
        self.timing = nn.Parameter(torch.randn(grid.beats_per_bar, width) * SPREAD)
        self.steer = Conditioning(sizes, width)
        # along the timeline: one input a step, of z, the bar and the step in the bar
        self.to_pulse = nn.Linear(self.to_beat.in_features, pulse)
        self.pulse_segment = nn.Parameter(torch.randn(grid.bars, pulse) * SPREAD)
        self.pulse_timing = nn.Parameter(torch.randn(grid.steps_per_bar, pulse) * SPREAD)
        self.pulse = nn.LSTM(pulse, pulse, num_layers=config.conductor_depth, batch_first=True)
        self.pulse_to_token = nn.Linear(grid.steps_per_beat * pulse, width)
        self.pulse_to_step = nn.Linear(pulse, width)
        self.blocks = nn.Sequential(*(Block(width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, width)
        self.step = nn.Parameter(torch.randn(len(self.tracks), grid.steps_per_beat, width) * SPREAD)
        self.mix = nn.Linear(width, width)
        self.heads = nn.ModuleList(nn.Linear(width, logits) for logits in self.tracks)

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None) -> Tensor:
        """Return step outputs [B, steps, sum(tracks)].

        Args:
            z: float [B, d].
            change: wanted change of each knob's attribute in standard deviations, [B, max(knobs, 1)].
            condition: float [B, beats, condition], or None for none.
        """
        grid, count = self.grid, len(self.tracks)
        per_beat = z.reshape(-1, grid.beats, z.shape[-1] // grid.beats) if self.sliced else z.unsqueeze(1)
        pulse = self._pulse(per_beat)  # [B, steps, pulse]
        beats = self.to_beat(per_beat) + self.pulse_to_token(
            pulse.reshape(-1, grid.beats, grid.steps_per_beat * pulse.shape[-1])
        )
        beats = (
            beats + self.segment.repeat_interleave(grid.beats_per_bar, 0) + self.timing.repeat(grid.bars, 1)
        )
        beats = beats + self.steer.beats(change, condition)
        voices = self.to_track(z).reshape(-1, count, 1, beats.shape[-1]) + self.instrument.unsqueeze(1)
        tokens = voices + beats.unsqueeze(1)  # [B, tracks, beats, width]
        tokens = self.widen(self.norm(self.blocks(tokens.flatten(1, 2))))
        tokens = tokens.reshape(-1, count, grid.beats, 1, tokens.shape[-1])
        beaten = self.pulse_to_step(pulse).reshape(-1, 1, grid.beats, grid.steps_per_beat, tokens.shape[-1])
        steps = F.relu(tokens + beaten + self.step.unsqueeze(1))  # [B, tracks, beats, steps a beat, width]
        steps = F.relu(steps + self.mix(steps)).flatten(2, 3)
        return torch.cat([head(steps[:, track]) for track, head in enumerate(self.heads)], dim=-1)

    def _pulse(self, per_beat: Tensor) -> Tensor:
        """Run the LSTM along the timeline, [B, 1 or beats, slice] -> [B, steps, pulse]."""
        grid = self.grid
        entered = self.to_pulse(per_beat)
        if self.sliced:
            entered = entered.repeat_interleave(grid.steps_per_beat, 1)
        places = self.pulse_segment.repeat_interleave(grid.steps_per_bar, 0) + self.pulse_timing.repeat(
            grid.bars, 1
        )
        # in float32: half precision would add up along the steps, and not every device has an LSTM in it
        with torch.autocast(entered.device.type, enabled=False):
            run: Tensor = self.pulse((entered + places).float())[0]
        return run
