"""How long each part of an evaluation takes the processor."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stages:
    """Processor seconds by part, in the order in which the parts were measured.

    Attributes:
        seconds: of this process, all its threads together.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count what is done meanwhile for a part."""
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began

    def in_words(self) -> str:
        """Return the parts and their sum in one line."""
        parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.seconds.items())
        return f"{sum(self.seconds.values()):.1f} s of the processor: {parts}"
