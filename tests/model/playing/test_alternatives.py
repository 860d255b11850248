"""What the writer is asked for: what carries a phrase stays, as many notes come as go, and who plays what."""

from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.latent.note_transformer import run_to_end
from model.music.distance import position
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, DRUMS, MELODY
from model.playing import alternatives
from model.playing.alternatives import Material, another_groove, can_write, following
from model.playing.variation import note_f1
from model.writing.wish import Kind, Wish
from model.writing.writer import Writer
from tests.fakes.writers import random_network

GRID = Grid()
MAJOR = frozenset((0, 2, 4, 5, 7, 9, 11))
TUNE = Phrase.of(GRID, [Note(2 * i, 60 + i % 8, 90, 3, 0.1, displacement=0.2 * (i % 2)) for i in range(10)])
BASSLINE = [Note(step, 36, 80, 8, 0.0, BASS) for step in (0, 8, 16, 24)]


class Noting(Writer):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(random_network())
        self.wishes: list[Wish] = []

    def write(self, wish: Wish, **how: Any) -> Generator[None, None, Phrase]:
        self.wishes.append(wish)
        return super().write(wish, **how)

    def write_drafts(self, wish: Wish, seeds: Sequence[int]) -> Generator[None, None, list[Phrase]]:
        self.wishes.append(wish)
        return super().write_drafts(wish, seeds)


def test_what_comes_next_comes_after_the_phrase_itself() -> None:
    writer = Noting()
    before = TUNE.moved(2)
    run_to_end(following(writer, Kind.MELODY, Material(TUNE, context=(before,)), 3))
    (wish,) = writer.wishes
    assert [[note.pitch for note in phrase.notes] for phrase in wish.context] == [
        [note.pitch for note in phrase.notes] for phrase in (before, TUNE)
    ]
    assert not wish.fixed.notes
    assert wish.count is None
    assert all(one.onset + one.length <= two.onset for one, two in pairwise(wish.context[1].notes))


def test_the_band_stays_and_is_known() -> None:
    writer = Noting()
    material = Material(Phrase.of(GRID, [*TUNE.notes, *BASSLINE]), frozenset((MELODY,)))
    phrase = run_to_end(following(writer, Kind.BAND, material, 1))
    assert phrase.part(BASS).notes == tuple(BASSLINE)
    assert set(BASSLINE) <= set(writer.wishes[-1].fixed.notes)
    assert writer.wishes[-1].tracks == frozenset((MELODY,))


def test_chords_under_a_melody_are_a_keyboard_s() -> None:
    writer = Noting()
    chords = Phrase.of(GRID, [*TUNE.notes, *(note._replace(pitch=note.pitch - 12) for note in TUNE.notes)])
    run_to_end(following(writer, Kind.MELODY, Material(chords), 1))
    assert writer.wishes[0].kind is Kind.KEYBOARD


def groove(*drums: int) -> Phrase:
    return Phrase.of(GRID, [Note(2 * step, drum, 90, 1, track=DRUMS) for step, drum in enumerate(drums)])


def test_of_several_grooves_one_on_a_like_kit_is_taken_of_which_a_quarter_is_the_phrase_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer, played = Noting(), groove(36, 42, 38, 42, 36, 42, 38, 42)
    alike, nearest = groove(36, 42, 38, 42, 36, 42, 42, 38), groove(42, 42, 36, 38, 42, 36, 38, 42)
    on_a_ride, far = groove(51, 51, 38, 51, 51, 51, 38, 51), groove(42, 36, 42, 38, 42, 38, 42, 36)

    def drafts(wish: Wish, seeds: Sequence[int]) -> Generator[None, None, list[Phrase]]:
        writer.wishes.append(wish)
        yield
        return [alike, on_a_ride, nearest, far, Phrase(GRID)]

    monkeypatch.setattr(writer, "write_drafts", drafts)
    assert [note_f1(one, played) for one in (alike, on_a_ride, nearest, far)] == [0.75, 0.25, 0.375, 0.0]
    assert run_to_end(another_groove(writer, Material(played), 7, 5)) == nearest
    (wish,) = writer.wishes
    assert (wish.kind, len(wish.fixed), wish.context) == (Kind.DRUMS, 0, ())


