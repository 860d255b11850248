"""The worker's variations: each turn its own, always the same one, the performer's parts alone."""

import pytest

from live.ipc.messages import Decode, Decoded, Encode, Encoded, Point, Ready, Varied
from live.worker.serve import RequestHandler
from live.worker.variations import APART, Variations, sounding
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, MELODY
from model.playing import load as play
from model.playing.variation import note_f1
from tests.fakes.roll_player import RollPlayer

GRID = Grid()
MAJOR = frozenset((0, 2, 4, 5, 7, 9, 11))
TUNE = Phrase.of(GRID, [Note(4 * i, 60 + pitch, 90, 3) for i, pitch in enumerate((0, 2, 4, 5, 7, 5, 4, 2))])
SOMEWHERE = Point([0.0])


def how(turn: int, amount: float = 0.5, seed: int = 0) -> Varied:
    return Varied(SOMEWHERE, amount, turn, seed)


def test_no_turn_of_32_is_like_another() -> None:
    for amount in (0.15, 0.35, 0.7, 1.0):
        variations = Variations()
        found = {sounding(variations.varied(TUNE, how(turn, amount), MAJOR)) for turn in range(APART)}
        assert len(found) == APART
        assert sounding(TUNE) not in found


def test_the_same_turn_and_amount_give_the_same_notes_and_so_does_another_process() -> None:
    variations, again = Variations(), Variations()
    found = [variations.varied(TUNE, how(turn), MAJOR) for turn in range(8)]
    assert [variations.varied(TUNE, how(turn), MAJOR) for turn in range(8)] == found
    assert [again.varied(TUNE, how(turn), MAJOR) for turn in range(8)] == found
    assert again.varied(TUNE, how(0, seed=1), MAJOR) != found[0]


def test_the_knob_moves_between_states_of_one_course() -> None:
    variations = Variations()
    less, more = (variations.varied(TUNE, how(3, amount), MAJOR) for amount in (0.3, 0.6))
    assert sounding(more) & sounding(TUNE) < sounding(less) & sounding(TUNE)
    assert variations.varied(TUNE, how(3, 0.3), MAJOR) == less
    assert variations.varied(TUNE, how(3, 0.0), MAJOR) is TUNE


def test_only_what_the_performer_played_is_varied() -> None:
    bass = [Note(step, 36, 80, 8, 0.0, BASS) for step in (0, 8, 16, 24)]
    whole = Phrase.of(GRID, [*TUNE.notes, *bass])
    variations = Variations()
    variations.hear(whole, TUNE)
    for turn in range(4):
        varied = variations.varied(whole, how(turn, 1.0), MAJOR)
        assert varied.part(BASS).notes == tuple(bass)
        assert note_f1(varied.part(MELODY), TUNE) == 0.0


def test_a_decode_answers_with_the_variation(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = RequestHandler()
    monkeypatch.setattr(play, "load", lambda _name: RollPlayer())
    assert isinstance(desk.load("roll"), Ready)
    struck = [(note.onset * 120, (note.onset + note.length) * 120, note.pitch, 90) for note in TUNE.notes]
    encoded = desk.answer(Encode(1, [*TUNE.notes], [], struck, 1_041_667))
    assert isinstance(encoded, Encoded)
    point = Point(encoded.z, encoded.attributes, encoded.played, GRID)
    answers = []
    for amount in (0.0, 0.5, 1.0):
        place = Varied(point, amount, 0, 0) if amount else point
        answered = desk.answer(Decode(2, 2, place, {}, 0.0, 0))
        assert isinstance(answered, Decoded)
        answers.append(Phrase(GRID, tuple(answered.notes)))
    played = Phrase(GRID, tuple(encoded.played))
    assert sounding(answers[0]) == sounding(played)
    assert [round(note_f1(answer, played), 2) for answer in answers[1:]] == [0.5, 0.0]
    assert {note.pitch % 12 for note in answers[2].notes} <= MAJOR
