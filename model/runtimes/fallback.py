"""A runtime on a card that may fail, and the processor's for when it has.

Tested in tests/model/runtimes/test_fallback.py.
"""

from collections.abc import Callable
from typing import TypeVar

from model.codecs.base import Arrays
from model.codecs.sampling import Sampling
from model.errors import CheckpointError
from model.runtimes.base import DecodeInputs, Floats, Runtime

T = TypeVar("T")


class FallbackRuntime:
    """Computes on a card until that fails (its memory, a reset, a cable), then on the processor for good.

    Attributes:
        name: of the one that computes.
        fault: why the card was given up, in a sentence; "" while it computes.
    """

    def __init__(self, card: Runtime, processor: Callable[[], Runtime]) -> None:
        self._runtime, self._processor = card, processor
        self.name, self.stepwise = card.name, card.stepwise
        self.fault = ""

    def encode(self, arrays: Arrays) -> Floats:
        """Return the mean of z; see `Runtime.encode`."""
        return self._on_either(lambda runtime: runtime.encode(arrays))

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        """Return mean and log-variance of z; see `Runtime.posterior`."""
        return self._on_either(lambda runtime: runtime.posterior(arrays))

    def decode(self, z: Floats, inputs: DecodeInputs) -> dict[str, Floats]:
        """Return the heads; see `Runtime.decode`."""
        return self._on_either(lambda runtime: runtime.decode(z, inputs))

    def generate(
        self,
        z: Floats,
        inputs: DecodeInputs,
        sampling: Sampling,
        prefix: Arrays | None = None,
        prefix_steps: int = 0,
    ) -> Arrays:
        """Return what is drawn; see `Runtime.generate`."""
        return self._on_either(lambda runtime: runtime.generate(z, inputs, sampling, prefix, prefix_steps))

    def _on_either(self, work: Callable[[Runtime], T]) -> T:
        try:
            return work(self._runtime)
        except CheckpointError:
            raise  # the network's fault, which the processor would have, too
        except Exception as error:
            if self.fault:
                raise
            first = " ".join(str(error).split())[:160] or type(error).__name__
            self._runtime = self._processor()
            self.fault = f"{self.name} failed ({first}): the processor computes from here on"
            self.name = self._runtime.name
            return work(self._runtime)
