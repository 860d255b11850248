"""Measures of ensembles on bars whose figures are counted by hand."""

import numpy as np
import pytest

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from trainer.evaluation.music_metrics import FIGURES, centroid, ensemble, scale_of

GRID = Grid(bars=2)


def band() -> Phrase:
    """First bar: tune, triad, bass and drums; second bar: the triad sounds on, drums play."""
    notes = [
        Note(0, 60, 80, 1, track=MELODY),
        Note(1, 62, 80, 1, track=MELODY),
        Note(2, 64, 80, 4, track=MELODY),
        Note(8, 72, 80, 4, track=MELODY),
        *(Note(0, pitch, 80, 24, track=CHORDS) for pitch in (48, 52, 55)),
        Note(0, 36, 80, 8, track=BASS),
        Note(8, 36, 80, 8, track=BASS),
        *(Note(step, 36, 80, 1, track=DRUMS) for step in (0, 4, 8, 12, 16, 24)),
        Note(3, 42, 80, 1, track=DRUMS),
        Note(17, 42, 80, 1, track=DRUMS),
    ]
    return Phrase.of(GRID, notes)


def test_figures_are_those_counted_by_hand() -> None:
    found = ensemble([band()])
    assert found["empty_bars.melody"] == 0.5
    assert found["empty_bars.bass"] == 0.5
    assert found["empty_bars.chords"] == found["empty_bars.drums"] == 0.0
    assert found["notes.melody"] == 2.0
    assert found["notes.chords"] == 1.5
    assert found["rhythm_entropy.melody"] == pytest.approx(2.0)  # four places alike
    assert found["rhythm_entropy.chords"] == 0.0
    assert found["rhythm_entropy.drums"] == pytest.approx(2.5)  # 0 and 8 twice, four once
    assert found["pitch_classes.melody"] == 3.0  # C twice
    assert found["pitch_classes.chords"] == 3.0
    assert found["qualified.melody"] == 0.5
    assert found["qualified.chords"] == 1.0
    assert found["polyphony.chords"] == 1.0
    assert found["polyphony.melody"] == 0.0
    assert found["drum_pattern"] == 6 / 8
    # first bar: melody on 0 1 2 8, bass on 0 8; drums on 0 3 4 8 12
    assert found["together.melody.bass"] == 2 / 4
    assert found["together.melody.drums"] == 2 / 7
    assert found["together.bass.drums"] == 2 / 5
    assert "qualified.drums" not in found
    assert found["drum_kinds"] == 2.0
    assert [name for name in FIGURES if any(key.split(".")[0] == name for key in found)] == list(
        dict.fromkeys(key.split(".")[0] for key in found)
    )


def test_a_tonal_centroid_lies_where_the_circles_put_it() -> None:
    np.testing.assert_allclose(centroid([60]), [0, 1, 0, 1, 0, 0.5], atol=1e-12)
    np.testing.assert_allclose(centroid([48, 72]), centroid([60]))  # pitch classes alone count
    # a fifth is near, a tritone far
    near, far = (float(np.linalg.norm(centroid([60]) - centroid([pitch]))) for pitch in (67, 66))
    assert near < far


def test_tracks_in_one_key_are_nearer_than_in_two() -> None:
    clash = Phrase.of(GRID, [n._replace(pitch=n.pitch + 6) if n.track == BASS else n for n in band().notes])
    one, other = ensemble([band()]), ensemble([clash])
    assert one["tonal_distance.melody.bass"] < other["tonal_distance.melody.bass"]
    assert one["tonal_distance.melody.chords"] == other["tonal_distance.melody.chords"]


def test_nothing_to_count_is_left_out() -> None:
    found = ensemble([Phrase(GRID)])
    assert found["empty_bars.drums"] == 1.0
    assert "drum_pattern" not in found
    assert not any(name.startswith("tonal_distance") for name in found)
    assert ensemble([]) == {}


def test_what_lies_in_the_scale_of_most_of_the_notes_is_counted_by_track() -> None:
    chord = [Note(0, pitch, 80, 8, track=CHORDS) for pitch in (55, 59, 62, 66)]  # G B D F#: G major
    bass = [Note(0, 42, 80, 4, track=BASS), Note(4, 41, 80, 4, track=BASS)]  # F# and F
    drums = [Note(0, 37, 80, 1, track=DRUMS)]
    found = ensemble([Phrase.of(GRID, [*chord, *bass, *drums])])
    assert found["in_scale.chords"] == 1.0
    assert found["in_scale.bass"] == 0.5
    assert "in_scale.drums" not in found
    assert "in_scale.melody" not in found


@pytest.mark.parametrize("root", range(12))
def test_a_major_scale_is_known_in_every_key(root: int) -> None:
    pitches = [36 + root + step for step in (0, 2, 4, 5, 7, 9, 11)]
    assert scale_of([*pitches, root + 1]) == {pitch % 12 for pitch in pitches}


def test_of_drums_alone_nothing_else_is_measured() -> None:
    found = ensemble([band()], [DRUMS])
    assert list(found) == [
        "empty_bars.drums",
        "notes.drums",
        "rhythm_entropy.drums",
        "drum_kinds",
        "drum_pattern",
    ]
    assert all(value == ensemble([band()])[name] for name, value in found.items())


@pytest.mark.parametrize("grid", [Grid(2, 3, 4), Grid(2, 4, 3), Grid(4, 3, 6)])
def test_other_metres_are_measured(grid: Grid) -> None:
    notes = [Note(step, 36, 80, 1, track=DRUMS) for step in range(0, grid.steps, grid.steps_per_beat)]
    assert ensemble([Phrase.of(grid, notes)])["drum_pattern"] == 1.0
