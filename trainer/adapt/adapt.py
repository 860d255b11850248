"""`adapt`: fine-tune a checkpoint's decoder on a few phrases of a performer, and measure how far it went.

The encoder stays, so that every point of the latent space still means the same phrase.  The performer's
phrases are learned from around their points, so that what lies near falls towards them; a rehearsal of old
music (what the model could do, replayed while it learns the new: Robins 1995, "Catastrophic forgetting,
rehearsal and pseudorehearsal") keeps the rest, and learning stops before more than one point of it is lost.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.checkpoint import Checkpoint
from model.codecs.base import Codec
from model.codecs.registry import build
from model.latent.note_transformer import note_transformer_in as learned_prior
from model.music.phrase import Phrase
from model.networks.vae import VAE
from trainer.adapt.lora import Changes, EncodedPhrases, TeacherForcedLoss, cost, encoded, skill, with_weights
from trainer.errors import OperationError, RequestError
from trainer.evaluation.teacher_forced import network
from trainer.run.device import quickest_threads

FEWEST = 4
HELD_OUT = 0.25  # of the performer's phrases, that the measured decoder never sees
STOPPED_BY = 0.2  # of the others, that tell when to stop
LOSS = 0.01  # of the old skill, that may go
RATE = 3e-4
BATCH = 16
DEARER = 0.6  # nats that a performer's phrase at its own point may cost more than before
STEPS = 240
VALIDATED_EVERY = 20  # steps
PATIENCE = 4  # validations without a better one
REHEARSED = 384
CHECKED = 128
AROUND = 4  # draws around each phrase that is watched or measured
NEAR = 0.6  # of the latent's spread: how far around the performer's points their phrases are taught
SHARE = 0.45  # of the minutes, for the decoder that is measured


@dataclass(frozen=True, slots=True)
class AdaptOptions:
    """How to adapt.

    Attributes:
        minutes: wall-clock at most.
        seed: of everything drawn.
        strength: share of what was learned that goes into the weights; above 1 exaggerates.
    """

    minutes: float = 3.0
    seed: int = 0
    strength: float = 1.0


@dataclass(slots=True)
class Adapted:
    """The fine-tuned network and its figures.

    Attributes:
        net: with its new weights.
        figures: before and after, for the checkpoint.
    """

    net: VAE
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OldSkills:
    """The old skills: what is rehearsed, and what they are measured on."""

    rehearsed: EncodedPhrases
    checked: EncodedPhrases


Tell = Callable[[str, int, int], None]


def adapt(
    checkpoint: Checkpoint,
    phrases: Sequence[Phrase],
    old: Sequence[Phrase],
    options: AdaptOptions,
    *,
    half: bool = True,
    tell: Tell = lambda _what, _done, _all: None,
) -> Adapted:
    """Fine-tune a checkpoint's decoder on phrases.

    Two decoders are fine-tuned: one that never sees a quarter of the phrases, on which it is measured, and,
    for as many steps, one that learns from all of them, which is returned.

    Args:
        checkpoint: with a latent that something encodes for, or without a latent.
        phrases: the performer's, as its codec holds them, on its whole grid; 4 at least.
        old: music that it should go on playing as well, at least 8; from the prior where there is none.
        options: minutes, seed, strength.
        half: whether the weights will be stored as float16.
        tell: called with (what, step, of how many).

    Raises:
        RequestError: nothing encodes for this generator.
        OperationError: there are too few phrases.
    """
    config = checkpoint.config
    if config.encoder.kind == "none" and config.latent_size:
        raise RequestError(
            f"'{config.name}' is a generator that nothing encodes for: it cannot be adapted to phrases"
        )
    if len(phrases) < FEWEST:
        raise OperationError(
            f"{len(phrases)} different phrases are too few to learn from: it takes {FEWEST} at least, "
            f"10 to 20 are good"
        )
    net, codec = network(checkpoint), build(config.codec, config.grid.build())
    old_skills = old_skills_of(net, codec, checkpoint, old, options.seed)
    order = np.random.default_rng(options.seed).permutation(len(phrases)).tolist()
    out = max(1, round(HELD_OUT * len(order)))
    stop = max(1, round(STOPPED_BY * (len(order) - out)))
    performed = encoded(net, codec, phrases)
    held, watched, learned = (
        performed.take(part) for part in (order[:out], order[out : out + stop], order[out + stop :])
    )
    tuning = FineTuning(net, codec, checkpoint, old_skills, options, half=half)
    torch.set_flush_denormal(True)  # as in `fit`: a step with numbers next to 0 takes ten times as long
    torch.set_num_threads(quickest_threads(lambda: tuning.step_seconds(performed)))
    seconds = options.minutes * 60
    tried, steps = tuning.learn(learned, watched, seconds=SHARE * seconds, tell=tell, what="measured")
    final, steps = tuning.learn(
        performed, None, seconds=(1 - SHARE) * seconds, steps=steps, tell=tell, what="final"
    )
    levels, near = checkpoint.levels, tuning.spread(held)
    figures = {
        "phrases": len(phrases),
        "held_out": len(held),
        "steps": steps,
        "strength": options.strength,
        "seed": options.seed,
        "score": "note_f1" if net.latent else "step_accuracy",
        "performer_before": skill(net, codec, held, levels),
        "performer_after": skill(tried, codec, held, levels),
        "around_before": skill(net, codec, near, levels),
        "around_after": skill(tried, codec, near, levels),
        "around_nats_before": cost(net, near),
        "around_nats_after": cost(tried, near),
        "old_before": skill(net, codec, old_skills.checked, levels),
        "old_after": skill(final, codec, old_skills.checked, levels),
        "old_of": "data" if old else "the model's own samples",
        "changed": moved(net, final),
    }
    return Adapted(final, {name: _rounded(value) for name, value in figures.items()})


def _rounded(value: object) -> object:
    """Return a figure as it is stored."""
    return round(value, 5) if isinstance(value, float) else value


def moved(net: VAE, final: VAE) -> float:
    """Return the norm of all changes over that of the decoder's weights."""
    pairs = [
        (value, other)
        for (name, value), other in zip(net.named_parameters(), final.parameters(), strict=True)
        if name.startswith("decoder.")
    ]
    change = sum(float((other - value).detach().square().sum()) for value, other in pairs)
    return float(
        (change / max(sum(float(value.detach().square().sum()) for value, _ in pairs), 1e-12)) ** 0.5
    )


