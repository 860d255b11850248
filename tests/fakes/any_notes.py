"""Any notes, for hypothesis."""

from hypothesis import strategies as st

from model.music.phrase import Note

SEVEN_BITS, LOUDNESS, MELODY, NOUGHT = st.integers(0, 127), st.integers(1, 127), st.just(0), st.just(0.0)


def any_notes(
    pitches: st.SearchStrategy[int] = SEVEN_BITS,
    *,
    steps: int = 32,
    longest: int = 32,
    velocities: st.SearchStrategy[int] = LOUDNESS,
    offsets: st.SearchStrategy[float] = NOUGHT,
    tracks: st.SearchStrategy[int] = MELODY,
    displacements: st.SearchStrategy[float] = NOUGHT,
    releases: st.SearchStrategy[float] = NOUGHT,
) -> st.SearchStrategy[Note]:
    """Notes on a grid of so many steps, each 1 to `longest` steps long."""
    onsets, lengths = st.integers(0, steps - 1), st.integers(1, longest)
    return st.builds(Note, onsets, pitches, velocities, lengths, offsets, tracks, displacements, releases)
