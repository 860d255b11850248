"""Retaining: an answer keeps of what was played whatever the network does not change.

A network gives a phrase back nearly, and on its grid alone.  What it answers at the very place of a phrase is
therefore compared with what it answers where the knobs have gone, beat by beat: where both agree the phrase
stands as it was played, with its timing, loudness, lengths, ornaments and the notes that the network does not
hold; where they agree in part, what the network took away or added is taken away or added; where they do not,
the answer stands alone.  (A merge of three versions with a common ancestor, as of texts: Khanna, Kunal and
Pierce 2007, "A formal investigation of diff3", section 2.)  No numpy.
"""

from collections.abc import Iterable

from model.music.phrase import Note, Phrase

ALIKE = 0.5  # share of a beat's notes that must be the same for it to be the same music

NoteKey = tuple[int, int, int]
"""(onset, pitch, track): by which a note is the same in two phrases."""


def retained(played: Phrase, rest: Phrase, answer: Phrase) -> Phrase:
    """Return an answer with what it has left of the phrase that was played."""
    if answer == rest:
        return played
    before, after = _by_beat(rest), _by_beat(answer)
    notes: list[Note] = []
    for beat, mine in enumerate(_by_beat(played)):
        was, now = before[beat], after[beat]
        same = len(was.keys() & now.keys())
        if was.keys() == now.keys() or (was and same >= ALIKE * len(was)):
            gone = was.keys() - now.keys()
            notes += [note for place, note in mine.items() if place not in gone]
            notes += [note for place, note in now.items() if place not in was and place not in mine]
        else:
            notes += now.values()
    return seated(Phrase.of(played.grid, notes), played)


def seated(phrase: Phrase, played: Phrase) -> Phrase:
    """Put what was not played onto the places of what was: between swung eighths everything swings.

    A note whose step was played at some place keeps it; any other takes that of its step, see `places`.
    A length that was edited is meant as it is.
    """
    known = {(note.onset, note.displacement) for note in played.notes}
    lengths = {_key(note): note.length for note in played.notes}
    straight = not any(note.displacement for note in played.notes)
    steps = [0.0] * played.grid.steps if straight else places(played)
    notes = []
    for note in phrase.notes:
        if (note.onset, note.displacement) not in known and note.displacement != steps[note.onset]:
            note = note._replace(displacement=steps[note.onset])  # noqa: PLW2901
        if note.release and lengths.get(_key(note), note.length) != note.length:
            note = note._replace(release=0.0)  # noqa: PLW2901
        notes.append(note)
    return Phrase(phrase.grid, tuple(notes))


def places(played: Phrase) -> list[float]:
    """Return the displacement of every step, in steps, of the grid that was played.

    Between the notes of a beat, and its lines, steps lie evenly; a beat with no note off its line has the
    places that its steps have on average in the others.
    """
    grid = played.grid
    size = grid.steps_per_beat
    main: dict[int, float] = {}  # of several on a step the one that is least displaced: the others adorn it
    for note in played.notes:
        if note.onset not in main or abs(note.displacement) < abs(main[note.onset]):
            main[note.onset] = note.displacement
    usual = [
        _mean(away for onset, away in main.items() if onset % size == position) for position in range(size)
    ]
    found: list[float] = []
    for beat in range(grid.beats):
        line = beat * size
        anchors = {0: 0.0, size: 0.0}
        anchors |= {step: main[line + step] for step in range(1, size) if line + step in main}
        if len(anchors) == 2:
            anchors |= {step: away for step, away in enumerate(usual) if step and away}
        found += [_between(anchors, step) if step else 0.0 for step in range(size)]
    return found


def _between(anchors: dict[int, float], step: int) -> float:
    """Return a step's displacement, straight between those of the nearest steps that have one."""
    low = max(known for known in anchors if known <= step)
    high = min(known for known in anchors if known >= step)
    if low == high:
        return anchors[low]
    share = (step - low) / (high - low)
    return anchors[low] + share * (anchors[high] - anchors[low])


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _key(note: Note) -> NoteKey:
    return note.onset, note.pitch, note.track


def _by_beat(phrase: Phrase) -> list[dict[NoteKey, Note]]:
    """Return a phrase's notes by their places, one beat after another."""
    beats: list[dict[NoteKey, Note]] = [{} for _ in range(phrase.grid.beats)]
    size = phrase.grid.steps_per_beat
    for note in phrase.notes:
        beats[note.onset // size][_key(note)] = note
    return beats
