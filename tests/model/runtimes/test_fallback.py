"""A card that fails in the middle costs one answer's time, never the answer."""

from collections.abc import Callable

import numpy as np
import pytest

from model.codecs.base import Arrays
from model.codecs.sampling import ARGMAX, Sampling
from model.errors import CheckpointError
from model.runtimes.base import DecodeInputs, Floats
from model.runtimes.fallback import FallbackRuntime

ASKED = DecodeInputs(np.zeros((1, 1), dtype=np.float32))
Z = np.zeros((1, 4), dtype=np.float32)


class Fake:
    """A runtime that answers with its number, or breaks."""

    stepwise = False

    def __init__(self, name: str, number: float, fault: Exception | None = None) -> None:
        self.name, self.number, self.fault_of = name, number, fault

    def _value(self) -> Floats:
        if self.fault_of is not None:
            raise self.fault_of
        return np.full((1, 4), self.number, dtype=np.float32)

    def encode(self, arrays: Arrays) -> Floats:
        return self._value()

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        return self._value(), self._value()

    def decode(self, z: Floats, inputs: DecodeInputs) -> dict[str, Floats]:
        return {"head": self._value()}

    def generate(
        self,
        z: Floats,
        inputs: DecodeInputs,
        sampling: Sampling,
        prefix: Arrays | None = None,
        prefix_steps: int = 0,
    ) -> Arrays:
        return {"token": self._value()}


def test_the_card_computes_while_it_can() -> None:
    runtime = FallbackRuntime(Fake("torch cuda", 1.0), lambda: Fake("onnxruntime", 2.0))
    assert runtime.encode({})[0, 0] == 1.0
    assert (runtime.name, runtime.fault) == ("torch cuda", "")


@pytest.mark.parametrize("work", ["encode", "posterior", "decode", "generate"])
def test_a_card_that_fails_is_given_up_within_the_answer_and_that_is_said(work: str) -> None:
    card = Fake("torch cuda", 1.0)
    runtime = FallbackRuntime(card, lambda: Fake("onnxruntime", 2.0))
    runtime.encode({})
    card.fault_of = RuntimeError("CUDA error: out of memory\nand a long story")
    asked: dict[str, Callable[[], Floats]] = {
        "encode": lambda: runtime.encode({}),
        "posterior": lambda: runtime.posterior({})[1],
        "decode": lambda: runtime.decode(Z, ASKED)["head"],
        "generate": lambda: runtime.generate(Z, ASKED, ARGMAX)["token"],
    }
    assert asked[work]()[0, 0] == 2.0
    assert runtime.name == "onnxruntime"
    assert runtime.fault == (
        "torch cuda failed (CUDA error: out of memory and a long story): the processor computes from here on"
    )
    card.fault_of = None
    assert runtime.encode({})[0, 0] == 2.0  # it is not asked again


def test_a_networks_own_fault_is_not_the_cards() -> None:
    broken = Fake("torch cuda", 1.0, CheckpointError("numbers that are not finite"))
    runtime = FallbackRuntime(broken, lambda: Fake("onnxruntime", 2.0))
    with pytest.raises(CheckpointError, match="not finite"):
        runtime.encode({})
    assert runtime.fault == ""


def test_when_the_processor_fails_too_its_fault_is_raised() -> None:
    lost, broken = RuntimeError("lost"), RuntimeError("broken")
    runtime = FallbackRuntime(Fake("torch cuda", 1.0, lost), lambda: Fake("onnxruntime", 2.0, broken))
    with pytest.raises(RuntimeError, match="broken"):
        runtime.encode({})
    with pytest.raises(RuntimeError, match="broken"):
        runtime.encode({})
