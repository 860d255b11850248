"""Runs of tiny models for the trainer's tests, without the files that only a human looks at."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from trainer.run.progress import RunLog
from trainer.training import fit, loop

STEPWISE = """
[model]
name = "tiny-steps"
codec = "melody"
encoder = { kind = "gru", width = 8, depth = 1, heads = 2 }
bottleneck = { kind = "phrase", size = 8 }
decoder = { kind = "gru", width = 8, depth = 1, heads = 2 }
[fit]
batch = 4
steps = 20
warmup = 2
validation = 4
precision = "float32"
word_dropout = 0.2
scheduled_sampling = 5
free_bits = 4
"""

LANGUAGE = """
[model]
name = "tiny-talk"
codec = "melody"
encoder = { kind = "none" }
decoder = { kind = "gru", width = 8, depth = 1, heads = 2 }
[fit]
objective = "language"
batch = 4
steps = 20
warmup = 2
validation = 4
precision = "float32"
"""

WITH_PRIOR = """
[model]
name = "tiny"
codec = "melody"
encoder = { kind = "patch", width = 8, depth = 1, heads = 2 }
bottleneck = { kind = "beats", size = 16 }
decoder = { kind = "patch", width = 8, depth = 1, heads = 2 }
[fit]
batch = 4
steps = 2
validation = 4
[prior]
minutes = 1
steps = 3
width = 8
heads = 2
depth = 1
draws = 40
"""


def bare(patch: pytest.MonkeyPatch) -> None:
    """Leave out the checkpoint, the samples and the curves of every look: the state alone is written."""
    patch.setattr(loop, "write_checkpoint", lambda *_, **__: None)
    patch.setattr(loop, "keep_best", lambda *_: None)
    patch.setattr(loop, "write_samples", lambda *_: None)
    patch.setattr(RunLog, "curves", lambda _: None)


def stopped(patch: pytest.MonkeyPatch, after: int) -> None:
    """Let the next run hear a signal after so many steps."""
    event = threading.Event()

    @contextmanager
    def signals() -> Iterator[threading.Event]:
        yield event

    taken = loop.TrainingLoop.step

    def step(self: loop.TrainingLoop) -> Any:
        parts = taken(self)
        if self.progress.step == after:
            event.set()
        return parts

    patch.setattr(fit, "stop_signals", signals)
    patch.setattr(loop.TrainingLoop, "step", step)


def state(folder: Path) -> dict[str, NDArray[Any]]:
    """Return every tensor of a run's state."""
    return load_file(folder / "resume.state")


def assert_equal(first: Path, second: Path) -> None:
    """Check that two runs' states are equal to the bit."""
    one, other = state(first), state(second)
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def rows(folder: Path) -> list[dict[str, float]]:
    """Return the log of a run."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
