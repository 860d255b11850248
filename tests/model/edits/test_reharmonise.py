"""Harmony laid on a pattern: rhythm and register stay, the notes are of the chord."""

from hypothesis import given
from hypothesis import strategies as st

from model.edits.reharmonise import (
    SILENT,
    Harmony,
    LeadSheet,
    following,
    led,
    placed,
    reharmonised,
    under_a_line,
)
from model.music.grid import Grid
from model.music.harmony import Chord, read_chords, tones
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from tests.fakes.any_notes import any_notes

GRID = Grid()
C, F, G, AM = Chord(0, 0), Chord(5, 0), Chord(7, 0), Chord(9, 1)
CHORD = st.builds(Chord, st.integers(0, 11), st.integers(0, 7), st.none() | st.integers(0, 11))


def steps(text: str) -> list[Harmony]:
    beats = read_chords(text)
    return [beats[step * len(beats) // GRID.steps] for step in range(GRID.steps)]


def pattern() -> list[Note]:
    notes = []
    for step in range(0, 32, 4):
        notes += [Note(step, pitch, 80, 3, track=CHORDS) for pitch in (60, 64, 67)]
    notes += [Note(step, pitch, 90, 4, track=BASS) for step, pitch in ((0, 36), (8, 43), (16, 36), (24, 40))]
    return [*Phrase.of(GRID, notes).notes]


def laid(notes: list[Note], present: list[Harmony], **how: object) -> list[Note]:
    return reharmonised(notes, [C] * 8, LeadSheet(present, GRID, **how))  # type: ignore[arg-type]


def test_under_its_own_chord_a_pattern_stays() -> None:
    assert sorted(laid(pattern(), steps("C"))) == sorted(pattern())
    assert sorted(laid(pattern(), [None] * 32)) == sorted(pattern())


def test_every_note_becomes_one_of_the_chord_and_keeps_its_rhythm() -> None:
    found = laid(pattern(), steps("C Am F G"))
    assert [(note.onset, note.track) for note in sorted(found, key=lambda n: (n.track, n.onset))] == [
        (note.onset, note.track) for note in sorted(pattern(), key=lambda n: (n.track, n.onset))
    ]
    for note in found:
        chord = (C, AM, F, G)[note.onset // 8]
        assert note.pitch % 12 in (*tones(chord), chord.lowest)
    bass = [note.pitch % 12 for note in found if note.track == BASS]
    assert bass == [0, 9, 5, 7], "the root where a chord begins"


def test_a_bass_that_the_chord_names_lies_under_it() -> None:
    found = laid(pattern(), steps("C/E F/G"))
    bass = [note.pitch % 12 for note in found if note.track == BASS]
    assert bass == [4, 7, 7, 9], "for the root; fifth and third stay"
    lowest = {
        onset: min(note.pitch for note in found if note.track == CHORDS and note.onset == onset)
        for onset in range(0, 32, 4)
    }
    assert {lowest[onset] % 12 for onset in range(0, 16, 4)} == {4}, "an inversion"
    assert all(note.pitch % 12 in (5, 9, 0) for note in found if note.track == CHORDS and note.onset >= 16)


def test_without_a_bass_the_lowest_voice_plays_what_the_chord_names() -> None:
    chordal = [note for note in pattern() if note.track == CHORDS]
    found = [note for note in laid(chordal, steps("F/G")) if note.onset == 0]
    assert min(found, key=lambda note: note.pitch).pitch % 12 == 7
    assert 9 in {note.pitch % 12 for note in found}, "the third stays"


def test_a_bass_that_lies_still_moves_where_the_chord_names_another() -> None:
    found = laid([Note(0, 36, 90, 32, track=BASS)], steps("C C/E"))
    assert [(note.onset, note.pitch % 12, note.length) for note in found] == [(0, 0, 16), (16, 4, 16)]


def test_voices_move_as_little_as_they_can() -> None:
    assert led((60, 64, 67), (0, 5, 9), ()) == (60, 65, 69)
    assert led((84, 88, 91), (2, 5, 9), ()) == (74, 77, 81), "nothing is stacked over the range"
    assert led((60, 64, 67), (2, 7, 11), (60, 65, 69)) in ((59, 62, 67), (59, 67, 74), (62, 67, 71))
    found = [
        note.pitch for note in laid(pattern(), steps("C F")) if note.track == CHORDS and note.onset == 16
    ]
    assert found == [60, 65, 69]


def test_what_sounds_into_another_chord_is_struck_again_there_and_common_tones_stay() -> None:
    pad = [Note(0, pitch, 80, 32, track=CHORDS) for pitch in (60, 64, 67)]
    found = sorted(laid(pad, steps("C F")))
    assert [(note.onset, note.pitch, note.length) for note in found] == [
        (0, 60, 32),
        (0, 64, 16),
        (0, 67, 16),
        (16, 65, 16),
        (16, 69, 16),
    ] or {note.pitch for note in found if note.onset == 16} <= {65, 69, 77}


def test_what_a_chord_ends_behind_a_beat_is_struck_again_on_the_next_eighth() -> None:
    pad = [Note(0, pitch, 80, 16, track=CHORDS) for pitch in (60, 64, 67)]
    bass = [Note(0, 36, 90, 16, track=BASS)]
    present: list[Harmony] = [C, *[F] * 31]  # nobody could foresee it on the beat
    found = sorted(laid([*pad, *bass], present))
    assert {(note.onset, note.length) for note in found} == {(0, 16), (0, 1), (2, 14)}
    assert {note.pitch % 12 for note in found if note.onset == 2} == {5, 9}
    assert [note.onset for note in laid([Note(0, 64, 80, 4, track=CHORDS)], present)] == [0, 2]


def test_under_a_line_the_bass_has_its_roots_where_there_is_room() -> None:
    found = under_a_line(pattern(), 40, LeadSheet(steps("C F"), GRID))
    bass = [(note.onset, note.pitch, note.length) for note in found if note.track == BASS]
    assert bass == [(0, 36, 16), (16, 29, 16)]
    assert [n for n in found if n.track == CHORDS] == [n for n in pattern() if n.track == CHORDS]
    assert not [n for n in under_a_line(pattern(), 28, LeadSheet(steps("C F"), GRID)) if n.track == BASS]


def test_no_chord_is_a_rest_and_other_parts_are_left_alone() -> None:
    others = [Note(0, 72, 90, 4, track=MELODY), Note(0, 36, 90, 1, track=DRUMS)]
    assert sorted(laid([*others, *pattern()], [SILENT] * 32)) == sorted(others)


def test_notes_in_passing_keep_to_the_scale() -> None:
    walk = [Note(0, 36, 90, 4, track=BASS), Note(6, 38, 90, 2, track=BASS), Note(8, 40, 90, 4, track=BASS)]
    found = laid(walk, steps("G"), scale=frozenset((0, 2, 4, 5, 7, 9, 11)))
    assert [note.pitch % 12 for note in found] == [7, 9, 11]


def test_nothing_lies_a_semitone_beside_what_is_avoided() -> None:
    avoided = [frozenset((5,))] * 32  # an F over C: its third would lie beside it
    found = laid(pattern(), steps("C"), avoided=avoided)
    assert all(note.pitch % 12 != 4 for note in found)
    assert {note.pitch % 12 for note in found if note.track == CHORDS} == {0, 7}
    two = [Note(0, pitch, 80, 4, track=CHORDS) for pitch in (60, 64)]
    found = laid(two, steps("C"), avoided=avoided)
    assert {note.pitch % 12 for note in found} == {0, 7}, "its fifth stands in for its third"


def test_what_was_played_follows_where_the_present_chord_is_another_and_stays_elsewhere() -> None:
    played = [
        *Phrase.of(
            GRID, [*pattern(), Note(0, 74, 80, 32, track=MELODY), Note(12, 62, 70, 2, track=CHORDS)]
        ).notes
    ]
    assert following(played, [C] * 8, LeadSheet(steps("C"), GRID)) == played
    assert following(played, [C] * 8, LeadSheet([None] * 32, GRID)) == played
    assert following(played, [None] * 8, LeadSheet(steps("F"), GRID)) == played, "in no chord that is known"
    found = following(played, [C] * 8, LeadSheet(steps("C F"), GRID))
    begun = [note for note in found if note.onset < 16]
    assert sorted(begun) == sorted(note for note in played if note.onset < 16)
    for note in found:
        if note.onset >= 16 and note.track != MELODY:
            assert note.pitch % 12 in tones(F)
    assert Note(0, 74, 80, 32, track=MELODY) in found, "a melody is left alone"


def test_what_was_played_into_another_chord_ends_there() -> None:
    played = [Note(8, 64, 80, 24, track=CHORDS), Note(8, 60, 80, 24, track=CHORDS)]
    found = following(played, [C] * 8, LeadSheet(steps("C F"), GRID))
    assert Note(8, 60, 80, 24, track=CHORDS) in found, "a tone of both"
    assert Note(8, 64, 80, 8, track=CHORDS) in found
    assert all(note.pitch % 12 in tones(F) for note in found if note.onset >= 16)


@given(
    st.lists(any_notes(st.integers(30, 90), longest=16, tracks=st.sampled_from((CHORDS, BASS))), max_size=24),
    st.lists(CHORD, min_size=8, max_size=8),
    st.lists(CHORD, min_size=1, max_size=8),
)
def test_whatever_is_laid_under_whatever_is_a_phrase_in_its_chords(
    notes: list[Note], written: list[Chord], chords: list[Chord]
) -> None:
    phrase = Phrase.of(GRID, [note._replace(length=min(note.length, 32 - note.onset)) for note in notes])
    present: list[Harmony] = [chords[step * len(chords) // 32] for step in range(32)]
    found = reharmonised(phrase.notes, written, LeadSheet(present, GRID, frozenset()))
    whole = Phrase.of(GRID, found)
    for note in whole.notes:
        chord = present[note.onset]
        assert isinstance(chord, Chord)
        assert note.pitch % 12 in (*tones(chord), chord.lowest)
    assert len(whole) <= 2 * len(phrase) + 8 * len(chords)


@given(st.integers(0, 11), st.integers(0, 127))
def test_a_key_is_placed_near_its_reference(pitch_class: int, reference: int) -> None:
    found = placed(pitch_class, reference, 28, 55)
    assert 28 - 12 < found <= 55
    assert found % 12 == pitch_class


def test_chords_lie_under_a_melody_where_there_is_room() -> None:
    high = laid(pattern(), steps("C"), melody=66)
    tops = [note.pitch for note in high if note.track == CHORDS]
    assert max(tops) <= 66
    assert {pitch % 12 for pitch in tops} == {0, 4, 7}
    assert sorted(laid(pattern(), steps("C"), melody=40)) == sorted(pattern()), "no room"


def test_no_third_lies_low_where_there_is_room_above() -> None:
    low = [Note(0, pitch, 80, 8, track=CHORDS) for pitch in (48, 52, 55)]
    under = {melody: laid(low, steps("C"), melody=melody) for melody in (None, 72, 60)}
    assert [note.pitch for note in sorted(under[None])] == [55, 60, 64]
    assert under[72] == under[None]
    assert [note.pitch for note in sorted(under[60])] == [52, 55, 60], "as far as the melody leaves room"
    wide = [Note(0, pitch, 80, 8, track=CHORDS) for pitch in (48, 55, 64)]
    assert sorted(laid(wide, steps("C"))) == wide
