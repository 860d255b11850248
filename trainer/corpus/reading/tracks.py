"""The tracks of MIDI files: what is known of each, and the single lines in them.

Tables of notes are int16 or int32 [n, 6]: onset step, pitch, velocity, length in steps, micro-offset in
hundredths of a step, track; onsets of `Wide` ones count from the start of a run of bars.

Tested in tests/trainer/corpus/reading/test_read_midi.py.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, ONSET, PITCH, VELOCITY

Notes = NDArray[np.int16]  # [n, 6]
Wide = NDArray[np.int32]  # [n, 6]
Numbers = NDArray[np.int64]

VOICES = ("melody", "voice", "vocal", "lead", "sopran", "solo", "singstimme", "canto", "gesang")
VOICE_PROGRAMS = frozenset((52, 53, 54, 68))
SIXTEENTHS = 4
SWUNG_EIGHTH = (2.5, 2.85)  # steps into the beat: a second eighth of 62 to 71 %
STRAIGHT_EIGHTH = 0.25  # steps around the third sixteenth
SWUNG_SHARE = 2.0  # swung second eighths for each straight one from which music swings
LONGEST = 1 << 24  # ticks from which a length is a damaged file's, and steps from which an onset is


class Span(NamedTuple):
    """A run of bars: its first tick, its end, and whether its metre is another than the grid's."""

    start: int
    stop: int
    aside: bool


class Track(NamedTuple):
    """One track of a file.

    Attributes:
        name: as the file has it.
        program: General MIDI's, 0..127.
        is_drum: whether it lies on channel 10.
        notes: time and duration in ticks, pitch and velocity, each [n].
    """

    name: str
    program: int
    is_drum: bool
    notes: dict[str, NDArray[Any]]

    @classmethod
    def all_of(cls, tracks: Iterable[Any]) -> list[Self]:
        """Take those of symusic's tracks that have notes."""
        return [
            cls(str(track.name), int(track.program), bool(track.is_drum), track.notes.numpy())
            for track in tracks
            if len(track.notes)
        ]


class TrackLine(NamedTuple):
    """What is known of one track.

    Attributes:
        place: among the tracks of its song.
        program: General MIDI's, 0..127.
        name: in small letters.
        notes: how many it has.
        alone: share of its notes that start on a step of their own, 0..1.
        mean: of its pitches.
        voiced: whether its name or its sound says that it leads.
    """

    place: int
    program: int
    name: str
    notes: int
    alone: float
    mean: float
    voiced: bool


def unswung(places: NDArray[np.floating[Any]], steps: Numbers, lines: Numbers, songs: Numbers) -> Numbers:
    """Return steps on which a swung second eighth and the sixteenth behind it do not meet.

    At 67 % the second eighth stands nearer to the fourth sixteenth than to the third.  In a song that swings
    it goes back to the third where its line has a note on the fourth, and none on the third.

    Args:
        places: in steps of a sixteenth, of all notes that are looked at together.
        steps: the nearest of each.
        lines: the track of each.
        songs: the song of each, or whatever swings by itself, from 0.
    """
    within = places % SIXTEENTHS
    late = (within > SWUNG_EIGHTH[0]) & (within < SWUNG_EIGHTH[1])
    straight = np.abs(within - SIXTEENTHS / 2) < STRAIGHT_EIGHTH
    if not late.any():
        return steps
    counts = np.bincount(songs[late])
    swings = counts > SWUNG_SHARE * np.bincount(songs[straight], minlength=len(counts))[: len(counts)]
    if not swings.any():
        return steps
    chosen = np.flatnonzero(np.isin(songs, np.flatnonzero(swings)))
    key, late = lines[chosen] << 40 | (steps[chosen] & (1 << 40) - 1), late[chosen]
    behind, key = key[~late], key[late]
    moved = steps.copy()
    moved[chosen[late]] -= np.isin(key, behind) & ~np.isin(key - 1, behind)
    return moved


def no_notes() -> Wide:
    """Return no notes."""
    return np.zeros((0, len(COLUMNS)), dtype=np.int32)


def merged(notes: Wide, groups: Numbers) -> tuple[Wide, Numbers]:
    """Return notes by (group, onset, pitch) and their groups.

    Of two on one place the louder stays; each is cut at its pitch's next onset in the group.
    """
    if not len(notes):
        return notes, groups
    place = (groups << 24 | notes[:, ONSET]) << 7 | notes[:, PITCH]
    order = np.argsort(place << 7 | 127 - notes[:, VELOCITY], kind="stable")  # they nearly lie so
    place = place[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = place[1:] != place[:-1]
    order = order[first]
    notes, groups = notes[order], groups[order]
    key = groups << 7 | notes[:, PITCH]
    by_pitch = np.argsort(key << 24 | notes[:, ONSET])
    one, following = by_pitch[:-1], by_pitch[1:]
    same = key[one] == key[following]
    one, following = one[same], following[same]
    notes[one, LENGTH] = np.minimum(notes[one, LENGTH], notes[following, ONSET] - notes[one, ONSET])
    return notes, groups


def skyline(notes: Wide, groups: Numbers, *, lowest: bool = False) -> tuple[Wide, Numbers]:
    """Return the highest (lowest) note of each onset step of a group, each ending where the next one starts.

    Args:
        notes: as `merged` returns them.
        groups: of them.
        lowest: whether the lowest are wanted.
    """
    if not len(notes):
        return notes, groups
    place = groups << 24 | notes[:, ONSET]
    taken = np.ones(len(notes), dtype=bool)
    changes = place[1:] != place[:-1]
    if lowest:
        taken[1:] = changes
    else:
        taken[:-1] = changes
    notes, groups = notes[taken], groups[taken]
    gap = notes[1:, ONSET] - notes[:-1, ONSET]
    same = groups[1:] == groups[:-1]
    notes[:-1, LENGTH] = np.where(same, np.minimum(notes[:-1, LENGTH], gap), notes[:-1, LENGTH])
    return notes, groups
