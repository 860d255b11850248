"""Players without a network: a memory of phrases behind the interface that models have."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.codecs.keyboard import Division
from model.edits.transforms import edit
from model.latent.geometry import Latent
from model.music.attributes import NAMES, measure
from model.music.grid import Grid
from model.music.phrase import Phrase
from model.playing.player import Card

GRID = Grid()
SIZE = 8


class Memory:
    """Remembers every phrase it hears and plays the nearest one, edited exactly as its knobs say."""

    divide: Division | None = None
    candidates = 0
    fault = ""

    def __init__(self, *, codec: str = "melody", deaf: bool = False, knobs: tuple[str, ...] = NAMES) -> None:
        """Start with nothing heard; a deaf one plays one phrase for all."""
        scale = np.ones(SIZE, dtype=np.float32)
        self.card = Card("memory", "0", codec, GRID, SIZE, knobs, scale, ((0.0, 0.0),), "python")
        self.parameters = 0
        self._deaf = deaf
        self._known: list[tuple[NDArray[np.float32], Phrase]] = []

    def on_grid(self, grid: Grid) -> "Memory":
        """Return itself: it remembers phrases on any grid."""
        self.card = replace(self.card, grid=grid)
        return self

    def encode(self, phrase: Phrase) -> Latent:
        """Return a random point that stands for the phrase."""
        seed = abs(hash(phrase.notes)) % 2**32
        z = np.random.default_rng(seed).standard_normal(SIZE).astype(np.float32)
        if not any(known == phrase for _, known in self._known):
            self._known.append((z, phrase))
        return Latent("0", z, measure(phrase))

    seek = encode

    def decode(self, latent: Latent, *, turns: Mapping[str, float], **_unheard: Any) -> Phrase:
        """Return the nearest phrase, edited."""
        if self._deaf:
            return self._known[0][1]
        phrase = min(self._known, key=lambda pair: float(np.linalg.norm(pair[0] - latent.z)))[1]
        for name, turn in turns.items():
            phrase = edit(phrase, name, turn, np.random.default_rng(0))
        return phrase

    def continuation(self, context: Phrase, **_unheard: Any) -> Phrase:
        """Return what it heard, an octave up."""
        return context.moved(12)

    def accompany(self, phrase: Phrase, *_unheard: Any, **_seed: Any) -> Generator[None, None, Phrase]:
        """Return what it heard."""
        yield
        return phrase

    def prior(self, count: int, seed: int = 0) -> list[Latent]:
        """Return points of a normal distribution."""
        size = self.card.latent_size
        points = np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)
        return [Latent("0", point, {}) for point in points]

    def place(self, latent: Latent) -> tuple[float, float]:
        """Return the middle."""
        return (0.0, 0.0)

    def carried(self, latent: Latent, x: float, y: float) -> Latent:
        return latent


class Sure(Memory):
    """One that also tells its posterior, narrow around the point."""

    def posterior(self, phrase: Phrase) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean and log-variance, float32 [d] each."""
        return self.encode(phrase).z, np.full(SIZE, -12.0, dtype=np.float32)


class Going(Memory):
    """One without a latent: it goes on from what it hears."""

    def __init__(self) -> None:
        super().__init__(knobs=())
        self.card = replace(self.card, latent_size=0)
