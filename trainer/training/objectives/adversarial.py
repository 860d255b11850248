"""A critic against a generator, and a critic beside a variational autoencoder.

Wasserstein distance with a gradient penalty (Gulrajani et al. 2017, "Improved training of Wasserstein
GANs", algorithm 1): the critic D takes several steps of E[D(G(z))] - E[D(x)] + lambda (|grad D| - 1)^2,
then the generator G one of -E[D(G(z))].  The penalty is computed in float32 whatever the precision around
it is (`model.networks.critic.gradient_penalty`); in float16 the training loop scales both losses.

**A GAN that can be played.**  A GAN draws z, but nothing tells which z a phrase has.  Here an encoder E
learns to invert G while G learns: from G's own music, as a packed phrase, it tells mean and variance of the
z that made it, -log N(z; E(G(z))).  That is the auxiliary distribution Q of InfoGAN (Chen et al. 2016,
section 6: a factored Gaussian for continuous codes) over the whole of z, and the latent regressor that
Donahue et al. 2017, "Adversarial feature learning" (BiGAN), section 4.1, compare with.  A performer's phrase
is no music of G's; with `fit.critic.answer` above 0 E also learns which z answers a real one best, with G
held fixed: the posterior's mode, from CE(x | G(E(x))) + |E(x)|^2 / 2 (Zhu et al. 2016, "Generative visual
manipulation on the natural image manifold", section 3.1, predict the projection so).  That is for the end of
a long run: against a young generator silence is the likeliest answer to everything.  Neither loss reaches G.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn

from model.codecs.sampling import CLASSES, SWITCHES
from model.errors import ConfigError
from model.networks.critic import Critic, gradient_penalty
from model.networks.heads.base import Tensors
from model.networks.vae import VAE
from trainer.errors import RequestError
from trainer.settings import FitConfig
from trainer.training.objectives.base import MODEL, Batch, Loss, Moment, Objective, weighed

CRITIC = "critic"
BETAS = (0.0, 0.9)  # of Adam: algorithm 1's defaults, for both sides


class Adversary:
    """The critic of a network's rolls, and the losses of both sides."""

    def __init__(self, net: VAE, fit: FitConfig) -> None:
        """Make the critic.

        Raises:
            RequestError: its kind or width is not allowed.
        """
        critic, head = fit.critic, net.head
        self.net, self.fit = net, fit
        try:
            self.critic = Critic(
                head.channels,
                head.onset_channels,
                head.grid,
                kind=critic.kind,
                width=critic.width,
                depth=critic.depth,
                condition_width=net.sizes.condition_width,
            )
        except ConfigError as error:
            raise RequestError(str(error)) from error

    def optimiser(self) -> torch.optim.Optimizer:
        """Return the critic's Adam, without decay of the weights."""
        return torch.optim.Adam(self.critic.parameters(), lr=self.fit.critic.learning_rate, betas=BETAS)

    def decode(self, z: Tensor, batch: Batch) -> Tensors:
        """Return the heads at z, under the batch's conditions and with no change of attributes."""
        return self.net.decode(z, condition=batch.condition)

    def roll(self, heads: Mapping[str, Tensor]) -> Tensor:
        """Return the roll of heads, float32 [B, steps, channels], differentiable."""
        critic = self.fit.critic
        roll: Tensor = self.net.head.roll(heated(heads, critic.temperature, critic.noise)).float()
        return roll

    def real(self, batch: Batch) -> Tensor:
        """Return the roll of a batch's phrases."""
        roll: Tensor = self.net.head.rolled(batch.arrays).float()
        return roll

    def loss(self, batch: Batch, fake: Tensor) -> Loss:
        """Return what the critic minimises, from rolls [B, steps, channels] that are not the data's."""
        real, fake = self.real(batch), fake.detach()
        high, low = self.score(real, batch), self.score(fake, batch)
        penalty = gradient_penalty(self.critic, real, fake, batch.condition)
        total = low - high + self.fit.critic.penalty * penalty
        return Loss(total, {"wasserstein": high - low, "penalty": penalty})

    def score(self, roll: Tensor, batch: Batch) -> Tensor:
        """Return the mean score of rolls under the batch's conditions, a scalar."""
        out: Tensor = self.critic(roll, batch.condition).float().mean()
        return out

    def drawn(self, batch: Batch) -> Tensor:
        """Draw z of the prior for a batch, float32 [B, d]."""
        some = next(iter(batch.arrays.values()))
        return torch.randn(len(batch), self.net.config.bottleneck.size, device=some.device)


