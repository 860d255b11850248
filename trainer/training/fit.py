"""Fit a model: a run's configuration and data, checked and put together."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoint import Calibration
from model.codecs.base import Codec
from model.codecs.registry import build, corpus_of
from model.config import ModelConfig
from model.errors import ModelError
from model.latent.note_transformer import FOLDER
from model.music.grid import Grid
from model.networks.vae import VAE
from model.shipped import SUFFIX
from trainer import settings
from trainer.corpus import meta
from trainer.data import edit_pairs
from trainer.data.conditions import ConditionMaker
from trainer.data.dataset import Phrases, commonest_styles, load, styles_of
from trainer.errors import EmptyCorpusError, OperationError, RequestError
from trainer.latent.importance import fit_importance_weights
from trainer.latent.prior import GENTLER, fit_prior
from trainer.run.checkpoints import LOG
from trainer.run.device import keep_freed_memory, stop_signals
from trainer.run.distributed import World, joined
from trainer.run.progress import RunLog
from trainer.settings import Settings
from trainer.training import memory_estimate
from trainer.training.checkpointing import calibrate
from trainer.training.loop import TrainingLoop
from trainer.training.objectives.base import MODEL
from trainer.training.origin import check_same, origin_of
from trainer.training.resume import NAME, origin_in
from trainer.training.warm_start import begin_from, further_tensors

EDITS = "edits.npz"  # made once, saved in the run's folder
EDITING = 0.25  # of the network's minutes, the most that making them may take
SHORT, SHORT_SHARE = 15.0, 0.1  # minutes of a short run, and the share of them that its prior has at most
FEW = 50  # phrases below which a split measures chance
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
    init: str | None = None,
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
        init: a shipped model or a checkpoint whose weights it begins with; a resumed run has them already.

    Returns:
        The path of the checkpoint.

    Raises:
        TrainerError: the configuration, the data or the state cannot be used, or the loss is no number.
    """
    configuration = settings.read(
        config, overrides or [], seed, styles=lambda codec: commonest_styles(data, codec)
    )
    if resume and (out / NAME).is_file():
        init = origin_in(out).parent or None
    if init and not any(change.startswith("fit.learning_rate") for change in overrides or []):
        gentle = GENTLER * configuration.fit.learning_rate
        fit = msgspec.structs.replace(configuration.fit, learning_rate=gentle)
        configuration = msgspec.structs.replace(configuration, fit=fit)
    if max_minutes is not None and max_minutes <= 0:
        raise RequestError(f"--max-minutes must be above 0, not {max_minutes}")
    with joined() as world:
        return _run(
            configuration,
            config,
            data,
            out,
            minutes=shares(configuration, max_minutes),
            resume=resume,
            world=world,
            init=init,
        )


def shares(configuration: Settings, max_minutes: float | None) -> tuple[float | None, float | None]:
    """Return the minutes of the network and those of its prior, weights included; None is no limit.

    A limit for all is divided as the configuration divides its own minutes; of a short one the prior has a
    tenth at most: a network that hears little has nothing to draw.
    """
    if max_minutes is None:
        return configuration.fit.minutes, None
    if not configuration.prior.minutes:
        return max_minutes, None
    share = configuration.prior.minutes / (
        configuration.prior.minutes + (configuration.fit.minutes or configuration.prior.minutes)
    )
    if max_minutes < SHORT:
        share = min(share, SHORT_SHARE)
    return max_minutes * (1 - share), max_minutes * share