@pytest.mark.parametrize(
    ("kind", "phrase", "known"),
    [
        (Kind.MELODY, TUNE, True),
        (Kind.MELODY, Phrase(GRID), False),
        (Kind.MELODY, Phrase(GRID, (Note(0, 36, 90, 1, 0.0, DRUMS),)), False),
        (Kind.BAND, Phrase(GRID, (Note(0, 36, 90, 1, 0.0, DRUMS),)), True),
        (Kind.MELODY, Phrase(Grid(2, 3, 4), (Note(0, 60, 90, 1),)), False),
    ],
)
def test_other_metres_and_parts_are_not_written(kind: Kind, phrase: Phrase, known: bool) -> None:
    assert can_write(kind, Material(phrase)) is known


class Choosing:
    """A ranker that takes the third of what it is shown."""

    def scores(
        self, kind: Kind, context: Sequence[Phrase], candidates: Sequence[Phrase]
    ) -> NDArray[np.float32]:
        assert context[-1].notes
        return np.array([100 * (number == 2) for number in range(len(candidates))], dtype=np.float32)


class Indifferent(Choosing):
    """A ranker to which all is alike."""

    def scores(
        self, kind: Kind, context: Sequence[Phrase], candidates: Sequence[Phrase]
    ) -> NDArray[np.float32]:
        return 0 * super().scores(kind, context, candidates)


def test_one_draft_is_not_weighed_and_many_are_written_in_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    writer, material = Writer(random_network()), Material(TUNE)
    rounds: list[int] = []
    write = Writer.write_drafts

    def counted(writer: Writer, wish: Wish, seeds: Sequence[int]) -> Generator[None, None, list[Phrase]]:
        rounds.append(len(seeds))
        return write(writer, wish, seeds)

    monkeypatch.setattr(Writer, "write_drafts", counted)
    monkeypatch.setattr(alternatives, "TOGETHER", 2)
    monkeypatch.setattr(alternatives, "shipped_ranker", Choosing)
    third = run_to_end(following(writer, Kind.MELODY, material, 9, 1))
    assert not rounds
    found = run_to_end(following(writer, Kind.MELODY, material, 7, 5))
    assert rounds == [2, 2, 1]
    assert [position(note) for note in found.notes] == [position(note) for note in third.notes]


def test_of_several_drafts_the_one_that_goes_on_best_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    writer, material = Writer(random_network()), Material(TUNE)
    monkeypatch.setattr(alternatives, "shipped_ranker", lambda: None)
    third = run_to_end(following(writer, Kind.MELODY, material, 9))
    monkeypatch.setattr(alternatives, "shipped_ranker", Choosing)
    found = run_to_end(following(writer, Kind.MELODY, material, 7))
    assert [position(note) for note in found.notes] == [position(note) for note in third.notes]


def test_of_one_voice_how_a_draft_ends_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    writer, material = Writer(random_network()), Material(TUNE)
    monkeypatch.setattr(alternatives, "shipped_ranker", lambda: None)
    drafts = [run_to_end(following(writer, Kind.MELODY, material, seed)) for seed in range(7, 11)]
    lasts = [draft.notes[-1].length for draft in drafts]
    assert len(set(lasts)) > 1
    monkeypatch.setattr(alternatives, "shipped_ranker", Indifferent)
    monkeypatch.setattr(alternatives, "closes", lambda draft: draft.notes[-1].length)
    found = run_to_end(following(writer, Kind.MELODY, material, 7))
    assert found.notes[-1].length == max(lasts)


def test_a_draft_that_is_much_like_the_phrase_is_taken_where_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer, material = Writer(random_network()), Material(TUNE)
    other = TUNE.moved(1)

    def drafts(*_: object) -> Generator[None, None, list[Phrase]]:
        yield
        return [TUNE, other, TUNE, TUNE]

    monkeypatch.setattr(writer, "write_drafts", drafts)
    monkeypatch.setattr(alternatives, "shipped_ranker", Indifferent)
    assert run_to_end(following(writer, Kind.MELODY, material, 7)) == other
    monkeypatch.setattr(alternatives, "shipped_ranker", Choosing)
    assert note_f1(run_to_end(following(writer, Kind.MELODY, material, 7)), TUNE) == 1.0
