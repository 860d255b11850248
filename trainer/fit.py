"""Fit a model: what a run is given, checked, and put together."""

import threading
from pathlib import Path

import numpy as np
import torch

from model.codecs.base import build
from model.errors import ModelError
from model.vae import VAE
from trainer import pairs, settings
from trainer.dataset import load
from trainer.errors import FailureError, UsageError
from trainer.finish import calibrate
from trainer.learner import Learner
from trainer.machine import stop_signals
from trainer.state import NAME
from trainer.watch import Watch

EDITS = "edits.npz"  # made once, kept in the run's folder
MEASURED = 10_000  # phrases over which the attributes are calibrated


def run(
    config: Path,
    data: Path,
    out: Path,
    *,
    max_minutes: float | None = None,
    resume: bool = False,
    overrides: list[str] | None = None,
    seed: int | None = None,
) -> Path:
    """Fit the model of a configuration to prepared phrases.

    Ends after its minutes or steps, or on SIGINT or SIGTERM; each leaves a checkpoint that can be played
    and a state that can be resumed from.

    Args:
        config: TOML file with `[model]` and `[fit]`.
        data: folder that `twobar-train prepare` wrote.
        out: folder of the run.
        max_minutes: wall-clock for this sitting, in place of the configuration's minutes.
        resume: go on from the state in `out`.
        overrides: `section.key=value`, laid over the configuration.
        seed: in place of the configuration's.

    Returns:
        The path of the checkpoint.

    Raises:
        TrainerError: the configuration, the data or the state cannot be used, or the loss is no number.

    """
    told = settings.read(config, overrides or [], seed)
    fit, model = told.fit, told.model
    if max_minutes is not None and max_minutes <= 0:
        raise UsageError(f"--max-minutes must be above 0, not {max_minutes}")
    torch.manual_seed(fit.seed)
    try:
        net = VAE(model)
        codec = build(model.codec, model.grid.build())
    except ModelError as error:
        raise UsageError(f"{config}: {error}") from error
    train = load(data, model.codec, "train")
    validation = load(data, model.codec, "validation", may_be_empty=True)
    seen = len(validation) == 0  # a small folder: measured on what it learns from is better than not at all
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailureError(f"the folder {out} cannot be made: {error.strerror}") from error
    if not resume and (out / NAME).is_file():
        raise UsageError(f"{out} holds a run already: give --resume to go on with it, or another --out")
    with stop_signals() as stop, Watch(out, resume=resume) as watch:
        if seen:
            validation = train
            watch.say("the validation split holds no phrase: the figures are of the training phrases")
        calibration = calibrate(train, codec, limit=MEASURED, seed=fit.seed)
        edits = None
        if model.knobs and fit.edits and round(fit.batch * fit.edit_share):
            unknown = [name for name in model.knobs if name not in calibration.names]
            if unknown:
                raise UsageError(f"{config}: model.knobs: there is no attribute '{unknown[0]}'")
            spread = np.array([calibration.of("spread", name) for name in model.knobs], dtype=np.float32)
            made = Path(out / EDITS)
            if made.is_file():
                edits = pairs.load(made)
            else:
                watch.say(f"making {fit.edits} edit pairs for {', '.join(model.knobs)}")
                edits = pairs.make(
                    train,
                    codec,
                    knobs=model.knobs,
                    spread=spread,
                    count=fit.edits,
                    seed=fit.seed,
                    going=lambda done: _going(watch, stop, done, fit.edits),
                )
                if len(edits) == fit.edits:
                    pairs.save(edits, made)
        learner = Learner(model, fit, net, codec, train, validation, calibration, edits, watch, out)
        if resume:
            learner.resume()
        try:
            return learner.go(minutes=max_minutes if max_minutes is not None else fit.minutes, stop=stop)
        except ModelError as error:
            raise FailureError(str(error)) from error


def _going(watch: Watch, stop: threading.Event, done: int, wanted: int) -> bool:
    """Show how many edits are made; return whether to go on."""
    watch.advance(0.0, f"{done} of {wanted} edits")
    return not stop.is_set()
