"""The closed loop around the knobs: of several decodes take the one that measures nearest to what was asked.

It calibrates whatever the network learned of a knob, and never leaves one dead: musical edits of the plain
decode stand beside the network's own answers.  What a turn has moved of dynamics and articulation without
being asked is played back to where it was: by one shift of all velocities, for those of the notes that stay
are the plain decode's, and by lengths.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

import numpy as np

from model.checkpoint import Calibration
from model.edits.common import FULL, apart
from model.edits.drums import room
from model.edits.embellishment import embellished
from model.edits.expression import articulated, levelled, recalled
from model.edits.rhythm import syncopated
from model.edits.solve import filled, shifted, spread_to, voiced
from model.music.attributes import NAMES, TYPICAL, measure
from model.music.grid import TICKS_PER_BEAT
from model.music.phrase import Phrase
from model.music.tracks import DRUMS
from model.playing.inference.candidates import USUAL

OTHERS = 0.15  # how much a change of the attributes not asked for weighs beside the error of those asked for
CLOSE = 0.04  # an answer nearer than this, in standard deviations, is not searched further
GOOD = 0.08  # an answer of the network nearer than this, for each attribute asked for, is taken as it is
ASTRAY = 0.5  # complexity that has moved by more without being asked, in SD, is mended by moving onsets

RHYTHM = frozenset(("density", "complexity", "polyphony"))
"""Attributes whose edits add, remove or move notes, and with them loudness and lengths."""

LIMITS = {
    "density": (0.125, 4.0),
    "complexity": (0.0, 1.0),
    "register": (0.0, 127.0),
    "range": (0.0, 36.0),
    "dynamics": (1.0, 127.0),
    "polyphony": (1.0, 10.0),
    "articulation": (0.0, 1.0),
}
"""What an attribute's measure can be at all, in sixteenths; see `model.music.attributes`."""

Measured = Mapping[str, float]


def completed(calibration: Calibration) -> Calibration:
    """Return the calibration with every attribute: those it has not stored have their usual place in music.

    Checkpoints that were written before an attribute was measured are played with it all the same.
    """
    missing = [name for name in NAMES if name not in calibration.names]
    if not missing:
        return calibration
    typical = np.array([TYPICAL[name] for name in missing], dtype=np.float32)
    stored = (calibration.mean, calibration.spread, calibration.low, calibration.high)
    fields = (np.concatenate((old, typical[:, column])) for column, old in enumerate(stored))
    return Calibration((*calibration.names, *missing), *fields)


def limits(phrase: Phrase, base: Measured) -> dict[str, tuple[float, float]]:
    """Return what each attribute of this very phrase can be made to measure, at most."""
    found, grid = dict(LIMITS), phrase.grid
    found["density"] = grid.bars / grid.quarters, FULL * (TICKS_PER_BEAT / grid.ticks_per_step)
    tracks = apart(phrase)
    if DRUMS in tracks:
        less, more = room(tracks[DRUMS])
        hits = len(tracks[DRUMS])
        found["density"] = base["density"] * (hits - less) / hits, base["density"] * (hits + more) / hits
    return found


def targets(
    base: Measured,
    turns: Mapping[str, float],
    calibration: Calibration,
    reachable: Mapping[str, tuple[float, float]] | None = None,
) -> dict[str, float]:
    """Return what each turned attribute shall measure, raw units.

    A full turn goes from the base to the 98th (2nd) percentile of the training data, but a standard
    deviation at least, as far as there is one: no knob is dead because a phrase lies at the edge already.
    Equal turns are equal differences.

    Args:
        base: what the unturned phrase measures.
        turns: by attribute.
        calibration: of the model.
        reachable: lowest and highest measure there can be, by attribute; `LIMITS` unless given.
    """
    wanted = {}
    for name, turn in turns.items():
        edge = calibration.of("high" if turn > 0 else "low", name)
        end = (reachable or LIMITS)[name][1 if turn > 0 else 0]
        sign = 1.0 if turn > 0 else -1.0
        room_left = max(0.0, sign * (end - base[name]))
        reach = max(sign * (edge - base[name]), min(calibration.of("spread", name), room_left))
        wanted[name] = base[name] + turn * reach
    return wanted


def changes(
    base: Measured, wanted: Measured, calibration: Calibration, learned: Sequence[str]
) -> dict[str, float]:
    """Return what a network is asked for: the changes that it has learned, in standard deviations."""
    return {
        name: (wanted[name] - base[name]) / calibration.of("spread", name)
        for name in wanted
        if name in learned
    }


def error(got: Measured, wanted: Measured, base: Measured, calibration: Calibration) -> float:
    """Return the error of the attributes asked for plus `OTHERS` times the change of the rest, in SD.

    Attributes that were not measured do not count.
    """
    total = 0.0
    for name in calibration.names:
        if name not in got:
            continue
        spread = calibration.of("spread", name)
        if name in wanted:
            total += abs(got[name] - wanted[name]) / spread
        else:
            total += OTHERS * abs(got[name] - base[name]) / spread
    return total