def _run(
    configuration: Settings,
    config: Path,
    data: Path,
    out: Path,
    *,
    minutes: tuple[float | None, float | None],
    resume: bool,
    world: World,
    init: str | None = None,
) -> Path:
    """Fit as one of the run's processes; the network's minutes count from here."""
    began = time.monotonic()
    network_minutes, prior_minutes = minutes
    fit, model = configuration.fit, configuration.model
    torch.manual_seed(fit.seed)
    torch.set_flush_denormal(True)  # a step of the sixteen-bar MusicVAE is ten times as slow with them
    keep_freed_memory()
    net, codec = _built(model, config)
    begun_from = begin_from(net, init) if init and not resume else ""
    check_folder(data, model)
    styled = "style" in model.conditions
    train = load(data, model.codec, "train", styled=styled)
    validation = load(data, model.codec, "validation", may_be_empty=True, styled=styled)
    conditions = ConditionMaker.of(model, styles_of(data) if styled else ())
    seen = len(validation) == 0  # a small folder: measured on what it learns from is better than not at all
    world.shared(lambda: _open_folder(out, model.name, resume=resume))
    with stop_signals() as stop, RunLog(out, resume=resume, quiet=not world.first) as run_log:
        if seen:
            validation = train
            run_log.say("the validation split holds no phrase: the figures are of the training phrases")
        elif len(validation) < FEW:
            run_log.say(f"the validation split holds {len(validation)} phrases only: its figures say little")
        if begun_from:
            run_log.say(begun_from)
        origin = msgspec.structs.replace(origin_of(configuration, train, data), parent=init or "")
        if resume:
            begun = world.shared(lambda: origin_in(out))
            for sentence in check_same(begun, origin, run=out):
                run_log.say(sentence)
            origin = msgspec.structs.replace(origin, date=begun.date or origin.date)
        calibration = calibrate(train, codec, limit=MEASURED, seed=fit.seed)
        edits = None
        early = began + 60 * EDITING * (network_minutes if network_minutes is not None else float("inf"))
        if model.knobs and fit.edits and round(fit.batch * fit.edit_share):
            edits = world.shared(
                lambda: _edits(
                    configuration,
                    train,
                    codec,
                    calibration,
                    data=origin.data,
                    run_log=run_log,
                    stop=stop,
                    in_time=lambda: time.monotonic() < early,
                )
            )
        known, prior = _learned(out / f"{model.name}{SUFFIX}", init, resume=resume)
        loop = TrainingLoop(
            model,
            fit,
            net,
            codec,
            train,
            validation,
            calibration,
            edits,
            conditions,
            run_log,
            out,
            world,
            origin,
            prior,
        )
        if resume:
            loop.resume()
        world.shared(lambda: _check_memory(loop))
        loop.suit_machine(resumed=resume)
        try:
            left = None if network_minutes is None else world.shared(lambda: _left(network_minutes, began))
            path = loop.run(minutes=left, stop=stop)
            if configuration.prior.minutes:
                music = (codec, train, validation)
                device = next(net.parameters()).device
                world.shared(
                    lambda: _prior(
                        configuration,
                        music,
                        path,
                        device,
                        run_log=run_log,
                        stop=stop,
                        minutes=prior_minutes,
                        begun=known,
                    )
                )
        except ModelError as error:
            raise OperationError(str(error)) from error
        return path


def _built(model: ModelConfig, config: Path) -> tuple[VAE, Codec]:
    """Return a fresh network and its codec; say in one sentence what the configuration asks too much."""
    try:
        return VAE(model), build(model.codec, model.grid.build())
    except ModelError as error:
        raise RequestError(f"{config}: {error}") from error


