"""Processes that read files: one may crash or hang its process without harm to the others."""

import os
import signal
from pathlib import Path

import pytest

from model.music.grid import Grid
from tests.fakes.midi_files import tune, write
from trainer.corpus import pool
from trainer.corpus.meta import PrepareOptions
from trainer.corpus.pool import Chunk, attempt, outcomes, results
from trainer.corpus.prepare import prepare

GRID = Grid()


OPTIONS = PrepareOptions(GRID)


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mid")
    assert attempt(tmp_path / "pipe.mid", GRID) == "not a regular file"
    assert "not a regular file" in str(attempt(tmp_path / "gone.mid", GRID))
    odd = tmp_path / os.fsdecode(b"\xff\xfe.mid")
    odd.write_bytes(write(tmp_path / "tune.mid", [tune(1)]).read_bytes())
    report = prepare([tmp_path], tmp_path / "out", OPTIONS)
    assert report.read == 2
    assert "pipe.mid" in (tmp_path / "out" / "report.json").read_text(encoding="utf-8")


def crash_or_hang(path: Path, grid: Grid, *, metres: str, metre: str) -> str:
    """Stand in for a parser that dies on one file and never ends on another."""
    if path.name == "crash.mid":
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.name == "hang.mid":
        signal.pause()
    return f"read {path.name}"


def test_a_crash_and_a_hang_cost_no_other_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "attempt", crash_or_hang)
    names = ["a.mid", "crash.mid", "b.mid", "hang.mid", "c.mid"]
    found = {
        str(path): outcome
        for path, outcome in outcomes([Path(name) for name in names], GRID, jobs=1, seconds=0.2)
    }
    assert found == {
        "a.mid": "read a.mid",
        "b.mid": "read b.mid",
        "c.mid": "read c.mid",
        "crash.mid": "crashes the parser",
        "hang.mid": "takes longer than 0.2 seconds",
    }


def die(chunk: Chunk, grid: Grid, *, metres: str, metre: str) -> list[object]:
    """Stand in for a parser that dies in the midst of a chunk."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return []


def test_the_files_of_a_chunk_that_died_are_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "read_chunk", die)
    (tmp_path / "bad.mid").write_bytes(b"")
    chunk = Chunk(1, [tmp_path / "bad.mid", write(tmp_path / "a.mid", [tune(1)])], tmp_path / "1.part")
    ((same, (bad, good)),) = results([chunk], GRID, jobs=1)
    assert same == chunk
    assert (bad.spot, bad.reason) == (None, "not a MIDI file that can be read: it is empty")
    assert (good.spot, good.reason) == (0, None)
    assert chunk.part.is_file()
