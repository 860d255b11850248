"""`directions`: find attribute directions in a checkpoint's latent space and calibrate them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.checkpoint import Calibration
from model.latent.directions import Directions
from model.latent.geometry import Latent
from model.music.attributes import NAMES, TYPICAL, applicable, measure
from model.music.phrase import Phrase
from model.playing.inference.closed_loop import completed
from model.playing.player import Player
from trainer.errors import OperationError, RequestError
from trainer.evaluation.measures import spearman
from trainer.evaluation.samples import Progress, Songs, no_progress, prior
from trainer.latent.regression import along_pattern, along_weights, calibrated, orthogonal, regress

Floats = NDArray[np.float64]
FEWEST_PAIRS = 50
REACH = 3.0  # standard deviations of the regression, to either side, that are tried
FURTHEST = 0.75  # of the norm of a typical z, no direction is tried
TRIED = 7  # lengths that candidates are compared at
MEASURED = 13  # lengths that the chosen one is calibrated at
CHECKED = range(9)  # places of the final check
FULL = 2.0  # standard deviations that a full turn of the final check asks for
WORTH = (0.3, 0.2)  # Spearman and reach in standard deviations below which a direction is none


@dataclass(frozen=True, slots=True)
class DirectionReport:
    """One attribute's direction and how good it is.

    Attributes:
        name: of the attribute.
        fit: R^2 of the regression on pairs that it did not see.
        kind: which candidate was taken: `weights`, `pattern`, the two `orthogonal` ones, or `corrected` by
            what the decoder made of those.
        before: plain regression weights, uncalibrated: Spearman of turn and measure on decoded phrases, mean
            over them; the largest leak; how far from a straight line the attribute goes, of its way.
        after: the same of the chosen, calibrated direction, from the change by -2 to that by 2 deviations as
            far as it goes; None if there is none.
    """

    name: str
    fit: float
    kind: str
    before: Mapping[str, float]
    after: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class FoundDirections:
    """Directions, and a line on each attribute."""

    directions: Directions | None
    lines: tuple[DirectionReport, ...]


class TrialPhrases:
    """What directions are tried on: phrases at some latents, and the measure of what they decode to."""

    def __init__(self, player: Player, latents: Sequence[Latent], spread: Mapping[str, float]) -> None:
        self.latents = list(latents)
        self.names = tuple(spread)
        self._player, self._spread = player, np.array(list(spread.values()))

    def moved(self, places: Sequence[Callable[[Latent], NDArray[np.float32]]]) -> Floats:
        """Return measures, float64 [latents, places, attributes] in standard deviations."""
        table = np.zeros((len(self.latents), len(places), len(self.names)))
        for row, latent in enumerate(self.latents):
            for column, place in enumerate(places):
                phrase = self._player.decode(replace(latent, z=place(latent)), turns={})
                measured = measure(phrase)
                table[row, column] = [measured[name] for name in self.names]
        scaled: Floats = table / self._spread
        return scaled

    def along(self, vector: Floats, lengths: Floats) -> Floats:
        """Return measures at z + length x vector, vector float [d] in the units of z."""
        return self.moved([_step(vector, float(length)) for length in lengths])


def _step(vector: Floats, length: float) -> Callable[[Latent], NDArray[np.float32]]:
    """Return what moves a latent along a vector."""
    return lambda latent: np.asarray(latent.z + length * vector, dtype=np.float32)


def find(
    player: Player,
    calibration: Calibration,
    learned: Sequence[Phrase],
    tried: Sequence[Phrase],
    *,
    count: int = 100,
    seed: int = 0,
    progress: Progress = no_progress,
) -> FoundDirections:
    """Find and calibrate a direction for each attribute that the codec has.

    Four candidates are made from ridge regressions of the measured attributes on z, a fifth by unmixing what
    the decoder made of the best of them; the one whose attribute rises most surely on decoded phrases and
    leaks least is calibrated on others, and checked on a third lot.

    Args:
        player: the checkpoint; it has a latent.
        calibration: its attributes' spreads.
        learned: phrases for the regression.
        tried: other phrases, on which candidates are compared, calibrated and checked: a third each.
        count: phrases in each of these thirds, at most.
        seed: of the split of the pairs.
        progress: called with (what, done, of how many).

    Raises:
        RequestError: the model has no latent.
        OperationError: there are too few phrases.
    """
    if not player.card.latent_size:
        raise RequestError(f"'{player.card.name}' has no latent: there are no directions to find in it")
    calibration = completed(calibration)
    latents, values = labelled(player, learned, seed, progress)
    scale = np.maximum(latents.std(0), 1e-6)
    spreads = {name: calibration.of("spread", name) for name in applicable(player.card.codec)}
    names = [name for name in spreads if np.std(values[:, NAMES.index(name)]) > 1e-2 * TYPICAL[name][1]]
    if not names:
        raise OperationError(
            "no attribute varies over these phrases: there is nothing to find a direction by"
        )
    spread = {name: max(spreads[name], 0.1 * TYPICAL[name][1]) for name in names}
    columns = [NAMES.index(name) for name in names]
    chosen = values[:, columns]
    found = regress(
        (latents - latents.mean(0)) / scale, (chosen - chosen.mean(0)) / np.std(chosen, axis=0), seed=seed
    )
    candidates = {
        "weights": along_weights(found),
        "pattern": along_pattern(found),
        "orthogonal": orthogonal(found, likely=False),
        "orthogonal pattern": orthogonal(found, likely=True),
    }
    places = _latents(player, tried, seed)
    trials = [
        TrialPhrases(player, part[:count], spread) for part in (places[::3], places[1::3], places[2::3])
    ]
    choice = BestCandidates(names, scale, trials, float(np.sqrt(latents.shape[1])))
    for row in range(len(names)):
        choice.compare(row, {kind: steps[row] for kind, steps in candidates.items()})
        progress("candidates", row + 1, len(names))
    responses = choice.corrected()
    lines, accepted = [], []
    for row, name in enumerate(names):
        choice.compare(row, {"corrected": responses[row]})
        line, parts = choice.line(row)
        lines.append(replace(line, fit=float(found.fits[row])))
        if parts is not None:
            accepted.append((name, *parts))
        progress("directions", row + 1, len(names))
    if not accepted:
        return FoundDirections(None, tuple(lines))
    held = (np.stack([part[index] for part in accepted]).astype(np.float32) for index in (1, 2, 3))
    return FoundDirections(Directions(tuple(part[0] for part in accepted), *held), tuple(lines))


def apart(held: Songs, count: int) -> tuple[list[Phrase], list[Phrase]]:
    """Return phrases to learn from, and about so many to try, of other songs where no song is too long."""
    tried: set[int] = set()
    taken = 0
    for song, size in Counter(held.songs.tolist()).items():
        if taken + size <= count:
            tried.add(song)
            taken += size
    if not tried:
        return [*held.phrases[count:]], [*held.phrases[:count]]
    sides = [(phrase, song in tried) for phrase, song in zip(held.phrases, held.songs.tolist(), strict=True)]
    return [phrase for phrase, out in sides if not out], [phrase for phrase, out in sides if out]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A step in standardised z, how far it may go, and what it did to decoded phrases."""

    kind: str
    step: Floats
    reach: float
    measured: Mapping[str, float]
    slopes: Floats

    @property
    def score(self) -> float:
        """How surely the attribute rises, less what leaks."""
        return self.measured["spearman"] * min(1.0, self.measured["reach"]) - self.measured["leak"]


