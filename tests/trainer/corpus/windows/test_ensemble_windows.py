"""Windows of an ensemble: everyone in the right part, whatever else is played."""

from pathlib import Path

import numpy as np
import pytest

from model.codecs.base import ONSET, PITCH, TRACK, pack_phrase, phrase_of
from model.codecs.registry import build
from model.music.grid import Grid
from model.music.phrase import Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from tests.fakes.midi_files import Track, band, chords, tune, write, write_band
from trainer.corpus.reading.read_midi import read
from trainer.corpus.windows.phrase_windows import Windows

GRID = Grid()


def windows(path: Path, tracks: list[Track], grid: Grid = GRID, **options: str) -> Windows:
    metre = (grid.beats_per_bar, 4) if not options else (3, 4)
    data = write_band(path / "band.mid", tracks, metre=metre).read_bytes()
    return read(data, grid, **options).windows["multitrack"]


def phrases(found: Windows, grid: Grid = GRID) -> list[Phrase]:
    return [phrase_of(grid, rows) for rows in np.split(found.notes, np.cumsum(found.counts)[:-1])]


def test_a_band_is_taken_apart_and_the_codec_keeps_it(tmp_path: Path) -> None:
    found = phrases(windows(tmp_path, band(1)))
    assert len(found) == 5
    codec = build("multitrack", GRID)
    for phrase in found:
        assert min(note.pitch for note in phrase.part(MELODY).notes) >= 60
        assert {note.velocity for note in phrase.part(CHORDS).notes} == {60}
        assert max(note.pitch for note in phrase.part(BASS).notes) < 48
        assert len(phrase.part(DRUMS)) == 28
        assert codec.unpack(pack_phrase(codec, phrase), 0) == phrase


def test_names_and_sounds_go_before_register(tmp_path: Path) -> None:
    lead, piano, bass, drums = band(2)
    higher = Track([(t, k + 24, n, v) for t, k, n, v in lead.notes], 11, "Vibraphone", 3)
    sung = Track(lead.notes, 73, "Lead vocal", 0)
    for phrase in phrases(windows(tmp_path, [higher, sung, piano, bass, drums])):
        assert max(note.pitch for note in phrase.part(MELODY).notes) <= max(k for _, k, _, _ in lead.notes)
    low = Track([(t, k, n, v) for t, k, n, v in bass.notes], 0, "", 2)
    for phrase in phrases(windows(tmp_path, [lead, piano, low, drums])):
        assert max(note.pitch for note in phrase.part(BASS).notes) < 48


def test_where_the_lead_is_silent_another_line_leads(tmp_path: Path) -> None:
    lead, piano, bass, drums = band(3, bars=8)
    first = lead._replace(notes=[note for note in lead.notes if note[0] < 4 * 1920])
    second = Track([(t, 60, n, v) for t, _, n, v in lead.notes if t >= 4 * 1920], 66, "Sax", 3)
    found = phrases(windows(tmp_path, [first, second, piano, bass, drums]))
    assert {note.pitch for note in found[-1].part(MELODY).notes} == {60}
    assert len({note.pitch for note in found[0].part(MELODY).notes}) > 3


def test_without_a_bass_low_chord_notes_are_it(tmp_path: Path) -> None:
    lead, piano, _, _ = band(4)
    deep = piano._replace(notes=[(t, k - 12, n, v) for t, k, n, v in piano.notes])
    for phrase in phrases(windows(tmp_path, [lead, deep])):
        assert all(note.pitch < 48 for note in phrase.part(BASS).notes)
        assert phrase.part(CHORDS).notes
        assert not phrase.part(DRUMS).notes


def test_two_hands_and_single_lines_are_no_ensemble(tmp_path: Path) -> None:
    left = [(tick, pitch - 24, length) for tick, pitch, length in tune(2)]
    hands = read(write(tmp_path / "hands.mid", [tune(1), left]).read_bytes(), GRID).windows
    assert len(hands["poly"].counts)
    assert not len(hands["multitrack"].counts)
    sheet = read(write(tmp_path / "sheet.mid", chords(1)).read_bytes(), GRID).windows
    assert len(sheet["multitrack"].counts) == 5
    line = read(write(tmp_path / "line.mid", [tune(1)]).read_bytes(), GRID).windows
    assert not len(line["multitrack"].counts)


def test_effects_and_timpani_are_left_out(tmp_path: Path) -> None:
    lead, piano, bass, drums = band(5)
    noise = Track([(t, 90, n, v) for t, _, n, v in lead.notes], 122, "Seashore", 4)
    drum = Track([(t, 40, n, v) for t, _, n, v in lead.notes], 47, "Timpani", 5)
    plain = windows(tmp_path, [lead, piano, bass, drums])
    assert np.array_equal(windows(tmp_path, [lead, noise, piano, drum, bass, drums]).notes, plain.notes)


def test_songs_without_drums_give_few_windows(tmp_path: Path) -> None:
    full = windows(tmp_path, band(6, bars=60))
    assert len(full.counts) == 59
    assert len(windows(tmp_path, band(6, bars=60)[:3]).counts) == 16


def test_a_transposed_song_has_the_same_shapes(tmp_path: Path) -> None:
    tracks = band(7)
    higher = [
        t._replace(notes=[(a, k + 3 * (t.channel != 9), n, v) for a, k, n, v in t.notes]) for t in tracks
    ]
    one, other = windows(tmp_path, tracks), windows(tmp_path, higher)
    assert np.array_equal(one.shape, other.shape)
    assert not np.array_equal(one.exact, other.exact)


def test_bars_laid_over_another_metre_have_no_drums(tmp_path: Path) -> None:
    found = windows(tmp_path, band(8, bars=12, beats=3), metres="all")
    assert len(found.counts) > 3
    assert found.aside.all()
    assert DRUMS not in found.notes[:, TRACK]


@pytest.mark.parametrize("grid", [Grid(1), Grid(4), Grid(16), Grid(2, 3, 4), Grid(2, 4, 6), Grid(2, 4, 3)])
def test_other_grids(tmp_path: Path, grid: Grid) -> None:
    tracks = band(9, bars=24, beats=grid.beats_per_bar)
    if grid.steps_per_beat == 3:  # eighths would lie off a grid of triplets
        tracks = [t._replace(notes=[note for note in t.notes if note[0] % 480 == 0]) for t in tracks]
    found = windows(tmp_path, tracks, grid)
    assert len(found.counts) >= 3
    assert found.notes[:, ONSET].max() < grid.steps
    assert set(found.notes[:, TRACK].tolist()) == {MELODY, CHORDS, BASS, DRUMS}
    assert found.notes[:, PITCH].min() >= 36
    for phrase, count in zip(phrases(found, grid), found.counts.tolist(), strict=True):
        assert len(phrase) == count
