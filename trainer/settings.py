"""What a training run is told: `[model]` and `[fit]` of one TOML file, overridable by `key=value`."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec

from model.config import ModelConfig, convert
from model.errors import ConfigError
from trainer.errors import UsageError

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Natural = Annotated[float, msgspec.Meta(ge=0)]


class FitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model is fitted.

    Attributes:
        batch: phrases a step.
        steps: optimiser steps of the whole run, if the minutes do not end it first.
        minutes: wall-clock of the whole run; `--max-minutes` goes before it.
        learning_rate: at the top of the cosine, after `warmup` steps.
        weight_decay: of AdamW.
        clip: largest norm of the gradient.
        beta_start: weight of the KL at the beginning.
        beta: weight of the KL from the share `ramp` of the run on.
        velocity_weight: of the velocities' squared error beside the other losses.
        edits: edit pairs made before training, none without knobs.
        edit_share: of a batch, the part that also learns an edit.
        edit_weight: of the edits' loss.
        transpose: furthest transpositions down and up, semitones.
        rotate: share of the phrases without an edit that begin at another step, wrapped around.
        alone: share of the phrases without an edit of which only the highest line is kept.
        interval: seconds between two looks at the validation split.
        validation: phrases looked at.
        precision: `auto`, `float32` or `bfloat16`; auto takes bfloat16 where the machine multiplies it fast.
        seed: of everything drawn.

    """

    batch: Count = 64
    steps: Count = 100_000
    minutes: Positive | None = None
    learning_rate: Positive = 1e-3
    warmup: Count = 200
    weight_decay: Natural = 0.02
    clip: Positive = 50.0
    beta_start: Natural = 0.0
    beta: Natural = 0.1
    ramp: Share = 0.3
    velocity_weight: Natural = 1.0
    edits: Annotated[int, msgspec.Meta(ge=0)] = 20_000
    edit_share: Share = 0.5
    edit_weight: Natural = 0.5
    transpose: tuple[int, int] = (-6, 5)
    rotate: Share = 0.0
    alone: Share = 0.0
    interval: Positive = 60.0
    validation: Count = 768
    precision: str = "auto"
    seed: int = 0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole configuration file."""

    model: ModelConfig
    fit: FitConfig = FitConfig()


def read(path: Path, overrides: list[str], seed: int | None = None) -> Settings:
    """Read a configuration and lay `section.key=value` overrides over it.

    Raises:
        UsageError: the file is missing or no TOML, a key is unknown, or a value is not allowed.

    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the configuration {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the configuration {path} is no TOML: {error}") from error
    for override in overrides:
        _lay(raw, override)
    if seed is not None:
        raw.setdefault("fit", {})["seed"] = seed
    try:
        settings = convert(raw, Settings, where=str(path))
    except ConfigError as error:
        raise UsageError(str(error)) from error
    if settings.fit.precision not in ("auto", "float32", "bfloat16"):
        raise UsageError(
            f"{path}: fit.precision is auto, float32 or bfloat16, not '{settings.fit.precision}'"
        )
    return settings


def _lay(raw: dict[str, Any], override: str) -> None:
    """Put one `section.key=value` into the parsed file; a value that is no TOML is text."""
    key, sign, value = override.partition("=")
    if not sign or not key:
        raise UsageError(f"an override is written section.key=value, not '{override}'")
    *path, last = key.strip().split(".")
    place = raw
    for part in path:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise UsageError(f"the override '{override}' goes into '{part}', which holds no keys")
    try:
        place[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        place[last] = value.strip()
