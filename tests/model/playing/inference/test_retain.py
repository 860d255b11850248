"""What an answer keeps of what was played: all of it at rest, what the network left of it elsewhere."""

from hypothesis import given, settings
from hypothesis import strategies as st

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.playing.inference.retain import places, retained, seated
from tests.fakes.any_notes import any_notes

GRID = Grid()
PLAYED = Phrase.of(
    GRID,
    [
        Note(0, 60, 91, 2, 0.1, release=-0.4),
        Note(0, 62, 40, 1, 0.0, displacement=-0.36),  # a grace note that no network is shown
        Note(2, 64, 50, 2, -0.1, displacement=0.48),
        Note(4, 36, 70, 8),  # a left hand that the network does not hold
        Note(8, 67, 30, 3, 0.2),
        Note(16, 60, 99, 4),
    ],
)
REST = Phrase.of(GRID, [Note(0, 60, 80, 2), Note(2, 64, 80, 2), Note(8, 67, 80, 4), Note(17, 60, 80, 4)])
NOTES = any_notes(
    st.integers(48, 60),
    longest=4,
    offsets=st.floats(-0.5, 0.5),
    displacements=st.floats(-1, 1),
    releases=st.floats(-0.9, 2),
)
PHRASES = st.lists(NOTES, max_size=24).map(lambda notes: Phrase.of(GRID, notes))


@given(PHRASES, PHRASES)
@settings(max_examples=40)
def test_at_rest_all_of_it_stays_whatever_the_network_loses(played: Phrase, rest: Phrase) -> None:
    assert retained(played, rest, rest) is played
    assert retained(played, rest, Phrase(GRID, rest.notes)) == played


@given(PHRASES, PHRASES, PHRASES)
@settings(max_examples=60)
def test_an_answer_to_something_else_stands_alone(played: Phrase, rest: Phrase, answer: Phrase) -> None:
    far = Phrase.of(GRID, (note._replace(pitch=note.pitch + 40) for note in answer.notes))
    kept = retained(played, Phrase.of(GRID, (*rest.notes, *(Note(4 * b, 30, 9, 1) for b in range(8)))), far)
    assert {(n.onset, n.pitch) for n in kept.notes} == {(n.onset, n.pitch) for n in far.notes}


def test_what_the_network_adds_and_takes_is_added_and_taken_in_its_beats_alone() -> None:
    answer = Phrase.of(GRID, [*REST.notes[:1], Note(3, 65, 77, 1), Note(2, 64, 80, 2), Note(17, 60, 80, 4)])
    kept = retained(PLAYED, REST, answer)
    added = [note for note in kept.notes if note.pitch == 65]
    assert [(note.onset, note.velocity) for note in added] == [(3, 77)]
    assert 0.2 < added[0].displacement < 0.3, "half-way between the swung eighth and the next beat"
    assert not any(note.pitch == 67 for note in kept.notes), "taken away"
    assert [n for n in kept.notes if n.onset != 3] == [n for n in PLAYED.notes if n.pitch != 67]


def test_steps_lie_evenly_between_what_was_played_and_as_usual_where_nothing_was() -> None:
    swung = Phrase.of(GRID, [Note(0, 60, 90, 1), Note(2, 60, 90, 1, displacement=2 / 3), Note(8, 60, 90, 1)])
    found = places(swung)
    assert found[:4] == [0.0, 1 / 3, 2 / 3, 1 / 3]
    assert found[8:12] == [0.0, 1 / 3, 2 / 3, 1 / 3], "a beat with nothing off its line"


def test_a_length_that_was_edited_is_meant() -> None:
    longer = Phrase.of(GRID, [note._replace(length=4) if note.pitch == 60 else note for note in PLAYED.notes])
    first = next(note for note in seated(longer, PLAYED).notes if note.pitch == 60)
    assert first.release == 0.0
    assert first.offset == 0.1
