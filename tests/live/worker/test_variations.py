"""The worker's variations: each turn its own, always the same one, the performer's parts alone."""

from collections.abc import Generator
from typing import Any

import pytest

from live.ipc.messages import Decode, Decoded, Encode, Encoded, Ready
from live.ipc.places import Point, Varied
from live.worker.handler import RequestHandler
from live.worker.variations import APART, MOST_BEGUN, Sounds, Variations, sounding
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from model.playing import load as play
from model.playing.alternatives import Material
from model.playing.variation import note_f1
from model.writing.wish import Kind
from model.writing.writer import Writer
from tests.fakes.roll_player import RollPlayer
from tests.fakes.writers import random_network, random_writer

GRID = Grid()
MAJOR = frozenset((0, 2, 4, 5, 7, 9, 11))
TUNE = Phrase.of(GRID, [Note(4 * i, 60 + pitch, 90, 3) for i, pitch in enumerate((0, 2, 4, 5, 7, 5, 4, 2))])
LONG = Phrase.of(GRID, [Note(2 * i, 60 + 2 * (i % 3), 90, 2) for i in range(16)])
SOMEWHERE = Point([0.0])


def how(turn: int, amount: float = 0.5, seed: int = 0) -> Varied:
    return Varied(SOMEWHERE, amount, turn, seed)


def recombining() -> Variations:
    """Variations that have found no writer."""
    found = Variations()
    finished(found)
    return found


def finished(variations: Variations) -> int:
    """Let everything be written; returns how often that was worth telling."""
    return sum(variations.write())


def test_no_turn_of_32_is_like_another() -> None:
    for amount in (0.15, 0.35, 0.7, 1.0):
        variations = recombining()
        found = {sounding(variations.varied(TUNE, how(turn, amount), MAJOR).phrase) for turn in range(APART)}
        assert len(found) == APART
        assert sounding(TUNE) not in found


def test_the_same_turn_and_amount_give_the_same_notes_and_so_does_another_process() -> None:
    variations, again = recombining(), recombining()
    found = [variations.varied(TUNE, how(turn), MAJOR) for turn in range(8)]
    assert [variations.varied(TUNE, how(turn), MAJOR) for turn in range(8)] == found
    assert [again.varied(TUNE, how(turn), MAJOR) for turn in range(8)] == found
    assert again.varied(TUNE, how(0, seed=1), MAJOR) != found[0]


def test_the_knob_moves_between_states_of_one_course() -> None:
    variations = recombining()
    less, more = (variations.varied(TUNE, how(3, amount), MAJOR).phrase for amount in (0.3, 0.6))
    assert sounding(more) & sounding(TUNE) < sounding(less) & sounding(TUNE)
    assert variations.varied(TUNE, how(3, 0.3), MAJOR).phrase == less
    assert variations.varied(TUNE, how(3, 0.0), MAJOR) == (TUNE, "")


def test_only_what_the_performer_played_is_varied() -> None:
    bass = [Note(step, 36, 80, 8, 0.0, BASS) for step in (0, 8, 16, 24)]
    whole = Phrase.of(GRID, [*TUNE.notes, *bass])
    variations = recombining()
    variations.hear(whole, TUNE)
    for turn in range(4):
        varied = variations.varied(whole, how(turn, 1.0), MAJOR).phrase
        assert varied.part(BASS).notes == tuple(bass)
        assert note_f1(varied.part(MELODY), TUNE) == 0.0


def test_what_is_left_is_counted_of_the_performer_s_part_alone_however_full_the_band_is() -> None:
    variations = recombining()
    band = [Note(step, pitch, 80, 1, track=CHORDS) for step in range(32) for pitch in (48, 52, 55)]
    whole = Phrase.of(GRID, [*TUNE.notes, *band])
    variations.hear(whole, TUNE)
    for amount in (0.25, 0.5):
        varied = variations.varied(whole, how(0, amount), MAJOR).phrase
        assert varied.part(CHORDS) == whole.part(CHORDS)
        assert note_f1(varied.part(MELODY), TUNE) == pytest.approx(1 - amount, abs=0.07)