def old_skills_of(
    net: VAE, codec: Codec, checkpoint: Checkpoint, old: Sequence[Phrase], seed: int
) -> OldSkills:
    """Return what is rehearsed: old music at its points; without any, the model's own samples.

    Samples are decoded from the prior and encoded again: what is rehearsed lies where phrases lie.
    """
    count = REHEARSED + CHECKED
    if not old:
        old = sampled(net, codec, checkpoint, count, seed)
    chosen = np.random.default_rng(seed).permutation(len(old))[:count].tolist()
    pairs = encoded(net, codec, [old[row] for row in chosen])
    cut = max(1, len(pairs) // 4)
    return OldSkills(pairs.take(range(cut, len(pairs))), pairs.take(range(cut)))


def sampled(net: VAE, codec: Codec, checkpoint: Checkpoint, count: int, seed: int) -> list[Phrase]:
    """Return phrases with notes that a model draws from its prior, the learned one if it has one."""
    from model.codecs.sampling import Sampling  # noqa: PLC0415 - beside its use

    generator = torch.Generator().manual_seed(seed)
    learned, rng = learned_prior(checkpoint.extras, codec.grid), np.random.default_rng(seed)
    found: list[Phrase] = []
    for portion in range(16):
        z = torch.randn(64, net.config.latent_size, generator=generator)
        if learned is not None:
            z = encoded(net, codec, learned.draw(64, rng)).z
        elif net.latent:
            z = z * torch.from_numpy(np.array(checkpoint.latent.scale))
        heat = 0.0 if net.latent else 1.0
        drawn = net.generate(z, None, Sampling(temperature=heat, seed=seed + portion), generator=generator)
        arrays = {name: value.numpy() for name, value in drawn.items()}
        found += [phrase for row in range(len(z)) if len(phrase := codec.unpack(arrays, row)) > 1]
        if len(found) >= count:
            break
    if len(found) < FEWEST:
        raise OperationError(
            "the model draws next to nothing from its prior: give music to rehearse with --keep PREPARED"
        )
    return found[:count]


class FineTuning:
    """Learns phrases while rehearsing the old ones."""

    def __init__(
        self,
        net: VAE,
        codec: Codec,
        checkpoint: Checkpoint,
        old_skills: OldSkills,
        options: AdaptOptions,
        *,
        half: bool,
    ) -> None:
        self._net, self._codec, self._skills, self._options, self._half = (
            net,
            codec,
            old_skills,
            options,
            half,
        )
        self._levels = checkpoint.levels
        self._scale = torch.from_numpy(np.array(checkpoint.latent.scale)) if net.latent else None
        self._forced_loss = TeacherForcedLoss(net)
        self._floor = skill(net, codec, old_skills.checked, self._levels) - LOSS

    def learn(
        self,
        performed: EncodedPhrases,
        watched: EncodedPhrases | None,
        *,
        seconds: float,
        steps: int | None = None,
        tell: Tell,
        what: str,
    ) -> tuple[VAE, int]:
        """Learn phrases; return the network at its best and the steps it took there.

        Args:
            performed: phrases to learn.
            watched: phrases that tell when to stop: where their loss, at their own points and around them,
                is least, while at their own points they cost next to no more; None takes all steps.
            seconds: wall-clock at most.
            steps: at most; `STEPS` by default.
            tell: called with how far it is.
            what: the phase, as `tell` gets it.
        """
        steps = STEPS if steps is None else steps
        generator = torch.Generator().manual_seed(self._options.seed)
        changes = Changes(self._net, generator=generator)
        optimiser = torch.optim.AdamW(changes.parameters(), lr=RATE, weight_decay=0.0)
        best, best_step = self._net, 0
        near = self.spread(watched) if watched is not None else None
        least = cost(self._net, near) if near is not None else float("inf")
        limit = cost(self._net, watched) + DEARER if watched is not None else 0.0
        began, waited, step = time.monotonic(), 0, 0
        while step < steps:
            loss = self._loss(changes, performed, generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(changes.parameters(), 50.0)
            optimiser.step()
            step += 1
            tell(what, step, steps)
            late = time.monotonic() - began >= seconds
            if step % VALIDATED_EVERY and step != steps and not late:
                continue
            made = with_weights(self._net, changes.weights(self._options.strength), half=self._half)
            if skill(made, self._codec, self._skills.checked, self._levels) < self._floor:
                break  # the state of the validation before stays
            now = cost(made, near) if near is not None else 0.0
            faithful = watched is None or cost(made, watched) <= limit
            if watched is None or (now < least and faithful):
                best, best_step, least, waited = made, step, now, 0
            else:
                waited += 1
            if late or waited >= PATIENCE:
                break
        return best, best_step

    def step_seconds(self, performed: EncodedPhrases) -> float:
        """Return how long a step takes; nothing is learned by it."""
        generator = torch.Generator().manual_seed(self._options.seed)
        changes = Changes(self._net, generator=generator)
        began = time.monotonic()
        self._loss(changes, performed, generator).backward()  # type: ignore[no-untyped-call]
        return time.monotonic() - began

    def _loss(self, changes: Changes, performed: EncodedPhrases, generator: torch.Generator) -> Tensor:
        """Return the loss of a batch of the performer's and twice as many old phrases, nats a phrase."""
        some = performed.take(torch.randint(len(performed), (BATCH,), generator=generator).tolist())
        rehearsed = self._skills.rehearsed
        rows = torch.randint(len(rehearsed), (2 * BATCH,), generator=generator).tolist()
        again = rehearsed.take(rows)
        half = BATCH // 2
        around = self._around(some.take(range(half)), generator)
        z = torch.cat((around, some.z[half:], self._noisy(again, generator)))
        arrays = {name: torch.cat((value, again.arrays[name])) for name, value in some.arrays.items()}
        losses = changes.loss(self._forced_loss, z, arrays)
        return losses[: len(some)].mean() + losses[len(some) :].mean()

    def spread(self, pairs: EncodedPhrases) -> EncodedPhrases:
        """Return phrases at their own points and around them, the same ones at every call."""
        generator = torch.Generator().manual_seed(self._options.seed)
        draws = [pairs.z] + [self._around(pairs, generator) for _ in range(AROUND if self._net.latent else 0)]
        times = len(draws)
        arrays = {name: torch.cat([value] * times) for name, value in pairs.arrays.items()}
        return EncodedPhrases(
            torch.cat(draws), torch.cat([pairs.spread] * times), arrays, pairs.phrases * times
        )

    def _noisy(self, pairs: EncodedPhrases, generator: torch.Generator) -> Tensor:
        """Draw z of the posterior."""
        return pairs.z + pairs.spread * torch.randn(pairs.z.shape, generator=generator)

    def _around(self, pairs: EncodedPhrases, generator: torch.Generator) -> Tensor:
        """Draw z around phrases, most of them near, none further than `NEAR` of the latent's spread."""
        if self._scale is None:
            return pairs.z
        far = NEAR * torch.rand(len(pairs), 1, generator=generator).square()
        return self._noisy(pairs, generator) + far * self._scale * torch.randn(
            pairs.z.shape, generator=generator
        )


def adapted_checkpoint(checkpoint: Checkpoint, adapted: Adapted) -> Checkpoint:
    """Return the checkpoint with the new weights; everything else, graphs too, is as it was."""
    weights = {name: value.numpy() for name, value in adapted.net.state_dict().items()}
    figures = {**checkpoint.figures, "adapted": adapted.figures}
    return replace(checkpoint, weights=weights, figures=figures)
