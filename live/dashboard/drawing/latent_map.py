"""The latent on a 2-D map: a cloud of known phrases in braille dots, and letters above it.

    ◉ here (what sounds)     ◎ performer (the last phrase)     A B C D anchors     the trail leads to ◉
Pure: points in -1..1 and sizes in, rows out.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from live.dashboard.drawing.rows import Canvas, clean
from live.ipc.snapshot import AnchorView

MapPoint = tuple[float, float]
"""Across (to the right) and up, each -1..1."""

GOLDEN = 0.6180339887498949

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille cell, by row and column."""


def cell_of(place: MapPoint, width: int, height: int) -> tuple[int, int]:
    """Return the cell of a place; what lies outside the map stands at its edge, up is +1."""
    x, y = _pixel(place, width, height)
    return x // 2, y // 4


def _pixel(place: MapPoint, width: int, height: int) -> tuple[int, int]:
    """Return the braille dot of a place; NaN is the middle."""
    across, up = (min(1.0, max(-1.0, part)) if part == part else 0.0 for part in place)  # noqa: PLR0124 - NaN only
    return round((across + 1) / 2 * (width * 2 - 1)), round((1 - up) / 2 * (height * 4 - 1))


def dots(places: Iterable[MapPoint], width: int, height: int) -> dict[tuple[int, int], int]:
    """Return the braille bits of each cell that holds a place."""
    bits: dict[tuple[int, int], int] = {}
    for place in places:
        x, y = _pixel(place, width, height)
        cell = (x // 2, y // 4)
        bits[cell] = bits.get(cell, 0) | _DOTS[y % 4][x % 2]
    return bits


@lru_cache(maxsize=64)
def line_of(start: MapPoint, end: MapPoint, width: int, height: int) -> dict[tuple[int, int], int]:
    """Return the braille bits of the line from one place to another, both included.

    Most of a trail stays where it is from one picture to the next.
    """
    across, up = end[0] - start[0], end[1] - start[1]
    steps = 1 + int(max(abs(across) * width, abs(up) * 2 * height))
    return dots(
        ((start[0] + across * k / steps, start[1] + up * k / steps) for k in range(steps + 1)), width, height
    )


def ground(cloud: Sequence[MapPoint], width: int, height: int) -> Canvas:
    """Draw the cloud of known phrases, to be drawn upon; a small map shows some of them."""
    canvas = Canvas(width, height)
    share = min(1.0, width * height / max(1, len(cloud)))
    # Multiples of the golden ratio pick evenly whatever order the cloud comes in.
    few = [place for index, place in enumerate(cloud) if index * GOLDEN % 1 < share]
    for (x, y), bits in dots(few, width, height).items():
        canvas.put(x, y, chr(0x2800 | bits), "cloud")
    return canvas


def map_canvas(
    below: Canvas,
    *,
    anchors: Sequence[AnchorView],
    performer: MapPoint | None,
    here: MapPoint | None,
    trail: Sequence[MapPoint],
) -> Canvas:
    """Draw the map.

    Args:
        below: the `ground`, which stays as it is.
        anchors: those with a place are shown by their letter.
        performer: where the last performed phrase lies.
        here: where the moved latent lies.
        trail: where it has been, oldest first.
    """
    canvas = below.copy()
    width, height = canvas.width, canvas.height
    if not width or not height:
        return canvas
    for a, b in pairwise(trail):
        for (x, y), bits in line_of(a, b, width, height).items():
            char = canvas.cells[y][x][0]
            canvas.put(x, y, chr(0x2800 | bits | (ord(char) & 0xFF if char != " " else 0)), "trail")
    for anchor in anchors:
        if anchor.xy is not None:
            canvas.put(*cell_of(anchor.xy, width, height), clean(anchor.name)[:1] or "?", "anchor")
    if performer is not None:
        canvas.put(*cell_of(performer, width, height), "◎", "performer")
    if here is not None:
        canvas.put(*cell_of(here, width, height), "◉", "here")
    return canvas