class BestCandidates:
    """The best candidate of each attribute so far."""

    def __init__(
        self, names: Sequence[str], scale: Floats, trials: Sequence[TrialPhrases], norm: float
    ) -> None:
        """Begin with none.

        Args:
            names: of the attributes.
            scale: of z, float [d].
            trials: to compare, to calibrate and to check on.
            norm: of a typical standardised z.
        """
        self._names, self._scale, self._norm = names, scale, norm
        self._compared, self._mapped, self._last = trials
        self._plain: dict[int, Candidate] = {}
        self._best: dict[int, Candidate] = {}

    def compare(self, row: int, steps: Mapping[str, Floats]) -> None:
        """Decode along steps, float [d] by kind, and keep the best one."""
        for kind, step in steps.items():
            reach = min(REACH, FURTHEST * self._norm / max(float(np.linalg.norm(step)), 1e-9))
            lengths = np.linspace(-reach, reach, TRIED)
            table = self._compared.along(step * self._scale, lengths)
            slopes = np.asarray(lengths @ table.mean(0) / float(lengths @ lengths), dtype=np.float64)
            made = Candidate(kind, step, reach, checked(table, lengths, row), slopes)
            if kind == "weights":
                self._plain[row] = made
            if row not in self._best or made.score > self._best[row].score:
                self._best[row] = made

    def corrected(self, ridge: float = 0.05) -> Floats:
        """Return steps, float64 [names, d], mixed from the best ones so that none leaks on decoded phrases.

        What the encoder's regressions cannot know: the decoder's answer.  Its mean slopes J [steps,
        attributes] were measured; (J'J + r)^-1 J' mixes the steps into such with slopes near the identity.
        """
        rows = [self._best[row] for row in range(len(self._names))]
        slopes = np.stack([row.slopes for row in rows])
        mixed = np.linalg.solve(slopes.T @ slopes + ridge * np.eye(len(rows)), slopes.T)
        return np.asarray(mixed @ np.stack([row.step for row in rows]), dtype=np.float64)

    def line(self, row: int) -> tuple[DirectionReport, tuple[Floats, Floats, Floats] | None]:
        """Calibrate and check one attribute's best step; return also vector, changes and ways."""
        name, plain, best = self._names[row], self._plain[row], self._best[row]
        lengths = np.linspace(-plain.reach, plain.reach, len(CHECKED))
        before = checked(self._last.along(plain.step * self._scale, lengths), lengths, row)
        vector = best.step * self._scale
        lengths = np.linspace(-best.reach, best.reach, MEASURED)
        table = self._mapped.along(vector, lengths)[:, :, row]
        mapped = calibrated(lengths, (table - table[:, MEASURED // 2 : MEASURED // 2 + 1]).mean(0))
        if mapped is None:
            return DirectionReport(name, 0.0, best.kind, before, None), None
        changes, ways = mapped
        wanted = np.linspace(max(changes[0], -FULL), min(changes[-1], FULL), len(CHECKED))
        steps = [_step(vector, float(np.interp(value, changes, ways))) for value in wanted]
        after = checked(self._last.moved(steps), wanted, row)
        if after["spearman"] < WORTH[0] or after["reach"] < WORTH[1]:
            return DirectionReport(name, 0.0, best.kind, before, None), None
        return DirectionReport(name, 0.0, best.kind, before, after), (vector, changes, ways)


def labelled(
    player: Player, phrases: Sequence[Phrase], seed: int, progress: Progress
) -> tuple[Floats, Floats]:
    """Return z, float64 [n, d], and the measured attributes, float64 [n, attributes].

    Of a generator that nothing encodes for the pairs are draws of its prior and what they decode to.

    Raises:
        OperationError: there are fewer than 50.
    """
    if len(phrases) < FEWEST_PAIRS:
        raise OperationError(
            f"{len(phrases)} phrases are too few to find directions by: it takes {FEWEST_PAIRS} at least"
        )
    rows = []
    latents = _latents(player, phrases, seed)
    for number, latent in enumerate(latents):
        rows.append([latent.attributes[name] for name in NAMES])
        progress("pairs", number + 1, len(latents))
    return np.stack([latent.z for latent in latents]).astype(np.float64), np.array(rows)


def _latents(player: Player, phrases: Sequence[Phrase], seed: int) -> list[Latent]:
    """Return the phrases' latents with their measured attributes, or as many draws of the prior."""
    if player.card.encodes:
        found = [player.encode(phrase) for phrase in phrases]
        return [replace(latent, attributes=measure(p)) for latent, p in zip(found, phrases, strict=True)]
    drawn = prior(player, len(phrases), np.random.default_rng(seed))
    return [replace(latent, attributes=measure(player.decode(latent, turns={}))) for latent in drawn]


def checked(table: Floats, asked: Floats, column: int) -> dict[str, float]:
    """Return what a direction does, from measures [phrases, places, attributes] in standard deviations.

    Returns:
        spearman: of place and own attribute, mean over the phrases.
        leak: largest |mean change| of another attribute between the ends, over that of the own one, 0..1.
        bend: largest distance of the mean own attribute from a straight line over the places, of its way.
        reach: mean change of the own attribute between the ends.
    """
    mean = table.mean(0)
    change = mean[-1] - mean[0]
    others = np.abs(np.delete(change, column)).max(initial=0.0)
    reach = float(change[column])
    straight = mean[0, column] + (asked - asked[0]) / max(asked[-1] - asked[0], 1e-9) * reach
    return {
        "spearman": float(np.mean([spearman(asked, row[:, column]) for row in table])),
        "leak": float(min(1.0, others / abs(reach))) if abs(reach) > 1e-6 else 1.0,
        "bend": float(np.abs(mean[:, column] - straight).max() / abs(reach)) if abs(reach) > 1e-6 else 1.0,
        "reach": reach,
    }


def figures_of(found: FoundDirections) -> list[dict[str, Any]]:
    """Return the lines as a checkpoint's figures hold them."""
    return [
        {
            "attribute": line.name,
            "fit": round(line.fit, 4),
            "kind": line.kind,
            "before": {key: round(value, 4) for key, value in line.before.items()},
            "after": line.after and {key: round(value, 4) for key, value in line.after.items()},
        }
        for line in found.lines
    ]
