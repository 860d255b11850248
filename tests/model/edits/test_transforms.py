from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.edits.common import is_monophonic, scale_of, snap
from model.edits.transforms import edit
from model.music.attributes import NAMES, measure
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, DRUMS
from tests.fakes.any_notes import any_notes

GRID = Grid()
SCALE = (48, 50, 52, 53, 55, 57, 59, 60, 62, 64, 65, 67, 69, 71, 72)
TURNS = (-1.0, -0.8, -0.5, -0.2, 0.0, 0.3, 0.5, 0.9, 1.0)


@st.composite
def lines(draw: st.DrawFn) -> Phrase:
    onsets = sorted(draw(st.sets(st.integers(0, 31), min_size=1, max_size=24)))
    notes = []
    for onset, end in zip(onsets, [*onsets[1:], 32], strict=True):
        length = draw(st.integers(1, end - onset))
        notes.append(Note(onset, draw(st.integers(0, 127)), draw(st.integers(1, 127)), length))
    return Phrase.of(GRID, notes)


@st.composite
def chords(draw: st.DrawFn) -> Phrase:
    note = any_notes(st.sampled_from(SCALE), longest=16)
    return Phrase.of(GRID, draw(st.lists(note, min_size=1, max_size=40)))


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(phrase=st.one_of(lines(), chords()))
def test_more_is_never_less(name: str, phrase: Phrase) -> None:
    values = [measure(edit(phrase, name, turn, generator()))[name] for turn in TURNS]
    assert all(b >= a - 1e-9 for a, b in pairwise(values))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(phrase=st.one_of(lines(), chords()), turn=st.sampled_from(TURNS))
def test_staccato_notes_become_no_impossible_ones(name: str, phrase: Phrase, turn: float) -> None:
    short = Phrase.of(GRID, [note._replace(release=-0.9 * note.length) for note in phrase.notes])
    edited = edit(short, name, turn, generator())
    assert all(note.length + note.release >= 0 for note in edited.notes)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(phrase=lines(), turn=st.sampled_from(TURNS))
def test_single_notes_stay_single_notes(name: str, phrase: Phrase, turn: float) -> None:
    edited = edit(phrase, name, turn, generator())
    assert is_monophonic(edited) or (name == "polyphony" and turn > 0)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(phrase=st.one_of(lines(), chords()), turn=st.sampled_from(TURNS))
def test_an_edit_is_a_phrase_and_the_same_again(name: str, phrase: Phrase, turn: float) -> None:
    edited = edit(phrase, name, turn, generator())
    assert Phrase.of(GRID, edited.notes) == edited
    assert edited == edit(phrase, name, turn, generator())
    assert edit(phrase, name, 0.0, generator()) is phrase


@settings(max_examples=40, deadline=None)
@given(phrase=st.one_of(lines(), chords()), turn=st.sampled_from(TURNS))
def test_the_edits_that_touch_nothing_else(phrase: Phrase, turn: float) -> None:
    untouched = {
        "complexity": ("density", "register", "range", "dynamics", "polyphony"),
        "register": ("density", "complexity", "range", "dynamics", "polyphony", "articulation"),
        "dynamics": ("density", "register", "range", "polyphony", "articulation"),
        "range": ("density", "complexity", "dynamics", "polyphony"),
        "polyphony": ("density",),
        "articulation": ("density", "complexity", "register", "range", "dynamics", "polyphony"),
    }
    before = measure(phrase)
    for name, others in untouched.items():
        after = measure(edit(phrase, name, turn, generator()))
        assert [after[other] for other in others] == pytest.approx([before[o] for o in others], abs=1e-5)


def test_full_turns_reach_far() -> None:
    tune = Phrase.of(GRID, [Note(4 * n, 60 + p, 80, 4) for n, p in enumerate((0, 2, 4, 5, 7, 5, 4, 2))])
    least = {name: measure(edit(tune, name, -1.0, generator()))[name] for name in NAMES}
    most = {name: measure(edit(tune, name, 1.0, generator()))[name] for name in NAMES}
    before = measure(tune)
    assert (least["density"], most["density"]) == (2 / 8, 30 / 8)
    assert most["complexity"] > 0.7
    assert most["register"] - before["register"] == before["register"] - least["register"] == 24
    assert least["range"] < 0.5 * before["range"]
    assert most["range"] > 2 * before["range"]
    assert least["dynamics"] < 20
    assert most["dynamics"] > 110
    assert most["polyphony"] == 4.0
    assert (least["articulation"], before["articulation"], most["articulation"]) == (0.0, 1.0, 1.0)


