"""Any phrases that the codecs hold, for hypothesis."""

from hypothesis import strategies as st

from model.codecs.drums import KEYS
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY

GRIDS = st.sampled_from((Grid(), Grid(4, 3, 6), Grid(2, 4, 3), Grid(1, 4, 4)))


@st.composite
def melodies(draw: st.DrawFn, grids: st.SearchStrategy[Grid] = GRIDS) -> Phrase:
    grid = draw(grids)
    notes, step = [], draw(st.integers(0, 4))
    while step < grid.steps:
        length = min(draw(st.integers(1, 9)), grid.steps - step)
        notes.append(Note(step, draw(st.integers(0, 127)), draw(st.integers(1, 127)), length))
        step += length + draw(st.integers(0, 3))
    return Phrase.of(grid, notes)


@st.composite
def polyphony(draw: st.DrawFn, grids: st.SearchStrategy[Grid] = GRIDS) -> Phrase:
    grid = draw(grids)
    notes = draw(
        st.lists(
            st.tuples(
                st.integers(0, grid.steps - 1),
                st.integers(21, 108),
                st.integers(1, 127),
                st.integers(1, 40),
                st.integers(-50, 50).map(lambda micro: micro / 100),
            ),
            max_size=60,
        )
    )
    return Phrase.of(grid, (Note(*note) for note in notes))


@st.composite
def kits(draw: st.DrawFn, grids: st.SearchStrategy[Grid] = GRIDS) -> Phrase:
    grid = draw(grids)
    hits = draw(
        st.lists(
            st.tuples(
                st.integers(0, grid.steps - 1),
                st.sampled_from(KEYS),
                st.integers(1, 127),
                st.integers(-50, 50).map(lambda micro: micro / 100),
            ),
            max_size=60,
        )
    )
    return Phrase.of(grid, (Note(step, key, level, 1, away, DRUMS) for step, key, level, away in hits))


@st.composite
def bands(draw: st.DrawFn) -> Phrase:
    grid = draw(GRIDS)
    notes = [*draw(polyphony(st.just(grid))).notes]
    notes = [note._replace(track=CHORDS) for note in notes]
    for track in (MELODY, BASS):
        notes += [note._replace(track=track) for note in draw(melodies(st.just(grid))).notes]
    notes += draw(kits(st.just(grid))).notes
    dropped = draw(st.sets(st.integers(0, 3), max_size=3))
    return Phrase.of(grid, (note for note in notes if note.track not in dropped))
