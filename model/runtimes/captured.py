"""A function on a card, captured once for each shape of its arguments and replayed from then on.

What costs most in a small network on a card is not its arithmetic but the launching of its kernels; a CUDA
graph launches them all at once (Gray 2019, "Getting Started with CUDA Graphs").  Arguments and results lie in
buffers that never move, those of the processor in pinned memory, so that copies need no staging.

Tested in tests/model/runtimes/test_captured.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

Tensors = dict[str, Tensor]
Function = Callable[[Tensors], Tensors]
MOST_SHAPES = 12  # that are captured; more are computed plainly


class Recorder(Protocol):
    """What captures and replays on one kind of card."""

    pinned: bool
    """Whether the processor's buffers are to be pinned."""

    def capture(self, run: Callable[[], None]) -> Callable[[], None]:
        """Record what `run` does on the card; return what does it again."""

    def wait(self) -> None:
        """Return when the card has done all that it was asked for."""


class CudaRecorder:
    """CUDA graphs on the present device."""

    pinned = True

    def capture(self, run: Callable[[], None]) -> Callable[[], None]:
        """Warm up on a stream beside, as torch's notes on CUDA graphs ask for, then record."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            run()
        replay: Callable[[], None] = graph.replay
        return replay

    def wait(self) -> None:
        """Wait for the present stream alone."""
        torch.cuda.current_stream().synchronize()


@dataclass(slots=True)
class _Slot:
    """Buffers of one shape: on the processor and on the card, in and out, and what computes between them."""

    host: Tensors
    here: Tensors
    out: Tensors
    back: Tensors
    replay: Callable[[], None]


class Captured:
    """Calls a function with tensors of the processor, computes on the device, and brings the results back.

    Args:
        function: tensors by name to tensors by name, on the device, without a branch on their values.
        recorder: captures it; None computes plainly.
    """

    def __init__(self, function: Function, device: torch.device, recorder: Recorder | None) -> None:
        self._function, self._device, self._recorder = function, device, recorder
        self._slots: dict[tuple[tuple[str, tuple[int, ...]], ...], _Slot] = {}

    def __call__(self, arguments: Mapping[str, Tensor]) -> Tensors:
        """Return the results, fresh tensors on the processor."""
        key = tuple((name, tuple(value.shape)) for name, value in sorted(arguments.items()))
        slot = self._slots.get(key)
        if self._recorder is None or (slot is None and len(self._slots) >= MOST_SHAPES):
            moved = {name: value.to(self._device) for name, value in arguments.items()}
            return {name: value.cpu() for name, value in self._function(moved).items()}
        if slot is None:
            slot = self._slots[key] = self._capture(arguments, self._recorder)
        for name, value in arguments.items():
            slot.host[name].copy_(value)
            slot.here[name].copy_(slot.host[name], non_blocking=True)
        slot.replay()
        for name, value in slot.out.items():
            slot.back[name].copy_(value, non_blocking=True)
        self._recorder.wait()
        return {name: value.clone() for name, value in slot.back.items()}

    def _capture(self, arguments: Mapping[str, Tensor], recorder: Recorder) -> _Slot:
        def buffer(value: Tensor) -> Tensor:
            made = torch.empty(value.shape, dtype=value.dtype)
            return made.pin_memory() if recorder.pinned else made

        host = {name: buffer(value).copy_(value) for name, value in arguments.items()}
        here = {name: value.to(self._device, copy=True) for name, value in host.items()}
        out: Tensors = {}

        def run() -> None:
            found = self._function(here)
            for name, value in found.items():
                if name in out and out[name].shape == value.shape and out[name] is not value:
                    out[name].copy_(value)
                else:
                    out[name] = value

        run()  # the results' buffers; what is captured copies into them
        for name, value in list(out.items()):
            out[name] = value.clone()
        replay = recorder.capture(run)
        return _Slot(host, here, out, {name: buffer(value) for name, value in out.items()}, replay)
