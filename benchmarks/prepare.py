"""How fast MIDI files become phrases: by a core, beside parsing alone, and by `prepare` from start to end.

On music made here (`benchmarks.made_music`), so that anyone can measure the same, and on a folder of yours.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import made_music
from benchmarks.figures import Row
from benchmarks.instrument import ROOT
from benchmarks.scale import Scale

FILES = 3_000
CHUNK = 64  # as `prepare` hands them to a process
WANTED = 1_000
WAYS: dict[str, tuple[str, ...]] = {
    "": (),
    ", in all metres": ("--metres", "all"),
    ", taken to be in 4/4": ("--assume-metre", "4/4"),
}
EXPLAINED = (
    "Files of 140 notes, made by chance; with `--music DIR` those of a folder too, under all licences.",
    "*Parsing alone* is symusic's `Score.from_midi` on the same files. *A core* is a second of the",
    "processor, of all processes together, their starts included.",
)


def measure(scale: Scale) -> list[Row]:
    """Measure reading by itself, then `prepare`."""
    songs, count = scale.fresh("songs"), scale.count(FILES, least=300)
    made_music.write(songs, 0, count)
    rows = [_reading(songs, count), _prepared("made files", songs, scale.fresh("made"))]
    if scale.music is not None:
        for way, words in WAYS.items():
            out = scale.fresh("yours")
            rows.append(_prepared(f"files of a folder{way}", scale.music, out, "--licences", "all", *words))
    return rows


def _reading(songs: Path, count: int) -> Row:
    from symusic import Score  # noqa: PLC0415 - the trainer extra

    from model.music.grid import Grid  # noqa: PLC0415 - only this part needs numpy
    from trainer.corpus.pool import attempt_all  # noqa: PLC0415 - as above

    files = sorted(songs.rglob("*.mid"))
    grid = Grid()
    attempt_all(files[:CHUNK], grid)
    begun = time.process_time()
    for path in files:
        Score.from_midi(path.read_bytes())
    between = time.process_time()
    for first in range(0, count, CHUNK):
        attempt_all(files[first : first + CHUNK], grid)
    alone, ours = count / (between - begun), count / (time.process_time() - between)
    return Row(
        "made files to phrases, a core",
        ">= 500 a second",
        f"{ours:,.0f} a second",
        f"parsing alone: {alone:,.0f} a second, {alone / ours:.1f} times as many",
        ours >= 500,
    )


def _prepared(what: str, songs: Path, out: Path, *words: str) -> Row:
    """Measure `prepare` from the start of its process to the end."""
    count = sum(path.suffix.lower() in (".mid", ".midi") for path in songs.rglob("*"))
    before, begun = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "trainer", "prepare", str(songs), "--out", str(out), *words],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    seconds, after = time.perf_counter() - begun, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Row(
        f"prepare of {what}, {cores} cores",
        f">= {WANTED:,} a second",
        f"{count / seconds:,.0f} a second",
        f"{count:,} files in {seconds:.1f} s, {count / spent:,.0f} a second of a core",
        count / seconds >= WANTED,
    )
