"""Places in the latent space: what the engine holds and the model process works out, as expressions.

Tested in tests/live/worker/test_place_solver.py, tests/live/ipc/test_link.py.
"""

import msgspec

from model.music.grid import Grid
from model.music.phrase import Note


class Point(msgspec.Struct, frozen=True, tag=True):
    """A vector, z [d], empty for a model without a latent, and the raw attributes that belong to it.

    `played` is the phrase that lies there, of which answers keep what they can, on a grid; empty for none.
    `band` are its tracks that were written to what was played, and `chords` those that the performer
    played in, of each beat, as `model.music.harmony.chord_number` counts them; empty for none.
    """

    z: list[float]
    attributes: dict[str, float] = {}
    played: list[Note] = []
    grid: Grid | None = None
    band: list[int] = []
    chords: list[int] = []


class Between(msgspec.Struct, frozen=True, tag=True):
    """The point t, 0..1, of the arc from a to b; see `model.latent.geometry.between`."""

    a: "Place"
    b: "Place"
    t: float


class Blend(msgspec.Struct, frozen=True, tag=True):
    """A weighted mean of places; the weights sum to 1; see `model.latent.geometry.blend`."""

    places: list["Place"]
    weights: list[float]


class Moved(msgspec.Struct, frozen=True, tag=True):
    """A place that stray has turned and drift has carried on.

    Attributes:
        place: where they start.
        cell: of the plan, >= 0: each strays and drifts its own way.
        stray: 0..1 of the way to another phrase; where nothing was played, of a quarter turn towards a
            random vector.
        number: of the base, so that each strays its own way.
        drifting: whether it drifts.
        seed: of both.
    """

    place: "Place"
    cell: int
    stray: float
    number: int
    drifting: bool
    seed: int


class Varied(msgspec.Struct, frozen=True, tag=True):
    """A place whose phrases, those that were played at its points, are varied; see `model.playing.variation`.

    Attributes:
        place: where it starts.
        amount: 0 nothing .. 1 what comes next.
        turn: >= 0: each has a variation of its own.
        seed: of all variations.
    """

    place: "Place"
    amount: float
    turn: int
    seed: int


class OnMap(msgspec.Struct, frozen=True, tag=True):
    """A place carried to a point of the map, each coordinate -1..1, with all that the map does not show."""

    place: "Place"
    x: float
    y: float


Place = Point | Between | Blend | Moved | Varied | OnMap