def test_a_half_turn_of_density_keeps_the_tune() -> None:
    tune = Phrase.of(GRID, [Note(4 * n, 60 + p, 80, 4) for n, p in enumerate((0, 2, 4, 5, 7, 5, 4, 2))])
    fuller = edit(tune, "density", 0.5, generator())
    assert {(n.onset, n.pitch) for n in tune.notes} <= {(n.onset, n.pitch) for n in fuller.notes}
    assert {n.pitch % 12 for n in fuller.notes} <= {0, 2, 4, 5, 7, 9, 11}
    before, after = measure(tune), measure(fuller)
    assert after["density"] == 19 / 8
    assert abs(after["complexity"] - before["complexity"]) < 0.1
    assert abs(after["register"] - before["register"]) < 1.0


def test_widening_stays_in_the_key() -> None:
    tune = Phrase.of(GRID, [Note(4 * n, 60 + p, 80, 4) for n, p in enumerate((0, 2, 4, 5, 7, 9, 11, 12))])
    wide = edit(tune, "range", 1.0, generator())
    assert {n.pitch % 12 for n in wide.notes} <= scale_of(tune)


def test_an_empty_phrase_stays_empty() -> None:
    empty = Phrase(GRID)
    assert all(edit(empty, name, 1.0, generator()) is empty for name in NAMES)


def test_few_notes_get_their_major_scale() -> None:
    third = Phrase.of(GRID, [Note(0, 62, 80, 1), Note(4, 66, 80, 1)])
    assert scale_of(third) == {7, 9, 11, 0, 2, 4, 6}  # G major, one sharp from C


def test_snapping() -> None:
    scale = frozenset({0, 4, 7})
    assert snap(61.9, scale) == 60
    assert snap(62.1, scale) == 64
    assert snap(60, scale, {60}) == 64
    assert snap(500, scale) == 127
    assert snap(60, frozenset()) is None


@pytest.mark.parametrize(("name", "turn"), [("loudness", 0.5), ("density", 1.5), ("range", float("nan"))])
def test_wrong_use_is_refused(name: str, turn: float) -> None:
    with pytest.raises(ValueError, match=r"unknown attribute 'loudness'; there is: density|-1\.\.1, not"):
        edit(Phrase(GRID), name, turn, generator())


def ensemble(tune: Phrase) -> Phrase:
    bass = [Note(8 * n, 36, 90, 8, 0.0, BASS) for n in range(4)]
    kit = [Note(4 * n, 36 if n % 2 else 38, 90, 1, 0.0, DRUMS) for n in range(8)]
    return Phrase.of(GRID, [*tune.notes, *bass, *kit])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(phrase=st.one_of(lines(), chords()).map(ensemble))
def test_of_several_tracks_more_is_never_less_and_none_is_lost(name: str, phrase: Phrase) -> None:
    edited = [edit(phrase, name, turn, generator()) for turn in TURNS]
    values = [measure(one)[name] for one in edited]
    if name != "range":  # each track's intervals are scaled by themselves, the measure is of all together
        assert all(b >= a - 1e-9 for a, b in pairwise(values))
    for one in edited:
        assert {note.track for note in one.notes} == {note.track for note in phrase.notes}
        if name not in ("density", "complexity", "dynamics"):
            assert drums_of(one) == drums_of(phrase)


def drums_of(phrase: Phrase) -> list[Note]:
    return [note for note in phrase.notes if note.track == DRUMS]


def test_shortening_and_holding_move_no_onset_and_no_pitch() -> None:
    tune = Phrase.of(GRID, [Note(4 * n, 60 + n, 80, 2) for n in range(8)])
    short, held = (edit(tune, "articulation", amount, generator()) for amount in (-1.0, 1.0))
    assert [note[:3] for note in short.notes] == [note[:3] for note in tune.notes]
    assert {note.length for note in short.notes} == {1}
    assert {note.length for note in held.notes} == {4}
