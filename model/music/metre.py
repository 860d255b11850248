"""Metres: their names, the grid that a model's phrases have in each, and phrases laid from one to another.

A model of two bars of 4/4 plays 3/4 in what of its bars a bar of 3/4 fills: each bar starts where one of the
model's starts, so that it is heard on the strong steps, and the rest is silence.  A bar that is longer than
the model's is laid across them.  A phrase of fewer bars is repeated in them.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from model.errors import ConfigError, nearest
from model.music.grid import DOTTED, EIGHTH, TICKS_PER_BEAT, Grid
from model.music.phrase import Note, Phrase, resized
from model.shipped import shipped_for

AUTO = "auto"
"""The metre of the model itself."""


class Metre(NamedTuple):
    """A bar: how many beats, and how many ticks each."""

    beats_per_bar: int
    ticks_per_beat: int


METRES: dict[str, Metre] = {
    "2/4": Metre(2, TICKS_PER_BEAT),
    "3/4": Metre(3, TICKS_PER_BEAT),
    "4/4": Metre(4, TICKS_PER_BEAT),
    "5/4": Metre(5, TICKS_PER_BEAT),
    "6/8": Metre(2, DOTTED),
    "7/8": Metre(7, EIGHTH),
    "9/8": Metre(3, DOTTED),
    "12/8": Metre(4, DOTTED),
}


def read_metre(text: str) -> Metre:
    """Return a metre by its name, as "3/4".

    Raises:
        ConfigError: there is none of that name.
    """
    if text not in METRES:
        raise ConfigError(f"unknown metre '{text}'; {nearest(text, (AUTO, *METRES))}")
    return METRES[text]


def metre_of(grid: Grid) -> Metre:
    """Return the metre of a grid."""
    return Metre(grid.beats_per_bar, grid.ticks_per_beat)


def signature(grid: Grid) -> tuple[int, int]:
    """Return the time signature of a grid's bars: 6 and 8 of two dotted quarters."""
    if grid.ticks_per_beat == TICKS_PER_BEAT:
        return grid.beats_per_bar, 4
    return grid.beats_per_bar * (grid.ticks_per_beat // EIGHTH), 8


def name_of(grid: Grid) -> str:
    """Return the name of a grid's metre."""
    above, below = signature(grid)
    return f"{above}/{below}"


def grid_in(model_grid: Grid, metre: Metre, most_bars: int = 0) -> Grid | None:
    """Return the grid that a model's phrases have in a metre, as many of its bars as there is room for.

    Args:
        model_grid: the model's grid; its steps stay as long as they are.
        metre: that is played.
        most_bars: that a phrase is to have; 0 for any number.

    Returns:
        None where its steps do not divide a beat, or no bar fits in.
    """
    if metre == (model_grid.beats_per_bar, model_grid.ticks_per_beat):
        return replace(model_grid, bars=min(model_grid.bars, most_bars or model_grid.bars))
    size = model_grid.ticks_per_step
    if metre.ticks_per_beat % size:
        return None
    steps = metre.beats_per_bar * metre.ticks_per_beat // size
    bars = model_grid.bars if steps <= model_grid.steps_per_bar else model_grid.steps // steps
    bars = min(bars, most_bars or bars)
    return (
        Grid(bars, metre.beats_per_bar, metre.ticks_per_beat // size, metre.ticks_per_beat) if bars else None
    )


def metres_of(model_grid: Grid, *, latent: bool) -> list[str]:
    """Return the names of the metres that a model plays.

    Args:
        model_grid: its grid.
        latent: whether it has a latent; without one it continues the metre that it learned, and no other.
    """
    if not latent:
        return [name_of(model_grid)]
    found = [name for name, metre in METRES.items() if grid_in(model_grid, metre) is not None]
    return found if name_of(model_grid) in found else [name_of(model_grid), *found]


def takes(model_grid: Grid, grid: Grid, *, latent: bool) -> bool:
    """Tell whether a model takes and answers phrases on a grid: its own, or that of another metre or length.

    Args:
        model_grid: the model's grid.
        grid: of the phrases.
        latent: as of `metres_of`.
    """
    return grid == model_grid or (latent and grid_in(model_grid, metre_of(grid), grid.bars) == grid)


def refusal(model: str, codec: str, metre: str, metres: Iterable[str]) -> str:
    """Return the sentence for a metre that a model does not play: which it does, and which model does.

    Args:
        model: its name.
        codec: of its phrases.
        metre: that was asked for.
        metres: that it plays.
    """
    other = shipped_for(codec)
    hint = f"; {other} plays {metre}" if other and other != model else ""
    return f"{model} does not play {metre}; it plays: {', '.join(metres)}{hint}"


def padded(phrase: Phrase, model_grid: Grid) -> Phrase:
    """Return a phrase in some metre as a model with a grid of its own reads it: its bars, then silence.

    A phrase of so few bars that they fit in more than once is repeated there.
    """
    grid = phrase.grid
    if grid == model_grid:
        return phrase
    bar, room = _bars(grid, model_grid)
    notes = []
    for note in phrase.notes:
        onset, end = note.onset, note.onset + note.length
        place = onset // bar * room + onset % bar
        last = (end - 1) // bar * room + (end - 1) % bar
        notes.append(resized(note, last + 1 - place)._replace(onset=place))
    size = grid.bars * room
    times = [
        note._replace(onset=note.onset + begin)
        for begin in range(size, model_grid.steps - size + 1, size)
        for note in notes
    ]
    return Phrase(model_grid, (*notes, *times))


def cut(phrase: Phrase, grid: Grid) -> Phrase:
    """Return a phrase on a model's grid as it is in a metre; what lies behind its bars is left out."""
    model_grid = phrase.grid
    if grid == model_grid:
        return phrase
    bar, room = _bars(grid, model_grid)
    return Phrase(grid, tuple(_cut(phrase.notes, bar, room, grid.steps)))


def _cut(notes: Iterable[Note], bar: int, room: int, steps: int) -> Iterable[Note]:
    for note in notes:
        number, within = divmod(note.onset, room)
        onset = number * bar + within
        if within >= bar or onset >= steps:
            continue
        last, rest = divmod(note.onset + note.length - 1, room)
        length = min(steps, last * bar + min(rest + 1, bar)) - onset
        yield resized(note, length)._replace(onset=onset)


def cell_step(grid: Grid, model_grid: Grid, step: int) -> int:
    """Return the step of a model's own grid that a step of a grid in some metre, or its end, falls on."""
    bar, room = (1, 1) if grid == model_grid else _bars(grid, model_grid)
    return step // bar * room + step % bar


def _bars(grid: Grid, model_grid: Grid) -> tuple[int, int]:
    """Return the steps of a bar and how far bars lie apart on the model's grid."""
    bar = grid.steps_per_bar
    return bar, max(bar, model_grid.steps_per_bar)
