"""Rhythm to a wanted complexity: onsets move to weaker or stronger steps, the notes keep their order.

Part of the closed loop (`playing.inference.closed_loop`), so it solves for the number that is measured and
takes well under a millisecond for a usual phrase.
"""

from bisect import bisect_left
from collections.abc import Sequence

from model.edits import drums as drum_edits
from model.edits.common import apart, by_onset
from model.music.attributes import WEIGHT_FLOOR, complexity, metrical_weights, weight_bounds
from model.music.grid import Grid
from model.music.phrase import Note, Phrase, resized
from model.music.tracks import DRUMS

NEAR = 0.5  # of a metrical weight: what is missing less than this is reached
DEAR = 0.6  # weights that a step of distance costs a move
TIES = 6  # onsets that are tied over at most
NEARLY_FULL = 0.8  # share of the steps

Events = dict[int, list[Note]]  # step -> what starts there, of one line
Move = tuple[int, int, int]  # line, step that is left, step that is taken


def syncopated(phrase: Phrase, wanted: float) -> Phrase:
    """Move onsets to weaker (or stronger) free steps until complexity is reached.

    With the number of onsets unchanged complexity is linear in the sum of their metrical weights, so that
    what is missing is known; the move that gains most for its distance comes first, none leads past it.
    Each track's onsets, and each drum's, move among themselves: first between their neighbours and at most a
    beat away; where that does not reach, to any free step, the notes between them going on by one onset.
    On a nearly full grid, which has no free steps to speak of, onsets are tied over for more complexity.
    """
    lines = _lines(phrase)
    if not lines:
        return phrase
    grid = phrase.grid
    strongest, weakest = weight_bounds(grid)
    span = sum(strongest[len(line)] - weakest[len(line)] for line in lines)
    weights = metrical_weights(grid)
    high = sum(strongest[len(line)] for line in lines)
    missing = high - sum(weights[step] for line in lines for step in line) - wanted * max(span, WEIGHT_FLOOR)
    before = [sorted(line) for line in lines]
    places = [list(line) for line in before]
    near = True
    while abs(missing) > NEAR:
        move = _between(grid, places, before, missing) if near else _across(grid, places, missing)
        if move is None and near:
            near = False
            continue
        if move is None:
            break
        number, left, taken = move
        missing -= weights[taken] - weights[left]
        places[number] = sorted({*places[number], taken} - {left})
    notes = [
        note
        for line, old, new in zip(lines, before, places, strict=True)
        for note in (_moved(line, old, new) if old != new else (n for chord in line.values() for n in chord))
    ]
    moved = phrase if places == before else Phrase.of(grid, notes)
    return _tied(moved, wanted) if missing < -NEAR else moved


def _between(
    grid: Grid, places: Sequence[Sequence[int]], before: Sequence[Sequence[int]], missing: float
) -> Move | None:
    """Return the best move of an onset between its neighbours, at most a beat from where it was."""
    weights, beat = metrical_weights(grid), grid.steps_per_beat
    best: tuple[float, Move] | None = None
    for number, line in enumerate(places):
        origin = before[number]
        for index, step in enumerate(line):
            first = max(line[index - 1] + 1 if index else 0, origin[index] - beat)
            last = line[index + 1] if index + 1 < len(line) else grid.steps
            for target in range(first, min(last, origin[index] + beat + 1)):
                gain = weights[target] - weights[step]
                if gain * missing > 0 and abs(gain) <= abs(missing) + NEAR:
                    score = abs(gain) - DEAR * abs(target - origin[index])
                    if best is None or score > best[0]:
                        best = score, (number, step, target)
    return None if best is None else best[1]


def _across(grid: Grid, places: Sequence[Sequence[int]], missing: float) -> Move | None:
    """Return the best move of an onset to any free step of its line: the nearest ones of each weight."""
    weights = metrical_weights(grid)
    best: tuple[float, Move] | None = None
    for number, line in enumerate(places):
        free: dict[float, list[int]] = {}
        for step in sorted(set(range(grid.steps)).difference(line)):
            free.setdefault(weights[step], []).append(step)
        for step in line:
            for weight, steps in free.items():
                gain = weight - weights[step]
                if gain * missing <= 0 or abs(gain) > abs(missing) + NEAR:
                    continue
                place = bisect_left(steps, step)
                for target in steps[max(0, place - 1) : place + 1]:
                    score = abs(gain) - DEAR * abs(target - step)
                    if best is None or score > best[0]:
                        best = score, (number, step, target)
    return None if best is None else best[1]


def _tied(phrase: Phrase, wanted: float) -> Phrase:
    """Tie single onsets of a nearly full line to the notes before them as long as that comes nearer."""
    grid = phrase.grid
    for track, part in apart(phrase).items():
        onsets = sorted({note.onset for note in part.notes})
        if track == DRUMS or len(onsets) <= NEARLY_FULL * grid.steps:
            continue
        others = [note for note in phrase.notes if note.track != track]
        notes = list(part.notes)
        away = abs(complexity(grid, _places(phrase.notes, grid)) - wanted)
        for _ in range(min(TIES, len(onsets) - 1)):
            choices = [[note for note in notes if note.onset != step] for step in onsets[1:]]
            tried = [abs(complexity(grid, _places([*others, *left], grid)) - wanted) for left in choices]
            best = min(range(len(tried)), key=tried.__getitem__)
            if tried[best] >= away:
                break
            away = tried[best]
            step = onsets.pop(best + 1)
            end = max(note.onset + note.length for note in notes if note.onset == step)
            notes = [
                resized(note, end - note.onset) if note.onset == onsets[best] else note
                for note in choices[best]
            ]
        phrase = Phrase.of(grid, [*others, *notes])
    return phrase


def _places(notes: Sequence[Note], grid: Grid) -> set[int]:
    """Return what `complexity` counts: the onsets of each line, see there."""
    return {
        (note.track + (note.pitch if note.track == DRUMS else 0)) * grid.steps + note.onset for note in notes
    }


def _lines(phrase: Phrase) -> list[Events]:
    """Return what starts when, for each line that complexity is made of: pitched tracks, and each drum."""
    lines: list[Events] = []
    for track, part in apart(phrase).items():
        if track == DRUMS:
            lines += [{s: [hit] for s, hit in hits.items()} for hits in drum_edits.kit_of(part).values()]
        else:
            lines.append(by_onset(part))
    return lines


def _moved(events: Events, before: Sequence[int], after: Sequence[int]) -> list[Note]:
    """Return a line's chords, in order, at new onsets; ends stay, a single line stays one."""
    ends = [step + max(note.length for note in events[step]) for step in before]
    mono = all(len(chord) == 1 for chord in events.values()) and all(
        end <= following for end, following in zip(ends, before[1:], strict=False)
    )
    drums = events[before[0]][0].track == DRUMS
    notes: list[Note] = []
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        following = index + 1 < len(before)
        for note in events[old]:
            if drums:
                notes.append(note._replace(onset=new))
                continue
            end = old + note.length
            if mono and following:
                end = after[index + 1] if end == before[index + 1] else min(end, after[index + 1])
            notes.append(resized(note, max(1, end - new))._replace(onset=new))
    return notes
