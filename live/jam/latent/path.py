"""Paths: where the latent comes from, and how far the knobs move it.

The last gesture wins: the performer's phrase, the morph knob, the pad, a controller's vector, or a recalled
anchor becomes the base; vary, stray and drift move around it.  A place is an expression (`Between`, `Moved`,
...) that the model process works out, so that the engine needs no arrays.
Owns: the bases, the anchors, the mode, how long phrases are, and the bases that phrases have replaced.
Threads: engine only.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from live.ipc.jam_memory import Anchor, Base
from live.ipc.places import Between, Blend, Moved, OnMap, Place, Point, Varied
from live.settings.knobs import ANCHORS, Mode
from live.timing.timeline import Nanos

CHANCE = 0.6  # of the notes that temperature leaves to chance where it is full
HEAT = 104_729  # by which its seeds lie apart from those of vary

MOST_REPLACED = 8


@dataclass
class PathState:
    """The bases, the anchors and how phrases are taken up.

    Attributes:
        bases: where the path starts: one for each cell of what was played as one phrase; none before any.
        anchors: by name.
        mode: the present one.
        frozen: whether what is played is left alone.
        turn: number of the variation that stays while the phrase is held; None where each cell has its own.
        phrase_bars: of what is taken up as one phrase; 0 for as many as the model's have.
        loop_bars: of those that repeat until they are let go; 0 for none.
    """

    bases: tuple[Base, ...] = ()
    anchors: dict[str, Anchor] = field(default_factory=dict)
    mode: Mode = "follow"
    frozen: bool = False
    turn: int | None = None
    phrase_bars: int = 0
    loop_bars: int = 0

    @property
    def base(self) -> Base | None:
        """The first of the bases; None before any."""
        return self.bases[0] if self.bases else None

    def base_at(self, place: int) -> Base | None:
        """Return the base of a cell by its place in its period; None before any."""
        return self.bases[place % len(self.bases)] if self.bases else None

    @property
    def holds(self) -> bool:
        """Whether the phrase is held: no other takes its place, and its variation stays."""
        return self.frozen or self.mode == "hold"


class Replaced(NamedTuple):
    """The bases that a played phrase has replaced, and when."""

    nanos: Nanos
    bases: tuple[Base, ...]


class PathHistory:
    """The present state, and the bases before it.

    Attributes:
        state: the present one.
        replaced: by played phrases, the last few, oldest first; all of one model's weights.
    """

    def __init__(self, mode: Mode, phrase_bars: int = 0) -> None:
        self.state = PathState(mode=mode, phrase_bars=phrase_bars)
        self.replaced: deque[Replaced] = deque(maxlen=MOST_REPLACED)

    def remember_base(self, now: Nanos) -> None:
        """Save the present bases, which a phrase is about to replace."""
        self.replaced.append(Replaced(now, self.state.bases))

    def forget(self) -> None:
        """Drop what was saved: it belongs to a model that plays no more."""
        self.replaced.clear()


def moved(
    base: Base, cell: int, knobs: Mapping[str, float], *, drifting: bool, turn: int, seed: int
) -> Place:
    """Return where a base is at a cell of the plan.

    Its phrases are varied and left to chance, then stray and drift move it.

    Args:
        base: where the path starts.
        cell: of the plan.
        knobs: present values by name.
        drifting: whether it drifts.
        turn: number of the variation.
        seed: of all choices.
    """
    place = base.place
    if knobs["vary"] > 0:
        place = Varied(place, knobs["vary"], max(turn, 0), seed)
    if knobs["temperature"] > 0:
        place = Varied(place, CHANCE * knobs["temperature"], max(cell, 0), (seed + HEAT) % 2**32)
    if knobs["stray"] <= 0 and not drifting:
        return place
    return Moved(
        place, cell=max(cell, 0), stray=knobs["stray"], number=base.number, drifting=drifting, seed=seed
    )


def morphed(anchors: Mapping[str, Anchor], t: float) -> Place | None:
    """Return the point t of the way from A to B, or None while one of them is empty."""
    if "A" not in anchors or "B" not in anchors:
        return None
    return Between(anchors["A"].place, anchors["B"].place, t)


def on_pad(anchors: Mapping[str, Anchor], x: float, y: float) -> Place | None:
    """Return the point on the pad: A top left, B top right, C bottom left, D bottom right.

    Empty corners have no weight; None when all four are empty or only empty ones are near.
    """
    corners = {"A": (1 - x) * y, "B": x * y, "C": (1 - x) * (1 - y), "D": x * (1 - y)}
    filled = [name for name in ANCHORS if name in anchors]
    total = sum(corners[name] for name in filled)
    if not filled or total < 1e-6:
        return None
    return Blend([anchors[name].place for name in filled], [corners[name] / total for name in filled])


def attributes(place: Place) -> Mapping[str, float]:
    """Return the raw attributes that belong to a place: mixed as it is, before vary, stray and drift."""
    match place:
        case Point(_, raw):
            return raw
        case Between(a, b, t):
            return _mixed([a, b], [1 - t, t])
        case Blend(places, weights):
            return _mixed(places, weights)
        case Moved(inner) | Varied(inner) | OnMap(inner):
            return attributes(inner)


def _mixed(places: Sequence[Place], weights: Sequence[float]) -> Mapping[str, float]:
    each = [attributes(place) for place in places]
    return {
        name: sum(weight * raw.get(name, 0.0) for raw, weight in zip(each, weights, strict=True))
        for name in each[0]
    }


def heaviest(place: Place) -> Point:
    """Return the vector of an expression that counts most in it, before vary, stray and drift."""
    match place:
        case Between(a, b, t):
            return heaviest(b if t > 0.5 else a)
        case Blend(places, weights):
            return heaviest(max(zip(places, weights, strict=True), key=lambda pair: pair[1])[0])
        case Moved(inner) | Varied(inner) | OnMap(inner):
            return heaviest(inner)
        case _:
            return place


def points(place: Place) -> int:
    """Return how many vectors an expression holds."""
    match place:
        case Between(a, b):
            return points(a) + points(b)
        case Blend(places):
            return sum(map(points, places))
        case Moved(inner) | Varied(inner) | OnMap(inner):
            return points(inner)
        case _:
            return 1
