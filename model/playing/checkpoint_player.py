"""The `Player` of a checkpoint, whatever family it belongs to.

Importing this module and playing a checkpoint with graphs loads no torch.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from model.checkpoint import Checkpoint
from model.codecs.base import Arrays, pack_phrase
from model.codecs.conditions import Floats
from model.codecs.keyboard import Division, melody_of
from model.codecs.multitrack import MultitrackCodec
from model.codecs.sampling import Sampling, gumbel_max
from model.latent.features import features
from model.latent.geometry import Latent, PlayedPhrase, Vector
from model.latent.importance import importance_weights_in
from model.latent.note_transformer import note_transformer_in
from model.music.attributes import applicable, measure
from model.music.grid import Grid
from model.music.metre import cell_step, cut, metres_of, name_of, padded, takes
from model.music.phrase import Phrase
from model.playing.batch import Change, at_rest, portions, turned
from model.playing.candidates import AUTO, answers_for, factors
from model.playing.closed_loop import RHYTHM, changes, completed, steer, targets
from model.playing.network import Network, Tonality
from model.playing.phrase_bank import SIZE, PhraseBank
from model.playing.player import Card
from model.playing.retain import retained, seated
from model.playing.splice import after, on_whole_grid
from model.runtimes.base import Runtime

RESTS = 8  # phrases that were played last, of which is known what the network gives back
SURE = -30.0  # log-variance of a point that is no distribution


class CheckpointPlayer:
    """One loaded checkpoint, in its own metre or, by `on_grid`, in another.  Threads: one at a time."""

    def __init__(self, checkpoint: Checkpoint, runtime: Runtime) -> None:
        """Tie a checkpoint to what computes it."""
        config, latent = checkpoint.config, checkpoint.latent
        self._checkpoint, self._runtime = checkpoint, runtime
        self._calibration = completed(checkpoint.calibration)
        self._network = Network(checkpoint, runtime)
        self._codec = self._network.codec
        self._bank: PhraseBank | None = None
        self._rests: dict[bytes, Phrase] = {}
        self._at_rest: dict[bytes, Phrase] = {}
        self._learned = note_transformer_in(checkpoint.extras, self._codec.grid)
        self._importance = importance_weights_in(checkpoint.extras)
        self.card = Card(
            name=config.name,
            ident=checkpoint.ident,
            codec=config.codec,
            grid=self._codec.grid,
            latent_size=config.latent_size,
            knobs=applicable(config.codec),
            scale=latent.scale,
            map_points=tuple((float(x), float(y)) for x, y in latent.points),
            runtime=runtime.name,
            conditions=config.conditions,
            styles=config.styles,
            accompanies=self._learned is not None and self._learned.plays_along,
            encodes=config.encoder.kind != "none",
            metres=tuple(metres_of(self._codec.grid, latent=config.latent_size > 0)),
        )
        self._native = self
        self._others: dict[Grid, CheckpointPlayer] = {}
        self._candidates = AUTO
        self.divide = None

    @property
    def fault(self) -> str:
        """Why a card was given up; see `playing.player.Player.fault`."""
        return str(getattr(self._runtime, "fault", ""))

    @property
    def candidates(self) -> int:
        """Of how many answers one is taken; see `playing.player.Player.candidates`."""
        return self._native._candidates  # noqa: SLF001  itself

    @candidates.setter
    def candidates(self, count: int) -> None:
        self._native._candidates = count  # noqa: SLF001  itself

    @property
    def _factors(self) -> Sequence[float]:
        """Of a wanted change, what the network is asked for; fewer once a card is given up."""
        return factors(answers_for(self.candidates, self._runtime.name))

    @property
    def divide(self) -> Division | None:
        """How a keyboard's notes are divided; see `playing.player.Player.divide`."""
        return self._divide

    @divide.setter
    def divide(self, division: Division | None) -> None:
        self._divide = division
        for codec in (self._network.whole, self._codec):
            if isinstance(codec, MultitrackCodec):
                codec.divides = division is None  # or a melody that goes low would be divided once more
        for other in self._native._others.values():  # noqa: SLF001  itself
            other._divide = division  # noqa: SLF001

    def on_grid(self, grid: Grid) -> "CheckpointPlayer":
        """Return the same model in the metre of a grid; see `playing.player.Player.on_grid`.

        Raises:
            ValueError: it does not play that metre, or has other bars in it.

        """
        native = self._native
        if grid == native.card.grid:
            return native
        if grid not in native._others:  # noqa: SLF001  itself
            if not takes(native.card.grid, grid, latent=native.card.latent_size > 0):
                raise ValueError(f"{native.card.name} has no phrases of {grid.bars} bars of {name_of(grid)}")
            other = copy(native)
            other.card = replace(native.card, grid=grid)
            other._bank, other._rests, other._at_rest = None, {}, {}  # noqa: SLF001
            native._others[grid] = other  # noqa: SLF001
        return native._others[grid]  # noqa: SLF001

    def encode(self, phrase: Phrase) -> Latent:
        """Return the posterior mean of a phrase, with the attributes of what the codec holds of it.

        Without a latent z is of size 0; where nothing encodes, it is the point of the prior that sounds most
        like the phrase.

        Raises:
            ValueError: the phrase lies on another grid.

        """
        arrays = self._packed(phrase)
        held = self._held(arrays)
        z = self._runtime.encode(arrays)[0] if self.card.encodes else self._guess(held)
        return Latent(self.card.ident, z, measure(held))

    def encode_all(self, phrases: Sequence[Phrase]) -> list[Latent]:
        """Return what `encode` gives of each phrase, computed together.

        Raises:
            ValueError: a phrase lies on another grid.

        """
        if not (self.card.encodes and self.card.latent_size):
            return [self.encode(phrase) for phrase in phrases]
        packed = [self._packed(phrase) for phrase in phrases]
        measured = [measure(self._held(arrays)) for arrays in packed]
        points = (z for rows in portions(len(packed)) for z in self._runtime.encode(_stacked(packed[rows])))
        return [Latent(self.card.ident, z, of_it) for z, of_it in zip(points, measured, strict=True)]

    def posterior_all(self, phrases: Sequence[Phrase]) -> list[tuple[Vector, Vector]]:
        """Return what `posterior` gives of each phrase, computed together.

        Raises:
            ValueError: a phrase lies on another grid.

        """
        if not self.card.encodes:
            return [self.posterior(phrase) for phrase in phrases]
        packed = [self._packed(phrase) for phrase in phrases]
        found: list[tuple[Vector, Vector]] = []
        for rows in portions(len(packed)):
            found += zip(*self._runtime.posterior(_stacked(packed[rows])), strict=True)
        return found

    def posterior(self, phrase: Phrase) -> tuple[Vector, Vector]:
        """Return mean and log-variance of q(z given the phrase), each float32 [d].

        Raises:
            ValueError: the phrase lies on another grid.

        """
        arrays = self._packed(phrase)
        if not self.card.encodes:
            z = self._guess(self._held(arrays))
            return z, np.full_like(z, SURE)
        mean, logvar = self._runtime.posterior(arrays)
        return mean[0], logvar[0]

    def decode(
        self,
        latent: Latent,
        *,
        turns: Mapping[str, float],
        temperature: float = 0.0,
        seed: int = 0,
        prefix: Phrase | None = None,
        prefix_steps: int = 0,
        top_k: int = 0,
        top_p: float = 1.0,
        condition: Mapping[str, str] | None = None,
    ) -> Phrase:
        """Return the phrase at a latent, with its attributes turned; see `playing.player.Player.decode`.

        Raises:
            ValueError: the latent is another model's, a turn names no attribute, or a number is out of range.

        """
        if latent.model != self.card.ident:
            raise ValueError("a latent of another model cannot be decoded")
        sampling = Sampling(temperature, top_k, top_p, seed)
        return self._play(
            latent.z,
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
        if any(latent.model != self.card.ident for latent, _ in asked):
            raise ValueError("a latent of another model cannot be decoded")
        return turned(
            [(latent.z, self._asked(turns)) for latent, turns in asked],
            self._answers_all,
            calibration=self._calibration,
            learned=self._network.steered,
            factors=self._factors,
            known=self._at_rest,
        )

    def unmended_all(self, asked: Sequence[tuple[Latent, Mapping[str, float]]]) -> list[Phrase]:
        """Return what `unmended` gives of each latent with its turns, computed together."""
        plain = at_rest([latent.z for latent, _ in asked], self._answers_all, self._at_rest)
        wanted = [
            (latent.z, self._change(base, turns)) for (latent, turns), base in zip(asked, plain, strict=True)
        ]
        moved = iter(self._answers_all([one for one in wanted if one[1]]))
        return [next(moved) if change else base for (_, change), base in zip(wanted, plain, strict=True)]

    def unmended(self, latent: Latent, turns: Mapping[str, float]) -> Phrase:
        """Return what the network itself answers to turned knobs, before the closed loop mends it.

        Args:
            latent: of this model.
            turns: as in `decode`; those that the network has not learned do nothing.

        """
        ask = partial(
            self._answers,
            latent.z,
            sampling=Sampling(),
            before=Phrase(self._network.whole.grid),
            fixed=self._network.context_steps,
            condition=self._network.condition({}),
        )
        (plain,) = ask([{}])
        asked = self._change(plain, turns)
        return ask([asked])[0] if asked else plain

    def _change(self, plain: Phrase, turns: Mapping[str, float]) -> dict[str, float]:
        """Return the change that turns want of a phrase, of what the network has learned."""
        base = measure(plain)
        wanted = targets(base, turns, self._calibration)
        return changes(base, wanted, self._calibration, self._network.steered)

    def continuation(
        self,
        context: Phrase,
        *,
        turns: Mapping[str, float] | None = None,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        prefix: Phrase | None = None,
        prefix_steps: int = 0,
        condition: Mapping[str, str] | None = None,
    ) -> Phrase:
        """Return a phrase that goes on where the context ends; see `playing.player.Player.continuation`.

        Raises:
            ValueError: the context has another metre, a turn names no attribute, or a number is out of range.

        """
        sampling = Sampling(temperature, top_k, top_p, seed)
        z: Vector = self._nowhere
        shown: Phrase | None
        if self.card.latent_size:
            z = self.encode(on_whole_grid(self.card.grid, context, None, self.card.grid.steps)).z
            shown = None
        else:
            shown = self._shown(context)
        return self._play(
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
        points = self._prior(count, np.random.default_rng(seed))
        return [Latent(self.card.ident, point, {}) for point in points]

    def accompany(
        self, phrase: Phrase, parts: Collection[int], *, seed: int = 0, keep: Phrase | None = None
    ) -> Generator[None, None, Phrase]:
        """Write the parts that a phrase lacks; see `model.playing.player.Player.accompany`.

        Raises:
            ValueError: the phrase lies on another grid.

        """
        played = self._codec.unpack(self._packed(phrase), 0)
        if self._learned is None or not self.card.accompanies or not played.notes:
            return cut(played, self.card.grid)
        present = {note.track for note in played.notes}
        earlier = padded(keep, self._codec.grid).notes if keep is not None else ()
        context = Phrase.of(
            played.grid, (*played.notes, *(n for n in earlier if n.track in parts and n.track not in present))
        )
        whole = yield from self._learned.along(context, parts, np.random.default_rng(seed))
        return cut(whole, self.card.grid)

    def place(self, latent: Latent) -> tuple[float, float]:
        """Return a latent's place on the 2-D map, each coordinate -1..1; the middle without a latent."""
        held = self._checkpoint.latent
        x, y = np.clip(held.axes @ (latent.z - held.mean), -1.0, 1.0).tolist()
        return x, y

    def carried(self, latent: Latent, x: float, y: float) -> Latent:
        """Return the nearest latent at a place of the map; see `playing.player.Player.carried`.

        z + pinv(axes) (p - axes (z - mean)): of all z that lie at p the one by the shortest way.
        """
        held = self._checkpoint.latent
        if not held.axes.size:
            return latent
        way = np.asarray((x, y), dtype=np.float32) - held.axes @ (latent.z - held.mean)
        z = latent.z + np.linalg.pinv(held.axes) @ way
        return Latent(latent.model, z.astype(np.float32), latent.attributes, latent.source)

    @property
    def _nowhere(self) -> Vector:
        """The z of a model without a latent."""
        return np.zeros(0, dtype=np.float32)

    def _prior(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw z [count, d]: of the prior that the checkpoint learned, else of N(0, I)."""
        if self._learned is None or not count:
            return rng.standard_normal((count, self.card.latent_size), dtype=np.float32)
        (chance,) = rng.spawn(1)
        each = self._importance.candidates if self._importance is not None else 1
        written = self._learned.draw(count * each, rng)
        packed = [pack_phrase(self._codec, phrase) for phrase in written]
        points = np.concatenate(
            [self._runtime.encode(_stacked(packed[rows])) for rows in portions(len(packed))]
        )
        if self._importance is None:
            return points
        made = at_rest([*points], self._native._answers_all)  # noqa: SLF001  itself
        rows = [features(phrase, self.card.codec) for phrase in made]
        weights = self._importance.weigh(np.array(rows, dtype=np.float32).reshape(len(points), -1))
        selected = gumbel_max(weights.reshape(count, each), chance)
        return points.reshape(count, each, -1)[np.arange(count), selected]

    def _packed(self, phrase: Phrase) -> Arrays:
        """Pack what the codec is shown of a phrase on the answers' grid.

        Where its metre is another, silence lies behind its bars.
        """
        if phrase.grid != self.card.grid:
            raise ValueError("a phrase on another grid cannot be encoded")
        return pack_phrase(self._codec, padded(self._shown(phrase), self._codec.grid))

    def _held(self, arrays: Arrays) -> Phrase:
        """Return what the codec holds of a packed phrase."""
        return cut(self._codec.unpack(arrays, 0), self.card.grid)

    def _shown(self, phrase: Phrase) -> Phrase:
        """Return a keyboard's phrase divided: all of its parts, or its melody for a codec of one line."""
        if self._divide is not None and self.card.codec == "melody":
            return melody_of(phrase, self._divide)
        return self._in_parts(phrase)

    def _in_parts(self, phrase: Phrase) -> Phrase:
        """Return a keyboard's phrase divided among the parts, for a codec that has several."""
        return (
            self._divide(phrase) if self._divide is not None and self.card.codec == "multitrack" else phrase
        )

    def _guess(self, held: Phrase) -> Vector:
        """Return the z of a phrase that nothing encodes."""
        if not self.card.latent_size:
            return self._nowhere
        if self._bank is None:
            points = self._prior(SIZE, np.random.default_rng(0))
            self._bank = PhraseBank(points, lambda z: self._play(z, {}, Sampling()))
        return self._bank.nearest(held)

    def _play(
        self,
        z: Vector,
        turns: Mapping[str, float],
        sampling: Sampling,
        *,
        source: PlayedPhrase | None = None,
        context: Phrase | None = None,
        prefix: Phrase | None = None,
        prefix_steps: int = 0,
        condition: Mapping[str, str] | None = None,
    ) -> Phrase:
        """Decode, keep what was played, turn, and join to what has sounded."""
        asked = self._asked(turns)
        if prefix is None:
            prefix_steps = 0
        asked_of = self._network.condition(condition or {})
        if asked_of is not None and context is not None and context.notes:
            asked_of = self._network.going_on(asked_of, context, condition or {})

        def answers(changes: Sequence[Mapping[str, float]], tonality: Tonality | None = None) -> list[Phrase]:
            before, fixed = self._before(context, prefix, prefix_steps)
            return self._answers(
                z,
                changes,
                sampling,
                before=before,
                fixed=fixed,
                condition=asked_of,
                tonality=tonality,
            )

        if source is not None:
            at_rest = sampling.temperature <= 0 and not condition and np.array_equal(z, source.z)
            rest = answers([{}])[0] if at_rest else self._rest(source, prefix, prefix_steps)
            tonality = Tonality(source.scale, rest) if source.scale else None
            phrase = self._near(
                source,
                rest if at_rest else answers([{}], tonality)[0],
                asked,
                rest=rest,
                answers=partial(answers, tonality=tonality),
            )
        elif (phrase := answers([{}])[0]).notes and asked:
            phrase = steer(
                phrase,
                asked,
                calibration=self._calibration,
                learned=self._network.steered,
                decode=answers,
                factors=self._factors,
            )
        if prefix is not None and prefix_steps > 0:
            phrase = after(prefix, prefix_steps, phrase, self.card.codec)
        return phrase

    def _asked(self, turns: Mapping[str, float]) -> dict[str, float]:
        """Return the turns that there are, within their range; ValueError where one names no attribute."""
        for name in turns:
            if name not in self._calibration.names:
                raise ValueError(f"unknown attribute '{name}'; there is: {', '.join(self.card.knobs)}")
        return {n: max(-1.0, min(1.0, t)) for n, t in turns.items() if t and n in self.card.knobs}

    def _before(self, context: Phrase | None, prefix: Phrase | None, prefix_steps: int) -> tuple[Phrase, int]:
        """Return what stands before an answer on the network's whole grid, and how many steps that is."""
        own = self._codec.grid
        begun = padded(prefix, own) if prefix is not None else None
        before = on_whole_grid(self._network.whole.grid, context, begun, self._network.context_steps)
        return before, self._network.context_steps + cell_step(self.card.grid, own, prefix_steps)

    def _rest(self, source: PlayedPhrase, prefix: Phrase | None, prefix_steps: int) -> Phrase:
        """Return what the network gives back of a phrase that was played, with nothing turned."""
        key = source.z.tobytes()
        if key in self._rests and not self._runtime.stepwise:
            return self._rests[key]
        before, fixed = self._before(None, prefix, prefix_steps)
        (rest,) = self._answers(
            source.z, [{}], Sampling(), before=before, fixed=fixed, condition=self._network.condition({})
        )
        self._rests[key] = rest
        if len(self._rests) > RESTS:
            del self._rests[next(iter(self._rests))]
        return rest

    def _near(
        self,
        source: PlayedPhrase,
        answer: Phrase,
        asked: Mapping[str, float],
        *,
        rest: Phrase,
        answers: Callable[[Sequence[Mapping[str, float]]], list[Phrase]],
    ) -> Phrase:
        """Return an answer with what it has left of a phrase that was played, turned.

        The network is asked for rhythm alone: pitches, loudness and lengths are edited where they were
        played, so that notes which the network does not hold go along.
        """
        phrase = source.phrase  # perhaps of another metre
        played = self._codec.named(self._in_parts(cut(padded(phrase, self._codec.grid), self.card.grid)))
        plain = retained(played, rest, answer)
        if not asked or not plain.notes:
            return plain
        turned = steer(
            plain,
            asked,
            calibration=self._calibration,
            learned=[name for name in self._network.steered if name in RHYTHM],
            decode=lambda changes: [retained(played, rest, one) for one in answers(changes)],
            factors=self._factors,
            scale=source.scale,
        )
        return seated(turned, played)

    def _answers(
        self,
        z: Vector,
        changes: Sequence[Mapping[str, float]],
        sampling: Sampling,
        *,
        before: Phrase,
        fixed: int,
        condition: Floats | None = None,
        tonality: Tonality | None = None,
    ) -> list[Phrase]:
        """Return what the network answers, in the metre that is played; see `Network.answers`."""
        answered = self._network.answers(
            [z] * len(changes),
            changes,
            sampling,
            before=before,
            fixed=fixed,
            condition=condition,
            tonality=tonality,
        )
        return [cut(phrase, self.card.grid) for phrase in answered]

    def _answers_all(self, asked: Sequence[Change]) -> list[Phrase]:
        """Return what the network answers to points and wanted changes, a portion at a time."""
        before, fixed = self._before(None, None, 0)
        condition, found = self._network.condition({}), []
        for rows in portions(len(asked)):
            points, wanted = zip(*asked[rows], strict=True)
            found += self._network.answers(
                points, wanted, Sampling(), before=before, fixed=fixed, condition=condition
            )
        return [cut(phrase, self.card.grid) for phrase in found]


def _stacked(packed: Sequence[Arrays]) -> Arrays:
    """Return the arrays of packed phrases as those of one batch."""
    return {name: np.concatenate([one[name] for one in packed]) for name in packed[0]}