def test_a_decode_answers_with_the_variation(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = RequestHandler(lambda: None)
    assert [*desk.write()] == [None]
    monkeypatch.setattr(play, "load", lambda _name, _device: RollPlayer())
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


def test_the_candidates_that_are_set_reach_the_player_and_the_drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    player = RollPlayer()
    monkeypatch.setattr(play, "load", lambda _name, _device: player)
    desk = RequestHandler(lambda: None)
    for candidates, drafts in ((0, 4), (16, 16)):  # the second time it is loaded already
        assert isinstance(desk.load("roll", candidates=candidates), Ready)
        assert player.candidates == candidates
        assert desk._variations.drafts == drafts


# -- written ---------------------------------------------------------------------------------------


def written() -> Variations:
    found = Variations(random_writer)
    assert finished(found) == 0
    return found


def test_until_it_is_written_the_phrase_sounds_as_it_was_or_as_it_was_varied_last() -> None:
    variations = Variations(random_writer)
    assert variations.varied(LONG, how(0), MAJOR) == (LONG, "awaited")
    assert finished(variations) == 1  # the writer is there
    assert variations.varied(LONG, how(0), MAJOR) == (LONG, "awaited")
    assert finished(variations) == 1
    first, origin = variations.varied(LONG, how(0), MAJOR)
    assert origin == "written"
    assert note_f1(first, LONG) == pytest.approx(0.5, abs=0.08)
    assert {note.pitch % 12 for note in first.notes} <= MAJOR
    assert variations.varied(LONG, how(1), MAJOR) == (first, "awaited")
    finished(variations)
    second, origin = variations.varied(LONG, how(1), MAJOR)
    assert origin == "written"
    assert second != first
    again = written()
    for _ in range(2):
        answer = again.varied(LONG, how(0), MAJOR)
        finished(again)
    assert answer == (first, "written")


def test_one_alternative_is_written_for_all_of_the_knob_s_way() -> None:
    variations = written()
    answers = [variations.settled(TUNE, how(0, 0.5), MAJOR)]
    answers += [variations.varied(TUNE, how(0, amount), MAJOR) for amount in (1.0, 0.5)]
    assert [origin for _, origin in answers] == ["written"] * 3
    assert answers[0] == answers[2]
    assert note_f1(answers[1].phrase, TUNE) < 0.3


def test_what_comes_next_is_recombined_where_it_is_the_phrase_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: Any) -> Generator[None, None, Phrase]:
        yield
        return LONG

    monkeypatch.setattr("live.worker.variations.following", again)
    for amounts in ((1.0,), (0.5, 1.0)):
        variations = written()
        for amount in amounts:
            for _ in range(3):
                answer = variations.varied(LONG, how(0, amount), MAJOR)
                finished(variations)
        assert answer.origin == "written"
        assert note_f1(answer.phrase, LONG) < 0.5