class Adversarial(Objective):
    """A generator against a critic, with an encoder that learns to invert it where the model has one."""

    betas: ClassVar[tuple[float, float]] = BETAS

    def __init__(self, net: VAE, fit: FitConfig) -> None:
        super().__init__(net, fit)
        self.adversary = Adversary(net, fit)
        self.networks = nn.ModuleDict({CRITIC: self.adversary.critic})
        self.encodes = net.config.encoder.kind != "none"

    def optimiser(self, role: str) -> torch.optim.Optimizer:
        """Return the critic's optimiser."""
        assert role == CRITIC
        return self.adversary.optimiser()

    def rounds(self, moment: Moment) -> tuple[str, ...]:  # noqa: ARG002 - always the same
        """Return the critic's steps, then the generator's."""
        return (*(CRITIC,) * self.fit.critic.steps, MODEL)

    def loss(self, role: str, batch: Batch, moment: Moment) -> Loss:  # noqa: ARG002 - always the same
        """Return the loss of the critic, or of generator and encoder."""
        z = self.adversary.drawn(batch)
        if role == CRITIC:
            with torch.no_grad():
                fake = self.adversary.roll(self.adversary.decode(z, batch))
            return self.adversary.loss(batch, fake)
        heads = self.adversary.decode(z, batch)
        generator = -self.adversary.score(self.adversary.roll(heads), batch)
        total, parts = generator, {"generator": generator}
        if self.encodes:
            parts["invert"] = self.invert(z, batch)
            total = total + self.fit.critic.invert * parts["invert"]
            if self.fit.critic.answer:
                parts["answer"] = self.answer(batch)
                total = total + self.fit.critic.answer * parts["answer"]
        return Loss(total, parts)

    def invert(self, z: Tensor, batch: Batch) -> Tensor:
        """Return how unlikely the encoder finds the z of the generator's own music, nats a dimension."""
        mean, logvar = self.net.encode(self.net.generate(z, condition=batch.condition))
        mean, logvar = mean.float(), logvar.float()
        found: Tensor = 0.5 * ((z - mean).square() * (-logvar).exp() + logvar)
        return found.mean()

    def answer(self, batch: Batch) -> Tensor:
        """Return how unlikely the generator's answers find the real phrases, nats a step."""
        net = self.net
        mean, _ = net.encode(batch.arrays)
        with frozen(net.decoder):
            again = self.adversary.decode(mean.float(), batch)
        losses = weighed(net.head.loss(again, batch.arrays), self.fit)
        nats = torch.stack(list(losses.values())).sum(0)
        found: Tensor = nats + 0.5 * mean.float().square().sum(1)
        return found.mean() / net.head.grid.steps


