"""A player without a network: its latent is the melody itself, so that what comes out can be told."""

from collections.abc import Mapping

import numpy as np

from model.attributes import measure
from model.grid import Grid
from model.latent import Latent
from model.phrase import Note, Phrase
from model.player import Card
from model.transforms import edit

LOWEST = 30.0  # of a latent's dimensions that sound


class RollPlayer:
    """Holds one key per step as the number itself; attributes are turned by exact edits.

    Chance moves every key by up to `temperature` octaves.
    """

    def __init__(self, *, codec: str = "poly", knobs: tuple[str, ...] = ("density", "register")) -> None:
        grid = Grid()
        scale = np.full(grid.steps, 50.0, dtype=np.float32)
        self.card = Card("roll", "roll-1", codec, grid, grid.steps, knobs, scale, ((0.0, 0.0),), "python")
        self.encoded: list[Phrase] = []
        self.decoded: list[Latent] = []

    def encode(self, phrase: Phrase) -> Latent:
        self.encoded.append(phrase)
        z = np.zeros(self.card.latent_size, dtype=np.float32)
        for note in phrase.notes:
            z[note.onset] = max(z[note.onset], note.pitch)
        return Latent(self.card.ident, z, measure(phrase))

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
        self.decoded.append(latent)
        rng = np.random.default_rng(seed)
        notes = [
            Note(step, min(127, round(key + temperature * rng.uniform(-12, 12))), 90, 1)
            for step, key in enumerate(latent.z.tolist())
            if key >= LOWEST
        ]
        phrase = Phrase.of(self.card.grid, notes)
        for name, turn in turns.items():
            phrase = edit(phrase, name, turn, np.random.default_rng(0))
        return phrase

    def place(self, latent: Latent) -> tuple[float, float]:
        return (0.0, 0.0)
