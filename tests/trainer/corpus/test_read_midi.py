"""From the bytes of one MIDI file to its windows."""

from pathlib import Path

import pytest

from model.codecs.base import phrase_of
from model.music.grid import Grid
from tests.fakes.midi_files import chords, tune, write
from trainer.corpus.read_midi import UnreadableError, read

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
    assert [codec for codec, windows in drums.items() if len(windows.counts)] == ["drums"]
    triplets = [(160 * n, 60 + n % 5, 160) for n in range(72)]
    path = write(tmp_path / "triplets.mid", [triplets])
    with pytest.raises(UnreadableError, match="on the grid"):
        read(path.read_bytes(), GRID)
    assert len(read(path.read_bytes(), Grid(2, 4, 3)).windows["melody"].counts) > 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no MThd"),
        (b"MThd\0\0\0\6\0\0\0\0\0\0", "0 ticks per beat"),
        (b"MThd\0\0\0\6\0\0\0\0\xe7\x28", "SMPTE"),
        (b"MThd\0\0\0\6\0\0\0\0\1\xe0", "no notes"),
        (b"RIFF\0\0\0\0RMIDdata\0\0\0\0MThd\0\0\0\6\0\0\0\0\1\xe0", "no notes"),
        (b"MThd" + bytes(8_000_001), "larger than 8 MB"),
    ],
)
def test_hostile_bytes_give_a_reason(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableError, match=says):
        read(data, GRID)
