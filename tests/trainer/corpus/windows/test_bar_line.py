"""Bars found from the notes, where a file begins anywhere or its time signature lies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.codecs.base import OFFSET, ONSET
from model.music.grid import Grid
from model.music.metre_profile import FIRST, LONGEST, Cues, kind_of, profile_of
from tests.fakes.midi_files import Track, band, write_band
from trainer.corpus.reading.read_midi import Reading, read
from trainer.corpus.windows.bar_line import lies, scored
from trainer.corpus.windows.metre_cues import Onsets, cues_of

GRID = Grid()


def later(tracks: list[Track], ticks: int) -> list[Track]:
    return [t._replace(notes=[(tick + ticks, k, n, v) for tick, k, n, v in t.notes]) for t in tracks]


def song(seed: int) -> list[Track]:
    """Return a band without its drums, whose chords change on the bar lines."""
    return band(seed, bars=16)[:3]


def reading(path: Path, tracks: list[Track], written: tuple[int, int], **options: str) -> Reading:
    return read(write_band(path / "song.mid", tracks, metre=written).read_bytes(), GRID, **options)


def basses(found: Reading) -> set[bytes]:
    windows = found.windows["multitrack"]
    return {rows.tobytes() for rows in np.split(windows.notes, np.cumsum(windows.counts)[:-1])}


@pytest.mark.parametrize("ticks", [480, 1440, 1440 + 50], ids=["1", "3", "beside the ticks"])
def test_a_song_that_begins_anywhere_gives_the_phrases_that_it_gives_from_its_bar_line(
    tmp_path: Path, ticks: int
) -> None:
    on_time = basses(reading(tmp_path, song(1), (4, 4)))
    found = reading(tmp_path, later(song(1), ticks), (4, 4))
    assert found.note == "bar line found from the notes"
    assert len(basses(found) & on_time) >= 0.9 * len(on_time)


def test_a_song_on_its_bar_line_stays_there(tmp_path: Path) -> None:
    for seed in range(6):
        assert not reading(tmp_path, song(seed), (4, 4)).note


def test_a_time_signature_that_no_music_has_is_replaced_and_said(tmp_path: Path) -> None:
    on_time = basses(reading(tmp_path, song(1), (4, 4)))
    found = reading(tmp_path, later(song(1), 480), (1, 4))
    assert "metre taken as 4/4, its time signature is none that music has" in found.note
    assert len(basses(found) & on_time) >= 0.9 * len(on_time)
    assert [lies(*each) for each in ((1, 4), (4, 4), (6, 8), (2, 4), (0, 4), (99, 4))] == [
        True, False, False, False, True, True,
    ]  # fmt: skip


def test_a_metre_that_is_assumed_goes_before_the_file(tmp_path: Path) -> None:
    found = reading(tmp_path, song(1), (3, 4), metre="4/4")
    assert found.note.startswith("metre taken as 4/4")
    assert basses(found) == basses(reading(tmp_path, song(1), (4, 4)))


def test_all_notes_a_little_beside_the_ticks_lie_on_the_steps(tmp_path: Path) -> None:
    notes = reading(tmp_path, later(song(2), 40), (4, 4)).windows["poly"].notes
    assert set(notes[:, OFFSET].tolist()) == {0}
    assert 0 in notes[:, ONSET]


Chord = tuple[int, list[tuple[int, int]]]
"""Sixteenths since the onset before, and (pitch, velocity) of what starts there."""
CHORDS = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.lists(st.tuples(st.integers(0, 127), st.integers(1, 127)), min_size=1, max_size=6),
    ),
    max_size=12,
)


def onsets_of(files: Sequence[Sequence[Chord]]) -> Onsets:
    chords = [notes for file in files for _, notes in file]
    return Onsets(
        songs=np.repeat(np.arange(len(files)), [len(file) for file in files]),
        steps=np.array(
            [step for file in files for step in np.cumsum([gap for gap, _ in file])], dtype=np.int64
        ),
        begins=np.cumsum([0, *map(len, chords)])[:-1],
        pitches=np.array([pitch for notes in chords for pitch, _ in notes], dtype=np.int64),
        velocities=np.array([velocity for notes in chords for _, velocity in notes], dtype=np.int64),
    )


@given(st.lists(CHORDS, max_size=4))
def test_the_cues_of_files_together_are_those_of_each_onset_in_turn(files: list[list[Chord]]) -> None:
    rows, of = cues_of(onsets_of(files))
    expected = []
    for file in files:
        cues = Cues()
        expected += [sorted(cues.of(notes)) for _, notes in file]
    assert [sorted(rows[of == number].tolist()) for number in range(len(expected))] == expected


@pytest.mark.parametrize("beats", [3, 4])
@given(st.lists(CHORDS, min_size=1, max_size=4))
def test_a_bar_line_is_as_likely_as_its_onsets_are_one_after_another(
    beats: int, files: list[list[Chord]]
) -> None:
    profile = profile_of(beats)
    found = scored(onsets_of(files), beats, len(files))
    for number, file in enumerate(files):
        for line in range(profile.steps):
            cues, step, kind, total = Cues(), 0, FIRST, 0.0
            for place, (gap, notes) in enumerate(file):
                if place == 0:
                    total += profile.first[(gap - line) % profile.steps]
                else:
                    total += profile.rhythm[kind][(step - line) % profile.steps][min(gap, LONGEST) - 1]
                    kind = kind_of(gap)
                step += gap
                total += sum(profile.cues[row][(step - line) % profile.steps] for row in cues.of(notes))
            assert found[number, line] == pytest.approx(total / max(1, len(file)))
