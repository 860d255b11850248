"""What computes a checkpoint, and where: ONNX Runtime on the processor, torch on a card or without graphs.

Importing this module and opening a checkpoint with graphs on the processor loads no torch.

Tested in tests/model/runtimes/test_registry.py, tests/model/runtimes/test_onnx.py.
"""

import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

from model.checkpoint import Checkpoint
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.errors import CheckpointError, nearest
from model.music.phrase import Note, Phrase
from model.runtimes.base import DecodeInputs, Runtime

AUTO, CPU, CUDA, MPS = DEVICES = ("auto", "cpu", "cuda", "mps")
ROUNDS = 15  # of encode and decode that each is timed over
CLEARLY = 0.9  # of the processor's time: from there on a card is taken
NEEDS_TORCH = "device '{}' needs torch, which is not installed: pip install 'twobar[gpu]'"
_NVIDIA = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")


def open_runtime(checkpoint: Checkpoint, path: Path | str, device: str | None = None) -> Runtime:
    """Return what computes a checkpoint.

    Args:
        checkpoint: what to compute.
        path: of its file, for what is said of it.
        device: "cpu"; "cuda" or "mps", whatever they cost; "auto", the quicker of the processor and a card
            that is there; None is the processor where there are graphs, else the best device for torch.

    Raises:
        CheckpointError: its weights do not fit its configuration, or the device is not there; one sentence.
    """
    if device not in (None, *DEVICES):
        raise CheckpointError(f"unknown device '{device}'; {nearest(str(device), DEVICES)}")
    if device in (CUDA, MPS):
        return _on_card(checkpoint, path, str(device))
    processor = _processor(checkpoint, path, device)
    if device != AUTO:
        return processor
    kind = card_kind()
    if not kind or find_spec("torch") is None:
        return processor
    try:
        card = _on_card(checkpoint, path, kind)
        ours, theirs = timed(checkpoint, processor), timed(checkpoint, card)
    except Exception:  # noqa: BLE001 - a card that cannot be used is as one that is not there
        return processor
    if theirs < CLEARLY * ours:
        card.name = f"{card.name}, {theirs:.1f} ms; the processor {ours:.1f}"
        return card
    processor.name = f"{processor.name}, {ours:.1f} ms; {kind} {theirs:.1f}"
    return processor


def card_kind(
    system: str = sys.platform, machine: str = platform.machine(), exists: Callable[[str], bool] | None = None
) -> str:
    """Return "cuda" or "mps" where a card of that kind seems to be there, else ""; loads nothing."""
    if system == "darwin":
        return MPS if machine == "arm64" else ""
    exists_here = exists or (lambda path: Path(path).exists())
    if system == "win32":
        return CUDA if exists_here(r"C:\Windows\System32\nvcuda.dll") else ""
    return CUDA if any(exists_here(path) for path in _NVIDIA) else ""


def timed(checkpoint: Checkpoint, runtime: Runtime) -> float:
    """Return the milliseconds, the middle of several, that two bars take from notes to heads."""
    config = checkpoint.config
    codec = build(config.codec, config.grid.build())
    steps = codec.grid.steps
    arrays = pack_phrase(codec, Phrase.of(codec.grid, [Note(step, 60, 90, 2) for step in range(0, steps, 4)]))
    change = np.zeros((1, max(len(config.knobs), 1)), dtype=np.float32)
    reads = config.encoder.kind != "none"
    found = []
    for _ in range(ROUNDS + 2):
        began = time.perf_counter()
        z = runtime.encode(arrays) if reads else np.zeros((1, config.latent_size), dtype=np.float32)
        if not runtime.stepwise and not config.conditions:
            runtime.decode(z, DecodeInputs(change))
        found.append(1e3 * (time.perf_counter() - began))
    return median(found[2:])  # the first ones warm up


def _processor(checkpoint: Checkpoint, path: Path | str, device: str | None) -> Runtime:
    graphs = checkpoint.graphs.keys()
    reads = "encode" in graphs or checkpoint.config.encoder.kind == "none"
    if reads and ("decode" in graphs or {"start", "step"} <= graphs):
        try:
            from model.runtimes.onnx import OnnxRuntime  # noqa: PLC0415 - a quarter of a second
        except ImportError:
            if find_spec("torch") is None:
                raise
        else:
            return OnnxRuntime(checkpoint, path)
    from model.runtimes.torch_net import TorchRuntime  # noqa: PLC0415 - loads torch: a second and a half

    return TorchRuntime(checkpoint, path, CPU if device in (CPU, AUTO) else None)


def _on_card(checkpoint: Checkpoint, path: Path | str, kind: str) -> Runtime:
    try:
        from model.runtimes.torch_net import TorchRuntime  # noqa: PLC0415 - loads torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise CheckpointError(NEEDS_TORCH.format(kind)) from error
    from model.runtimes.fallback import FallbackRuntime  # noqa: PLC0415 - beside the other

    return FallbackRuntime(TorchRuntime(checkpoint, path, kind), partial(_processor, checkpoint, path, CPU))
