"""Drums on the piano roll: a few lanes at its foot, one for each family of the kit, or fewer.

Pure: keys of the General MIDI percussion map in, lanes out, counted from the upper one.
"""

from functools import cache

CYMBALS, HATS, TOMS, SNARE, KICK = range(5)
_KEYS: dict[int, int] = {
    **dict.fromkeys((35, 36), KICK),
    **dict.fromkeys((37, 38, 39, 40), SNARE),
    **dict.fromkeys((41, 43, 45, 47, 48, 50), TOMS),
    **dict.fromkeys((42, 44, 46), HATS),
}
"""The family of each key; what is not named here (cymbals, bells, shakers) stands with the cymbals."""

_LANES: dict[int, tuple[tuple[str, tuple[int, ...]], ...]] = {
    5: (("cy", (CYMBALS,)), ("hh", (HATS,)), ("tm", (TOMS,)), ("sn", (SNARE,)), ("bd", (KICK,))),
    4: (("cy", (CYMBALS,)), ("hh", (HATS,)), ("sn", (SNARE, TOMS)), ("bd", (KICK,))),
    3: (("hh", (HATS, CYMBALS)), ("sn", (SNARE, TOMS)), ("bd", (KICK,))),
    2: (("hh", (HATS, CYMBALS)), ("bd", (KICK, SNARE, TOMS))),
    1: (("dr", (KICK, SNARE, TOMS, HATS, CYMBALS)),),
    0: (),
}
"""Name and families of each lane, by the number of lanes."""


def lanes_for(rows: int) -> int:
    """Return how many of a roll's rows the drums get."""
    return next((lanes for lanes, least in ((5, 18), (4, 12), (3, 7), (2, 5), (1, 3)) if rows >= least), 0)


def lane_name(lane: int, lanes: int) -> str:
    """Return the two letters of lane 0..lanes - 1."""
    return _LANES[lanes][lane][0]


@cache
def lane_of(pitch: int, lanes: int) -> int | None:
    """Return the lane, 0..lanes - 1, of a drum key; None without lanes."""
    family = _KEYS.get(pitch, CYMBALS)
    return next((lane for lane, (_, families) in enumerate(_LANES[lanes]) if family in families), None)
