"""How a human being plays a written phrase: late, swung, in triplets, with ornaments, rolled.

Ticks are 480 to the beat, phrases two bars of 4/4 in sixteenths.  Each performance is made of a phrase and a
generator alone, so that a run can be repeated.
"""

import math
from collections.abc import Callable
from itertools import groupby
from random import Random
from typing import NamedTuple

from model.music.phrase import Note, Phrase
from model.transcription.struck import Struck

STEP, BEAT = 120, 480
PEDALLED = 2 * BEAT  # from one change of the pedal to the next
TOUCH = 0.9  # share of its length that a note sounds


class Performed(NamedTuple):
    """A key, and what was meant by it.  `main`: whether it is no ornament."""

    key: Struck
    step: int
    main: bool = True


Performance = list[Performed]
Performer = Callable[[Phrase, Random, float], Performance]
"""(phrase, generator, milliseconds in a tick)."""


def plain(phrase: Phrase, _: Random, __: float) -> Performance:
    """Play as written."""
    return [_performed(note, note.onset * STEP) for note in phrase.notes]


def _performed(note: Note, start: float, step: int | None = None, length: float | None = None) -> Performed:
    ticks = note.length * STEP * TOUCH if length is None else length
    key = Struck(round(start), round(start + max(20, ticks)), note.pitch, note.velocity)
    return Performed(key, note.onset if step is None else step)


def jittered(jitter_ms: float) -> Performer:
    """Let every key fall a normal deviate beside its step."""

    def perform(phrase: Phrase, chance: Random, ms: float) -> Performance:
        return [
            _performed(note, note.onset * STEP + chance.gauss(0, jitter_ms) / ms) for note in phrase.notes
        ]

    return perform


def late(late_ms: float, jitter_ms: float = 0.0) -> Performer:
    """Let every key fall late."""

    def perform(phrase: Phrase, chance: Random, ms: float) -> Performance:
        return [
            _performed(note, note.onset * STEP + (late_ms + chance.gauss(0, jitter_ms)) / ms)
            for note in phrase.notes
        ]

    return perform


def warped(warp: Callable[[float], float]) -> Performer:
    """Let ticks of the score fall on other ticks."""

    def perform(phrase: Phrase, _: Random, __: float) -> Performance:
        return [
            _performed(
                note,
                warp(note.onset * STEP),
                length=TOUCH * (warp((note.onset + note.length) * STEP) - warp(note.onset * STEP)),
            )
            for note in phrase.notes
        ]

    return perform


def swung(ratio: float) -> Performer:
    """Let the second eighth of a beat fall at a ratio of it, sixteenths halfway between."""

    def warp(tick: float) -> float:
        beat, within = divmod(tick / BEAT, 1.0)
        place = within * 2 * ratio if within <= 0.5 else ratio + (within - 0.5) * 2 * (1 - ratio)
        return (beat + place) * BEAT

    return warped(warp)


def rubato(share: float) -> Performer:
    """Let the tempo swing by a share of it, once in the phrase, from the click and back to it."""

    def perform(phrase: Phrase, chance: Random, ms: float) -> Performance:
        length = phrase.grid.ticks
        most = chance.choice((-1, 1)) * share * length / (2 * math.pi)
        return warped(lambda tick: tick + most * (1 - math.cos(2 * math.pi * tick / length)))(
            phrase, chance, ms
        )

    return perform


def tied(phrase: Phrase, chance: Random, _: float) -> Performance:
    """Hold the last keys over the bar line that ends the phrase, by one to four beats."""
    last, over = phrase.notes[-1].onset, chance.randint(1, 4) * BEAT
    return [
        _performed(
            note,
            note.onset * STEP,
            length=phrase.grid.ticks + over - note.onset * STEP if note.onset == last else None,
        )
        for note in phrase.notes
    ]


