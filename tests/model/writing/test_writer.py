import itertools
from collections import Counter

import numpy as np
import pytest

from model.latent.note_transformer import run_to_end
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from model.writing import tokens as t
from model.writing.manuscript import Manuscript, shift_of
from model.writing.transformer import AttentionMemory, Transformer
from model.writing.wish import GRID, Kind, Wish, writable
from model.writing.writer import PORTION, Writer, shipped_writer
from tests.fakes.writers import random_network, random_writer

TUNE = Phrase.of(GRID, [Note(2 * step, 60 + (step * 5) % 12, 80, 2) for step in range(16)])
BEAT = Phrase.of(
    GRID, [Note(step, 36 if step % 8 == 0 else 42, 90, 1, 0.0, DRUMS) for step in range(0, 32, 2)]
)


def distinct_lines(phrase: Phrase, *tracks: int) -> bool:
    """Tell whether no two notes of a track sound at once."""
    for track in tracks:
        notes = phrase.part(track).notes
        if any(one.onset + one.length > other.onset for one, other in itertools.pairwise(notes)):
            return False
    return True


@pytest.mark.parametrize("kind", Kind)
def test_phrases_are_valid_never_empty_and_of_their_kind(kind: Kind) -> None:
    for seed, phrase in enumerate(random_writer(1).write_many([Wish(kind)] * 20, seed=5)):
        assert phrase.notes, seed
        assert {note.track for note in phrase.notes} <= kind.tracks
        assert distinct_lines(phrase, *kind.lines)
        for track in kind.tracks - {DRUMS}:
            by_pitch = Counter((note.pitch, step) for note in phrase.part(track).notes
                               for step in range(note.onset, note.onset + note.length))  # fmt: skip
            assert not by_pitch or max(by_pitch.values()) == 1


def test_the_same_seed_writes_the_same_and_another_something_else() -> None:
    writer, wish = random_writer(), Wish(Kind.KEYBOARD, context=(TUNE,))
    assert writer.write_now(wish, seed=4) == writer.write_now(wish, seed=4)
    assert len({writer.write_now(wish, seed=seed) for seed in range(8)}) > 6
    assert writer.write_now(wish, seed=1, temperature=0) == writer.write_now(wish, seed=2, temperature=0)


def test_side_by_side_is_as_one_by_one() -> None:
    writer = random_writer()
    wishes = [Wish(Kind.MELODY, context=(TUNE,) * count) for count in range(4)]
    one_by_one = [writer.write_now(wish, seed=7 + number) for number, wish in enumerate(wishes)]
    assert writer.write_many(wishes, seed=7) == one_by_one


def test_drafts_are_as_one_by_one_and_what_is_known_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    writer, seeds = random_writer(), [7, 8, 9, 40]
    wish = Wish(Kind.BAND, fixed=BEAT, context=(TUNE,) * 3, tracks=frozenset((CHORDS, BASS)), count={BASS: 4})
    one_by_one = [writer.write_now(wish, seed=seed) for seed in seeds]
    rows = []
    prefix = Transformer.prefix

    def counted(network: Transformer, x: t.Floats, times: t.Ints, memory: AttentionMemory) -> t.Floats:
        rows.append(x.shape[:2])
        return prefix(network, x, times, memory)

    monkeypatch.setattr(Transformer, "prefix", counted)
    assert run_to_end(writer.write_drafts(wish, seeds)) == one_by_one
    known = len(Manuscript(writer._network, wish, 0).x)
    assert {of for of, _ in rows} == {1}
    assert sum(tokens for _, tokens in rows) == known > PORTION
    assert max(tokens for _, tokens in rows) == PORTION


def test_fixed_notes_stay_and_new_ones_begin_within_the_span() -> None:
    writer = random_writer(2)
    fixed = Phrase.of(GRID, TUNE.notes[:8])
    for seed in range(10):
        found = writer.write_now(Wish(Kind.MELODY, fixed=fixed, context=(TUNE,), span=(16, 32)), seed=seed)
        assert set(fixed.notes) <= set(found.notes)
        assert all(note.onset >= 16 for note in set(found.notes) - set(fixed.notes))
        assert distinct_lines(found, MELODY)


def test_a_fixed_note_is_neither_cut_nor_struck_again() -> None:
    pedal = Phrase.of(GRID, [Note(0, 60, 80, 32), Note(0, 48, 80, 32)])
    for seed in range(10):
        found = random_writer(seed).write_now(Wish(Kind.KEYBOARD, fixed=pedal), seed=seed)
        assert set(pedal.notes) <= set(found.notes)


def test_only_wanted_tracks_get_notes() -> None:
    band = Phrase.of(GRID, [*TUNE.notes, *BEAT.notes])
    for seed in range(6):
        wish = Wish(Kind.BAND, fixed=band, tracks=frozenset((CHORDS, BASS)), count={CHORDS: 6, BASS: 3})
        found = random_writer(seed).write_now(wish, seed=seed)
        new = Counter(note.track for note in set(found.notes) - set(band.notes))
        assert set(new) <= {CHORDS, BASS}
        assert new[CHORDS] <= 6
        assert new[BASS] <= 3


