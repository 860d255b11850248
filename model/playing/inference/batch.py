"""Many latents decoded at once: each gets the phrase that it would get by itself.

What is asked for lies at rest or is turned, at temperature 0, with nothing that has sounded before.
Tested in tests/model/playing/test_checkpoint_player.py.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from model.checkpoint import Calibration
from model.latent.geometry import Vector
from model.music.phrase import Phrase
from model.playing.inference.candidates import USUAL
from model.playing.inference.closed_loop import steering

AT_ONCE = 64  # rows of one call of the network: more take a processor no less time each
REMEMBERED = 1024  # phrases at rest

Change = tuple[Vector, Mapping[str, float]]
"""A point, and the wanted change of attributes in standard deviations."""
Answers = Callable[[Sequence[Change]], list[Phrase]]


def portions(count: int) -> Iterable[slice]:
    """Yield the rows of each call of the network."""
    return (slice(begin, begin + AT_ONCE) for begin in range(0, count, AT_ONCE))


def at_rest(
    points: Sequence[Vector], answers: Answers, known: dict[bytes, Phrase] | None = None
) -> list[Phrase]:
    """Return the phrase at each point, nothing turned; a point that comes again is asked for once.

    Args:
        points: float32 [d] each.
        answers: of the network, to any number of points and wanted changes.
        known: phrases by their points' bytes, those that were asked for last; takes the new ones.
    """
    known = {} if known is None else known
    new = {key: point for point in points if (key := point.tobytes()) not in known}
    known.update(zip(new, answers([(point, {}) for point in new.values()]), strict=True))
    found = [known[point.tobytes()] for point in points]
    for key in [*known][: max(0, len(known) - REMEMBERED)]:
        del known[key]
    return found


def turned(
    asked: Sequence[tuple[Vector, Mapping[str, float]]],
    answers: Answers,
    *,
    calibration: Calibration,
    learned: Sequence[str],
    factors: Sequence[float] = USUAL,
    known: dict[bytes, Phrase],
) -> list[Phrase]:
    """Return the phrase at each point with its turns, as `closed_loop.steer` makes it.

    Args:
        asked: points, and their turns by attribute, those that are not 0.
        answers: of the network, to any number of points and wanted changes.
        calibration: of the model.
        learned: attributes that the network was taught to change.
        factors: of the wanted change, at which the network is asked.
        known: as in `at_rest`.
    """
    found = at_rest([point for point, _ in asked], answers, known)
    waiting, changes = [], []
    for place, (point, turns) in enumerate(asked):
        if not turns or not found[place].notes:
            continue
        loop = steering(found[place], turns, calibration=calibration, learned=learned, factors=factors)
        try:
            wanted = next(loop)
        except StopIteration as end:
            found[place] = end.value
            continue
        waiting.append((place, loop, len(wanted)))
        changes += [(point, change) for change in wanted]
    replies = iter(answers(changes))
    for place, loop, count in waiting:
        try:
            loop.send([*islice(replies, count)])
        except StopIteration as end:
            found[place] = end.value
    return found
