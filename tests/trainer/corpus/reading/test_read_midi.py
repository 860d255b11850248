"""From the bytes of one MIDI file to its windows."""

import random
from pathlib import Path

import numpy as np
import pytest

from model.codecs.base import phrase_of
from model.music.grid import Grid
from tests.fakes.midi_files import Track, beat, chords, tune, write, write_band
from tests.fakes.odd_smf import CASES, END, C, chunk, header
from trainer.corpus.reading.read_midi import CODECS, UnreadableError, parse, read

GRID = Grid()


@pytest.mark.parametrize(
    ("metre", "grid", "windows"),
    [
        ((4, 4), GRID, 5),
        ((2, 2), GRID, 5),
        ((2, 4), GRID, 5),
        (None, GRID, 5),
        ((3, 4), GRID, 0),
        ((3, 4), Grid(2, 3, 4), 7),
        ((6, 8), Grid(2, 3, 4), 7),
        ((4, 4), Grid(1, 4, 4), 6),
    ],
)
def test_metres(tmp_path: Path, metre: tuple[int, int] | None, grid: Grid, windows: int) -> None:
    path = write(tmp_path / "tune.mid", [tune(1)], metre=metre)
    if not windows:
        with pytest.raises(UnreadableError, match="no 2 bars of 4/4"):
            read(path.read_bytes(), grid)
        return
    assert len(read(path.read_bytes(), grid).windows["melody"].counts) == windows


def test_a_line_is_melody_and_hands_together_are_poly(tmp_path: Path) -> None:
    single = read(write(tmp_path / "1.mid", [tune(1)]).read_bytes(), GRID).windows
    assert len(single["melody"].counts) == 5
    assert not single["melody"].aside.any()
    assert len(single["poly"].counts) == 4
    assert single["poly"].aside.all()
    both = read(write(tmp_path / "2.mid", chords(1)).read_bytes(), GRID).windows
    assert both["poly"].notes[:, 1].min() < 48 <= both["melody"].notes[:, 1].min()
    first = phrase_of(GRID, both["melody"].notes[: both["melody"].counts[0]])
    assert [(n.onset * 120, n.pitch, n.length * 120) for n in first.notes][:4] == tune(1)[:4]


def test_drums_are_no_pitches_and_triplets_are_not_bent(tmp_path: Path) -> None:
    drums = read(write(tmp_path / "drums.mid", [tune(1)], channel=9).read_bytes(), GRID).windows
    assert [codec for codec in CODECS if len(drums[codec].counts)] == ["drums"]
    triplets = [(160 * n, 60 + n % 5, 160) for n in range(72)]
    path = write(tmp_path / "triplets.mid", [triplets])
    with pytest.raises(UnreadableError, match="another grid than 4 steps to the beat: triplets"):
        read(path.read_bytes(), GRID)
    assert len(read(path.read_bytes(), Grid(2, 4, 3)).windows["melody"].counts) > 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is empty"),
        (b"MThd\0\0\0\6\0\0\0\0\0\0", "0 ticks per beat"),
        (b"MThd\0\0\0\6\0\0\0\0\xe7\x28", "SMPTE"),
        (b"MThd\0\0\0\6\0\0\0\0\1\xe0", "no notes"),
        (header() + chunk(9 * b"\xff\xff\xff\x7f\xb0\1\1" + C + END), "longer than"),
        (b"RIFF\0\0\0\0RMIDdata\0\0\0\0MThd\0\0\0\6\0\0\0\0\1\xe0", "no notes"),
        (header() + chunk(END), "no notes"),
        (b"MThd" + bytes(8_000_001), "larger than 8 MB"),
    ],
)
def test_hostile_bytes_give_a_reason(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableError, match=says):
        read(data, GRID)


@pytest.mark.parametrize(("data", "found"), [pytest.param(*case[:2], id=case[2]) for case in CASES])
def test_odd_files_hold_the_notes_that_every_other_command_reads(
    data: bytes, found: list[tuple[int, int, int]]
) -> None:
    score = parse(data)
    notes = [(note.start, note.end, note.pitch) for track in score.tracks for note in track.notes]
    assert sorted(notes) == found


