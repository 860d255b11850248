"""Harmony laid on a pattern: what a band plays keeps its rhythm, voicing and register under other chords.

Each note is something in the chord that it was written under: root, third, fifth, seventh, or a degree in
passing.  Under another chord it becomes the same of that one; its voices move as little as they can
(Tymoczko 2006, "The geometry of musical chords": the smallest sum of movements).  What sounds into a new
chord and is none of its tones is ended there, and struck again in it.  A bass that the chord names, as in
C/E, is what the bass plays for its root, and the lowest of its voices.  Exact, and fast enough to run
between a key and the next note: neither numpy nor torch.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache, partial
from itertools import groupby, permutations
from typing import Final, NamedTuple

from model.music.chord_finding import triad_index
from model.music.grid import Grid
from model.music.harmony import TONES, Chord, tones
from model.music.phrase import Note, cut_to
from model.music.tracks import BASS, CHORDS

HARMONIC = frozenset((CHORDS, BASS))
SILENT: Final = "silent"
"""In place of a chord: none is to be heard."""

Harmony = Chord | str | None
"""A step's chord; None leaves what was written, `SILENT` lets it rest."""

ROLE = (0, None, None, 1, 1, None, None, 2, None, None, 3, 3)
"""What a note some semitones above the root is: 0 root, 1 third, 2 fifth, 3 seventh, None in passing."""
MOST_VOICES = 4  # that are led; a thicker chord doubles some
LEAST_ON_BASS = 3  # voices of a chord without a bass part whose lowest one plays a bass that is no tone of it
FROM_BEFORE, FROM_WRITTEN = (
    1.0,
    0.6,
)  # what a voice's movement from its last note, and from its pattern, costs
TOO_HIGH = 100.0  # what a voicing costs that leaves its range upwards: only where there is no other
BASS_RANGE = (28, 55)
CHORD_RANGE = (45, 84)
LOWEST_CHORD = 50  # key down to which voices go that would lie over a melody, and
LOWEST_MELODY = 58  # mean key from which one leaves room below
MUDDY, THIRD = 53, 4  # key under which a chord's lowest voice has no other one so near, in semitones
STRIKE_AGAIN = 0.5  # beats that must be left of a note for it to be struck again under a new chord


def role(pitch: int, chord: Chord) -> int | None:
    """Return what a note is in a chord: 0 root, 1 third, 2 fifth, 3 seventh; None for a note in passing."""
    above = (pitch - chord.root) % 12
    tones = TONES[chord.quality]
    return tones.index(above) if above in tones else ROLE[above]


class LeadSheet(NamedTuple):
    """The harmony of a phrase as it is to be heard.

    Attributes:
        present: the chord of each step.
        grid: of the phrase.
        scale: pitch classes that passing notes keep to; None is any.
        avoided: of each step, pitch classes that the band is not to lie a semitone beside; empty for none.
        melody: mean key of a melody that chords are to lie under where there is room; None for none.
    """

    present: Sequence[Harmony]
    grid: Grid
    scale: frozenset[int] | None = None
    avoided: Sequence[frozenset[int]] = ()
    melody: int | None = None

    def clashes(self, pitch_class: int, step: int) -> bool:
        """Tell whether a pitch class lies a semitone beside one that is avoided, and is none itself."""
        if step >= len(self.avoided) or pitch_class in self.avoided[step]:
            return False
        return (pitch_class + 1) % 12 in self.avoided[step] or (pitch_class - 1) % 12 in self.avoided[step]


def reharmonised(notes: Iterable[Note], written: Sequence[Chord | None], sheet: LeadSheet) -> list[Note]:
    """Return a pattern's notes under the chords of a lead sheet.

    Args:
        notes: of a phrase, in order; those of chords and bass change, the others stay.
        written: the chord of each beat that the pattern was written under; None where it tells none.
        sheet: what is to be heard.
    """
    present = sheet.present
    found: list[Note] = []
    chordal: list[Note] = []
    bass: list[Note] = []
    for note in notes:
        (chordal if note.track == CHORDS else bass if note.track == BASS else found).append(note)
    under = _Under(written, sheet, alone=not bass)
    changes = [
        step
        for step in range(1, len(present))
        if present[step] is not None and present[step] != present[step - 1]
    ]
    if bass:
        found += _sustained(_bass(bass, under), under, changes, BASS_RANGE)
    if chordal:
        found += _sustained(_chords(chordal, under), under, changes, CHORD_RANGE)
    return found


