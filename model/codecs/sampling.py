"""How a model's own chance is used when it draws: temperature, top-k, top-p and the seed."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True, slots=True)
class Sampling:
    """How each variable of a step (a class, a key, a struck drum) is drawn.

    Attributes:
        temperature: 0 takes the likeliest; 1 draws from the model's own distribution.
        top_k: only the k likeliest values of a variable may be drawn (Fan et al. 2018, "Hierarchical neural
            story generation"); 0 allows all.  1 is the likeliest at any temperature.
        top_p: only the likeliest values that together reach this probability may be drawn (Holtzman et al.
            2020, "The curious case of neural text degeneration"); above 0, 1 allows all.
        seed: of everything drawn; the same sampling and the same input give the same notes.

    Raises:
        ValueError: a number lies outside its range; one sentence.

    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature is a number from 0 up, not {self.temperature}")
        if self.top_k < 0:
            raise ValueError(f"top_k is a whole number from 0 (all) up, not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p lies above 0 and is at most 1, not {self.top_p}")


ARGMAX = Sampling()
