"""Of how many answers one is chosen, and which ones are asked for.

Two things are chosen from candidates: what the network answers to a turned knob (`closed_loop`: all in one
batch, the one that measures nearest) and what comes next as the writer has it (`playing.alternatives`: the
one that goes on best).
"""

from collections.abc import Sequence

import numpy as np

AUTO, MOST = 0, 256
ON_CARD = 64  # rows of a batch that a card computes in about the time of one
DRAFTS = 4  # of what comes next: a processor writes so many in twice the time of one
USUAL = (0.8, 1.3)
"""Of the wanted change, what a processor asks the network for."""
NARROWEST, WIDEST = 0.5, 2.0
"""Of the wanted change, the least and the most that is asked for where there is room for more."""


def factors(count: int) -> Sequence[float]:
    """Return at which multiples of a wanted change a network is asked, rising, `count` of them, 1..256."""
    if count == 1:
        return (1.0,)
    if count == len(USUAL):
        return USUAL
    found: list[float] = np.geomspace(NARROWEST, WIDEST, count).tolist()
    return found


def answers_for(setting: int, runtime: str) -> int:
    """Return how many answers of the network there are to a turned knob.

    Args:
        setting: 1..256; AUTO fits it to what computes.
        runtime: name of that; a card's begins with "torch cuda" or "torch mps".
    """
    if setting != AUTO:
        return setting
    return ON_CARD if runtime.startswith(("torch cuda", "torch mps")) else len(USUAL)


def drafts_for(setting: int) -> int:
    """Return how many drafts of what comes next are written: 1..256; a processor writes them in any case."""
    return DRAFTS if setting == AUTO else setting
