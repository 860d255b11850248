"""What is captured once and replayed gives what the function gives, on buffers that never move."""

from collections.abc import Callable

import pytest
import torch

from model.runtimes.captured import MOST_SHAPES, Captured, Tensors

CPU = torch.device("cpu")


class Tape:
    """A recorder that stands for CUDA's on the processor: a replay does what was recorded, and no more."""

    pinned = False

    def __init__(self) -> None:
        self.captures = self.waits = 0

    def capture(self, run: Callable[[], None]) -> Callable[[], None]:
        self.captures += 1
        run()
        return run

    def wait(self) -> None:
        self.waits += 1


def affine(arguments: Tensors) -> Tensors:
    return {"sum": arguments["x"] * 2 + arguments["y"], "first": arguments["x"][:, :1]}


def asked(size: int, value: float) -> Tensors:
    return {"x": torch.full((size, 3), value), "y": torch.arange(3.0).expand(size, 3)}


def test_each_shape_is_captured_once_and_every_call_gives_its_own_result() -> None:
    tape = Tape()
    captured = Captured(affine, CPU, tape)
    results = [captured(asked(size, value)) for size in (1, 9, 1, 9) for value in (0.5, -3.0)]
    assert tape.captures == 2
    assert tape.waits == 8
    wanted = [affine(asked(size, value)) for size in (1, 9, 1, 9) for value in (0.5, -3.0)]
    for found, right in zip(results, wanted, strict=True):
        assert found.keys() == right.keys()
        for name in right:
            torch.testing.assert_close(found[name], right[name])


def test_more_shapes_than_are_captured_are_computed_plainly() -> None:
    tape = Tape()
    captured = Captured(affine, CPU, tape)
    for size in range(1, MOST_SHAPES + 4):
        torch.testing.assert_close(captured(asked(size, 1.0))["sum"], affine(asked(size, 1.0))["sum"])
    assert tape.captures == MOST_SHAPES


@pytest.mark.parametrize("recorder", [None, Tape()])
def test_arguments_are_left_as_they_are(recorder: Tape | None) -> None:
    arguments = asked(2, 1.0)
    captured = Captured(affine, CPU, recorder)
    first = captured(arguments)["sum"]
    captured(asked(2, 7.0))
    torch.testing.assert_close(first, affine(arguments)["sum"])
    torch.testing.assert_close(arguments["x"], torch.ones(2, 3))
