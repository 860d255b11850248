"""Critics: a roll [B, steps, channels] to a score [B], high for what looks played by people.

Two streams, after the discriminator of Dong and Yang 2018 ("Convolutional generative adversarial networks
with binary neurons for polyphonic music generation"), which hears onsets in a stream of their own:

- local: a convolution over each beat, a Transformer inside each bar, one across the bars;
- rhythm: what the onsets alone say, whatever their pitch: how dense they are on each step and each place
  of the bar, how long from one to the next, and which tracks start together.

Every feature is a differentiable function of the roll.  There is no batch norm, since a gradient penalty
is one per phrase: layer norm stands in its place (Gulrajani et al. 2017, "Improved training of Wasserstein
GANs", section 4, "No critic batch normalization").  Attention is made of plain products and there is no
recurrent layer, so that a penalty's second derivative exists on every device.
"""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.errors import ConfigError, nearest
from model.music.grid import Grid
from model.networks.layers.blocks import Block

KINDS = ("rhythm", "roll")
ATTENTION = 4  # heads
SLOPE = 0.2  # of the leaky units
CHORD = 4.0  # notes
Channels = Sequence[tuple[int, int]]


class Rhythm(nn.Module):
    """What the onsets of a roll say, each feature differentiable in the roll.

    Attributes:
        per_step: width of `steps`.
        whole: width of `phrase`.
    """

    def __init__(self, onset_channels: Channels, grid: Grid) -> None:
        super().__init__()
        self.onset_channels, self.grid = tuple(onset_channels), grid
        count = len(self.onset_channels)
        self.pairs = tuple(combinations(range(count), 2))
        self.longest = grid.steps_per_bar
        self.per_step = 3 * count + len(self.pairs)
        self.whole = count * (grid.steps_per_bar + self.longest) + len(self.pairs)

    def onsets(self, roll: Tensor) -> Tensor:
        """Return whether anything starts, [B, steps, tracks]: the strongest onset of any key."""
        return torch.stack([roll[..., begin:end].amax(-1) for begin, end in self.onset_channels], dim=-1)

    def intervals(self, onset: Tensor) -> Tensor:
        """Return shares of inter-onset intervals of 1 to `longest` steps, [B, tracks, longest].

        The chance that of an onset at a step the next one follows k steps later, o(s) o(s + k) times the
        product of 1 - o between them, summed over s and divided by the onsets: on zeros and ones exactly
        the histogram of the intervals over the number of onsets.
        """
        silent, found = onset, []
        for lag in range(1, self.longest + 1):
            found.append((silent[:, :-lag] * onset[:, lag:]).sum(1))
            if lag < self.longest:
                # going on in silence: the chance of an onset at s and of none in the `lag` steps after it
                silent = torch.cat((silent[:, :-lag] * (1 - onset[:, lag:]), silent[:, -lag:]), dim=1)
        return torch.stack(found, dim=-1) / (onset.sum(1) + 1e-3).unsqueeze(-1)

    def places(self, onset: Tensor) -> Tensor:
        """Return the onset density of each step of the bar, [B, tracks, steps per bar], 0..1."""
        bars = onset.reshape(-1, self.grid.bars, self.grid.steps_per_bar, onset.shape[-1])
        return bars.mean(1).transpose(1, 2)

    def together(self, onset: Tensor) -> Tensor:
        """Return for each step and each pair of tracks whether both start, [B, steps, pairs]."""
        if not self.pairs:
            return onset[..., :0]
        return torch.stack([onset[..., one] * onset[..., other] for one, other in self.pairs], dim=-1)

    def steps(self, roll: Tensor) -> Tensor:
        """Return features of each step, [B, steps, per_step].

        For each track: does anything start, how many notes start (in units of `CHORD`), the density over the
        beat around; for each pair of tracks: do both start.
        """
        onset = self.onsets(roll)
        notes = torch.stack([roll[..., begin:end].sum(-1) for begin, end in self.onset_channels], dim=-1)
        width = self.grid.steps_per_beat
        padded = F.pad(onset.transpose(1, 2), (width // 2, width - 1 - width // 2))
        density = F.avg_pool1d(padded, width, stride=1).transpose(1, 2)
        return torch.cat((onset, notes / CHORD, density, self.together(onset)), dim=-1)

    def phrase(self, roll: Tensor) -> Tensor:
        """Return features of the whole, [B, whole]: places, intervals, and how often pairs start together."""
        onset = self.onsets(roll)
        both = self.together(onset).mean(1)
        return torch.cat((self.places(onset).flatten(1), self.intervals(onset).flatten(1), both), dim=-1)


class RhythmStream(nn.Module):
    """Rhythm features to a vector [B, width]: convolutions along the steps beside a net on the whole."""

    def __init__(self, rhythm: Rhythm, width: int) -> None:
        super().__init__()
        self.rhythm = rhythm
        grid = rhythm.grid
        reach = grid.steps_per_beat // 2
        self.enter = nn.Conv1d(rhythm.per_step, width, 2 * reach + 1, padding=reach)
        self.beat = nn.Conv1d(width, width, grid.steps_per_beat, stride=grid.steps_per_beat)
        self.bar = nn.Conv1d(width, width, grid.beats_per_bar, stride=grid.beats_per_bar)
        self.join = nn.Linear(grid.bars * width + rhythm.whole, width)
        self.out = nn.Linear(width, width)

    def forward(self, roll: Tensor) -> Tensor:
        """Return the vector."""
        steps = self.rhythm.steps(roll).transpose(1, 2)
        for layer in (self.enter, self.beat, self.bar):
            steps = F.leaky_relu(layer(steps), SLOPE)
        both = torch.cat((steps.flatten(1), self.rhythm.phrase(roll)), dim=-1)
        out: Tensor = self.out(F.leaky_relu(self.join(both), SLOPE))
        return out


class LocalStream(nn.Module):
    """A roll to a vector [B, width]: a convolution over each beat, a Transformer inside and across bars."""

    def __init__(self, channels: int, grid: Grid, width: int, depth: int) -> None:
        """Make the layers; `depth` counts the blocks inside the bars."""
        super().__init__()
        self.grid, self.width = grid, width
        self.beat = nn.Conv1d(channels, width, grid.steps_per_beat, stride=grid.steps_per_beat)
        self.widen = nn.Linear(width, width)
        self.place = nn.Parameter(torch.randn(grid.beats_per_bar, width) * 0.02)
        self.bars = nn.Sequential(*(Block(width, ATTENTION) for _ in range(depth)))
        self.segment = nn.Parameter(torch.randn(grid.bars, width) * 0.02)
        self.across = Block(width, ATTENTION)
        self.norm = nn.LayerNorm(width)

    def forward(self, roll: Tensor) -> Tensor:
        """Return the vector."""
        grid = self.grid
        beats = F.leaky_relu(self.beat(roll.transpose(1, 2)).transpose(1, 2), SLOPE)
        beats = beats + F.leaky_relu(self.widen(beats), SLOPE)
        inside = beats.reshape(-1, grid.beats_per_bar, self.width) + self.place
        bars = self.bars(inside).mean(1).reshape(-1, grid.bars, self.width)
        out: Tensor = self.norm(self.across(bars + self.segment).mean(1))
        return out


class Critic(nn.Module):
    """A roll, and what it was conditioned on, to a score [B] without bounds."""

    def __init__(
        self,
        channels: int,
        onset_channels: Channels,
        grid: Grid,
        *,
        kind: str = "rhythm",
        width: int = 128,
        depth: int = 2,
        condition_width: int = 0,
    ) -> None:
        """Make the streams.

        Args:
            channels: of a roll, as the codec's head writes it.
            onset_channels: for each track, first and last + 1 of those that are onsets.
            grid: of the phrases.
            kind: `rhythm` (both streams) or `roll` (the local one alone).
            width: of both streams; a multiple of 4.
            depth: Transformer blocks inside the bars.
            condition_width: numbers of a beat's conditions, 0 for none; they are read beside the roll, as a
                conditional critic's input (Mirza and Osindero 2014, section 3.2).

        Raises:
            ConfigError: there is no such kind, or the width is no multiple of 4.
        """
        super().__init__()
        if kind not in KINDS:
            raise ConfigError(f"fit.critic: unknown kind '{kind}'; {nearest(kind, KINDS)}")
        if width % ATTENTION:
            raise ConfigError(f"fit.critic: width {width} is no multiple of {ATTENTION}")
        self.grid, self.condition_width = grid, condition_width
        self.local = LocalStream(channels + condition_width, grid, width, depth)
        self.rhythm = RhythmStream(Rhythm(onset_channels, grid), width) if kind == "rhythm" else None
        self.score = nn.Linear(width if self.rhythm is None else 2 * width, 1)

    def forward(self, roll: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return scores [B].

        Args:
            roll: float [B, steps, channels].
            condition: float [B, beats, condition], or None for none.
        """
        seen = roll
        if self.condition_width:
            if condition is None:
                condition = roll.new_zeros(len(roll), self.grid.beats, self.condition_width)
            beside = condition.to(roll.dtype).repeat_interleave(self.grid.steps_per_beat, 1)
            seen = torch.cat((roll, beside), dim=-1)
        streams = [self.local(seen)]
        if self.rhythm is not None:
            streams.append(self.rhythm(roll))
        out: Tensor = self.score(torch.cat(streams, dim=-1)).squeeze(-1)
        return out


def gradient_penalty(
    critic: nn.Module, real: Tensor, fake: Tensor, condition: Tensor | None = None
) -> Tensor:
    """Return E[(|grad critic(x)| - 1)^2] on random points x between real and fake rolls, a scalar.

    Gulrajani et al. 2017, algorithm 1, lines 4 to 7; the weight lambda is the caller's.  In float32
    whatever is around it: a squared norm of gradients in half precision overflows or is lost.

    Args:
        critic: (roll, condition) -> scores [B].
        real: float [B, steps, channels].
        fake: likewise; no gradient goes into either.
        condition: of both.
    """
    with torch.autocast(real.device.type, enabled=False):
        real, fake = real.detach().float(), fake.detach().float()
        way = torch.rand(len(real), *(1 for _ in real.shape[1:]), device=real.device)
        between = (real + way * (fake - real)).requires_grad_()
        scores = critic(between, None if condition is None else condition.float())
        slope = torch.autograd.grad(scores.sum(), between, create_graph=True)[0]
        # the root has no slope at nought
        norm = (slope.flatten(1).square().sum(1) + 1e-12).sqrt()
        return (norm - 1.0).square().mean()
