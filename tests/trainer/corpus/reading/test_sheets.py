"""Many songs in one table: each is what it is by itself."""

from pathlib import Path

import numpy as np

from model.music.grid import Grid
from tests.fakes.midi_files import band, beat, chords, tune, write, write_band
from trainer.corpus.pool import attempt, attempt_all
from trainer.corpus.reading.read_midi import Reading, opened
from trainer.corpus.reading.sheets import Sheet, Sheets, SongTracks
from trainer.corpus.reading.tracks import Wide
from trainer.corpus.windows.bar_runs import bar_runs
from trainer.corpus.windows.phrase_windows import Windows

GRID = Grid()


def swung(seed: int) -> list[tuple[int, int, int]]:
    """Eighths at two thirds of the beat, some with a sixteenth behind them."""
    return [
        (480 * n + late, 60 + (n * seed) % 7, 100) for n in range(36) for late in (0, 320, 360)[: 2 + n % 2]
    ]


def songs(folder: Path) -> list[Path]:
    return [
        write(folder / "a.mid", [tune(1)]),
        write(folder / "waltz.mid", [tune(2)], metre=(3, 4)),
        write(folder / "hands.mid", chords(3)),
        write(folder / "swung.mid", [swung(3)]),
        write_band(folder / "beat.mid", [beat()]),
        write_band(folder / "band.mid", band(3)),
        write(folder / "straight.mid", [tune(7), tune(8)]),
        write(folder / "swung drums.mid", [swung(5)], channel=9),
    ]


def test_files_read_together_give_what_each_gives_by_itself(tmp_path: Path) -> None:
    files = [*songs(tmp_path), tmp_path / "gone.mid"]
    for grid, metres in (
        (GRID, "own"),
        (Grid(1, 4, 4), "all"),
        (Grid(2, 3, 4), "own"),
        (Grid(2, 4, 3), "own"),
    ):
        together = attempt_all(files, grid, metres=metres)
        alone = [attempt(file, grid, metres=metres) for file in files]
        assert any(isinstance(one, Reading) for one in together)
        for one, other in zip(together, alone, strict=True):
            if isinstance(one, str) or isinstance(other, str):
                assert one == other
                continue
            assert (one.note, one.varied) == (other.note, other.varied)
            assert np.array_equal(one.fingerprint, other.fingerprint)
            assert all(same(one.windows[name], other.windows[name]) for name in one.windows)


def same(one: Windows, other: Windows) -> bool:
    names = ("notes", "counts", "exact", "shape", "aside", "bars", "lines")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def rows(sheet: Sheet) -> Wide:
    return np.concatenate(
        [sheet.line(span, line) for span in range(len(sheet.spans)) for line in sheet.lines]
    )


def test_a_song_among_others_has_its_own_lines_and_chords(tmp_path: Path) -> None:
    read = [opened(path.read_bytes(), GRID) for path in songs(tmp_path) if path.stem != "waltz"]
    files = [SongTracks(file.tracks, file.metres.tpq, bar_runs(file.metres, GRID)) for file in read]
    sheets = Sheets(files, GRID)
    assert len(sheets) == len(files)
    for number, song in enumerate(files):
        one, alone = Sheet(sheets, number), Sheet(Sheets([song], GRID), 0)
        assert len(one) == len(alone) > 0
        assert one.lines == alone.lines
        assert np.array_equal(rows(one), rows(alone))
        assert [a.tolist() for a in one.chords(one.lines)] == [b.tolist() for b in alone.chords(alone.lines)]
