"""How a player heeds its knobs, and how it goes from one phrase to another: two parts of `evaluate`.

Tested in tests/trainer/evaluation/test_evaluate.py.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.latent.geometry import Latent, between
from model.music.attributes import NAMES, measure
from model.music.phrase import Phrase
from model.playing.player import Player
from model.playing.warp import WARP_STEPS, audible_lengths, even_places
from trainer.evaluation.batched import at_rest, decoded, portions, unmended
from trainer.evaluation.measures import Matches, consistent, distance, positions, spearman
from trainer.evaluation.samples import Progress, no_progress

TURNS = tuple(float(turn) for turn in np.linspace(-1.0, 1.0, 9))
ENDS = (-1.0, 0.0, 1.0)
KNOB_PHRASES = 400
TURNED = 100
PAIRS = 500
PAIRS_AT_ONCE = 16
MORPH_STEPS = 8
SPREADS = {
    "density": 0.9,
    "complexity": 0.18,
    "register": 8.0,
    "range": 3.0,
    "dynamics": 22.0,
    "polyphony": 1.0,
    "articulation": 0.25,
}
"""The usual spread of each attribute, raw units: what changes of different attributes are compared in."""


def knobs(
    player: Player,
    phrases: Sequence[Phrase],
    latents: Sequence[Latent],
    progress: Progress = no_progress,
    *,
    share: float = 1.0,
) -> dict[str, dict[str, Any]]:
    """Turn each knob on up to 400 phrases and measure what comes out.

    Two ways to turn it.  *Values*: 9 values of the attribute from the 2nd to the 98th percentile of the
    decoded phrases are asked for, of every phrase the same ones, each by the turn that lies as far between
    the phrase's own measure and that at the knob's end as the value does.  *Turns*: 9 equal turns from end
    to end, on the first 100 phrases; a phrase that is at an end of the attribute already cannot go on there,
    and different phrases start from different measures.

    Args:
        player: the checkpoint.
        phrases: that the latents came from; their notes are those that the centre should keep.
        latents: as many.
        progress: called with (what, done, of how many).
        share: of the 400 and 100 phrases, for a model whose decodes take long.

    Returns, by knob:
        spearman: rank correlation of value and measured attribute, mean over the phrases.
        spearman_pooled: the same over all phrases and values at once.
        leak: largest |pooled rank correlation| of the value with another attribute.
        leak_name: that attribute.
        leak_change: largest mean |change| of another attribute between the middle and the ends, in its
            usual spread, over that of the attribute itself.
        spearman_turns, spearman_pooled_turns, leak_turns: the same by turns instead of values.
        spearman_network, spearman_pooled_network, leak_network: those by turns of what the network itself
            answers, before the closed loop mends it; only of a player that tells, and of what it has learned.
        reach: mean difference of the attribute between both ends, in its raw unit.
        kept: note F1 of the phrase decoded with the knob at the centre and the phrase itself.
    """
    found: dict[str, dict[str, Any]] = {}
    names = [name for name in player.card.knobs if name in NAMES]
    count = min(max(1, round(share * KNOB_PHRASES)), len(latents))
    for place, name in enumerate(names):
        report = partial(_from, progress, place * count, len(names) * count)
        found[name] = _knob(player, phrases[:count], latents[:count], name, report)
        found[name]["phrases"] = count
    return found


def _from(progress: Progress, before: int, of_all: int, done: int) -> None:
    """Tell how far all knobs are."""
    progress("knobs", before + done, of_all)


def _knob(
    player: Player,
    phrases: Sequence[Phrase],
    latents: Sequence[Latent],
    name: str,
    report: Callable[[int], None],
) -> dict[str, Any]:
    """Measure one knob."""
    target = NAMES.index(name)
    turned = Turned(player, latents, name)
    ends = turned.measures(range(len(latents)), [ENDS] * len(latents))
    centre = turned.centre
    low, base, high = (ends[:, column, target] for column in range(len(ENDS)))
    first, last = np.percentile(base, (2, 98)).tolist()
    values = np.linspace(first, last, len(TURNS))
    table = np.zeros((len(latents), len(values), len(NAMES)))
    varied = last - first > 1e-6
    values = values if varied else np.array(TURNS)  # phrases of one loudness: equal turns are all there is
    for done, rows in portions(range(len(latents))):
        asked = [
            [turn_to(float(v), *(float(at[row]) for at in (low, base, high))) for v in values]
            if varied
            else TURNS
            for row in rows
        ]
        table[rows[0] : done] = turned.measures(rows, asked)
        report(done)
    few = range(min(TURNED, len(latents)))
    by_turns = turned.measures(few, [TURNS] * len(few))
    unchanged = Matches()
    for phrase, answer in zip(phrases, centre, strict=True):
        unchanged.add(positions(answer), positions(phrase))
    others = [index for index in range(len(NAMES)) if index != target]
    change = np.abs(ends[:, (0, 2)] - ends[:, 1:2]).mean(axis=(0, 1))
    change /= np.array([SPREADS.get(attribute, 1.0) for attribute in NAMES])
    again = {f"{key}_turns": value for key, value in correlations(by_turns, TURNS, target).items()}
    again |= _network(player, latents[:TURNED], name)
    return {
        **correlations(table, values, target),
        "leak_change": float(max(change[others]) / max(change[target], 1e-9)) if change[target] > 0 else 0.0,
        **again,
        "reach": float((high - low).mean()),
        "kept": unchanged.f1,
    }


def _network(player: Player, latents: Sequence[Latent], name: str) -> dict[str, Any]:
    """Measure what a network has learned of a knob; nothing where it has not, or the player does not say."""
    answers = unmended(player, [(latent, {name: turn}) for latent in latents for turn in TURNS])
    if answers is None:
        return {}
    table = measures(answers, len(latents))
    if not np.ptp(table[:, :, NAMES.index(name)], axis=1).any():
        return {}
    found = correlations(table, TURNS, NAMES.index(name))
    return {f"{key}_network": value for key, value in found.items()}


def turn_to(value: float, low: float, base: float, high: float) -> float:
    """Return the turn, -1..1, that brings a phrase from its base to a value of the attribute.

    Args:
        value: asked for.
        low: what the phrase measures with the knob at its left end.
        base: with the knob at the centre.
        high: at its right end.
    """
    room = high - base if value > base else base - low
    return max(-1.0, min(1.0, (value - base) / room)) if room > 1e-9 else 0.0


def correlations(table: np.ndarray, values: Sequence[float] | np.ndarray, column: int) -> dict[str, Any]:
    """Return Spearman by phrase, pooled, and the largest leak.

    Args:
        table: measures, float64 [phrases, values, attributes].
        values: what was asked for, float [values].
        column: the knob's attribute.
    """
    asked = np.tile(values, len(table))
    pooled = [spearman(asked, table[:, :, index].ravel()) for index in range(len(NAMES))]
    worst = max(
        (index for index in range(len(NAMES)) if index != column), key=lambda index: abs(pooled[index])
    )
    return {
        "spearman": float(np.mean([spearman(values, row[:, column]) for row in table])),
        "spearman_pooled": pooled[column],
        "leak": abs(pooled[worst]),
        "leak_name": NAMES[worst],
    }


class Turned:
    """What a player plays at latents with one knob turned: each turn of each is asked for once."""

    def __init__(self, player: Player, latents: Sequence[Latent], name: str) -> None:
        self._player, self._latents, self._name = player, latents, name
        self._known: dict[tuple[int, float], NDArray[np.float64]] = {}
        self._centre: dict[int, Phrase] = {}

    @property
    def centre(self) -> list[Phrase]:
        """The phrases at turn 0, of those latents of which it was asked for, in their order."""
        return [self._centre[row] for row in sorted(self._centre)]

    def measures(self, rows: Sequence[int], turns: Sequence[Sequence[float]]) -> NDArray[np.float64]:
        """Return the attributes of each latent at its turns, float64 [rows, turns, attributes]."""
        wanted = [(row, turn) for row, some in zip(rows, turns, strict=True) for turn in some]
        for _, new in portions([*dict.fromkeys(one for one in wanted if one not in self._known)]):
            asked = [(self._latents[row], {self._name: turn}) for row, turn in new]
            for (row, turn), phrase in zip(new, decoded(self._player, asked), strict=True):
                self._known[row, turn] = np.array([*measure(phrase).values()], dtype=np.float64)
                if turn == 0:
                    self._centre[row] = phrase
        return np.array([self._known[one] for one in wanted]).reshape(len(rows), -1, len(NAMES))


def measures(phrases: Sequence[Phrase], rows: int) -> np.ndarray:
    """Return the attributes of phrases, as many of each row, float64 [rows, columns, attributes]."""
    table = np.array([[*measure(phrase).values()] for phrase in phrases], dtype=np.float64)
    return table.reshape(rows, -1, len(NAMES))


def interpolation(
    player: Player,
    latents: Sequence[Latent],
    rng: np.random.Generator,
    progress: Progress = no_progress,
    *,
    share: float = 1.0,
) -> dict[str, Any] | None:
    """Glide between up to 500 pairs of phrases in 8 equal steps of the arc (`model.latent.geometry.between`).

    The morph knob of the instrument is warped by the length of the way (`model.playing.warp`, 16
    steps): the figures that end in `_warped` are of 8 equal steps of that knob.  `share` is of the 500
    pairs, for a model whose decodes take long.

    Returns:
        spearman: rank correlation of the way gone and the distance to the first phrase, mean over pairs.
        largest_jump: largest share of the whole distance gained in one of the 8 steps, mean over pairs.
        curve: distance to the first phrase at each of the 9 points over that at the last, mean over pairs.
        note_ratio: notes between, over the mean of both ends.
        consistent: share of the phrases between that keep the codec's rules and are not empty.
        pairs: how many there were.
    """
    if len(latents) < 2:
        return None
    codec = player.card.codec
    count = min(max(1, round(share * PAIRS)), len(latents))
    plain, warped = Glides(codec), Glides(codec)
    pairs = [rng.choice(len(latents), 2, replace=False).tolist() for _ in range(count)]
    for begin in range(0, count, PAIRS_AT_ONCE):
        ends = [(latents[one], latents[other]) for one, other in pairs[begin : begin + PAIRS_AT_ONCE]]
        fine = _on_ways(player, ends, [np.linspace(0.0, 1.0, WARP_STEPS + 1)] * len(ends))
        steps = [even_places(audible_lengths(way), MORPH_STEPS + 1)[1:-1] for way in fine]
        for way, between_them in zip(fine, _on_ways(player, ends, steps), strict=True):
            plain.add(way[:: WARP_STEPS // MORPH_STEPS])
            warped.add([way[0], *between_them, way[-1]])
        progress("interpolation", begin + len(ends), count)
    moved = {f"{name}_warped": value for name, value in warped.figures().items()}
    return {
        **plain.figures(),
        **moved,
        "note_ratio": plain.notes,
        "consistent": float(np.mean(plain.valid + warped.valid)),
        "pairs": count,
    }


def _on_ways(
    player: Player, ends: Sequence[tuple[Latent, Latent]], places: Sequence[np.ndarray]
) -> list[list[Phrase]]:
    """Return the phrases at places, 0..1, between two latents each."""
    points = [
        between(one, other, float(place))
        for (one, other), of_it in zip(ends, places, strict=True)
        for place in of_it
    ]
    answers = iter(at_rest(player, points))
    return [[next(answers) for _ in of_it] for of_it in places]


class Glides:
    """Sums over ways of 9 phrases each."""

    def __init__(self, codec: str) -> None:
        self.valid: list[bool] = []
        self._codec = codec
        self._orders: list[float] = []
        self._jumps: list[float] = []
        self._curves: list[np.ndarray] = []
        self._between: list[int] = []
        self._ends: list[int] = []

    def add(self, line: Sequence[Phrase]) -> None:
        """Count one way."""
        gone = np.array([distance(line[0], phrase, self._codec) for phrase in line])
        self._between += [len(phrase) for phrase in line[1:-1]]
        self._ends += [len(line[0]), len(line[-1])]
        self.valid += [consistent(phrase, self._codec) and bool(phrase.notes) for phrase in line[1:-1]]
        if gone[-1] > 0:
            self._orders.append(spearman(np.arange(len(line)), gone))
            self._jumps.append(float(np.max(np.diff(gone)) / gone[-1]))
            self._curves.append(gone / gone[-1])

    @property
    def notes(self) -> float:
        """Notes between over the mean of both ends."""
        return float(np.mean(self._between) / max(1e-9, float(np.mean(self._ends))))

    def figures(self) -> dict[str, Any]:
        """Return spearman, largest_jump and curve."""
        return {
            "spearman": float(np.mean(self._orders)) if self._orders else 0.0,
            "largest_jump": float(np.mean(self._jumps)) if self._jumps else 0.0,
            "curve": np.mean(self._curves, axis=0).tolist() if self._curves else None,
        }
