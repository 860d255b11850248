"""Which runtime computes a checkpoint: ONNX Runtime on a CPU, or torch where there are no graphs or no such.

Importing this module and opening a checkpoint with graphs loads no torch.

Tested in tests/model/runtimes/test_onnx.py.
"""

from importlib.util import find_spec
from pathlib import Path

from model.checkpoint import Checkpoint
from model.runtimes.base import Runtime


def open_runtime(checkpoint: Checkpoint, path: Path | str) -> Runtime:
    """Return the quickest runtime that can compute the checkpoint.

    Raises:
        CheckpointError: its weights do not fit its configuration.

    """
    graphs = checkpoint.graphs.keys()
    reads = "encode" in graphs or checkpoint.config.encoder.kind == "none"
    if reads and ("decode" in graphs or {"start", "step"} <= graphs):
        try:
            from model.runtimes.onnx import OnnxRuntime  # noqa: PLC0415 - loads it: a quarter of a second
        except ImportError:  # no wheel for this system, say: torch does the same, more slowly
            if find_spec("torch") is None:
                raise
        else:
            return OnnxRuntime(checkpoint, path)
    from model.runtimes.torch_net import TorchRuntime  # noqa: PLC0415 - loads torch: a second and a half

    return TorchRuntime(checkpoint, path)
