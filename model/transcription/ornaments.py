"""What belongs to another note: grace notes, trills, rolled chords.

Fingers are measured in milliseconds, whatever the tempo; keys are numbered as they were struck.
"""

from collections.abc import Sequence
from typing import NamedTuple

from model.transcription.struck import Struck

GRACE_MS = 85.0  # longest time from a grace note to its main note
GRACE_LENGTH_MS = 120.0  # longest sound of one
TOGETHER_MS = 12.0  # keys that fall as one
CHORD_GAP_MS = 32.0  # between two keys of a chord that was meant to fall as one
ROLL_GAP_MS = 62.0  # between two keys of a rolled chord
PAIR_GAP_MS = 105.0  # the same of two keys that are let go together
ROLL_MS = 130.0  # a whole roll
HELD_MS = 35.0  # by which a roll's keys outlast its last onset
TRILL_KEYS = 4
TRILL_SEMITONES = 3


class Event(NamedTuple):
    """Keys that fall on one place.

    Attributes:
        keys: of it, in the order in which they were struck.
        time: ticks at which it was meant to fall, as far as the keys tell.
        rolled: whether its keys follow each other on purpose.

    """

    keys: tuple[int, ...]
    time: float
    rolled: bool = False


def trills(struck: Sequence[Struck], step_ticks: float) -> list[tuple[int, ...]]:
    """Return the runs of keys that go to and fro between two neighbours, faster than the steps.

    Args:
        struck: by their starts.
        step_ticks: ticks in a step.

    """
    found: list[tuple[int, ...]] = []
    first = 0
    while first + TRILL_KEYS <= len(struck):
        last = first + 1
        while last < len(struck) and _to_and_fro(struck, first, last, step_ticks):
            last += 1
        count = last - first
        fast = struck[last - 1].start - struck[first].start <= 0.75 * step_ticks * (count - 1)
        if count >= TRILL_KEYS and fast:
            found.append(tuple(range(first, last)))
            first = last
        else:
            first += 1
    return found


def _to_and_fro(struck: Sequence[Struck], first: int, place: int, step_ticks: float) -> bool:
    """Tell whether a key goes on with a trill that began at the first."""
    key, before = struck[place], struck[place - 1]
    if place > first + 1 and key.pitch != struck[place - 2].pitch:
        return False
    away = abs(key.pitch - before.pitch)
    return 0 < away <= TRILL_SEMITONES and key.start - before.start <= 1.05 * step_ticks


def graces(struck: Sequence[Struck], ms_per_tick: float) -> dict[int, int]:
    """Return which keys may be grace notes, and the main note of each.

    Args:
        struck: by their starts.
        ms_per_tick: of the tempo.

    """
    longest = GRACE_MS / ms_per_tick
    found: dict[int, int] = {}
    for place, key in enumerate(struck):
        if (key.end - key.start) * ms_per_tick > GRACE_LENGTH_MS:
            continue
        for later in range(place + 1, len(struck)):
            main = struck[later]
            gap = main.start - key.start
            if gap > longest:
                break
            away = abs(main.pitch - key.pitch)
            if gap * ms_per_tick <= TOGETHER_MS or not (0 < away <= 4 or away == 12):
                continue
            if (
                key.end <= main.start + max(0.5 * gap, HELD_MS / ms_per_tick)
                and main.end - main.start > 1.5 * max(gap, key.end - key.start)
                and _alone(struck, place, later, gap)
            ):
                found[place] = later
                break
    return {place: main for place, main in found.items() if main not in found}


def _alone(struck: Sequence[Struck], place: int, main: int, gap: float) -> bool:
    """Tell whether a key is no part of a run: its neighbours in the same voice are further away."""
    pitch = struck[main].pitch
    before = next(
        (key for key in reversed(struck[max(0, place - 6) : place]) if abs(key.pitch - pitch) <= 7), None
    )
    after = next((key for key in struck[main + 1 : main + 7] if abs(key.pitch - pitch) <= 7), None)
    return (before is None or struck[place].start - before.start > 0.9 * gap) and (
        after is None or after.start - struck[main].start > 1.3 * gap
    )


def chords(struck: Sequence[Struck], keys: Sequence[int], ms_per_tick: float) -> list[Event]:
    """Return the events that keys make: chords, rolled or not, and single keys.

    Args:
        struck: by their starts.
        keys: those to divide, rising.
        ms_per_tick: of the tempo.

    """
    events: list[Event] = []
    place = 0
    while place < len(keys):
        group, rolled = _chord(struck, keys, place, ms_per_tick)
        starts = [struck[key].start for key in group]
        events.append(Event(group, float(starts[0]) if rolled else sum(starts) / len(starts), rolled))
        place += len(group)
    return events


def _chord(
    struck: Sequence[Struck], keys: Sequence[int], place: int, ms_per_tick: float
) -> tuple[tuple[int, ...], bool]:
    """Return the longest chord that begins at a place, and whether it is rolled."""
    first = struck[keys[place]]
    group, pitches = [keys[place]], {first.pitch}
    let_go, best, rising, falling = first.end, 1, True, True
    widest = 0.0
    for key in keys[place + 1 :]:
        note, before = struck[key], struck[group[-1]]
        gap, span = (note.start - before.start) * ms_per_tick, (note.start - first.start) * ms_per_tick
        if note.pitch in pitches or span > ROLL_MS or gap > PAIR_GAP_MS:
            break
        rising, falling = rising and note.pitch > before.pitch, falling and note.pitch < before.pitch
        widest = max(widest, gap)
        let_go = min(let_go, note.end)
        group.append(key)
        pitches.add(note.pitch)
        held = (let_go - note.start) * ms_per_tick >= HELD_MS
        ordered = rising or falling
        if span <= TOGETHER_MS or (
            held
            and (
                (widest <= CHORD_GAP_MS and (ordered or span <= 0.65 * ROLL_MS))
                or (ordered and len(group) > 2 and widest <= ROLL_GAP_MS)
            )
        ):
            best = len(group)
        elif held and ordered and len(group) == 2 and _together(first, note, ms_per_tick):
            best = 2
            break
    chosen = tuple(group[:best])
    span = (struck[chosen[-1]].start - first.start) * ms_per_tick
    order = [struck[key].pitch for key in chosen]
    return chosen, span > 1.2 * CHORD_GAP_MS and (order == sorted(order) or order == sorted(order)[::-1])


def _together(one: Struck, other: Struck, ms_per_tick: float) -> bool:
    """Tell whether two keys are let go as a hand lets go of a chord."""
    return (
        abs(one.end - other.end) * ms_per_tick <= TOGETHER_MS
        or abs((one.end - one.start) - (other.end - other.start)) * ms_per_tick <= 1.0
    ) and other.end - other.start > 2 * (other.start - one.start)