def under_a_line(notes: Iterable[Note], lowest: int, sheet: LeadSheet) -> list[Note]:
    """Return a phrase whose bass plays the roots of the chords, about an octave under somebody's low line.

    It changes with the chords and is struck again on every bar line; where the line leaves no room below, it
    rests.

    Args:
        notes: of a phrase, in order.
        lowest: key of the line.
        sheet: what is to be heard.
    """
    known = [*notes]
    bass = [note.velocity for note in known if note.track == BASS]
    found = [note for note in known if note.track != BASS]
    if not bass:
        return found
    size, loud = sheet.grid.steps_per_bar, round(sum(bass) / len(bass))
    bars = [
        Note(bar * size, max(0, lowest - 12), loud, size, track=BASS)
        for bar in range(sheet.grid.bars)
        if sheet.present[bar * size] is not None
    ]
    roots = reharmonised(bars, (None,) * sheet.grid.beats, sheet)
    return found + [note for note in roots if note.pitch < lowest]


def following(notes: Iterable[Note], written: Sequence[Chord | None], sheet: LeadSheet) -> list[Note]:
    """Return notes as they were wherever the present chord is theirs, and in the present one elsewhere.

    Arguments as `reharmonised` has them; a chord is theirs that has the same triad.
    """
    present, size = sheet.present, sheet.grid.steps_per_beat
    other = [foreign(chord, written[step // size]) for step, chord in enumerate(present)]
    if not any(other):
        return [*notes]
    stay: list[Note] = []
    moved: list[Note] = []
    for note in notes:
        (moved if other[note.onset] and note.track in HARMONIC else stay).append(note)
    under = _Under(written, sheet, alone=False)
    changes = [step for step in range(1, len(present)) if other[step] and present[step] != present[step - 1]]
    found = [note for note in stay if note.track not in HARMONIC]
    for track, reach in ((BASS, BASS_RANGE), (CHORDS, CHORD_RANGE)):
        found += _sustained([note for note in stay if note.track == track], under, changes, reach)
    return found + reharmonised(moved, written, sheet)


def foreign(present: Harmony, written: Chord | None) -> bool:
    """Tell whether a present chord has another triad than the one that something was played in."""
    return isinstance(present, Chord) and written is not None and triad_index(present) != triad_index(written)


class _Under(NamedTuple):
    """The chords that a pattern is laid under; see `reharmonised`."""

    written: Sequence[Chord | None]
    sheet: LeadSheet
    alone: bool  # no bass plays under the chords

    @property
    def size(self) -> int:
        """Steps of a beat."""
        return self.sheet.grid.steps_per_beat


def _sustained(
    notes: Sequence[Note], under: _Under, changes: Sequence[int], reach: tuple[int, int]
) -> list[Note]:
    """End what is no tone of a new chord where that begins, and strike it again as one, on an eighth."""
    if not changes:
        return [*notes]
    struck = {(note.onset, note.pitch) for note in notes}
    eighth = max(1, under.size // 2)
    found: list[Note] = []
    for note in notes:
        left: Note | None = note
        for step in changes:
            if left is None or step >= left.onset + left.length:
                break
            chord = under.sheet.present[step]
            if step <= left.onset or (isinstance(chord, Chord) and holds(left.pitch, chord, left.track)):
                continue
            again = step + -step % eighth
            rest = left.onset + left.length - again
            found.append(cut_to(left, step - left.onset))
            left = None
            if rest < STRIKE_AGAIN * under.size:
                continue
            chord = under.sheet.present[again]
            if isinstance(chord, Chord):
                if note.track == BASS:
                    target = chord.lowest
                else:  # a tone that no other voice has, as long as there is one
                    others = {pitch % 12 for onset, pitch in struck if onset == again}
                    others |= {one.pitch % 12 for one in notes if one.onset < step < one.onset + one.length}
                    others |= {tone for tone in tones(chord) if under.sheet.clashes(tone, again)}
                    target = _nearest_tone(note.pitch, chord, others)
                pitch = placed(target, note.pitch, *reach)
                if (again, pitch) not in struck:
                    struck.add((again, pitch))
                    left = note._replace(
                        onset=again, pitch=pitch, length=rest, offset=0.0, displacement=0.0, release=0.0
                    )
        if left is not None:
            found.append(left)
    return found


def holds(pitch: int, chord: Chord, track: int) -> bool:
    """Tell whether a note of a track that sounds when a chord begins may sound on under it."""
    if track == BASS and chord.bass is not None:
        return pitch % 12 == chord.bass
    return (pitch - chord.root) % 12 in TONES[chord.quality]


def _bass(notes: Sequence[Note], under: _Under) -> list[Note]:
    found: list[Note] = []
    before: int | None = None
    sounded: object = None
    for note in notes:
        step = note.onset
        chord, old = under.sheet.present[step], under.written[min(step // under.size, len(under.written) - 1)]
        if chord is None:
            found.append(note)
            before = note.pitch
            continue
        if not isinstance(chord, Chord):
            continue
        tones = TONES[chord.quality]
        first = chord != sounded
        part = 0 if first else (role(note.pitch, old) if old is not None else None)
        sounded = chord
        if part is None and note.length < under.size and old is not None:
            target = _passing(note.pitch, old, chord, under.sheet.scale)
        elif part is None:
            target = _nearest_tone(note.pitch, chord)
        elif part % len(tones):
            target = (chord.root + tones[part % len(tones)]) % 12
        else:
            target = chord.lowest
        if under.sheet.clashes(target, step) and chord.bass is None:
            others = ((chord.root + tone) % 12 for tone in (0, tones[2], tones[1]))
            target = next((one for one in others if not under.sheet.clashes(one, step)), target)
        reference = note.pitch if before is None else round(0.5 * (note.pitch + before))
        before = placed(target, reference, *BASS_RANGE)
        found.append(note._replace(pitch=before))
    return found


def _chords(notes: Sequence[Note], under: _Under) -> list[Note]:
    found: list[Note] = []
    before: tuple[int, ...] = ()
    for onset, group in groupby(notes, key=lambda note: note.onset):
        struck = [*group]
        chord, old = (
            under.sheet.present[onset],
            under.written[min(onset // under.size, len(under.written) - 1)],
        )
        if chord is None:
            found += struck
            continue
        if not isinstance(chord, Chord):
            continue
        if len(struck) == 1:
            found.append(_single(struck[0], old, chord, under))
            continue
        if len(struck) > MOST_VOICES:  # what is doubled an octave away goes first
            struck = _distinct(struck)[:MOST_VOICES]
        every = _wanted(struck, old, chord)
        free = [one for one in (*every, *tones(chord)) if not under.sheet.clashes(one, onset)]
        wanted = tuple(sorted([*dict.fromkeys(free)][: len(every)]))  # others stand in for what would clash
        if len(wanted) < 2:
            wanted = wanted or every[:2]
        lowest = chord.bass if chord.bass in wanted else None
        if lowest is None and chord.bass is not None and under.alone and len(struck) >= LEAST_ON_BASS:
            lowest = chord.bass
            wanted = (lowest, *sorted(wanted, key=partial(_spared, chord))[: len(struck) - 1])
        if len(struck) > len(wanted):
            struck = struck[-len(wanted) :]
        pitches = led(tuple(note.pitch for note in struck), wanted, before, lowest)
        pitches = _under_melody(pitches, under.sheet.melody)
        before = pitches = _opened(pitches, under.sheet.melody) if lowest is None else pitches
        found += [note._replace(pitch=pitch) for note, pitch in zip(struck, pitches, strict=True)]
    return found


def _spared(chord: Chord, pitch_class: int) -> int:
    """Return how soon a tone of a chord is spared where there are too few voices: the third is last."""
    tones = [(chord.root + tone) % 12 for tone in TONES[chord.quality]]
    return (2, 0, 3, 1)[tones.index(pitch_class)]


def _single(note: Note, old: Chord | None, chord: Chord, under: _Under) -> Note:
    """Return a note of a broken chord, or in passing, under another chord."""
    part = role(note.pitch, old) if old is not None else None
    tones = TONES[chord.quality]
    if part is not None:
        target = (chord.root + tones[part if part < len(tones) else 0]) % 12
    elif old is not None and note.length < under.size and note.onset % under.size:
        target = _passing(note.pitch, old, chord, under.sheet.scale)
    else:
        target = _nearest_tone(note.pitch, chord)
    if under.sheet.clashes(target, note.onset):
        others = ((chord.root + tone) % 12 for tone in tones)
        target = next((one for one in others if not under.sheet.clashes(one, note.onset)), target)
    pitch = placed(target, note.pitch, *CHORD_RANGE)
    return note._replace(pitch=_under_melody((pitch,), under.sheet.melody)[0])


def _under_melody(pitches: tuple[int, ...], melody: int | None) -> tuple[int, ...]:
    """Return a voicing whose voices over a melody lie an octave lower, where there is room."""
    if melody is None or melody < LOWEST_MELODY:
        return pitches
    found = [*pitches]
    for pitch in pitches:
        lower = next((pitch - down for down in (12, 24) if pitch - down not in found), 0)
        if pitch > melody and lower >= LOWEST_CHORD:
            found[found.index(pitch)] = lower
    return tuple(sorted(found))


def _opened(pitches: tuple[int, ...], melody: int | None) -> tuple[int, ...]:
    """Return a voicing without a third or less at its low end: its lowest voice goes up if there is room."""
    highest = CHORD_RANGE[1] if melody is None or melody < LOWEST_MELODY else melody
    found = pitches
    for _ in pitches:
        low, *others = found
        close = low < MUDDY and others and others[0] - low <= THIRD
        if not close or low + 12 > highest or low + 12 in others:
            break
        found = tuple(sorted((*others, low + 12)))
    return found


def _distinct(struck: Sequence[Note]) -> list[Note]:
    """Return notes from low to high, those of a pitch class that lies below left out, and no others."""
    seen: set[int] = set()
    found = []
    for note in struck:
        if note.pitch % 12 not in seen:
            seen.add(note.pitch % 12)
            found.append(note)
    return found


def _wanted(struck: Sequence[Note], old: Chord | None, chord: Chord) -> tuple[int, ...]:
    """Return the pitch classes that a struck chord sounds under another chord, as many as it has at most."""
    tones = [(chord.root + tone) % 12 for tone in TONES[chord.quality]]
    found: list[int] = []
    for note in struck:
        part = role(note.pitch, old) if old is not None else None
        if part is not None and part < len(tones) and tones[part] not in found:
            found.append(tones[part])
    for part in (1, 0, 2, 3):  # what tells the chord comes before what only fills it
        if len(found) < min(len(struck), len(tones)) and part < len(tones) and tones[part] not in found:
            found.append(tones[part])
    if tones[1] not in found:
        found[-1] = tones[1]
    return tuple(sorted(found))


@lru_cache(maxsize=1024)
def led(
    written: tuple[int, ...], wanted: tuple[int, ...], before: tuple[int, ...], lowest: int | None = None
) -> tuple[int, ...]:
    """Return pitches of some pitch classes, each voice near to where it was.

    Args:
        written: the pattern's pitches, from low to high, as many as are wanted or more.
        wanted: pitch classes, all different; where there are fewer than voices, some are doubled.
        before: the pitches of the voices before, if there were as many.
        lowest: one of the pitch classes, that the lowest voice is to have; None for any.
    """
    count = len(written)
    classes = [*wanted, *(wanted[place % len(wanted)] for place in range(count - len(wanted)))]
    best: tuple[float, tuple[int, ...]] | None = None
    for order in set(permutations(classes)):
        if lowest is not None and order[0] != lowest:
            continue
        pitches: list[int] = []
        cost = 0.0
        for place, target in enumerate(order):
            source = written[place]
            reference = before[place] if len(before) == count else source
            pitch = placed(target, round((reference + source) / 2), *CHORD_RANGE)
            while pitches and pitch <= pitches[-1]:
                pitch += 12
            pitches.append(pitch)
            cost += FROM_BEFORE * abs(pitch - reference) + FROM_WRITTEN * abs(pitch - source)
        if pitches[-1] > CHORD_RANGE[1] + 12:
            continue
        cost += TOO_HIGH * (pitches[-1] > CHORD_RANGE[1])
        if best is None or cost < best[0] or (cost == best[0] and tuple(pitches) < best[1]):
            best = cost, tuple(pitches)
    return best[1] if best is not None else written


def placed(pitch_class: int, reference: int, low: int, high: int) -> int:
    """Return the key of a pitch class that is nearest to a reference, within a range of an octave or more."""
    pitch = reference + (pitch_class - reference + 6) % 12 - 6
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


def _passing(pitch: int, old: Chord, chord: Chord, scale: frozenset[int] | None) -> int:
    """Return the pitch class of a note in passing, as far above the new root as it was above the old one."""
    moved = (pitch - old.root + chord.root) % 12
    if scale is None or moved in scale:
        return moved
    below, above = (moved - 1) % 12, (moved + 1) % 12
    return below if below in scale else above if above in scale else chord.root


def _nearest_tone(pitch: int, chord: Chord, others: Collection[int] = ()) -> int:
    """Return the pitch class of the chord's tone that lies nearest to a note, of those that no other has."""
    tones = [(chord.root + tone) % 12 for tone in TONES[chord.quality]]
    free = [tone for tone in tones if tone not in others]
    return min(free or tones, key=lambda tone: abs((tone - pitch + 6) % 12 - 6))