class CriticTerm:
    """A critic beside an evidence lower bound: what the model decodes shall pass for played.

    It hears three kinds of rolls in equal shares: reconstructions, phrases at z of the prior (both as in
    Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric"), and phrases at the
    midpoint of two real ones, which is where a morph goes and no likelihood looks (Berthelot et al. 2019,
    "Understanding and improving interpolation in autoencoders").  The likelihood stays as it is.

    Of a decoder that writes step by step it hears reconstructions alone, each step written after the true
    ones (like the teacher-forced half of Lamb et al. 2016, "Professor forcing", section 2.2): what it writes
    by itself comes of choices that no gradient passes.

    Attributes:
        networks: the critic.
    """

    def __init__(self, net: VAE, fit: FitConfig) -> None:
        self.net, self.fit = net, fit
        self.adversary = Adversary(net, fit)
        self.networks = nn.ModuleDict({CRITIC: self.adversary.critic})

    def optimiser(self, role: str) -> torch.optim.Optimizer:
        """Return the critic's optimiser."""
        assert role == CRITIC
        return self.adversary.optimiser()

    def rounds(self, moment: Moment) -> tuple[str, ...]:
        """Return the critic's steps, none before `fit.critic.start`."""
        return (CRITIC,) * self.fit.critic.steps if moment.share >= self.fit.critic.start else ()

    def loss(self, role: str, heads: Tensors, batch: Batch, moment: Moment) -> Loss:  # noqa: ARG002 - the only role
        """Return what the critic minimises; `heads` are what the model decoded, without gradients."""
        with torch.no_grad():
            fake = self._rolled(heads, batch)
        return self.adversary.loss(batch, fake)

    def parts(self, heads: Tensors, batch: Batch, moment: Moment) -> Tensors:
        """Return the model's share, `critic`: minus the weighted mean score of what it decodes."""
        if moment.share < self.fit.critic.start:
            return {}
        return {CRITIC: -self.fit.critic.weight * self.adversary.score(self._rolled(heads, batch), batch)}

    def _rolled(self, heads: Tensors, batch: Batch) -> Tensor:
        """Return rolls [B, steps, channels]: a third decoded, a third of the prior, a third midpoints."""
        count = len(batch)
        plain = {name: value[:count] for name, value in heads.items()}
        if self.net.autoregressive:
            return self.adversary.roll(plain)
        with torch.no_grad():
            mean = self.net.encode(batch.arrays)[0].float()
        third = torch.arange(count, device=mean.device) % 3
        z = midpoints(mean)
        if self.net.config.bottleneck.law == "gaussian":  # a plain summary has no prior
            z = torch.where((third == 1)[:, None], self.adversary.drawn(batch), z)
        dreamt = self.adversary.roll(self.adversary.decode(z, batch))
        return torch.where((third == 0)[:, None, None], self.adversary.roll(plain), dreamt)


def midpoints(mean: Tensor) -> Tensor:
    """Return the points halfway between each z [B, d] and the next, at the mean of both norms."""
    other = mean.roll(1, 0)
    half = 0.5 * (mean + other)
    norm = 0.5 * (mean.norm(dim=1, keepdim=True) + other.norm(dim=1, keepdim=True))
    found: Tensor = half * norm / half.norm(dim=1, keepdim=True).clamp(min=1e-6)
    return found


def heated(heads: Mapping[str, Tensor], temperature: float, noise: float) -> Tensors:
    """Return heads whose logits carry noise and are divided by a temperature, and whose tails are heavy.

    A straight-through choice of them is one of the Gumbel-softmax (Jang et al. 2017, "Categorical
    reparameterization with Gumbel-softmax", section 2.2), for switches of its two-class form (Maddison et
    al. 2017, appendix B).  A generator drives its logits far out, where neither has a slope: a key that is
    wrongly on would stay on for good, a pitch once lost never come back.  So a switch's logit x counts as
    sign(x) log(1 + |x|), whose sigmoid has the slope 1 / (2 + |x|)^2, and a class that lies g behind the
    likeliest as one that lies log(1 + g) behind: the same keys and classes, with tails that fall by powers.

    Args:
        heads: of a codec.
        temperature: of the softmax that gradients go through; forward it changes nothing.
        noise: share of a sample's noise, from torch's global generator: 0 is the likeliest, 1 a sample.
    """
    found: Tensors = {}
    for name, value in heads.items():
        kind = name.rpartition(".")[2]
        if kind not in (*CLASSES, *SWITCHES):
            found[name] = value
            continue
        logits = value.float()
        if noise:
            uniform = torch.rand_like(logits).clamp(1e-6, 1 - 1e-6)
            gumbel = -torch.log(-torch.log(uniform))
            logits = logits + noise * (gumbel if kind in CLASSES else uniform.log() - torch.log1p(-uniform))
        logits = logits / temperature
        if kind in CLASSES:
            found[name] = -(logits.amax(-1, keepdim=True) - logits).log1p()
        else:
            found[name] = logits.sign() * logits.abs().log1p()
    return found


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Let gradients through a module but not into its parameters; as before after."""
    held = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    try:
        for parameter, _ in held:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter, wanted in held:
            parameter.requires_grad_(wanted)