def test_drums_are_known_by_their_name_and_their_bank(tmp_path: Path) -> None:
    for number, track in enumerate((Track(beat().notes, name="EZdrummer", channel=10), beat())):
        data = write_band(tmp_path / f"{number}.mid", [track]).read_bytes()
        if number:
            data = data.replace(b"\xc9\0", b"\xb3\0\x7f\0\xc3\0", 1)
            data = data.replace(b"\x99", b"\x93").replace(b"\x89", b"\x83")
            size = len(data) - 22
            data = data[:18] + size.to_bytes(4) + data[22:]
        windows = read(data, GRID).windows
        assert [codec for codec in CODECS if len(windows[codec].counts)] == ["drums"]


def played(seed: int, tmp_path: Path, *, jitter_ms: float = 0.0, swing: float = 0.5) -> bytes:
    """Return a long tune as hands play it at 120 bpm: late and early at random, offbeats late."""
    chance = random.Random(seed)

    def place(tick: int) -> int:
        beat, within = divmod(tick, 480)
        behind = swing * 480 if within == 240 else within
        return max(0, round(beat * 480 + behind + chance.gauss(0, jitter_ms * 480 / 500)))

    notes = sorted((place(tick), pitch, length) for tick, pitch, length in tune(seed, bars=40))
    return write(tmp_path / f"{seed}.mid", [notes]).read_bytes()


@pytest.mark.parametrize(
    ("jitter_ms", "swing"),
    [(30, 0.5), (0, 0.62), (0, 0.667), (15, 0.667)],
    ids=["30 ms", "62 %", "67 %", "both"],
)
def test_what_hands_play_stays_and_keeps_its_places(tmp_path: Path, jitter_ms: float, swing: float) -> None:
    straight = stays = 0
    for seed in range(6):
        straight += len(read(played(seed, tmp_path), GRID).windows["melody"].counts)
        windows = read(played(seed, tmp_path, jitter_ms=jitter_ms, swing=swing), GRID).windows["melody"]
        stays += len(windows.counts)
        offsets = windows.notes[:, 4]
        if not jitter_ms:
            late = round(100 * (4 * swing - 2))  # of a step behind the second eighth, or before the next step
            assert set(np.unique(offsets)) <= {0, late, late - 100}
        else:
            assert np.abs(offsets).max() > 20
    assert stays >= 0.95 * straight


@pytest.mark.parametrize("late_sixteenths", [False, True], ids=["eighths alone", "all of the beat"])
def test_swung_runs_of_sixteenths_stay_single_lines(tmp_path: Path, late_sixteenths: bool) -> None:
    def place(step: int) -> int:
        beat, within = divmod(step, 4)
        swung = (0, 160, 320, 400) if late_sixteenths else (0, 120, 320, 360)
        return 480 * beat + swung[within]

    chance = random.Random(4)
    line = [(step, 60 + chance.randrange(12)) for step in range(320) if step % 16 < 13]
    windows = {}
    for name, at in (("straight", lambda step: 120 * step), ("swung", place)):
        notes = [(at(step), pitch, at(step + 1) - at(step)) for step, pitch in line]
        windows[name] = read(write(tmp_path / f"{name}.mid", [notes]).read_bytes(), GRID).windows["melody"]
    assert np.array_equal(windows["swung"].notes[:, :2], windows["straight"].notes[:, :2])
    assert set(np.unique(windows["straight"].notes[:, 4])) == {0}
    assert {0, 50} <= set(
        np.unique(windows["swung"].notes[:, 4])
    )  # half a step is all that a note can be late


def test_a_chord_that_is_rolled_in_straight_music_stays_on_one_step(tmp_path: Path) -> None:
    chords = [(480 * beat + late, pitch, 200) for beat in range(40) for late, pitch in ((0, 60), (40, 64))]
    notes = [*chords, *((480 * beat + 240, 67 + beat % 5, 100) for beat in range(40))]
    notes += [(480 * beat + tick, 72, 60) for beat in range(0, 40, 4) for tick in (320, 360)]
    read_in = read(write(tmp_path / "rolled.mid", [sorted(notes)]).read_bytes(), GRID).windows["poly"]
    assert set((read_in.notes[:, 0] % 4).tolist()) == {0, 2, 3}


def test_what_keeps_to_no_beat_is_left_out_and_says_so(tmp_path: Path) -> None:
    chance = random.Random(1)
    notes = sorted((chance.randrange(480 * 160), 60 + n % 12, 100) for n in range(400))
    with pytest.raises(UnreadableError, match="keep to no beat of the file"):
        read(write(tmp_path / "free.mid", [notes]).read_bytes(), GRID)