def _learned(
    path: Path, init: str | None, *, resume: bool
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return the further tensors that a run goes on from, and of them the prior that a resumed one has.

    A prior writes notes, whatever the network has become since it was fitted.
    """
    parents = further_tensors(init) if init else {}
    extras = further_tensors(str(path)) if resume else {}
    return parents | extras, {name: value for name, value in extras.items() if name.startswith(FOLDER)}


def _prior(
    configuration: Settings,
    music: tuple[Codec, Phrases, Phrases],
    path: Path,
    device: torch.device,
    *,
    run_log: RunLog,
    stop: threading.Event,
    minutes: float | None,
    begun: Mapping[str, NDArray[Any]],
) -> None:
    """Fit the prior and the weights of its draws; of a limit the weights have a fifth."""
    parts = (None, None) if minutes is None else (48 * minutes, 12 * minutes)
    prior, seed = configuration.prior, configuration.fit.seed
    if not stop.is_set():
        fit_prior(
            *music,
            path,
            prior,
            seed=seed,
            run_log=run_log,
            stop=stop,
            seconds=parts[0],
            device=device,
            begun=begun,
        )
    if prior.draws and not stop.is_set():
        codec, train, _ = music
        fit_importance_weights(
            codec, train, path, draws=prior.draws, seed=seed, run_log=run_log, stop=stop, seconds=parts[1]
        )


def check_folder(data: Path, model: ModelConfig) -> None:
    """Check that a prepared folder holds the model's codec on the model's grid.

    Raises:
        RequestError: it was prepared for others; both are named, and the command that mends it.
        OperationError: what it says of itself cannot be read.
    """
    found = meta.read(data)
    if found is None:
        return  # arrays that another program laid there
    grid, codecs = found.grid, sorted(found.phrases)
    wanted = model.grid.build()
    if grid != wanted:
        raise RequestError(
            f"the phrases in {data} have {_words(grid)}, model.grid asks for {_words(wanted)}: prepare "
            f"others with 'twobar-train prepare MIDI_DIR --out {data}-{wanted.bars} --bars {wanted.bars} "
            f"--beats-per-bar {wanted.beats_per_bar} --steps-per-beat {wanted.steps_per_beat}', or change "
            "model.grid"
        )
    corpus = corpus_of(model.codec)
    if corpus not in codecs:
        raise RequestError(
            f"{data} has no phrases for codec '{model.codec}'; there is: {', '.join(codecs)}; prepare again "
            "with 'twobar-train prepare', the same folders and options"
        )
    if not found.phrases[corpus].get("train"):
        raise EmptyCorpusError(
            f"{data} holds no phrase to train codec '{model.codec}' on; its report.json says what was skipped"
        )


def _words(grid: Grid) -> str:
    """Return a grid in words."""
    bars = "1 bar" if grid.bars == 1 else f"{grid.bars} bars"
    return f"{bars} of {grid.beats_per_bar} beats with {grid.steps_per_beat} steps each"


def _open_folder(out: Path, name: str, *, resume: bool) -> None:
    """Make the run's folder; refuse one that holds a run; to be resumed, refuse one that holds none."""
    if resume and not (out / NAME).is_file():  # before minutes are spent on edit pairs
        raise OperationError(f"there is nothing to resume in {out}: {NAME} is not there")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperationError(f"the folder {out} cannot be made: {error.strerror}") from error
    if resume:
        return
    if (out / NAME).is_file():
        raise RequestError(f"{out} holds a run already: give --resume to go on with it, or another --out")
    log, checkpoint = out / LOG, f"{name}{SUFFIX}"
    logged = log.is_file() and log.stat().st_size  # a run that ended before it was validated leaves it empty
    present = [checkpoint] * (out / checkpoint).exists() + [LOG] * bool(logged)
    if present:
        raise RequestError(
            f"{out} holds {' and '.join(present)} of a run whose {NAME} is gone, so that it cannot be "
            "resumed: give another --out, or move them away"
        )


def _edits(
    configuration: Settings,
    train: Phrases,
    codec: Codec,
    calibration: Calibration,
    *,
    data: str,
    run_log: RunLog,
    stop: threading.Event,
    in_time: Callable[[], bool],
) -> edit_pairs.EditPairs:
    """Read the run's edit pairs, or make and keep them: a resumed run goes on with the same."""
    fit, knobs = configuration.fit, configuration.model.knobs
    spread = np.array([calibration.of("spread", name) for name in knobs], dtype=np.float32)
    made = run_log.folder / EDITS
    found = edit_pairs.load(made, data=data, phrases=len(train), knobs=knobs) if made.is_file() else None
    if found is not None:
        return found
    run_log.say(f"making {fit.edits} edit pairs for {', '.join(knobs)}")

    def going(done: int) -> bool:
        run_log.advance(0.0, f"{done} of {fit.edits} edits")
        return not stop.is_set() and in_time()

    edits = edit_pairs.make(
        train, codec, knobs=knobs, spread=spread, count=fit.edits, seed=fit.seed, going=going
    )
    short = len(edits) < fit.edits
    if short and not stop.is_set():
        run_log.say(f"{len(edits)} edit pairs must do: a quarter of the time is over")
    if not (short and stop.is_set()):
        try:
            edit_pairs.save(edits, made, data=data, knobs=knobs)
        except OSError as error:
            raise OperationError(f"{made} cannot be written: {error.strerror or error}") from error
    return edits


def _check_memory(loop: TrainingLoop) -> None:
    """Refuse a batch that is too large for the memory of the processor, before it has to find out."""
    if loop.device.type != "cpu":
        return  # a card says so itself
    fit = loop.fit  # what precision auto may choose is timed in both: the larger counts
    kind = torch.float32 if fit.precision == "auto" else loop.roles[MODEL].kind
    with loop.fitting():
        size = memory_estimate.estimate(loop.objective, loop.validation_arrays, loop.condition, kind=kind)
    memory_estimate.check(size, memory_estimate.available(), batch=fit.batch)


def _left(minutes: float, began: float) -> float:
    """Return what is left of a limit; never nothing, so that something is learned."""
    return max(1e-9, minutes - (time.monotonic() - began) / 60)
