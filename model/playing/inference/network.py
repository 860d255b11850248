"""The network of a checkpoint asked: what it answers at a point, with wanted changes.

Phrases are on its codec's grid, whatever metre is played.
Tested in tests/model/playing/test_checkpoint_player.py.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.checkpoint import Checkpoint
from model.codecs.base import pack_phrase
from model.codecs.conditions import Floats, columns_of, encode_texts, estimated
from model.codecs.keyboard import Division
from model.codecs.multitrack import MultitrackCodec
from model.codecs.poly import LOWEST
from model.codecs.registry import build
from model.codecs.sampling import Sampling, in_scale, restricted
from model.latent.directions import directions_in
from model.latent.geometry import Vector
from model.music.metre import padded
from model.music.phrase import Phrase
from model.playing.inference.candidates import AUTO, answers_for, factors
from model.playing.inference.splice import on_whole_grid
from model.runtimes.base import DecodeInputs, Runtime


class Tonality(NamedTuple):
    """Pitch classes that new notes keep to, and a phrase whose notes are not new."""

    scale: frozenset[int]
    spared: Phrase


class Network:
    """Decodes.

    Attributes:
        config: of the checkpoint.
        ident: of its weights.
        runtime: that computes it.
        whole: packs phrases on the grid of context and answer together.
        codec: packs phrases on the grid of the answers.
        context_steps: of the whole grid, before the answer.
        candidates: see `playing.player.Player.candidates`.
    """

    def __init__(self, checkpoint: Checkpoint, runtime: Runtime) -> None:
        config = checkpoint.config
        self.whole = build(config.codec, config.grid.build())
        self.codec = build(config.codec, config.answer_grid)
        self.context_steps = self.whole.grid.steps - self.codec.grid.steps
        self.config, self.ident, self.runtime = config, checkpoint.ident, runtime
        self._levels = checkpoint.levels
        self._directions = directions_in(checkpoint.extras, config.latent_size)
        self.candidates = AUTO
        self.divide = None

    @property
    def divide(self) -> Division | None:
        """How a keyboard's notes are divided; see `playing.player.Player.divide`."""
        return self._divide

    @divide.setter
    def divide(self, division: Division | None) -> None:
        self._divide = division
        for codec in (self.whole, self.codec):
            if isinstance(codec, MultitrackCodec):
                codec.divides = division is None  # or a melody that goes low would be divided once more

    @property
    def factors(self) -> Sequence[float]:
        """Of a wanted change, what it is asked for; fewer once a card is given up."""
        return factors(answers_for(self.candidates, self.runtime.name))

    @property
    def steered(self) -> tuple[str, ...]:
        """Attributes that the network, or a direction in its latent space, can change."""
        taught = self.config.knobs
        found = self._directions.names if self._directions else ()
        return (*taught, *(name for name in found if name not in taught))

    def condition(self, texts: Mapping[str, str]) -> Floats | None:
        """Return conditions as the network takes them, [1, beats, condition]; None where it takes none."""
        return encode_texts(self.config, texts) if self.config.conditions else None

    def going_on(self, asked: Floats, context: Phrase, condition: Mapping[str, str]) -> Floats:
        """Return conditions [1, beats, condition] with those of the context; a key goes on unless named."""
        config, grid = self.config, self.codec.grid
        arrays = pack_phrase(self.whole, on_whole_grid(self.whole.grid, context, None, self.context_steps))
        estimate = estimated(config, arrays)
        asked = asked.copy()
        before = self.whole.grid.beats - grid.beats
        asked[:, :before] = estimate[:, :before]
        if "key" in config.conditions and "key" not in condition:
            columns = columns_of(config, "key")
            asked[:, before:, columns] = estimate[:, before:, columns]
        if "style" in config.conditions and "style" in condition:
            columns = columns_of(config, "style")
            asked[:, :before, columns] = asked[:, before : before + 1, columns]
        return asked

    def answers(
        self,
        points: Sequence[Vector],
        changes: Sequence[Mapping[str, float]],
        sampling: Sampling,
        *,
        before: Phrase,
        fixed: int,
        condition: Floats | None = None,
        tonality: Tonality | None = None,
    ) -> list[Phrase]:
        """Return what the network answers at points to wanted changes, in standard deviations, one each.

        A decoder that writes step by step goes on from the first `fixed` steps of `before`.
        """
        inputs = self._inputs(changes, condition)
        moved = np.stack([self.moved(z, wanted) for z, wanted in zip(points, changes, strict=True)])
        if not self.runtime.stepwise:
            return self._read(self.runtime.decode(moved, inputs), sampling, tonality)
        drawn = self.runtime.generate(moved, inputs, sampling, pack_phrase(self.whole, before), fixed)
        behind = {name: value[:, self.context_steps :] for name, value in drawn.items()}
        return [self.codec.unpack(behind, row) for row in range(len(changes))]

    def moved(self, z: Vector, wanted: Mapping[str, float]) -> Vector:
        """Return z moved for the attributes that the network was not taught to change."""
        if self._directions is None:
            return z
        taught = self.config.knobs
        return self._directions.moved(
            z, {name: value for name, value in wanted.items() if name not in taught}
        )

    def _inputs(self, changes: Sequence[Mapping[str, float]], condition: Floats | None) -> DecodeInputs:
        """Lay wanted changes, in standard deviations, in the order of the network's knobs."""
        knobs = self.config.knobs
        change = np.zeros((len(changes), max(len(knobs), 1)), dtype=np.float32)
        for row, wanted in enumerate(changes):
            for column, name in enumerate(knobs):
                change[row, column] = wanted.get(name, 0.0)
        if condition is not None:
            condition = np.repeat(condition, len(changes), axis=0)
        return DecodeInputs(change, condition)

    def _read(
        self, heads: Mapping[str, NDArray[np.float32]], sampling: Sampling, tonality: Tonality | None = None
    ) -> list[Phrase]:
        """Spell the phrases of heads [B, ...]; all share their chance."""
        if tonality is not None:
            spared = padded(tonality.spared, self.codec.grid)
            known = [(note.onset, note.pitch) for note in spared.notes]
            heads = in_scale(heads, tonality.scale, lowest=LOWEST, spared=known)
        noise = self.codec.noise(np.random.default_rng(sampling.seed)) if sampling.temperature > 0 else None
        bounded = restricted(heads, sampling)
        rows = len(next(iter(heads.values())))
        return [
            self.codec.read(
                {name: value[row] for name, value in bounded.items()},
                temperature=sampling.temperature,
                noise=noise,
                levels=self._levels,
            )
            for row in range(rows)
        ]