def nearest(
    candidates: Iterable[Phrase], wanted: Measured, base: Measured, calibration: Calibration
) -> tuple[Phrase, float]:
    """Return the candidate that measures nearest, and its error; lengths, edited exactly, do not count."""
    best: tuple[Phrase, float] | None = None
    for candidate in candidates:
        away = error(measure(candidate, voices=False), wanted, base, calibration)
        if best is None or away < best[1]:
            best = candidate, away
    if best is None:
        raise ValueError("there is no candidate to choose from")
    return best


def settle(
    phrase: Phrase,
    wanted: Measured,
    base: Measured,
    calibration: Calibration,
    *,
    plain: Phrase,
    scale: frozenset[int] | None = None,
) -> Phrase:
    """Edit away what is left of the error, one attribute after another.

    In this order none undoes what an earlier one reached: onsets, then what sounds on them, where it lies,
    how loud and how long.  Loudness and lengths that nobody turned go back to the base; the notes that stay
    keep their velocities but for one shift of all.

    Args:
        phrase: an answer, or the plain phrase itself.
        wanted: raw measures of the attributes that are turned.
        base: measures of the plain phrase.
        calibration: of the model.
        plain: the phrase with nothing turned.
        scale: pitch classes that a transposition keeps to; None for semitones.
    """
    if not phrase.notes:
        return phrase
    answered = phrase is not plain
    if answered:
        phrase = recalled(phrase, plain, chords=True)
    moved = answered or not RHYTHM.isdisjoint(wanted)
    if "density" in wanted:
        phrase = filled(phrase, wanted["density"])
        if answered and wanted["density"] > base["density"]:
            phrase = embellished(phrase, plain)
    complexity = wanted.get("complexity", base["complexity"])
    if moved:
        astray = 0.0 if "complexity" in wanted else ASTRAY * calibration.of("spread", "complexity")
        if abs(measure(phrase, voices=False)["complexity"] - complexity) > astray:
            phrase = syncopated(phrase, complexity)
    if "polyphony" in wanted:
        phrase = voiced(phrase, wanted["polyphony"])
    if "range" in wanted:
        phrase = spread_to(phrase, wanted["range"])
    if "register" in wanted:
        phrase = shifted(phrase, wanted["register"], scale)
    settled = shifted(plain, wanted["register"], scale) if "register" in wanted else plain
    phrase = recalled(phrase, settled)
    if moved or "dynamics" in wanted:
        phrase = levelled(phrase, wanted.get("dynamics", base["dynamics"]))
    if moved or "articulation" in wanted:
        phrase = articulated(phrase, wanted.get("articulation", base["articulation"]))
    return phrase


def steer(
    plain: Phrase,
    turns: Mapping[str, float],
    *,
    calibration: Calibration,
    learned: Sequence[str],
    decode: Callable[[Sequence[Mapping[str, float]]], list[Phrase]],
    factors: Sequence[float] = USUAL,
    scale: frozenset[int] | None = None,
) -> Phrase:
    """Return the phrase at which the knobs' attributes measure what their turns ask for.

    Args:
        plain: the decode with no knob turned.
        turns: by attribute, those that are not 0.
        calibration: of the model.
        learned: attributes that the network was taught to change.
        decode: wanted changes in standard deviations -> phrases, one each.
        factors: of the wanted change, at which the network is asked.
        scale: pitch classes that transpositions keep to; None for semitones.
    """
    loop = steering(plain, turns, calibration=calibration, learned=learned, factors=factors, scale=scale)
    try:
        loop.send(decode(next(loop)))
    except StopIteration as end:
        found: Phrase = end.value
        return found
    raise AssertionError("the network is asked once")


def steering(
    plain: Phrase,
    turns: Mapping[str, float],
    *,
    calibration: Calibration,
    learned: Sequence[str],
    factors: Sequence[float] = USUAL,
    scale: frozenset[int] | None = None,
) -> Generator[list[dict[str, float]], list[Phrase], Phrase]:
    """Do what `steer` does, for who asks the network elsewhere: yields once, or not at all.

    Yielded are the wanted changes; sent are the phrases to them.
    """
    calibration = completed(calibration)
    base = measure(plain)
    reachable = LIMITS if RHYTHM.isdisjoint(turns) else limits(plain, base)
    wanted = targets(base, turns, calibration, reachable)
    change = changes(base, wanted, calibration, learned)
    if all(abs(value) <= CLOSE for value in change.values()):
        return settle(plain, wanted, base, calibration, plain=plain, scale=scale)
    asked = [{name: factor * value for name, value in change.items()} for factor in factors]
    answers = yield asked
    first, _ = nearest(answers, wanted, base, calibration)
    answered = settle(first, wanted, base, calibration, plain=plain, scale=scale)
    away = error(measure(answered, voices=False), wanted, base, calibration)
    if away <= GOOD * len(wanted):
        return answered
    edited = settle(plain, wanted, base, calibration, plain=plain, scale=scale)
    nearer = away <= error(measure(edited, voices=False), wanted, base, calibration)
    return answered if nearer else edited
