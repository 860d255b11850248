"""What plays a checkpoint: Phrase -> Latent -> Phrase, whatever network stands behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from model.grid import Grid
from model.latent import Latent, Vector
from model.phrase import Phrase


@dataclass(frozen=True, slots=True)
class Card:
    """What others must know of a loaded checkpoint.

    Attributes:
        name: of the model, as shown.
        ident: names these very weights (a hash), so that latents of other weights are refused.
        codec: melody, poly, ...
        grid: bars, metre and steps of its phrases.
        latent_size: d; 0 when it has no latent.
        knobs: attribute knobs that it heeds.
        scale: float32 [d], standard deviation of each latent dimension over the training data.
        map_points: known phrases on the 2-D map, each coordinate -1..1.
        runtime: "onnxruntime" or "torch cpu|cuda|mps".

    """

    name: str
    ident: str
    codec: str
    grid: Grid
    latent_size: int
    knobs: tuple[str, ...]
    scale: Vector
    map_points: tuple[tuple[float, float], ...]
    runtime: str


class Player(Protocol):
    """A loaded model, ready to answer."""

    card: Card

    def encode(self, phrase: Phrase) -> Latent:
        """Return the posterior mean of a phrase, with its measured attributes.

        Deterministic.  What the codec cannot hold (a chord for the melody codec) is left out.
        """

    def decode(
        self,
        latent: Latent,
        *,
        turns: Mapping[str, float],
        temperature: float = 0.0,
        seed: int = 0,
        prefix: Phrase | None = None,
        prefix_steps: int = 0,
    ) -> Phrase:
        """Return the phrase at a latent, with its attributes turned.

        Args:
            latent: z, and the raw attributes of the unmoved phrase.
            turns: bipolar knobs by attribute name, -1..1; 0 leaves the attribute where the latent
                has it, 1 (-1) brings it to the 98th (2nd) percentile of the training data, or by a
                standard deviation where she is there already, equal turns changing
                the measured attribute equally.
            temperature: 0 is deterministic; 1 samples the model's own distribution.
            seed: of the random generator; the same arguments give the same notes.
            prefix: what of this phrase has already sounded: onsets before prefix_steps.
            prefix_steps: steps that cannot change; the answer's notes before it equal the prefix.

        """

    def place(self, latent: Latent) -> tuple[float, float]:
        """Return a latent's place on the 2-D map, each coordinate -1..1."""
