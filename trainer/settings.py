"""The settings of a training run: `[model]` and `[fit]` of one TOML file, overridable by `key=value`."""

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec

from model import strict
from model.config import AT_ONCE, STEP_BY_STEP, ModelConfig
from model.errors import ConfigError, nearest
from model.music.attributes import applicable
from trainer.errors import RequestError

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Natural = Annotated[float, msgspec.Meta(ge=0)]

OBJECTIVES = ("elbo", "language", "adversarial")
ANNEALS = ("linear", "sigmoid", "cyclical")
CRITICS = ("rhythm", "roll")
BATCHES = ("auto", "processor", "device")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
AUTO = "auto"
"""Of model.styles: those that the prepared phrases have."""
NAME = re.compile(r"\w[\w.-]{0,47}")  # of a model: files are called so


class CriticConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The critic of objective `adversarial`, or beside `elbo` where its weight is above 0.

    Attributes:
        kind: `rhythm` (a stream for the notes and one for when they start) or `roll` (the first alone).
        weight: of the critic's term beside an ELBO; 0 trains none.
        start: share of the run from which that term counts.
        steps: of the critic before each step of the model.
        learning_rate: of the critic.
        penalty: weight of the gradient penalty (Gulrajani et al. 2017).
        width: of its layers.
        depth: layers.
        temperature: at which a decode's probabilities become the roll that the critic sees.
        noise: share of the sampling's own noise in that roll.
        invert: adversarial: weight of an encoder's error in guessing the z of a generated phrase.
        answer: adversarial: weight of the likelihood of a real phrase at the z that the encoder guesses.
    """

    kind: str = "rhythm"
    weight: Natural = 0.0
    start: Share = 0.0
    steps: Count = 5
    learning_rate: Positive = 2e-4
    penalty: Natural = 10.0
    width: Count = 128
    depth: Count = 3
    temperature: Positive = 1.0
    noise: Share = 0.0
    invert: Natural = 1.0
    answer: Natural = 0.0


class FitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model is fitted.

    Attributes:
        objective: `elbo` (anything with an encoder), `language` (next step, no latent) or `adversarial`
            (a generator against a critic).
        batch: phrases that go through the network at once.
        accumulate: batches in a step; the step is that of one batch as large as all of them.
        steps: optimiser steps of the whole run, if the minutes do not end it first.
        minutes: wall-clock of the whole run; `--max-minutes` goes before it.
        learning_rate: at the top of the cosine, after `warmup` steps.
        weight_decay: of AdamW.
        clip: largest norm of the gradient.
        beta_start: weight of the KL at the beginning.
        beta: weight of the KL from the share `ramp` of the run on.
        ramp: share of the run, or of each cycle, in which beta rises.
        anneal: how it rises: `linear`, `sigmoid`, or `cyclical` (a linear rise at the start of each cycle;
            Fu et al. 2019).
        cycles: of `cyclical`, over the whole run.
        free_bits: nats of KL of a whole phrase that cost nothing (MusicVAE's 48 bits are 33).
        word_dropout: share of the steps whose note is withheld from a step-by-step decoder while it learns.
        scheduled_sampling: k of the inverse sigmoid k / (k + exp(step / k)), the share of the steps that get
            the phrase's note and not the model's (Bengio et al. 2015); 0 always gives the phrase's.
        velocity_weight: of the velocities' squared error beside the other losses.
        edits: edit pairs made before training, none without knobs.
        edit_share: of a batch, the part that also learns an edit.
        edit_weight: of the edits' loss.
        drop_parts: multitrack: share of the phrases of which the encoder does not hear random parts.
        condition_dropout: share of the phrases whose condition is withheld.
        transpose: furthest transpositions down and up, semitones.
        rotate: share of the phrases without an edit that begin at another step, wrapped around.
        alone: share of the phrases without an edit of which only the highest line is learned.
        interval: seconds between two validations.
        validation: phrases of the validation split that are measured.
        precision: `auto`, `float32`, `bfloat16` or `float16` (with a gradient scaler); auto takes bfloat16
            where the machine multiplies it fast.
        compile: let torch compile the network where that makes its steps quicker.
        batches: where they are made: on the `processor`, on the `device` that learns from them, or `auto`, on
            a card where it can; they are the same.
        threads: of the processor, 1..64; 0 takes as many as make the run's own steps quickest.
        seed: of everything drawn.
        critic: of `adversarial`, or beside `elbo`.
    """

    objective: str = "elbo"
    batch: Count = 64
    accumulate: Count = 1
    steps: Count = 100_000
    minutes: Positive | None = None
    learning_rate: Positive = 1e-3
    warmup: Count = 200
    weight_decay: Natural = 0.02
    clip: Positive = 50.0
    beta_start: Natural = 0.0
    beta: Natural = 0.1
    ramp: Share = 0.3
    anneal: str = "linear"
    cycles: Count = 4
    free_bits: Natural = 0.0
    word_dropout: Share = 0.0
    scheduled_sampling: Natural = 0.0
    velocity_weight: Natural = 1.0
    edits: Annotated[int, msgspec.Meta(ge=0)] = 20_000
    edit_share: Share = 0.5
    edit_weight: Natural = 0.5
    drop_parts: Share = 0.0
    condition_dropout: Share = 0.0
    transpose: tuple[int, int] = (-6, 5)
    rotate: Share = 0.0
    alone: Share = 0.0
    interval: Positive = 60.0
    validation: Count = 768
    precision: str = "auto"
    compile: bool = False
    batches: str = "auto"
    threads: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 0
    critic: CriticConfig = CriticConfig()


class PriorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The prior that is fitted to the phrases when the model itself is done; none where minutes are 0.

    Attributes:
        minutes: of fitting it, after the model's own.
        steps: at most.
        batch: notes a step, about.
        learning_rate: at the top of the cosine.
        width: of its tokens, one a note.
        depth: Transformer blocks.
        heads: of the attention; they divide the width.
        dropout: share of what enters and leaves the blocks.
        draws: of it, from which the weights of its draws are learned afterwards; 0 for none.
    """

    minutes: Natural = 0.0
    steps: Count = 50_000
    batch: Count = 2000
    learning_rate: Positive = 4e-3
    width: Count = 192
    depth: Count = 4
    heads: Count = 4
    dropout: Share = 0.0
    draws: Annotated[int, msgspec.Meta(ge=0)] = 6000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole configuration file."""

    model: ModelConfig
    fit: FitConfig = FitConfig()
    prior: PriorConfig = PriorConfig()


def read(
    path: Path,
    overrides: list[str],
    seed: int | None = None,
    *,
    styles: Callable[[str], tuple[str, ...]] = lambda _codec: (AUTO,),
) -> Settings:
    """Read a configuration and lay `section.key=value` overrides over it.

    Args:
        path: of the file.
        overrides: `section.key=value`.
        seed: in place of the configuration's.
        styles: of a codec, what `model.styles = "auto"` stands for; a name that is none where nobody knows.

    Raises:
        RequestError: the file is missing or no TOML, a key is unknown, a value is not allowed, or two do not
            go together.
    """
    where = str(path)
    try:
        raw = strict.read_toml(path)
        if overrides and _stands(raw):
            where = f"{path} with --set"  # the file is right: what is wrong now is what was laid over it
        for override in overrides:
            _lay(raw, override)
        if seed is not None:
            raw.setdefault("fit", {})["seed"] = seed
        model = raw.get("model")
        if isinstance(model, dict) and model.get("styles") == AUTO:
            model["styles"] = list(styles(str(model.get("codec"))))
        settings = strict.build(raw, Settings, where)
    except ConfigError as error:
        raise RequestError(str(error)) from error
    try:
        settings.model.check()
    except ConfigError as error:
        raise RequestError(f"{path}: {error}") from error
    for complaint in _misnamed(settings.model.name):
        raise RequestError(f"{where}: {complaint}")
    for complaint in (*_unknown(settings.fit), *_contradictions(settings)):
        raise RequestError(f"{path}: {complaint}")
    return settings


def _stands(raw: dict[str, Any]) -> bool:
    """Tell whether a parsed file can be read by itself, whatever styles "auto" stands for."""
    model = raw.get("model")
    if isinstance(model, dict) and model.get("styles") == AUTO:
        raw = raw | {"model": {key: value for key, value in model.items() if key != "styles"}}
    try:
        strict.build(raw, Settings, where="")
    except ConfigError:
        return False
    return True


def _misnamed(name: str) -> Iterator[str]:
    """Complain of a model's name that is none for a file: the checkpoint is called so."""
    if not NAME.fullmatch(name):
        shown = name if len(name) <= 48 else f"{name[:48]}..."
        yield (
            f"model.name cannot be {shown!r}: the checkpoint's file is called so; allowed are 1 to 48 "
            "letters, digits, '.', '_' and '-', and no '.' or '-' at the beginning"
        )