def picked_up(phrase: Phrase, chance: Random, ms: float) -> Performance:
    """Begin with a key an eighth before the first bar line, a tone below or above the first one."""
    first = phrase.notes[0]
    key = first._replace(pitch=first.pitch + chance.choice((-2, 2)), length=1)
    return [_performed(key, -BEAT // 2, 0), *plain(phrase, chance, ms)]


def _groups(phrase: Phrase) -> list[list[Note]]:
    return [list(notes) for _, notes in groupby(phrase.notes, key=lambda note: note.onset)]


def laid(places: list[tuple[float, int]], skip: float = 0.15) -> Performer:
    """Play a phrase's chords, in their order, on other places.

    Args:
        places: (tick, step) of each.
        skip: share of the places that stay silent.
    """

    def perform(phrase: Phrase, chance: Random, _: float) -> Performance:
        groups = _groups(phrase)
        found: Performance = []
        used = 0
        for number, (tick, step) in enumerate(places):
            if chance.random() < skip and number % 8:
                continue
            following = places[number + 1][0] if number + 1 < len(places) else phrase.grid.ticks
            found += [
                _performed(note, tick, step, TOUCH * (following - tick))
                for note in groups[used % len(groups)]
            ]
            used += 1
        return found

    return perform


def _divided(beats: range, places: tuple[tuple[float, int], ...]) -> list[tuple[float, int]]:
    return [((beat + share) * BEAT, beat * 4 + step) for beat in beats for share, step in places]


EIGHTH_TRIPLETS = ((0.0, 0), (1 / 3, 1), (2 / 3, 2))
SIXTEENTHS = ((0.0, 0), (0.25, 1), (0.5, 2), (0.75, 3))
SEXTUPLETS = ((0.0, 0), (1 / 6, 0), (1 / 3, 1), (0.5, 2), (2 / 3, 2), (5 / 6, 3))


def triplets() -> Performer:
    """Play three to a beat."""
    return laid(_divided(range(8), EIGHTH_TRIPLETS))


def quarter_triplets() -> Performer:
    """Play three to two beats."""
    places = [
        place
        for beat in range(0, 8, 2)
        for place in (
            (beat * 480.0, 4 * beat),
            (beat * 480.0 + 320, 4 * beat + 2),
            (beat * 480.0 + 640, 4 * beat + 5),
        )
    ]
    return laid(places, 0.0)


def shuffle() -> Performer:
    """Play long and short, as triplets without their second."""
    return laid(_divided(range(8), ((0.0, 0), (2 / 3, 2))))


def sextuplets() -> Performer:
    """Play six to a beat in half of the beats, eighths in the others."""
    places = [
        place
        for beat in range(8)
        for place in _divided(range(beat, beat + 1), SEXTUPLETS if beat % 4 < 2 else ((0.0, 0), (0.5, 2)))
    ]
    return laid(places, 0.0)


def mixed() -> Performer:
    """Play sixteenths and triplets beat by beat."""
    places = [
        place
        for beat in range(8)
        for place in _divided(range(beat, beat + 1), EIGHTH_TRIPLETS if beat % 2 else SIXTEENTHS)
    ]
    return laid(places, 0.0)


def graced(before_ms: float) -> Performer:
    """Play a grace note before four of the notes, a second above or below."""

    def perform(phrase: Phrase, chance: Random, ms: float) -> Performance:
        found = plain(phrase, chance, ms)
        tops = [group[-1] for group in _groups(phrase) if group[0].onset]
        for note in chance.sample(tops, min(4, len(tops))):
            pitch = note.pitch + chance.choice((-2, -1, 1, 2))
            start = note.onset * STEP - before_ms / ms
            if any(
                one.key.pitch == pitch and one.key.end > start - 2 * STEP and one.key.start < start + STEP
                for one in found
            ):
                continue
            key = Struck(round(start), round(start + 0.9 * before_ms / ms), pitch, note.velocity)
            found.append(Performed(key, note.onset, main=False))
        return found

    return perform


def trilled(phrase: Phrase, chance: Random, ms: float) -> Performance:
    """Play a trill in thirty-seconds through one beat of each bar, where the top voice was."""
    found = plain(phrase, chance, ms)
    for bar in range(2):
        first = 16 * bar + 4 * chance.randrange(4)
        near = [note for note in phrase.notes if note.onset <= first] or list(phrase.notes)
        last = max(note.onset for note in near)
        pitch, velocity = max((note.pitch, note.velocity) for note in near if note.onset == last)
        low, high = first * STEP, (first + 4) * STEP
        found = [
            one if one.step >= first else one._replace(key=one.key._replace(end=min(one.key.end, low)))
            for one in found
            if not (low <= one.key.start < high and pitch - 5 <= one.key.pitch)
        ]
        for part in range(8):
            start = low + part * STEP // 2
            key = Struck(start, start + 54, pitch + 2 * (part % 2), velocity)
            found.append(Performed(key, first + part // 2, main=part % 2 == 0))
    return found


def chromatic(phrase: Phrase, chance: Random, ms: float) -> Performance:
    """Play the second bar as a run of chromatic sixteenths, each 10 ms beside its step."""
    found = [one for one in plain(phrase, chance, ms) if one.step < 16]
    pitch, way = chance.randrange(50, 70), chance.choice((-1, 1))
    for part in range(16):
        start = (16 + part) * STEP + chance.gauss(0, 10) / ms
        found.append(Performed(Struck(round(start), round(start + 110), pitch + way * part, 80), 16 + part))
    return found


def rolled(roll_ms: float) -> Performer:
    """Roll every chord upwards from its step, and hold it so long, where the next one leaves the time."""

    def perform(phrase: Phrase, _: Random, ms: float) -> Performance:
        found = []
        groups = _groups(phrase)
        following = [group[0].onset for group in groups[1:]] + [phrase.grid.steps]
        for group, after in zip(groups, following, strict=True):
            room = (after - group[0].onset) * STEP * ms
            apart = roll_ms / ms / max(1, len(group) - 1) if room >= 1.5 * roll_ms else 0.0
            for part, note in enumerate(group):
                until = max(note.length * STEP * TOUCH, 1.4 * roll_ms / ms if apart else 0.0)
                found.append(_performed(note, note.onset * STEP + apart * part, length=until - apart * part))
        return found

    return perform


def pedalled(phrase: Phrase, _: Random, __: float) -> Performance:
    """Let every key sound until the pedal is changed, at each half bar, or until it is struck again."""
    found = []
    for note in phrase.notes:
        start = note.onset * STEP
        change = (start // PEDALLED + 1) * PEDALLED
        again = (other.onset * STEP for other in phrase.notes if other.pitch == note.pitch)
        end = min((tick for tick in again if tick > start), default=change)
        found.append(_performed(note, start, length=min(end, change) - start))
    return found


def struck_by_chance(phrase: Phrase, chance: Random, ms: float) -> Performance:
    """Strike every key as hard as chance wants, 20..127."""
    return [
        one._replace(key=one.key._replace(velocity=chance.randint(20, 127)))
        for one in plain(phrase, chance, ms)
    ]


def extreme(phrase: Phrase, chance: Random, ms: float) -> Performance:
    """Add the lowest and the highest key of a piano, a smear of 25 keys and a chord of ten, on beats."""
    found = plain(phrase, chance, ms)
    low = chance.randrange(40, 60)
    smear = 8 * chance.randrange(4)
    chord = (smear + 12) % 32
    adds = [(smear, low + part, part * 1.5 / ms, 300) for part in range(25)]
    adds += [(chord, pitch, 0.0, 400) for pitch in (36, 43, 48, 52, 55, 60, 64, 67, 72, 76)]
    adds += [((smear + 4) % 32, 21, 0.0, 400), ((smear + 20) % 32, 108, 0.0, 400)]
    for step, pitch, late, length in adds:
        at = step * STEP
        if any(one.key.pitch == pitch and abs(one.key.start - at) < 2 * STEP for one in found):
            continue
        key = Struck(round(at + late), round(at + late + length), pitch, 90)
        found.append(Performed(key, step))
    return found