@pytest.mark.parametrize("amount", [0.15, 0.35, 1.0])
def test_no_turn_of_32_is_like_another_though_the_writer_writes_the_same(
    amount: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def the_same(*_: Any) -> Generator[None, None, Phrase]:
        yield
        return LONG

    monkeypatch.setattr("live.worker.variations.following", the_same)
    variations = written()
    found = [variations.settled(TUNE, how(turn, amount), MAJOR).phrase for turn in range(APART)]
    assert len({sounding(phrase) for phrase in found}) == APART


def test_a_groove_gives_way_to_others_the_further_the_less_is_left() -> None:
    hits = [Note(step, 36 if step % 8 == 0 else 38, 90, 1, track=DRUMS) for step in range(0, 32, 2)]
    groove = Phrase.of(GRID, hits)
    variations = written()
    variations.kind = Kind.DRUMS
    left = []
    for amount in (0.1, 0.3, 0.5, 0.7, 0.85, 1.0):
        answer = variations.settled(groove, how(0, amount), frozenset())
        assert answer.origin == "written"
        left.append(note_f1(answer.phrase, groove))
    assert left[:3] == pytest.approx([0.9, 0.7, 0.5], abs=0.05)
    assert left == sorted(left, reverse=True)
    assert left[-1] <= 0.3


def test_what_was_written_ahead_is_there_when_the_phrase_closes() -> None:
    variations = written()
    begun = Phrase(GRID, TUNE.notes[:6])
    variations.write_ahead(begun, how(4), MAJOR)
    finished(variations)
    variations.hear(TUNE, TUNE)
    phrase, origin = variations.varied(TUNE, how(4), MAJOR)
    assert origin == "written"
    assert note_f1(phrase, TUNE) == pytest.approx(0.5, abs=0.08)
    variations.write_ahead(begun, how(5), MAJOR)
    finished(variations)
    other = Phrase.of(GRID, [note._replace(onset=note.onset + 2) for note in TUNE.notes])
    assert variations.varied(other, how(5), MAJOR).origin == "awaited"  # another phrase than was written for


def test_however_many_are_asked_for_at_once_few_are_half_written_and_each_gets_its_turn() -> None:
    variations, asked = written(), [how(0, seed=seed) for seed in range(MOST_BEGUN + 6)]
    for one in asked:  # as a knob that strays while the next answers are due
        assert variations.varied(TUNE, one, MAJOR).origin == "awaited"
        next(variations.write())
    drafts = list(variations._states.values())
    assert sum(draft.begun for draft in drafts) == MOST_BEGUN
    assert all(draft.writing is not None for draft in drafts)
    finished(variations)
    assert not any(draft.begun for draft in drafts)
    assert {variations.varied(TUNE, one, MAJOR).origin for one in asked} == {"written"}


def test_what_sounds_soonest_is_written_first_and_what_has_sounded_no_more() -> None:
    variations = Variations(random_writer, lambda: 25)
    finished(variations)
    for turn, sounds in enumerate([Sounds(0, 20), Sounds(40, 60), Sounds(20, 40), Sounds(60, 80)]):
        variations.sounds = sounds
        variations.varied(LONG, how(turn), MAJOR)
    order = []
    for _ in range(3):
        assert any(variations.write())
        order.append([draft.alternative is not None for draft in variations._states.values()])
    assert order == [[0, 0, 1, 0], [0, 1, 1, 0], [0, 1, 1, 1]]
    assert not any(variations.write())


def test_of_another_metre_and_without_a_writer_it_is_recombined() -> None:
    waltz = Grid(2, 3, 4)
    tune = Phrase.of(waltz, [Note(3 * i, 60 + i, 90, 2) for i in range(8)])
    assert written().varied(tune, how(0), None).origin == "recombined"
    none = Variations()
    assert none.varied(TUNE, how(0), MAJOR).origin == "awaited"  # it may be there yet
    assert finished(none) == 1
    assert none.varied(TUNE, how(0), MAJOR).origin == "recombined"


def test_a_writer_that_fails_leaves_the_recombination() -> None:
    class Failing(Writer):
        def write_drafts(self, *_wish: Any, **_how: Any) -> Generator[None, None, list[Phrase]]:
            yield
            raise RuntimeError("a tensor of no shape")

    variations = Variations(lambda: Failing(random_network()))
    finished(variations)
    assert variations.varied(TUNE, how(0), MAJOR).origin == "awaited"
    finished(variations)
    assert variations.varied(TUNE, how(0), MAJOR).origin == "recombined"


def test_what_was_played_before_is_known_to_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    contexts: list[tuple[Phrase, ...]] = []
    before = Phrase.of(GRID, [Note(2 * i, 48 + i, 90, 1) for i in range(16)])

    def noting(_writer: Writer, _kind: Kind, material: Material, *_: int) -> Generator[None, None, Phrase]:
        contexts.append(material.context)
        yield
        return LONG

    monkeypatch.setattr("live.worker.variations.following", noting)
    for earlier in ([], [before]):
        variations = written()
        for phrase in (*earlier, TUNE):
            variations.hear(phrase, phrase)
        assert variations.settled(TUNE, how(0, 0.7), MAJOR).phrase != TUNE
    assert contexts == [(), (before,)]
