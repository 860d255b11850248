"""How fast the trainer reads and learns: `prepare` beside symusic alone, `fit` and how much of it waits.

On music made here (`benchmarks.made_music`), so that anyone can measure the same.
"""

import json
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
MINUTES = 1.0
PLAIN = ("prior.minutes=0", "fit.interval=10", "fit.precision=float32", "fit.threads=1", "fit.edits=2000")
"""Settings of a run that learns from its beginning on: trying precisions and threads takes half of it."""
FED, DRAWS = 2_048, 12  # phrases of a batch, batches
EXPLAINED = (
    "Files of 140 notes, made by chance. *Parsing alone* is symusic's `Score.from_midi` on the same files.",
    "*A core* is a second of processor time; *waiting* is the share of the time that a step waits.",
    "`fit` learns on one thread in float32; the feed is that of its configuration, on one thread.",
)


def measure(scale: Scale) -> list[Row]:
    """Measure reading, then learning from what was read."""
    songs, count = scale.fresh("songs"), scale.count(FILES, least=300)
    made_music.write(songs, 0, count)
    return [*_reading(songs, count), *_learning(scale, songs, count), *_feeding(scale)]


def _reading(songs: Path, count: int) -> list[Row]:
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
    return [
        Row(
            "files to phrases, a core",
            ">= 500 a second",
            f"{ours:,.0f} a second",
            f"parsing alone: {alone:,.0f} a second, {alone / ours:.1f} times as many",
            ours >= 500,
        )
    ]


def _learning(scale: Scale, songs: Path, count: int) -> list[Row]:
    out, run = scale.folder / "prepared-songs", scale.fresh("run") / "lead"
    begun = time.perf_counter()
    _trainer("prepare", str(songs), "--out", str(out))
    seconds = time.perf_counter() - begun
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    rows = [
        Row(
            f"prepare from its start to its end, {cores} cores",
            ">= 1,000 a second",
            f"{count / seconds:,.0f} a second",
            f"{count:,} files in {seconds:.1f} s",
            count / seconds >= 1000,
        )
    ]
    for config in ("lead", "keys"):
        minutes = max(0.15, MINUTES * scale.factor)
        _trainer(
            *("fit", "--config", config, "--data", str(out), "--out", str(run.with_name(config))),
            *("--max-minutes", f"{minutes:g}", *(word for each in PLAIN for word in ("--set", each))),
        )
        looks = [json.loads(line) for line in (run.with_name(config) / "log.jsonl").read_text().splitlines()]
        last = [look for look in looks if "speed" in look][-1]
        waits = float(last.get("waiting", 0))
        rows.append(
            Row(
                f"fit {config}",
                "waits <= 5 %",
                f"{last['speed']:,.0f} phrases/s, {waits:.1%} waiting",
                f"{last['step']:,} steps in {last['seconds']:.0f} s",
                waits <= 0.05,
            )
        )
    return rows


def _feeding(scale: Scale) -> list[Row]:
    """Measure how fast batches are made with numpy and with torch, each on one core."""
    import torch  # noqa: PLC0415 - only this part needs it

    from model.codecs.registry import build as codec_of  # noqa: PLC0415 - as above
    from trainer import settings  # noqa: PLC0415 - as above
    from trainer.data.batches import Feed  # noqa: PLC0415 - as above
    from trainer.data.conditions import ConditionMaker  # noqa: PLC0415 - as above
    from trainer.data.dataset import load  # noqa: PLC0415 - as above
    from trainer.data.on_device import DeviceBatches  # noqa: PLC0415 - as above

    rows, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)
    for name in ("lead", "keys", "multitrack"):
        chosen = settings.read(ROOT / "trainer" / "configs" / f"{name}.toml", [f"fit.batch={FED}"])
        model, fit = chosen.model, chosen.fit
        phrases = load(scale.folder / "prepared-songs", model.codec, "train")
        codec = codec_of(model.codec, model.grid.build())
        rates = []
        for batches in (None, DeviceBatches(fit, codec, phrases, None, torch.device("cpu"))):
            feed = Feed(model, fit, codec, phrases, None, ConditionMaker.of(model, ()), batches=batches)
            feed.draw(edits=False)
            begun = time.process_time()
            for _ in range(DRAWS):
                feed.draw(edits=False)
            rates.append(FED * DRAWS / (time.process_time() - begun))
        numpy, torchs = (f"{rate:,.0f} phrases/s" for rate in rates)
        budget = ">= 200,000 phrases/s on a card"
        rows.append(
            Row(f"feed {name}, {FED:,} at once, a core", budget, numpy, f"by torch: {torchs}", met=None)
        )
    torch.set_num_threads(threads)
    return rows


def _trainer(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "trainer", *words], cwd=ROOT, check=True, capture_output=True)
