"""Points of the latent space to phrases: near what was played, turned, joined to what has sounded.

One for each metre that a model plays.
Tested in tests/model/playing/test_checkpoint_player.py.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from model.checkpoint import Calibration
from model.codecs.conditions import Floats
from model.codecs.sampling import Sampling
from model.latent.geometry import PlayedPhrase, Vector
from model.music.attributes import applicable, measure
from model.music.metre import cell_step, cut, padded
from model.music.phrase import Phrase
from model.playing.inference.batch import Change, at_rest, portions, turned
from model.playing.inference.closed_loop import RHYTHM, changes, steer, targets
from model.playing.inference.network import Network, Tonality
from model.playing.inference.packing import Packing
from model.playing.inference.retain import retained, seated
from model.playing.inference.splice import after, on_whole_grid

RESTS = 8  # phrases that were played last, of which is known what the network gives back


class PhraseDecoder:
    """Decodes in one metre.  Threads: one at a time."""

    def __init__(self, network: Network, packing: Packing, calibration: Calibration) -> None:
        self._network, self._packing = network, packing
        self._knobs = applicable(network.config.codec)
        self.calibration = calibration
        self._rests: dict[bytes, Phrase] = {}
        self._at_rest: dict[bytes, Phrase] = {}

    def play(
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
                z, changes, sampling, before=before, fixed=fixed, condition=asked_of, tonality=tonality
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
                calibration=self.calibration,
                learned=self._network.steered,
                decode=answers,
                factors=self._network.factors,
            )
        if prefix is not None and prefix_steps > 0:
            phrase = after(prefix, prefix_steps, phrase, self._network.config.codec)
        return phrase

    def play_all(self, asked: Sequence[tuple[Vector, Mapping[str, float]]]) -> list[Phrase]:
        """Return what `play` gives of each point with its turns, at temperature 0, computed together."""
        return turned(
            [(z, self._asked(turns)) for z, turns in asked],
            self.answers_all,
            calibration=self.calibration,
            learned=self._network.steered,
            factors=self._network.factors,
            known=self._at_rest,
        )

    def unmended_all(self, asked: Sequence[tuple[Vector, Mapping[str, float]]]) -> list[Phrase]:
        """Return what the network itself answers to turned knobs, before the closed loop mends it.

        Turns that it has not learned do nothing.
        """
        plain = self.at_rest([z for z, _ in asked])
        wanted = [(z, self._change(base, turns)) for (z, turns), base in zip(asked, plain, strict=True)]
        moved = iter(self.answers_all([one for one in wanted if one[1]]))
        return [next(moved) if change else base for (_, change), base in zip(wanted, plain, strict=True)]

    def at_rest(self, points: Sequence[Vector]) -> list[Phrase]:
        """Return the phrase at each point with nothing turned, computed together."""
        return at_rest(points, self.answers_all, self._at_rest)

    def answers_all(self, asked: Sequence[Change]) -> list[Phrase]:
        """Return what the network answers to points and wanted changes, a portion at a time."""
        before, fixed = self._before(None, None, 0)
        condition, found = self._network.condition({}), []
        for rows in portions(len(asked)):
            points, wanted = zip(*asked[rows], strict=True)
            found += self._network.answers(
                points, wanted, Sampling(), before=before, fixed=fixed, condition=condition
            )
        return [cut(phrase, self._packing.grid) for phrase in found]

    def _change(self, plain: Phrase, turns: Mapping[str, float]) -> dict[str, float]:
        """Return the change that turns want of a phrase, of what the network has learned."""
        base = measure(plain)
        wanted = targets(base, turns, self.calibration)
        return changes(base, wanted, self.calibration, self._network.steered)

    def _asked(self, turns: Mapping[str, float]) -> dict[str, float]:
        """Return the turns that there are, within their range; ValueError where one names no attribute."""
        for name in turns:
            if name not in self.calibration.names:
                raise ValueError(f"unknown attribute '{name}'; there is: {', '.join(self._knobs)}")
        return {n: max(-1.0, min(1.0, t)) for n, t in turns.items() if t and n in self._knobs}

    def _before(self, context: Phrase | None, prefix: Phrase | None, prefix_steps: int) -> tuple[Phrase, int]:
        """Return what stands before an answer on the network's whole grid, and how many steps that is."""
        model_grid = self._network.codec.grid
        begun = padded(prefix, model_grid) if prefix is not None else None
        before = on_whole_grid(self._network.whole.grid, context, begun, self._network.context_steps)
        return before, self._network.context_steps + cell_step(self._packing.grid, model_grid, prefix_steps)

    def _rest(self, source: PlayedPhrase, prefix: Phrase | None, prefix_steps: int) -> Phrase:
        """Return what the network gives back of a phrase that was played, with nothing turned."""
        key = source.z.tobytes()
        if key in self._rests and not self._network.runtime.stepwise:
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
        played = self._network.codec.named(
            self._packing.in_parts(cut(padded(phrase, self._network.codec.grid), self._packing.grid))
        )
        plain = retained(played, rest, answer)
        if not asked or not plain.notes:
            return plain
        turned = steer(
            plain,
            asked,
            calibration=self.calibration,
            learned=[name for name in self._network.steered if name in RHYTHM],
            decode=lambda changes: [retained(played, rest, one) for one in answers(changes)],
            factors=self._network.factors,
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
        return [cut(phrase, self._packing.grid) for phrase in answered]
