import itertools

import numpy as np
import pytest

from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, DRUMS, MELODY
from model.writing import tokens as t
from model.writing.manuscript import Manuscript
from model.writing.odds import NEVER
from model.writing.recall import SHARES, Followers, Recall
from model.writing.wish import BAR, GRID, STEPS, Kind, Wish
from tests.fakes.writers import random_network, random_writer

FIGURE = ((0, 60), (4, 62), (6, 64), (8, 67), (12, 65))
EVEN = {column: np.zeros(size, dtype=np.float32) for column, size in enumerate(t.SIZES)}


def note(onset: int, pitch: int, length: int = 2, track: int = MELODY) -> list[int]:
    return [onset, track, pitch, length, 20, 10]


def heard(*notes: tuple[int, int], track: int = MELODY) -> Recall:
    """Return what recalls notes, (onset, pitch), of a phrase that begins on step 0."""
    recall = Recall(64)
    for onset, pitch in notes:
        recall.add(0, note(onset, pitch, track=track))
    return recall


def at_pitch(recall: Recall, onset: int, kind: Kind = Kind.MELODY, track: int = MELODY) -> Followers:
    """Return what may follow on a step of the second phrase, its onset and track chosen."""
    followers = Followers(recall, kind, STEPS, 0)
    followers.chosen(t.ONSET, onset)
    followers.chosen(t.TRACK, track)
    return followers


def begun(recall: Recall, *notes: tuple[int, int], track: int = MELODY) -> Recall:
    for onset, pitch in notes:
        recall.add(STEPS, note(onset, pitch, track=track))
    return recall


def test_a_figure_begun_on_another_degree_is_likely_to_go_on_there() -> None:
    recall = begun(heard(*FIGURE), (0, 62), (4, 64), (6, 65))
    followers = Followers(recall, Kind.MELODY, STEPS, 6)
    assert followers.mixed(t.ONSET, EVEN[t.ONSET]).argmax() == 8
    odds = at_pitch(recall, 8).mixed(t.PITCH, EVEN[t.PITCH])
    assert odds.argmax() == 69, "a third higher, as 67 was above 64, within the scale"
    _, in_place = SHARES[Kind.MELODY][t.PITCH][1]
    shares = np.exp(odds) / np.exp(odds).sum()
    assert shares[69] == pytest.approx(in_place + (1 - in_place) / 128, rel=1e-4)


def test_more_notes_alike_make_it_likelier() -> None:
    def share(*notes: tuple[int, int]) -> float:
        odds = at_pitch(begun(heard(*FIGURE), *notes), 8).mixed(t.PITCH, EVEN[t.PITCH])
        return float(np.exp(odds)[69] / np.exp(odds).sum())

    one_alike = share((0, 72), (4, 64), (6, 65))
    assert share((0, 62), (4, 64), (6, 65)) > one_alike > 1 / 128


def test_where_nothing_is_alike_the_odds_stay_as_they_are() -> None:
    recall = begun(heard(*FIGURE), (0, 62), (7, 90))
    for column in (t.ONSET, t.PITCH, t.LENGTH):
        followers = at_pitch(recall, 8) if column != t.ONSET else Followers(recall, Kind.MELODY, STEPS, 7)
        assert followers.mixed(column, EVEN[column]) is EVEN[column]
    empty = Followers(Recall(4), Kind.KEYBOARD, 0, 0)
    assert empty.mixed(t.ONSET, EVEN[t.ONSET]) is EVEN[t.ONSET]
    empty.chosen(t.ONSET, 3)
    empty.chosen(t.TRACK, MELODY)
    assert empty.mixed(t.PITCH, EVEN[t.PITCH]) is EVEN[t.PITCH]


def test_what_cannot_be_stays_impossible() -> None:
    recall = begun(heard(*FIGURE), (0, 62), (4, 64), (6, 65))
    odds = EVEN[t.PITCH].copy()
    odds[69] = NEVER
    assert at_pitch(recall, 8).mixed(t.PITCH, odds) is odds
    onsets = EVEN[t.ONSET].copy()
    onsets[4] = NEVER
    mixed = Followers(recall, Kind.MELODY, STEPS, 6).mixed(t.ONSET, onsets)
    assert mixed.argmax() == 8
    assert mixed[4] == NEVER


