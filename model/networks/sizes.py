"""What encoders and decoders must know of the model they are parts of.

Tested in tests/model/networks/test_published_sizes.py.
"""

from dataclasses import dataclass

from model.music.grid import Grid
from model.networks.layers.layout import Layout


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers that a configuration and its codec fix.

    Attributes:
        grid: of the phrases.
        features: F, of a step as it is read.
        logits: L, of a step as it is written.
        latent: d, 0 without a latent.
        neck: kind of the bottleneck: `phrase`, `beats` or `cells`.
        knobs: attributes whose wanted change conditions the decoder.
        condition_width: C, numbers a beat of the other conditions; 0 without.
        channels: of a step in a head's `roll`.
        layout: how a beat's features fall into cells of keys, where they do.
        track_features: F by track.
        track_logits: L by track.
    """

    grid: Grid
    features: int
    logits: int
    latent: int
    neck: str = "phrase"
    knobs: int = 0
    condition_width: int = 0
    channels: int = 0
    layout: Layout | None = None
    track_features: tuple[int, ...] = ()
    track_logits: tuple[int, ...] = ()

    @property
    def sliced(self) -> bool:
        """Whether each beat has its own slice of z."""
        return self.neck != "phrase" and self.latent > 0