def _unknown(fit: FitConfig) -> Iterator[str]:
    """Complain of names that a key does not know."""
    for key, value, known in (
        ("objective", fit.objective, OBJECTIVES),
        ("anneal", fit.anneal, ANNEALS),
        ("precision", fit.precision, PRECISIONS),
        ("batches", fit.batches, BATCHES),
        ("critic.kind", fit.critic.kind, CRITICS),
    ):
        if value not in known:
            yield f"fit.{key} cannot be '{value}'; {nearest(value, known)}"


def _contradictions(settings: Settings) -> Iterator[str]:
    """Complain of values that do not go together."""
    fit, model, prior = settings.fit, settings.model, settings.prior
    codec, encoder, decoder, law = model.codec, model.encoder.kind, model.decoder.kind, model.bottleneck.law
    objective = fit.objective
    if not -127 <= fit.transpose[0] <= fit.transpose[1] <= 127:
        yield f"fit.transpose is two numbers of semitones, the lower one first, not {[*fit.transpose]}"
    if prior.minutes and (law == "noise" or encoder == "none"):
        yield "prior.minutes needs latents that an encoder finds; without one it must be 0"
    if prior.width % prior.heads:
        yield f"prior.heads {prior.heads} do not divide prior.width {prior.width}"
    fitting = applicable(codec)
    for name in model.knobs:
        if name not in fitting:
            near = nearest(name, fitting)
            yield f"model.knobs: there is no attribute '{name}' of codec '{codec}'; {near}"
    if objective == "language":
        if encoder != "none":
            yield (
                f"fit.objective 'language' has no latent: model.encoder.kind must be 'none', not '{encoder}'"
            )
        if model.knobs:
            yield "model.knobs needs a latent, which fit.objective 'language' has not: it must be []"
    elif objective == "adversarial":
        if law != "noise":
            yield (
                "fit.objective 'adversarial' trains a generator: model.bottleneck.law must be 'noise', not "
                f"'{law}'; for a critic beside objective 'elbo' set fit.critic.weight"
            )
        if model.knobs:
            yield "model.knobs needs fit.objective 'elbo', not 'adversarial'"
    elif encoder == "none" or law == "noise":
        other = "adversarial" if law == "noise" else "language"
        yield f"fit.objective 'elbo' needs an encoder, and this model has none; set it to '{other}'"
    if law != "gaussian" and fit.free_bits:
        yield f"fit.free_bits needs model.bottleneck.law 'gaussian': '{law}' has no KL; it must be 0"
    if fit.critic.weight and objective != "elbo":
        yield f"fit.critic.weight is for a critic beside objective 'elbo'; with '{objective}' it must be 0"
    if fit.drop_parts and codec != "multitrack":
        yield f"fit.drop_parts needs codec 'multitrack'; with '{codec}' it must be 0"
    if fit.drop_parts and objective != "elbo":
        yield f"fit.drop_parts needs fit.objective 'elbo'; with '{objective}' it must be 0"
    if fit.alone and codec not in ("poly", "roll"):
        yield f"fit.alone needs codec 'poly' or 'roll'; with '{codec}' it must be 0"
    if fit.condition_dropout and not model.conditions:
        yield "fit.condition_dropout needs model.conditions; without conditions it must be 0"
    for wanting, way, kinds in (
        ("adversarial", "all at once", AT_ONCE),
        ("language", "step by step", STEP_BY_STEP),
    ):
        if objective == wanting and decoder not in kinds:
            yield (
                f"fit.objective '{objective}' needs a decoder that writes {way}, not '{decoder}'; "
                f"allowed are: {', '.join(kinds)}"
            )
    for key, value in (("word_dropout", fit.word_dropout), ("scheduled_sampling", fit.scheduled_sampling)):
        if value and decoder not in STEP_BY_STEP:
            yield (
                f"fit.{key} is for decoders that write step by step; decoder '{decoder}' writes all at once, "
                "so it must be 0"
            )


def _lay(raw: dict[str, Any], override: str) -> None:
    """Put one `section.key=value` into the parsed file; a value that is no TOML is text."""
    key, sign, value = override.partition("=")
    if not sign or not key:
        raise RequestError(f"an override is written section.key=value, not '{override}'")
    *path, last = key.strip().split(".")
    place = raw
    for part in path:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise RequestError(f"the override '{override}' goes into '{part}', which holds no keys")
    try:
        place[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        place[last] = value.strip()
