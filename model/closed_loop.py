"""The closed loop around the knobs: of several decodes take the one that measures nearest to what was asked.

It calibrates whatever the network learned of a knob, and never leaves one dead: musical edits of the plain
decode stand beside the network's own answers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from model.attributes import measure
from model.checkpoint import Calibration
from model.phrase import Phrase, fold_pitch
from model.transforms import edit

OTHERS = 0.15  # how much a change of the attributes not asked for weighs beside the error of those asked for
CLOSE = 0.04  # an answer nearer than this, in standard deviations, is not searched further
BISECTIONS = 5
EXACT = ("dynamics",)

Measured = Mapping[str, float]


def targets(base: Measured, turns: Mapping[str, float], calibration: Calibration) -> dict[str, float]:
    """Return what each turned attribute shall measure, raw units.

    A full turn goes from the base to the 98th (2nd) percentile of the training data, or stays where the
    base lies beyond it; equal turns are equal differences.
    """
    wanted = {}
    for name, turn in turns.items():
        edge = calibration.of("high" if turn > 0 else "low", name)
        reach = max(0.0, edge - base[name]) if turn > 0 else max(0.0, base[name] - edge)
        wanted[name] = base[name] + turn * reach
    return wanted


def distance(got: Measured, wanted: Measured, base: Measured, calibration: Calibration) -> float:
    """Return the error of the attributes asked for plus `OTHERS` times the change of the rest, in SD."""
    total = 0.0
    for name in calibration.names:
        spread = calibration.of("spread", name)
        if name in wanted:
            total += abs(got[name] - wanted[name]) / spread
        else:
            total += OTHERS * abs(got[name] - base[name]) / spread
    return total


def nearest(
    candidates: Iterable[Phrase], wanted: Measured, base: Measured, calibration: Calibration
) -> tuple[Phrase, float]:
    """Return the candidate that measures nearest, and its distance."""
    best: tuple[Phrase, float] | None = None
    for candidate in candidates:
        away = distance(measure(candidate), wanted, base, calibration)
        if best is None or away < best[1]:
            best = candidate, away
    if best is None:
        raise ValueError("there is no candidate to choose from")
    return best


def repaired(phrase: Phrase, name: str, wanted: float, spread: float) -> Phrase:
    """Edit a phrase along one attribute until it measures what is wanted, by bisection on the amount.

    Edits are monotone in their amount (see `model.transforms`), so that a few halvings find it.
    """
    now = measure(phrase)[name]
    if abs(now - wanted) <= CLOSE * spread or not phrase.notes:
        return phrase
    sign = 1.0 if wanted > now else -1.0
    low, high = 0.0, 1.0
    best, error = phrase, abs(now - wanted)
    for round_ in range(BISECTIONS):
        amount = 1.0 if round_ == 0 else (low + high) / 2
        tried = edit(phrase, name, sign * amount, np.random.default_rng(0))
        got = measure(tried)[name]
        if abs(got - wanted) < error:
            best, error = tried, abs(got - wanted)
        if error <= CLOSE * spread:
            break
        if sign * (got - wanted) > 0:
            high = amount
        elif round_ == 0:
            break  # the furthest edit does not reach it: nothing nearer will
        else:
            low = amount
    return best


def shifted(phrase: Phrase, wanted: float) -> Phrase:
    """Transpose to the mean pitch wanted, to the semitone: exact, and nothing else changes."""
    if not phrase.notes:
        return phrase
    semitones = round(wanted - measure(phrase)["register"])
    low = min(note.pitch for note in phrase.notes) + semitones
    high = max(note.pitch for note in phrase.notes) + semitones
    semitones += max(0, -low) - max(0, high - 127)
    if not semitones:
        return phrase
    moved = (note._replace(pitch=fold_pitch(note.pitch + semitones)) for note in phrase.notes)
    return Phrase.of(phrase.grid, moved)


def steer(
    plain: Phrase,
    turns: Mapping[str, float],
    *,
    calibration: Calibration,
    learned: Sequence[str],
    decode: Callable[[Sequence[Mapping[str, float]]], list[Phrase]],
    factors: Sequence[float] = (0.7, 1.0, 1.4),
) -> Phrase:
    """Return the phrase at which the knobs' attributes measure what their turns ask for.

    Args:
        plain: the decode with no knob turned.
        turns: by attribute, those that are not 0.
        calibration: of the model.
        learned: attributes that the network was taught to change.
        decode: wanted changes in standard deviations -> phrases, one each.
        factors: of the wanted change, at which the network is asked.

    """
    base = measure(plain)
    wanted = targets(base, turns, calibration)
    change = {
        name: (wanted[name] - base[name]) / calibration.of("spread", name)
        for name in wanted
        if name in learned
    }
    candidates = [plain]
    if any(abs(value) > CLOSE for value in change.values()):
        asked = [{name: factor * value for name, value in change.items()} for factor in factors]
        candidates += decode(asked)
    first, _ = nearest(candidates, wanted, base, calibration)
    ends = [settle(first, wanted, base, calibration)]
    if first is not plain:
        ends.append(settle(plain, wanted, base, calibration))
    return nearest(ends, wanted, base, calibration)[0]


ORDER = ("polyphony", "density", "complexity", "range", "register", "dynamics")


def settle(phrase: Phrase, wanted: Measured, base: Measured, calibration: Calibration) -> Phrase:
    """Edit what is left of the error, one attribute after another, register and dynamics last and exactly."""
    for name in ORDER:
        if name not in wanted:
            continue
        if name == "register":
            phrase = shifted(phrase, wanted[name])
        else:
            phrase = repaired(phrase, name, wanted[name], calibration.of("spread", name))
    del base
    return phrase
