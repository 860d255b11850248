"""On which of JACK's frames notes lay, beside the frames that they were due on."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from benchmarks.figures import NANOS_PER_MS, Row, percentile

NEAR_NANOS = 50_000_000  # farther away it is another note
SLIP_FRAMES = 16  # by which a lost cycle, of 64 frames or more, is known
FITS = 60  # slopes that are tried on either side


class Onset(NamedTuple):
    """A note-on: when it was due, on which frame a probe heard it, and when that frame was."""

    due_nanos: int
    frame: int
    nanos: int

    @property
    def late_ms(self) -> float:
        """Milliseconds between due and heard."""
        return (self.nanos - self.due_nanos) / NANOS_PER_MS


def onsets(sent: Iterable[dict[str, Any]], heard: Iterable[tuple[int, int, str]]) -> list[Onset]:
    """Return what was both sent and heard, by the nearest moment.

    Args:
        sent: the event log's lines of note-ons.
        heard: (frame, nanos, hexadecimal message) of each note-on.
    """
    due: defaultdict[str, list[int]] = defaultdict(list)
    for line in sent:
        due[bytes(line["data"]).hex()].append(line["due_nanos"])
    for moments in due.values():
        moments.sort()
    found = []
    for frame, nanos, data in heard:
        moments = due[data]
        place = bisect_left(moments, nanos)
        near = min(moments[max(0, place - 1) : place + 1], key=lambda one: abs(one - nanos), default=None)
        if near is not None and abs(near - nanos) <= NEAR_NANOS:
            found.append(Onset(near, frame, nanos))
    return sorted(found)


def frames_off(found: Sequence[Onset], rate: int) -> list[int]:
    """Return by how many frames each onset lies beside the grid of what was due.

    The grid is laid once, where most onsets lie on their frame; so is its spacing, for a sound card's second
    is not the host's.

    Args:
        found: at least one.
        rate: frames a second.
    """
    first = found[0]
    times = [(one.due_nanos - first.due_nanos) / 1e9 for one in found]
    beside = [one.frame - first.frame - time * rate for one, time in zip(found, times, strict=True)]
    length = max(times[-1], 1e-9)
    slope, (most, offset) = 0.0, _laid(beside)
    for width in (30.0, 2.0, 0.2):  # frames, over the whole length
        middle = slope
        for step in range(-FITS, FITS + 1):
            one = middle + step / FITS * width / length
            count, place = _laid([off - one * time for off, time in zip(beside, times, strict=True)])
            if count > most:
                slope, most, offset = one, count, place
    return [round(off - slope * time - offset) for off, time in zip(beside, times, strict=True)]


def _laid(beside: Sequence[float]) -> tuple[int, float]:
    """Return how many lie within one frame of each other at most, and the middle of those."""
    ranked, best, last = sorted(beside), (0, 0.0), 0
    for number, one in enumerate(ranked):
        last = max(last, number)
        while last < len(ranked) and ranked[last] < one + 1:
            last += 1
        best = max(best, (last - number, (one + ranked[last - 1]) / 2), key=lambda found: found[0])
    return best


def longest_stretch(found: Sequence[Onset], rate: int) -> Sequence[Onset]:
    """Return the most onsets in a row between which JACK lost no cycle."""
    best, start = found[:1], 0
    for end in range(1, len(found) + 1):
        if end < len(found) and not _slipped(found[end - 1], found[end], rate):
            continue
        best = max(best, found[start:end], key=len)
        start = end
    return best


def _slipped(one: Onset, two: Onset, rate: int) -> bool:
    return abs(two.frame - one.frame - (two.due_nanos - one.due_nanos) * rate / 1e9) > SLIP_FRAMES


def row(title: str, found: Sequence[Onset], rate: int, *, lost_cycles: int) -> Row:
    """Return the row of the onsets' frames."""
    budget = "0 frames"
    if not found:
        return Row(title, budget, "nothing was heard", met=False)
    off = [abs(one) for one in frames_off(found, rate)]
    on_frame = off.count(0) / len(off)
    beside = f"JACK lost {lost_cycles} cycles meanwhile"
    if lost_cycles:
        within = frames_off(stretch := longest_stretch(found, rate), rate)
        beside += f"; the longest stretch without: {within.count(0) / len(within):.1%} (n {len(stretch)})"
    text = (
        f"{on_frame:.1%} on their frame, p99 {percentile(off, 0.99)}, worst {max(off)} frames (n {len(off)})"
    )
    return Row(title, budget, text, beside, max(off) == 0)