def test_the_upper_line_is_known_again_over_other_chords() -> None:
    chords = [(0, 60), (0, 52), (4, 62), (4, 53), (6, 64), (6, 55), (8, 67), (8, 52)]
    recall = begun(heard(*chords), (0, 60), (0, 57), (4, 62), (4, 50), (6, 64), (6, 48))
    assert at_pitch(recall, 8, Kind.KEYBOARD).mixed(t.PITCH, EVEN[t.PITCH]).argmax() == 67


def test_a_chord_goes_on_below_as_it_did() -> None:
    recall = begun(heard((0, 72), (0, 69), (0, 64), (8, 72), (8, 69), (8, 64)), (0, 74), (0, 71))
    followers = Followers(recall, Kind.KEYBOARD, STEPS, 0)
    assert followers.mixed(t.ONSET, EVEN[t.ONSET]).argmax() == 0
    assert at_pitch(recall, 0, Kind.KEYBOARD).mixed(t.PITCH, EVEN[t.PITCH]).argmax() == 65


def test_drums_are_struck_again_and_not_moved() -> None:
    beat = [(0, 36), (4, 38), (8, 36), (12, 38)]
    recall = begun(heard(*beat, track=DRUMS), (0, 36), (4, 38), (8, 36), track=DRUMS)
    assert at_pitch(recall, 12, Kind.DRUMS, DRUMS).mixed(t.PITCH, EVEN[t.PITCH]).argmax() == 38


def test_where_a_part_came_in_it_had_made_no_move() -> None:
    recall = heard((0, 72), (4, 74))
    recall.add(0, note(6, 40, track=BASS))
    begun(recall, (0, 72), (4, 74))
    assert at_pitch(recall, 6, Kind.BAND, BASS).mixed(t.PITCH, EVEN[t.PITCH]) is EVEN[t.PITCH]


def test_how_long_a_note_sounds_comes_back_with_it() -> None:
    recall = begun(heard(*FIGURE[:3]), (0, 62), (4, 64))
    followers = at_pitch(recall, 6)
    followers.chosen(t.PITCH, 65)
    assert followers.mixed(t.LENGTH, EVEN[t.LENGTH]).argmax() == 2


def test_a_copy_goes_on_by_itself() -> None:
    recall = heard(*FIGURE)
    other = recall.copied()
    begun(other, (0, 62), (4, 64), (6, 65))
    assert Followers(recall, Kind.MELODY, STEPS, 0).mixed(t.ONSET, EVEN[t.ONSET]) is EVEN[t.ONSET]
    assert at_pitch(other, 8).mixed(t.PITCH, EVEN[t.PITCH]).argmax() == 69


def test_fixed_notes_that_were_passed_are_gone_on_from() -> None:
    tune = Phrase.of(GRID, [Note(onset + bar, pitch, 80, 2) for bar in (0, BAR) for onset, pitch in FIGURE])
    begin = Phrase.of(GRID, tune.notes[:3])
    page = Manuscript(random_network(), Wish(Kind.MELODY, fixed=begin, context=(tune,), span=(7, 32)), 0)
    assert page.followers().mixed(t.ONSET, EVEN[t.ONSET]).argmax() == 8


def test_a_writer_takes_up_what_was_played_before() -> None:
    tune = Phrase.of(GRID, [Note(step, 60 + 5 * (step // 2 % 2), 80, 2) for step in range(0, 32, 2)])
    writer = random_writer()

    def moves(wish: Wish) -> float:
        found = writer.write_many([wish] * 12, seed=1)
        lines = [[note.pitch for note in phrase.notes] for phrase in found]
        pairs = [abs(b - a) for line in lines for a, b in itertools.pairwise(line)]
        return sum(move == 5 for move in pairs) / len(pairs)

    assert moves(Wish(Kind.MELODY, context=(tune, tune))) > 2 * moves(Wish(Kind.MELODY))
