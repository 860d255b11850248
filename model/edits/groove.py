"""Drums of a band from phrase to phrase: the groove stays and is varied, fills lead into what comes.

The backbone, kick and snare on the beats, is left alone; time-keepers, ghost notes and off-beat kicks come
and go, as drummers play a groove: two bars and the next two of real ones share about .56 of their hits (F1).
Exact, and fast enough to run between a key and the next note: neither numpy nor torch.
"""

from collections.abc import Iterable
from random import Random

from model.edits.fills import SNARE, fill
from model.music.grid import Grid
from model.music.phrase import Note
from model.music.tracks import DRUMS

KICK, CLOSED_HAT, OPEN_HAT, CRASH = 36, 42, 46, 49
TIMEKEEPERS = frozenset((42, 44, 46, 51, 53, 59))
KICKS, SNARES = frozenset((35, 36)), frozenset((37, 38, 39, 40))
CRASHES = frozenset((49, 52, 55, 57))
GHOST = 50  # velocity of a snare that is none of the backbone
LEFT_OUT = 0.22  # of a time-keeper between the beats, from phrase to phrase
OPENED = 0.10  # of one that is left to open
KICKED = 0.35  # of an off-beat kick to go, and
ADDED_KICK = 0.12  # of an eighth without one to get it
GHOSTED = 0.12  # of a weak sixteenth to get a ghost note


def varied(notes: Iterable[Note], grid: Grid, *, number: int, seed: int) -> list[Note]:
    """Return a groove as it is played the next time; the first time, number 0, it is as it was written.

    Args:
        notes: of drums.
        grid: of the phrase.
        number: of the phrase since it was written.
        seed: of the choices.
    """
    written = [*notes]
    if not number or not written:
        return written
    rng = Random(seed * 7919 + number)  # noqa: S311  music, no secret
    half, beat = max(1, grid.steps_per_beat // 2), grid.steps_per_beat
    found: list[Note] = []
    for note in written:
        strong = note.onset % beat == 0
        if note.pitch in TIMEKEEPERS and not strong:
            if rng.random() < LEFT_OUT:
                continue
            if note.pitch == CLOSED_HAT and note.onset % beat == half and rng.random() < OPENED:
                note = note._replace(pitch=OPEN_HAT)  # noqa: PLW2901
        elif note.pitch in KICKS and not strong:
            if rng.random() < KICKED:
                continue
        elif note.pitch in SNARES and not strong and note.velocity < 70 and rng.random() < 0.5:
            continue
        found.append(note)
    taken = {(note.onset, note.pitch) for note in found}
    steps = {note.onset for note in found if note.pitch in KICKS or note.pitch in SNARES}
    kick = next((note for note in written if note.pitch in KICKS), None)
    for step in range(grid.steps):
        if step in steps:
            continue
        if kick is not None and step % beat == half and rng.random() < ADDED_KICK:
            found.append(Note(step, kick.pitch, max(1, kick.velocity - 12), 1, track=DRUMS))
        elif step % half and rng.random() < GHOSTED and (step, SNARE) not in taken:
            found.append(Note(step, SNARE, GHOST - 12, 1, track=DRUMS))
    found.sort()
    return found


def with_fill(notes: Iterable[Note], grid: Grid, first: int, last: int, *, seed: int) -> list[Note]:
    """Return drums with a fill in place of what lies between two steps; the kick goes on below it.

    Args:
        notes: of drums.
        grid: of the phrase.
        first: step of the phrase, from 0.
        last: the step that it leads to, at most that of the phrase's end.
        seed: of the choices.
    """
    found = [
        note
        for note in notes
        if not first <= note.onset < last or (note.pitch in KICKS and note.onset % grid.steps_per_beat == 0)
    ]
    return sorted([*found, *fill(grid, max(0, first), min(last, grid.steps), seed=seed)])


def with_crash(notes: Iterable[Note], step: int) -> list[Note]:
    """Return drums with a crash, and a kick below it, on a step: what a fill has led to."""
    found = [note for note in notes if note.onset != step or note.pitch not in TIMEKEEPERS | CRASHES | KICKS]
    found += [Note(step, KICK, 112, 1, track=DRUMS), Note(step, CRASH, 108, 2, track=DRUMS)]
    found.sort()
    return found
