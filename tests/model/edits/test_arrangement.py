"""A pattern arranged for a phrase: whatever it holds, what is heard is a phrase."""

from hypothesis import given
from hypothesis import strategies as st

from model.edits.arrangement import FORM, at_level, laid, leading, varied_parts
from model.edits.groove import with_crash, with_fill
from model.edits.reharmonise import SILENT, LeadSheet
from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.phrase import Note, Phrase, cut_to
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY

GRIDS = (Grid(), Grid(2, 3, 4), Grid(2, 2, 6, 720), Grid(1, 5, 4), Grid(2, 7, 2, 240), Grid(2, 4, 3))
CHORD = st.builds(Chord, st.integers(0, 11), st.integers(0, 7))


@st.composite
def patterns(draw: st.DrawFn) -> Phrase:
    grid = draw(st.sampled_from(GRIDS))
    notes = []
    for _ in range(draw(st.integers(0, 24))):
        onset = draw(st.integers(0, grid.steps - 1))
        length = draw(st.integers(1, grid.steps - onset))
        notes.append(
            Note(
                onset,
                draw(st.integers(0, 127)),
                draw(st.integers(1, 127)),
                length,
                draw(st.floats(-0.5, 0.5)),
                draw(st.sampled_from((MELODY, CHORDS, BASS, DRUMS))),
                draw(st.floats(-4, 4)),
                draw(st.floats(-length, 8)),
            )
        )
    return Phrase.of(grid, notes)


@given(
    patterns(),
    st.lists(CHORD | st.none() | st.just(SILENT), min_size=1, max_size=6),
    st.lists(CHORD | st.none(), min_size=1, max_size=6),
    st.integers(0, 9),
    st.floats(-1, 1),
    st.frozensets(st.integers(0, 11)),
)
def test_whatever_is_arranged_is_a_phrase(  # noqa: PLR0917  hypothesis fills them in
    pattern: Phrase,
    present: list[Chord | str | None],
    written: list[Chord | None],
    number: int,
    density: float,
    avoided: frozenset[int],
) -> None:
    grid = pattern.grid
    parts = varied_parts(
        pattern.notes,
        {CHORDS, BASS, DRUMS},
        [written[beat * len(written) // grid.beats] for beat in range(grid.beats)],
        grid=grid,
        number=number,
        seed=number,
        densities=dict.fromkeys((CHORDS, BASS, DRUMS), density),
    )
    found = laid(
        parts,
        LeadSheet(
            [present[step * len(present) // grid.steps] for step in range(grid.steps)],
            grid,
            frozenset((0, 2, 4, 5, 7, 9, 11)),
            [avoided] * grid.steps,
        ),
    )
    drums = [note for note in found if note.track == DRUMS]
    for first, last in leading(number, grid):
        drums = with_fill(drums, grid, first, last, seed=number)
    found = [*(note for note in found if note.track != DRUMS), *with_crash(drums, 0)]
    Phrase.of(grid, at_level(found, pattern.notes, {CHORDS, BASS, DRUMS}, 1 + number * 14))
    assert all(note.track != MELODY for note in found)


@given(patterns(), st.integers(1, 8))
def test_a_note_that_is_cut_sounds_no_longer_than_before(pattern: Phrase, length: int) -> None:
    for note in pattern.notes:
        found = cut_to(note, min(length, note.length))
        Phrase.of(pattern.grid, [found])
        assert found.length + found.release <= note.length + note.release + 1e-9
        assert found.release <= 0


def test_fills_lead_into_every_fourth_bar_and_longer_ones_into_every_eighth() -> None:
    grid = Grid()
    assert [leading(bar, grid) for bar in (0, 2, 4, 6)] == [[], [(28, 32)], [], [(24, 32)]]
    long = Grid(bars=8)
    assert [last - first for first, last in leading(0, long)] == [4, 8]
    assert leading(-2, grid) == []
    assert len(leading(0, Grid(FORM, 3, 4))) == 1
