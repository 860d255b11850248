"""Fit the writer: steps on examples until the time is over, a running average of the weights, checkpoints.

A run's folder holds writer.safetensors (the average where it fitted the validation pieces best), log.jsonl
(a line for each validation), and resume.state with state.json, from which the run goes on.

Tested in tests/trainer/writing/test_fit.py.
"""

import copy
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save as save_numpy
from safetensors.torch import load_file, save_file
from torch import nn

from model.files import atomic_write
from model.writing.wish import Kind
from trainer.corpus.hashing import digest
from trainer.corpus.pieces import Pieces, load_pieces
from trainer.errors import OperationError, RequestError
from trainer.run.checkpoints import LOG
from trainer.run.device import quickest_threads, stop_signals
from trainer.writing.examples import Examples, ExampleSource
from trainer.writing.muon import FloatMuon
from trainer.writing.network import LOSSES, WriterNetwork

NAME = "writer.safetensors"
STATE, DESCRIPTION = "resume.state", "state.json"
STATE_BEFORE = "state.safetensors"  # of runs before it had that name
WEIGHTS_OF_LOSSES = (1.0, 1.0, 1.0, 1.0, 0.5, 0.25)
"""Of the columns: velocities and offsets have many values and say least."""
AVERAGE = 0.998  # of the weights, a step
DECAY = 0.05
WARM = 80  # steps
CHECKED_SECONDS = 180.0
VALIDATED = 4  # batches of each kind
ENDING_RATE = 0.03  # of the learning rate, at the end of the cosine


@dataclass(frozen=True, slots=True)
class WriterConfig:
    """How a writer is fitted.

    Attributes:
        minutes: of training, those of a run that is resumed included.
        width: of the tokens.
        depth: blocks before the last one.
        heads: of the attention; twice as many divide the width.
        batch: tokens a step, about.
        learning_rate: at the top of the cosine.
        seed: of weights and examples.
    """

    minutes: float = 60.0
    width: int = 160
    depth: int = 3
    heads: int = 5
    batch: int = 3000
    learning_rate: float = 4e-3
    seed: int = 0


def fit_writer(
    data: Path, out: Path, config: WriterConfig, *, resume: bool = False, say: Callable[[str], None] = print
) -> Path:
    """Fit a writer to a prepared folder's pieces; return its file.

    Args:
        data: that prepare wrote.
        out: the run's folder.
        config: size and time.
        resume: go on from the state in `out`.
        say: is told how far it is.

    Ends after its minutes, or on SIGINT or SIGTERM, with a state that can be resumed from.

    Raises:
        OperationError: there are no pieces to learn from, nothing to resume, or the loss is no number; or the
            disk refuses.
        RequestError: the sizes do not fit together; `out` holds a run already, or one on other pieces.
    """
    if not resume and any((out / name).is_file() for name in (STATE, DESCRIPTION, NAME)):
        raise RequestError(f"{out} holds a run already: give --resume to go on with it, or another --out")
    if config.width % (2 * config.heads):
        raise RequestError(
            f"--width must be a multiple of twice --heads, and {config.width} is none of {2 * config.heads}"
        )
    pieces = load_pieces(data, "train")
    source = ExampleSource(pieces)
    if not source.kinds:
        raise OperationError(f"'{data}' holds no pieces that a writer could learn")
    checks = validation_batches(load_pieces(data, "validation"), config.batch)
    torch.manual_seed(config.seed)
    try:
        out.mkdir(parents=True, exist_ok=True)
        run = _Run.begin(
            config, out, source.keys(), digest(pieces.starts, pieces.songs, pieces.notes), resume=resume
        )
        if not resume:
            (out / LOG).write_text("", encoding="utf-8")
        with stop_signals() as stop:
            _learn(run, source, checks, config, say=say, stop=stop)
    except OSError as error:
        raise OperationError(f"the run cannot be written to '{out}': {error.strerror or error}") from error
    return out / NAME