def test_counts_are_met_where_there_is_room() -> None:
    found = [
        len(random_writer(seed).write_now(Wish(Kind.KEYBOARD, count={MELODY: 5}), seed=seed))
        for seed in range(10)
    ]
    assert max(found) == 5
    nothing = random_writer().write_now(Wish(Kind.MELODY, fixed=TUNE, count={MELODY: 0}), seed=0)
    assert nothing == TUNE


def test_drums_keep_to_the_kit_and_to_the_wanted_scale_nothing_of_them() -> None:
    wish = Wish(Kind.DRUMS, scale=frozenset((0, 2, 4)))
    for phrase in random_writer().write_many([wish] * 10, seed=1):
        assert {note.pitch for note in phrase.notes} <= {36, 38, 42, 46, 43, 47, 50, 49, 51}


def test_new_notes_keep_to_the_wanted_scale() -> None:
    scale = frozenset((3, 5, 7, 8, 10, 0, 2))
    phrases = random_writer().write_many([Wish(Kind.KEYBOARD, scale=scale, context=(TUNE,))] * 20, seed=1)
    notes = [note for phrase in phrases for note in phrase.notes]
    assert sum(note.pitch % 12 in scale for note in notes) >= 0.98 * len(notes)


def test_draws_out_of_nothing_are_in_the_keys_of_music_at_its_height() -> None:
    network = random_network()
    network.held["keys"] = np.zeros((len(Kind), 12), dtype=np.float32)
    network.held["keys"][Kind.MELODY, [2, 9]] = 0.5

    def drawn(pitch: int, wish: Wish = Wish(Kind.MELODY)) -> Counter[int]:  # noqa: B008 - it is immutable
        found: Counter[int] = Counter()
        for seed in range(60):
            page = Manuscript(network, wish, seed)
            page.take([0, MELODY, pitch, 3, 20, 10])
            found.update(note.pitch - pitch for note in page.phrase().notes)
        return found

    either = drawn(70)
    assert set(either) == {2, -3}, "D and A"
    assert 20 <= either[2] <= 40
    assert drawn(60)[2] > drawn(60)[-3], "what lies low, in the higher one"
    assert drawn(84)[2] < drawn(84)[-3]
    known = Wish(Kind.MELODY, context=(TUNE,))
    assert set(drawn(70, known)) == {-shift_of(known)}


def test_a_writing_gives_others_their_turn_after_each_note() -> None:
    phrase = random_writer().write_now(Wish(Kind.KEYBOARD), seed=3)
    turns = sum(1 for _ in random_writer().write(Wish(Kind.KEYBOARD), seed=3))
    assert turns >= len(phrase)


def test_a_score_is_what_the_choices_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = Phrase.of(GRID, TUNE.notes[:2])
    new = [(8, 0, 65, 3, 20, 10), (12, 0, 67, 1, 21, 10), (30, 0, 60, 1, 22, 12)]
    script = [*(value for note in new for value in note), t.END]
    costs: list[float] = []

    def scripted(odds: t.Floats, *_: object) -> t.Ints:
        if len(costs) == len(script):  # what the other columns of the end would be
            return np.zeros(1, dtype=np.int64)
        value, shares = script[len(costs)], np.exp(odds[0] - odds[0].max())
        counted = len(costs) % len(t.SIZES) <= t.LENGTH
        costs.append(-float(np.log(shares[value] / shares.sum())) if counted else 0.0)
        return np.array([value])

    monkeypatch.setattr("model.writing.writer.drawn", scripted)
    monkeypatch.setattr(Manuscript, "onsets", lambda _: np.ones(t.END + 1, dtype=bool))
    writer, wish = random_writer(), Wish(Kind.MELODY, context=(TUNE,), fixed=fixed)
    (score,) = writer.score([writer.write_now(wish, seed=2)], wish)
    assert score * 4 == pytest.approx(sum(costs), rel=1e-4)


def test_what_follows_is_measured_against_how_common_it_is() -> None:
    writer = random_writer()
    wish = Wish(Kind.MELODY, context=(TUNE, TUNE))
    follows = writer.follows([TUNE, Phrase.of(GRID, TUNE.notes[::2])], wish)
    assert len(follows) == 2
    assert writer.follows([TUNE], Wish(Kind.MELODY)) == [pytest.approx(0.0, abs=1e-5)]


def test_an_empty_phrase_has_a_score() -> None:
    assert np.isfinite(random_writer().score([Phrase(GRID)], Wish(Kind.MELODY))).all()


def test_wishes_that_cannot_be_are_refused() -> None:
    assert writable(GRID)
    assert not writable(Grid(2, 3, 4))
    with pytest.raises(ValueError, match="two bars of 4/4"):
        Wish(Kind.MELODY, fixed=Phrase(Grid(2, 3, 4)))
    with pytest.raises(ValueError, match=r"within 0\.\.32, not 8\.\.8"):
        Wish(Kind.MELODY, span=(8, 8))
    with pytest.raises(ValueError, match="melody has tracks"):
        Wish(Kind.MELODY, tracks=frozenset((BASS,)))
    with pytest.raises(ValueError, match="0 new notes or more"):
        Wish(Kind.MELODY, count={0: -1})
    with pytest.raises(ValueError, match="one pitch class"):
        Wish(Kind.MELODY, scale=frozenset())


def test_the_shipped_writer_is_there_or_none() -> None:
    assert shipped_writer() is None or isinstance(shipped_writer(), Writer)
