"""The closed loop around the knobs: of several decodes take the one that measures nearest to what was asked.

It calibrates whatever the network learned of a knob, and never leaves one dead: musical edits of the plain
decode stand beside the network's own answers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from model.attributes import measure
from model.checkpoint import Calibration
from model.phrase import Phrase
from model.quick_edits import levelled, shifted, spread_to, syncopated, voiced
from model.transforms import FULL, edit

OTHERS = 0.15  # how much a change of the attributes not asked for weighs beside the error of those asked for
CLOSE = 0.04  # an answer nearer than this, in standard deviations, is not searched further
GOOD = 0.08  # an answer of the network nearer than this, for each attribute asked for, is taken as it is

LIMITS = {
    "density": (0.125, 4.0),
    "complexity": (0.0, 1.0),
    "register": (0.0, 127.0),
    "range": (0.0, 36.0),
    "dynamics": (1.0, 127.0),
    "polyphony": (1.0, 10.0),
}
"""What an attribute's measure can be at all; see `model.attributes`."""

Measured = Mapping[str, float]


def targets(base: Measured, turns: Mapping[str, float], calibration: Calibration) -> dict[str, float]:
    """Return what each turned attribute shall measure, raw units.

    A full turn goes from the base to the 98th (2nd) percentile of the training data, but a standard
    deviation at least, as far as there is one: no knob is dead because she plays at the edge already.
    Equal turns are equal differences.
    """
    wanted = {}
    for name, turn in turns.items():
        edge = calibration.of("high" if turn > 0 else "low", name)
        end = LIMITS[name][1 if turn > 0 else 0]
        sign = 1.0 if turn > 0 else -1.0
        room = max(0.0, sign * (end - base[name]))
        reach = max(sign * (edge - base[name]), min(calibration.of("spread", name), room))
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


def filled(phrase: Phrase, wanted: float) -> Phrase:
    """Thin or fill to a number of onsets per beat: the amount of the edit that makes just so many."""
    grid = phrase.grid
    onsets = len({note.onset for note in phrase.notes})
    change = round(wanted * grid.beats) - onsets
    room = int(FULL * grid.steps) - onsets if change > 0 else onsets - grid.bars
    if not change or room <= 0:
        return phrase
    return edit(phrase, "density", max(-1.0, min(1.0, change / room)), np.random.default_rng(0))


def settle(phrase: Phrase, wanted: Measured) -> Phrase:
    """Edit away what is left of the error, one attribute after another.

    In this order none undoes what an earlier one reached: onsets, then what sounds on them, then where it
    lies and how loud.
    """
    if not phrase.notes:
        return phrase
    if "density" in wanted:
        phrase = filled(phrase, wanted["density"])
    if "complexity" in wanted:
        phrase = syncopated(phrase, wanted["complexity"])
    if "polyphony" in wanted:
        phrase = voiced(phrase, wanted["polyphony"])
    if "range" in wanted and abs(measure(phrase)["range"] - wanted["range"]) > 0.1:
        phrase = spread_to(phrase, wanted["range"])
    if "register" in wanted:
        phrase = shifted(phrase, wanted["register"])
    if "dynamics" in wanted:
        phrase = levelled(phrase, wanted["dynamics"])
    return phrase


def steer(
    plain: Phrase,
    turns: Mapping[str, float],
    *,
    calibration: Calibration,
    learned: Sequence[str],
    decode: Callable[[Sequence[Mapping[str, float]]], list[Phrase]],
    factors: Sequence[float] = (0.8, 1.3),
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
    if all(abs(value) <= CLOSE for value in change.values()):
        return settle(plain, wanted)
    asked = [{name: factor * value for name, value in change.items()} for factor in factors]
    first, _ = nearest(decode(asked), wanted, base, calibration)
    heard, away = nearest([settle(first, wanted)], wanted, base, calibration)
    if away <= GOOD * len(wanted):
        return heard
    return nearest([heard, settle(plain, wanted)], wanted, base, calibration)[0]