def _learn(
    run: "_Run",
    source: ExampleSource,
    checks: dict[Kind, list[Examples]],
    config: WriterConfig,
    *,
    say: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Take steps until the minutes are over or `stop` is set."""
    examples = source.batches(config.batch, np.random.default_rng((config.seed, run.step)))
    began = time.monotonic() - run.seconds
    checked = time.monotonic()
    torch.set_flush_denormal(True)  # as in `fit`
    torch.set_num_threads(run.best_threads(next(examples)))
    while True:
        run.seconds = time.monotonic() - began
        share = run.seconds / (60 * config.minutes)
        if share >= 1 or stop.is_set():
            break
        run.learn(next(examples), share)
        if time.monotonic() - checked >= CHECKED_SECONDS or run.step in (50, 200):
            run.check(checks, say)
            run.save()
            checked = time.monotonic()
    run.check(checks, say)
    run.save()


class _Run:
    """The network, its average, the optimisers, and how far they are."""

    def __init__(self, config: WriterConfig, out: Path, keys: NDArray[np.float32], data: str) -> None:
        self._config, self._out, self._keys, self._data = config, out, keys, data
        self.network = WriterNetwork(config.width, config.depth, config.heads)
        self.average = copy.deepcopy(self.network)
        self._optimisers = _optimisers(self.network)
        self._size = f"--width {config.width} --depth {config.depth} --heads {config.heads}"
        self.step, self.seconds, self.tokens = 0, 0.0, 0
        self._least = float("inf")
        self._lately: list[float] = []

    @classmethod
    def begin(
        cls, config: WriterConfig, out: Path, keys: NDArray[np.float32], data: str, *, resume: bool
    ) -> "_Run":
        run = cls(config, out, keys, data)
        if resume:
            run.load()
        return run

    def best_threads(self, batch: Examples) -> int:
        """Return with how many threads a step is quickest; no weight is changed by it."""

        def step() -> float:
            began = time.monotonic()
            self.loss(batch).backward()  # type: ignore[no-untyped-call]
            return time.monotonic() - began

        return quickest_threads(step)

    def loss(self, batch: Examples) -> torch.Tensor:
        """Return the weighted nats of a batch."""
        nats, counts = self.network(batch)
        loss: torch.Tensor = (nats / counts.clamp(min=1) * torch.tensor(WEIGHTS_OF_LOSSES)).sum()
        return loss

    def learn(self, batch: Examples, share: float) -> None:
        """Take a step."""
        config = self._config
        warm = min(1.0, (self.step + 1) / WARM)
        rate = config.learning_rate * warm * (ENDING_RATE + (1 - ENDING_RATE) * 0.5 * (1 + cos(pi * share)))
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
        loss = self.loss(batch)
        if not torch.isfinite(loss):
            raise OperationError(f"the loss is no number at step {self.step}: lower --learning-rate")
        self.network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimiser in self._optimisers:
            optimiser.step()
        slow = min(AVERAGE, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for old, new in zip(self.average.parameters(), self.network.parameters(), strict=True):
                old.lerp_(new, 1 - slow)
        self.step += 1
        self.tokens += int((batch.types >= 0).sum())
        self._lately.append(float(loss.detach()))

    def check(self, checks: dict[Kind, list[Examples]], say: Callable[[str], None]) -> None:
        """Measure the average on the validation batches, log it, and keep its weights where it is better."""
        found = {kind.name.lower(): measured(self.average, batches) for kind, batches in checks.items()}
        everything = float(np.mean([sum(columns.values()) for columns in found.values()])) if found else 0.0
        lately = float(np.mean(self._lately)) if self._lately else 0.0
        self._lately = []
        row = {
            "step": self.step,
            "seconds": round(self.seconds, 1),
            "tokens": self.tokens,
            "loss": round(lately, 4),
            "nats": round(everything, 4),
            **{kind: {name: round(value, 3) for name, value in one.items()} for kind, one in found.items()},
        }
        with (self._out / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        totals = "  ".join(f"{kind} {sum(columns.values()):.3f}" for kind, columns in found.items())
        going = f"{self.seconds / 60:.1f} min  {self.tokens / max(1e-9, self.seconds):.0f} tokens/s"
        say(f"step {self.step}  {going}  loss {lately:.3f}  {totals}")
        if everything < self._least or not found:
            self._least = everything
            with atomic_write(self._out / NAME) as draft:
                draft.write_bytes(save_numpy(self.average.tensors(self._keys)))  # as readable as any file

    def save(self) -> None:
        """Write what a resumed run goes on from."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for number, optimiser in enumerate(self._optimisers):
            for index, state in optimiser.state_dict()["state"].items():
                for name, value in state.items():
                    tensors[f"optimiser.{number}.{index}.{name}"] = torch.as_tensor(value).clone()
        with atomic_write(self._out / STATE) as draft:
            save_file({name: value.contiguous() for name, value in tensors.items()}, draft)
        facts = {
            "step": self.step,
            "seconds": self.seconds,
            "tokens": self.tokens,
            "least": self._least,
            "data": self._data,
            "size": self._size,
        }
        with atomic_write(self._out / DESCRIPTION) as draft:
            draft.write_text(json.dumps(facts) + "\n", encoding="utf-8")

    def load(self) -> None:
        """Go on from what `save` wrote.

        Raises:
            OperationError: it is not there, or damaged.
            RequestError: it is of another size, or learned from other pieces: some may be held out now.
        """
        try:
            before = self._out / STATE_BEFORE
            if before.is_file() and not (self._out / STATE).is_file():
                before.rename(self._out / STATE)
            tensors = load_file(self._out / STATE)
            found = json.loads((self._out / DESCRIPTION).read_text(encoding="utf-8"))
            size = found.get("size", self._size)
            if size != self._size:
                raise RequestError(f"the run in '{self._out}' was begun with {size}: resume it with the same")
            for name, network in (("network.", self.network), ("average.", self.average)):
                network.load_state_dict(_below(tensors, name))
            for number, optimiser in enumerate(self._optimisers):
                state: dict[int, dict[str, Any]] = {}
                for name, value in _below(tensors, f"optimiser.{number}.").items():
                    index, _, key = name.partition(".")
                    state.setdefault(int(index), {})[key] = value
                optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise OperationError(f"'{self._out}' holds no run of this size to go on from") from error
        if found.get("data", self._data) != self._data:
            raise RequestError(
                f"the run in {self._out} was begun on other pieces: resume it with --data as it was, or "
                "begin another with another --out"
            )
        self.step, self.seconds, self.tokens = found["step"], found["seconds"], found["tokens"]
        self._least = found["least"]


def validation_batches(pieces: Pieces, size: int) -> dict[Kind, list[Examples]]:
    """Return the same few batches of each kind, of about `size` tokens, every time."""
    source, rng = ExampleSource(pieces), np.random.default_rng(0)
    found: dict[Kind, list[Examples]] = {}
    for kind in source.kinds:
        batches: Iterator[Examples] = (
            source.examples(kind, runs, rng) for runs in source.groups(kind, size, rng)
        )
        found[kind] = list(islice(batches, VALIDATED))
    return found


def measured(network: WriterNetwork, batches: list[Examples]) -> dict[str, float]:
    """Return nats a choice of each column."""
    nats, counts = torch.zeros(len(LOSSES)), torch.zeros(len(LOSSES))
    with torch.no_grad():
        for batch in batches:
            of_batch, number = network(batch)
            nats, counts = nats + of_batch, counts + number
    return dict(zip(LOSSES, (nats / counts.clamp(min=1)).tolist(), strict=True))


def _below(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _optimisers(network: WriterNetwork) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices between hidden layers, AdamW for all else, see `trainer.latent.prior`."""
    inner = network.matrices()
    known = set(map(id, inner))
    rest = [weight for weight in network.parameters() if id(weight) not in known]
    return [FloatMuon(inner, decay=DECAY), torch.optim.AdamW(rest, weight_decay=0.0, betas=(0.9, 0.98))]
