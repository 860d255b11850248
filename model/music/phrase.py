"""Notes and phrases: the immutable music that every part of twobar passes to every other.

Places inside a phrase are steps of its grid; this module loads neither numpy nor torch.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from model.music.grid import Grid
from model.music.tracks import DRUMS, TRACKS

FARTHEST = 4.0  # steps between a step and the place of a note that belongs to it
LONGEST = 4096.0  # steps that a note sounds on beyond its length


class Note(NamedTuple):
    """One note on the grid.

    Attributes:
        onset: step of the phrase at which it starts, 0..grid.steps-1.
        pitch: MIDI key, 0..127.
        velocity: 1..127.
        length: in steps, at least 1; onset + length never passes the end of the phrase.
        offset: how far the played onset lay from its place, in steps, -0.5..0.5.
        track: part that it belongs to, see `model.music.tracks`; 0 where there is one part alone.
        displacement: where its place lies beside the step, in steps, -4..4: 0 on the grid, 2/3 for the second
            eighth of a triplet feel on step 2, negative for a grace note before its step.
        release: how much longer than `length` it sounds, in steps; negative for shorter, at most by `length`,
            positive also beyond the end of the phrase, up to 4096.
    """

    onset: int
    pitch: int
    velocity: int
    length: int
    offset: float = 0.0
    track: int = 0
    displacement: float = 0.0
    release: float = 0.0


def cut_to(note: Note, length: int) -> Note:
    """Return a note that lasts so many steps, at least 1, and sounds no longer than that or than it did."""
    return note._replace(length=length, release=max(-length, min(0.0, note.length + note.release - length)))


def resized(note: Note, length: int) -> Note:
    """Return a note of another length, at least 1 step, that is not released before it starts."""
    return note._replace(length=length, release=max(-length, note.release))


@dataclass(frozen=True, slots=True)
class Phrase:
    """Whole bars of notes, ordered by (onset, pitch, track), at most one note on each of these."""

    grid: Grid
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, grid: Grid, notes: Iterable[Note]) -> "Phrase":
        """Build a phrase from notes in any order.

        Lengths are cut at the phrase's end and at the next onset of the same pitch in the same track; of
        two notes on one (onset, pitch, track) the louder stays.

        Raises:
            ValueError: a field of a note lies outside its range.
        """
        # in a live engine this stands between a decode and the next note: one pass, nothing made twice
        steps = grid.steps
        best: dict[int, Note] = {}
        for note in notes:
            onset, pitch, velocity, length, offset, track, displacement, release = note
            if not (
                0 <= onset < steps
                and 0 <= pitch <= 127
                and 1 <= velocity <= 127
                and length >= 1
                and -0.5 <= offset <= 0.5
                and 0 <= track <= 3
                and -FARTHEST <= displacement <= FARTHEST
                and -length <= release <= LONGEST
            ):
                check_note(grid, note)
            place = (int(onset) * 128 + pitch) * 4 + track  # orders as (onset, pitch, track) does
            known = best.get(place)
            if known is None or known[2] < velocity:
                best[place] = note
        following: dict[int, int] = {}
        ordered: list[Note] = []
        for place in sorted(best, reverse=True):
            note = best[place]
            onset, key = place >> 9, place & 511
            end = following.get(key, steps)
            if onset + note[3] > end:
                note = Note(onset, note[1], note[2], end - onset, note[4], note[5], note[6])
            ordered.append(note)
            following[key] = onset
        ordered.reverse()
        return cls(grid, tuple(ordered))

    def __len__(self) -> int:
        """Count the notes."""
        return len(self.notes)

    def from_step(self, step: int) -> tuple[Note, ...]:
        """Return the notes whose onset is at or after the step."""
        return tuple(note for note in self.notes if note.onset >= step)

    def spliced(self, step: int, later: "Phrase") -> "Phrase":
        """Return this phrase up to the step and the other one from there on."""
        if later.grid != self.grid:
            msg = "two phrases on different grids cannot be spliced"
            raise ValueError(msg)
        head = [note for note in self.notes if note.onset < step]
        return Phrase.of(self.grid, [*head, *later.from_step(step)])

    def part(self, *tracks: int) -> "Phrase":
        """Return the notes of some tracks (see `model.music.tracks`)."""
        return replace(self, notes=tuple(note for note in self.notes if note.track in tracks))

    def moved(self, semitones: int) -> "Phrase":
        """Return the phrase transposed, drums as they are.

        A note that would leave 0..127 moves by octaves back into it.
        """
        return Phrase.of(
            self.grid,
            (
                note if note.track == DRUMS else note._replace(pitch=fold_pitch(note.pitch + semitones))
                for note in self.notes
            ),
        )


def fold_pitch(pitch: int) -> int:
    """Move a key by octaves into 0..127."""
    while pitch > 127:
        pitch -= 12
    while pitch < 0:
        pitch += 12
    return pitch


def check_note(grid: Grid, note: Note) -> None:
    """Raise ValueError with one sentence if the note does not fit the grid or MIDI."""
    if not 0 <= note.onset < grid.steps:
        msg = f"a note's onset must be in 0..{grid.steps - 1}, not {note.onset}"
    elif not 0 <= note.pitch <= 127:
        msg = f"a note's pitch must be in 0..127, not {note.pitch}"
    elif not 1 <= note.velocity <= 127:
        msg = f"a note's velocity must be in 1..127, not {note.velocity}"
    elif note.length < 1:
        msg = f"a note's length must be at least 1 step, not {note.length}"
    elif not -0.5 <= note.offset <= 0.5:
        msg = f"a note's offset must be in -0.5..0.5 steps, not {note.offset}"
    elif not 0 <= note.track < len(TRACKS):
        msg = f"a note's track must be in 0..{len(TRACKS) - 1}, not {note.track}"
    elif not -FARTHEST <= note.displacement <= FARTHEST:
        msg = f"a note's displacement must be in -{FARTHEST:g}..{FARTHEST:g} steps, not {note.displacement}"
    elif not -note.length <= note.release <= LONGEST:
        msg = f"a note's release must be in {-note.length}..{LONGEST:g} steps, not {note.release}"
    else:
        return
    raise ValueError(msg)
