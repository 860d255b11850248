"""The `Player` of a checkpoint, whatever family it belongs to.

Importing this module and playing a checkpoint with graphs loads no torch.
"""

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace

import numpy as np

from model.checkpoint import Checkpoint
from model.codecs.keyboard import Division
from model.codecs.sampling import ARGMAX, Sampling
from model.latent.geometry import Latent, Vector
from model.music.accompaniment import USUAL, unusual
from model.music.attributes import applicable
from model.music.grid import Grid
from model.music.metre import cut, metres_of, name_of, padded, takes
from model.music.phrase import Phrase
from model.playing.inference.closed_loop import completed
from model.playing.inference.latent_prior import LatentPrior
from model.playing.inference.network import Network
from model.playing.inference.packing import Packing
from model.playing.inference.phrase_decoder import PhraseDecoder
from model.playing.inference.phrase_encoder import PhraseEncoder
from model.playing.inference.splice import on_whole_grid
from model.playing.player import Card
from model.runtimes.base import Runtime


class CheckpointPlayer:
    """One loaded checkpoint, in its own metre or, by `on_grid`, in another.  Threads: one at a time.

    Attributes:
        network: of the checkpoint, the same in every metre.
        decoder: of this metre.
    """

    def __init__(self, checkpoint: Checkpoint, runtime: Runtime) -> None:
        config, latent = checkpoint.config, checkpoint.latent
        self._map = latent
        self._calibration = completed(checkpoint.calibration)
        self.network = network = Network(checkpoint, runtime)
        grid = network.codec.grid
        packing = Packing(network, grid)
        decoder = PhraseDecoder(network, packing, self._calibration)
        self._prior = LatentPrior(network, checkpoint.extras, decoder)
        notes = self._prior.notes
        self.card = Card(
            name=config.name,
            ident=checkpoint.ident,
            codec=config.codec,
            grid=grid,
            latent_size=config.latent_size,
            knobs=applicable(config.codec),
            scale=latent.scale,
            map_points=tuple((float(x), float(y)) for x, y in latent.points),
            runtime=runtime.name,
            conditions=config.conditions,
            styles=config.styles,
            accompanies=notes is not None and notes.plays_along,
            encodes=config.encoder.kind != "none",
            metres=tuple(metres_of(grid, latent=config.latent_size > 0)),
        )
        self._play_with(packing, decoder)
        self._in_metres = {grid: self}

    def _play_with(self, packing: Packing, decoder: PhraseDecoder) -> None:
        self._packing, self.decoder = packing, decoder
        self._encoder = PhraseEncoder(self.network, packing, self._prior, decoder)

    @property
    def fault(self) -> str:
        """Why a card was given up; see `playing.player.Player.fault`."""
        return str(getattr(self.network.runtime, "fault", ""))

    @property
    def candidates(self) -> int:
        """Of how many answers one is taken; see `playing.player.Player.candidates`."""
        return self.network.candidates

    @candidates.setter
    def candidates(self, count: int) -> None:
        self.network.candidates = count

    @property
    def divide(self) -> Division | None:
        """How a keyboard's notes are divided; see `playing.player.Player.divide`."""
        return self.network.divide

    @divide.setter
    def divide(self, division: Division | None) -> None:
        self.network.divide = division

    def on_grid(self, grid: Grid) -> "CheckpointPlayer":
        """Return the same model in the metre of a grid; see `playing.player.Player.on_grid`.

        Raises:
            ValueError: it does not play that metre, or has other bars in it.
        """
        found = self._in_metres.get(grid)
        if found is None:
            if not takes(self.network.codec.grid, grid, latent=self.card.latent_size > 0):
                raise ValueError(f"{self.card.name} has no phrases of {grid.bars} bars of {name_of(grid)}")
            found = self._in_metres[grid] = copy(self)
            found.card = replace(self.card, grid=grid)
            packing = Packing(self.network, grid)
            found._play_with(packing, PhraseDecoder(self.network, packing, self._calibration))  # noqa: SLF001  itself
        return found

    def encode(self, phrase: Phrase) -> Latent:
        """Return the posterior mean of a phrase; see `PhraseEncoder.encode_all`."""
        return self._encoder.encode_all([phrase])[0]

    def encode_all(self, phrases: Sequence[Phrase]) -> list[Latent]:
        """Return what `encode` gives of each phrase, computed together."""
        return self._encoder.encode_all(phrases)

    def seek(self, phrase: Phrase) -> Latent:
        """Return the point that gives a phrase back best; see `playing.player.Player.seek`."""
        return self._encoder.seek(phrase)

    def posterior(self, phrase: Phrase) -> tuple[Vector, Vector]:
        """Return mean and log-variance of q(z given the phrase); see `PhraseEncoder.posterior_all`."""
        return self._encoder.posterior_all([phrase])[0]

    def posterior_all(self, phrases: Sequence[Phrase]) -> list[tuple[Vector, Vector]]:
        """Return what `posterior` gives of each phrase, computed together."""
        return self._encoder.posterior_all(phrases)

    def decode(
        self,
        latent: Latent,
        *,
        turns: Mapping[str, float],
        sampling: Sampling = ARGMAX,
        prefix: Phrase | None = None,
        prefix_steps: int = 0,
        condition: Mapping[str, str] | None = None,
    ) -> Phrase:
        """Return the phrase at a latent, with its attributes turned; see `playing.player.Player.decode`.

        Raises:
            ValueError: the latent is another model's, or a turn names no attribute or is out of range.
        """
        return self.decoder.play(
            self._z(latent),
            turns,
            sampling,
            source=latent.source,
            prefix=prefix,
            prefix_steps=prefix_steps,
            condition=condition,
        )

    def decode_all(self, asked: Sequence[tuple[Latent, Mapping[str, float]]]) -> list[Phrase]:
        """Return what `decode` gives of each latent with its turns, at temperature 0, computed together.

        Raises:
            ValueError: as `decode`.
        """
        if any(latent.source is not None for latent, _ in asked):
            return [self.decode(latent, turns=turns) for latent, turns in asked]
        return self.decoder.play_all([(self._z(latent), turns) for latent, turns in asked])

    def unmended(self, latent: Latent, turns: Mapping[str, float]) -> Phrase:
        """Return what the network answers to turned knobs; see `PhraseDecoder.unmended_all`."""
        return self.unmended_all([(latent, turns)])[0]

    def unmended_all(self, asked: Sequence[tuple[Latent, Mapping[str, float]]]) -> list[Phrase]:
        """Return what `unmended` gives of each latent with its turns, computed together."""
        return self.decoder.unmended_all([(latent.z, turns) for latent, turns in asked])

    def continuation(
        self,
        context: Phrase,
        *,
        turns: Mapping[str, float] | None = None,
        sampling: Sampling = ARGMAX,
        prefix: Phrase | None = None,
        prefix_steps: int = 0,
        condition: Mapping[str, str] | None = None,
    ) -> Phrase:
        """Return a phrase that goes on where the context ends; see `playing.player.Player.continuation`.

        Raises:
            ValueError: the context has another metre, or a turn names no attribute or is out of range.
        """
        z: Vector = np.zeros(0, dtype=np.float32)
        shown: Phrase | None = None
        if self.card.latent_size:
            z = self.encode(on_whole_grid(self.card.grid, context, None, self.card.grid.steps)).z
        else:
            shown = self._packing.shown(context)
        return self.decoder.play(
            z,
            turns or {},
            sampling,
            context=shown,
            prefix=prefix,
            prefix_steps=prefix_steps,
            condition=condition,
        )

    def prior(self, count: int, seed: int = 0) -> list[Latent]:
        """Draw latents from the model's prior; they carry no attributes."""
        points = self._prior.draw(count, np.random.default_rng(seed))
        return [Latent(self.card.ident, point, {}) for point in points]

    def accompany(
        self,
        phrase: Phrase,
        parts: Collection[int],
        *,
        seed: int = 0,
        keep: Phrase | None = None,
        tries: Iterable[object] = range(1),
    ) -> Generator[None, None, Phrase]:
        """Write the parts that a phrase lacks; see `model.playing.player.Player.accompany`.

        Raises:
            ValueError: the phrase lies on another grid.
        """
        codec, notes = self.network.codec, self._prior.notes
        played = codec.unpack(self._packing.packed(phrase), 0)
        if notes is None or not self.card.accompanies or not played.notes:
            return cut(played, self.card.grid)
        present = {note.track for note in played.notes}
        earlier = padded(keep, codec.grid).notes if keep is not None else ()
        context = Phrase.of(
            played.grid, (*played.notes, *(n for n in earlier if n.track in parts and n.track not in present))
        )
        missing = {*parts} - {note.track for note in context.notes}
        rng, costs = np.random.default_rng(seed), np.inf
        for _ in tries:
            written = yield from notes.along(context, parts, rng)
            found = unusual(written, missing)
            if found < costs:
                whole, costs = written, found
            if found <= USUAL:
                break
        return cut(whole, self.card.grid)

    def place(self, latent: Latent) -> tuple[float, float]:
        """Return a latent's place on the 2-D map, each coordinate -1..1; the middle without a latent."""
        return self._map.place(latent.z)

    def carried(self, latent: Latent, x: float, y: float) -> Latent:
        """Return the nearest latent at a place of the map; see `playing.player.Player.carried`."""
        return replace(latent, z=self._map.carried(latent.z, x, y))

    def _z(self, latent: Latent) -> Vector:
        """Return a latent's point; raises ValueError where it is another model's."""
        if latent.model != self.card.ident:
            raise ValueError("a latent of another model cannot be decoded")
        return latent.z
