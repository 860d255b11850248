"""What belongs to another note: grace notes, trills, rolled chords.

Fingers are measured in milliseconds, whatever the tempo; keys are numbered as they were struck.

Tested in tests/model/transcription/test_transcribe.py.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from model.transcription.struck import Struck

GRACE_MS = 85.0  # longest time from a grace note to its main note
GRACE_LENGTH_MS = 120.0  # longest sound of one
TOGETHER_MS = 12.0  # keys that fall as one
CHORD_GAP_MS = 32.0  # between two keys of a chord that was meant to fall as one
ROLL_GAP_MS = 62.0  # between two keys of a rolled chord
PAIR_GAP_MS = 105.0  # the same of two keys that are let go together
ROLL_MS = 130.0  # a whole roll
ROLLED_MS = 40.0  # from which a chord in order was rolled
HELD_MS = 25.0  # by which a roll's keys outlast its last onset
TRILL_KEYS = 4
TRILL_SEMITONES = 3


class Strike(NamedTuple):
    """Keys that fall on one place.

    Attributes:
        keys: of it, in the order in which they were struck.
        time: ticks at which it was meant to fall, as far as the keys tell.
        rolled: whether its keys follow each other on purpose.
        doubtful: whether its last key may as well be a note of its own.
    """

    keys: tuple[int, ...]
    time: float
    rolled: bool = False
    doubtful: bool = False


def trills(struck: Sequence[Struck], step_ticks: float) -> list[tuple[int, ...]]:
    """Return the runs of keys that go to and fro between two neighbours, faster than the steps.

    Args:
        struck: by their starts.
        step_ticks: ticks in a step.
    """
    found: list[tuple[int, ...]] = []
    taken: set[int] = set()
    for first in range(len(struck) - TRILL_KEYS + 1):
        if first in taken:
            continue
        run = _to_and_fro(struck, first, step_ticks)
        lasts = struck[run[-1]].start - struck[first].start
        if len(run) >= TRILL_KEYS and lasts <= 0.75 * step_ticks * (len(run) - 1):
            found.append(tuple(run))
            taken.update(run)
    return found


def _to_and_fro(struck: Sequence[Struck], first: int, step_ticks: float) -> list[int]:
    """Return the keys that go to and fro from a first one on, whatever sounds in other voices."""
    run, low = [first], struck[first].pitch
    for place in range(first + 1, len(struck)):
        key, before = struck[place], struck[run[-1]]
        if key.start - before.start > 1.05 * step_ticks:
            break
        away = abs(key.pitch - before.pitch)
        begins = len(run) == 1 and 0 < away <= TRILL_SEMITONES and key.start > before.start
        if begins or (len(run) > 1 and key.pitch == struck[run[-2]].pitch):
            run.append(place)
        elif abs(key.pitch - low) <= TRILL_SEMITONES:
            break
    return run


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
    return (before is None or struck[place].start - before.start > 0.6 * gap) and (
        after is None or after.start - struck[main].start > 0.7 * gap
    )


def chords(
    struck: Sequence[Struck], keys: Sequence[int], ms_per_tick: float, apart: Collection[int] = ()
) -> list[Strike]:
    """Return the strikes that keys make: chords, rolled or not, and single keys.

    Args:
        struck: by their starts.
        keys: those to divide, rising.
        ms_per_tick: of the tempo.
        apart: keys that join no doubtful roll.
    """
    strikes: list[Strike] = []
    place = 0
    while place < len(keys):
        group, doubtful = _chord(struck, keys, place, ms_per_tick, apart)
        starts = [struck[key].start for key in group]
        pitches = [struck[key].pitch for key in group]
        ordered = pitches in (sorted(pitches), sorted(pitches, reverse=True))
        rolled = ordered and (starts[-1] - starts[0]) * ms_per_tick > ROLLED_MS
        time = float(starts[0]) if rolled else sum(starts) / len(starts)
        strikes.append(Strike(group, time, rolled, doubtful))
        place += len(group)
    return strikes


def _chord(
    struck: Sequence[Struck], keys: Sequence[int], place: int, ms_per_tick: float, apart: Collection[int]
) -> tuple[tuple[int, ...], bool]:
    """Return the longest chord that begins at a place, and whether that is in doubt."""
    first = struck[keys[place]]
    group, pitches = [keys[place]], {first.pitch}
    let_go, best, rising, falling, doubtful = first.end, 1, True, True, False
    widest = 0.0
    for key in keys[place + 1 :]:
        note, before = struck[key], struck[group[-1]]
        gap, span = (note.start - before.start) * ms_per_tick, (note.start - first.start) * ms_per_tick
        if note.pitch in pitches or span > ROLL_MS or gap > PAIR_GAP_MS:
            break
        rising, falling = rising and note.pitch > before.pitch, falling and note.pitch < before.pitch
        ordered = rising or falling
        widest = max(widest, gap)
        let_go = min(let_go, note.end)
        group.append(key)
        pitches.add(note.pitch)
        count = len(group)
        held = (let_go - note.start) * ms_per_tick >= (HELD_MS if count == 2 else 0.5 * HELD_MS)
        close = widest <= CHORD_GAP_MS and (ordered or span <= 0.65 * ROLL_MS)
        if span <= TOGETHER_MS or (count > 2 and held and (close or (ordered and widest <= ROLL_GAP_MS))):
            best, doubtful = count, False
        elif held and ordered and count == 2:
            together = _together(first, note, ms_per_tick)
            if together or key not in apart:
                best, doubtful = 2, not together
    return tuple(group[:best]), doubtful


def _together(one: Struck, other: Struck, ms_per_tick: float) -> bool:
    """Tell whether two keys are let go as a hand lets go of a chord."""
    if abs(one.end - other.end) * ms_per_tick <= TOGETHER_MS:
        return True
    gap, lengths = other.start - one.start, (one.end - one.start, other.end - other.start)
    alike = abs(lengths[0] - lengths[1]) * ms_per_tick <= 1.0
    return alike and gap * ms_per_tick > CHORD_GAP_MS and lengths[1] > 2.5 * gap
