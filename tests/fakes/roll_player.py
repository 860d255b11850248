"""A player without a network: its latent is the melody itself, so that what comes out can be told."""

from collections.abc import Collection, Generator, Iterable, Mapping
from typing import Any

import numpy as np

from model.codecs.keyboard import Division
from model.codecs.sampling import ARGMAX, Sampling
from model.edits.transforms import edit
from model.latent.geometry import Latent
from model.music.attributes import measure
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, DRUMS
from model.playing.player import Card

LOWEST = 30.0  # of a latent's dimensions that sound


class RollPlayer:
    """Holds one key per step as the number itself; attributes are turned by exact edits.

    Chance moves every key by up to `temperature` octaves.
    """

    divide: Division | None = None
    candidates = 0
    fault = ""

    def __init__(
        self,
        *,
        codec: str = "poly",
        knobs: tuple[str, ...] = ("density", "register"),
        latent: bool = True,
        conditions: tuple[str, ...] = (),
        styles: tuple[str, ...] = (),
    ) -> None:
        grid = Grid()
        size = grid.steps if latent else 0
        scale = np.full(size, 50.0, dtype=np.float32)
        points = ((0.0, 0.0),) if latent else ()
        self.card = Card(
            "roll",
            "roll-1",
            codec,
            grid,
            size,
            knobs,
            scale,
            points,
            "python",
            conditions,
            styles,
            accompanies=codec == "multitrack",
        )
        self.encoded: list[Phrase] = []
        self.decoded: list[Latent] = []
        self.chosen: list[tuple[int, float, Mapping[str, str] | None]] = []

    def on_grid(self, grid: Grid) -> "RollPlayer":
        """Return itself: it holds two bars of 4/4 alone."""
        assert grid == self.card.grid
        return self

    def encode(self, phrase: Phrase) -> Latent:
        self.encoded.append(phrase)
        z = np.zeros(self.card.latent_size, dtype=np.float32)
        for note in phrase.notes if self.card.latent_size else ():
            z[note.onset] = max(z[note.onset], note.pitch)
        return Latent(self.card.ident, z, measure(phrase))

    seek = encode

    def decode(
        self,
        latent: Latent,
        *,
        turns: Mapping[str, float],
        sampling: Sampling = ARGMAX,
        condition: Mapping[str, str] | None = None,
        **_prefix: Any,
    ) -> Phrase:
        self.decoded.append(latent)
        self.chosen.append((sampling.top_k, sampling.top_p, condition))
        rng = np.random.default_rng(sampling.seed)
        notes = [
            Note(step, min(127, round(key + sampling.temperature * rng.uniform(-12, 12))), 90, 1)
            for step, key in enumerate(latent.z.tolist())
            if key >= LOWEST
        ]
        phrase = Phrase.of(self.card.grid, notes)
        for name, turn in turns.items():
            phrase = edit(phrase, name, turn, np.random.default_rng(0))
        return self._in_parts(phrase)

    def _in_parts(self, phrase: Phrase) -> Phrase:
        """Add drums and a bass for codecs that have them; drums alone lie a quarter of a step behind."""
        if self.card.codec not in ("drums", "multitrack"):
            return phrase
        drums = [Note(note.onset, 36 + note.onset % 8, 90, 1, 0.25, DRUMS) for note in phrase.notes]
        bass = [note._replace(pitch=40, track=BASS) for note in phrase.notes[:1]]
        pitched = [*phrase.notes, *bass] if self.card.codec == "multitrack" else []
        return Phrase.of(phrase.grid, [*pitched, *drums])

    def continuation(
        self,
        context: Phrase,
        *,
        sampling: Sampling = ARGMAX,
        condition: Mapping[str, str] | None = None,
        **_unheard: Any,
    ) -> Phrase:
        """Return the context a tone higher; without one, a note that chance picks."""
        self.chosen.append((sampling.top_k, sampling.top_p, condition))
        if context.notes:
            return context.moved(2)
        key = round(60 + 12 * sampling.temperature * np.random.default_rng(sampling.seed).uniform(-1, 1))
        return Phrase.of(self.card.grid, [Note(0, key, 90, 4)])

    def accompany(
        self,
        phrase: Phrase,
        parts: Collection[int],
        *,
        seed: int = 0,
        keep: Phrase | None = None,
        tries: Iterable[object] = range(1),
    ) -> Generator[None, None, Phrase]:
        """Write a note to each part that is missing, its pitch the seed; keep what is to be kept."""
        for part in parts:
            if not phrase.part(part).notes:
                earlier = keep.part(part).notes if keep is not None else ()
                phrase = Phrase.of(
                    phrase.grid, [*phrase.notes, *(earlier or [Note(0, 36 + seed, 90, 1, 0.0, part)])]
                )
                yield
        return phrase

    def prior(self, count: int, seed: int = 0) -> list[Latent]:
        points = np.random.default_rng(seed).standard_normal((count, self.card.latent_size)) * self.card.scale
        return [Latent(self.card.ident, point, {}) for point in points.astype(np.float32)]

    def place(self, latent: Latent) -> tuple[float, float]:
        return (0.0, 0.0)

    def carried(self, latent: Latent, x: float, y: float) -> Latent:
        return latent
