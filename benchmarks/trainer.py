"""How fast the trainer learns: `fit`, how much of it waits, and the feed by itself.

On music made here (`benchmarks.made_music`), so that anyone can measure the same.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import made_music
from benchmarks.figures import Row
from benchmarks.instrument import ROOT
from benchmarks.scale import Scale

FILES = 3_000
MINUTES = 1.0
PLAIN = ("prior.minutes=0", "fit.interval=10", "fit.precision=float32", "fit.threads=1", "fit.edits=2000")
"""Settings of a run that learns from its beginning on: trying precisions and threads takes half of it."""
FED, DRAWS = 2_048, 12  # phrases of a batch, batches
EXPLAINED = (
    "On files made by chance. *A core* is a second of the processor; *waiting* is the share of the time",
    "that a step waits.",
    "`fit` learns on one thread in float32; the feed is that of its configuration, on one thread.",
)


def measure(scale: Scale) -> list[Row]:
    """Measure learning, then what it is fed with."""
    songs = scale.fresh("songs")
    made_music.write(songs, 0, scale.count(FILES, least=300))
    return [*_learning(scale, songs), *_feeding(scale)]


def _learning(scale: Scale, songs: Path) -> list[Row]:
    out, run = scale.folder / "prepared-songs", scale.fresh("run") / "lead"
    _trainer("prepare", str(songs), "--out", str(out))
    rows = []
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
    from trainer.run.device import keep_freed_memory  # noqa: PLC0415 - as above

    rows, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)
    keep_freed_memory()  # as `fit` does
    for name in ("lead", "keys", "multitrack"):
        chosen = settings.read(ROOT / "trainer" / "configs" / f"{name}.toml", [f"fit.batch={FED}"])
        model, fit = chosen.model, chosen.fit
        phrases = load(scale.folder / "prepared-songs", model.codec, "train")
        codec = codec_of(model.codec, model.grid.build(), timed=model.timing)
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
