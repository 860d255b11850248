"""`prepare` on very many files, made here: memory, a kill in the middle, ten new files beside the rest.

    python -m benchmarks.corpus_scale --files 100000 --folder /tmp/many

Files that are there stay.
"""

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from benchmarks import made_music
from benchmarks.instrument import ROOT

NEW = 10
CHUNK = 1_000


@click.command()
@click.option("--files", type=click.IntRange(100), default=10_000, show_default=True)
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, help="For the music and the corpus."
)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@click.option("--once", type=click.Path(path_type=Path), hidden=True)  # where this program's own child writes
def main(*, files: int, folder: Path, jobs: int, once: Path | None) -> None:
    """Prepare so many files, killed in the middle and begun again, then ten more; print what it took."""
    if once is not None:
        prepare_once(folder, once, jobs)
        return
    songs, out = folder / "songs", folder / f"prepared-{files}"
    for first in range(0, files, CHUNK):
        if not (songs / f"{first // CHUNK:04d}" / f"{min(files, first + CHUNK) - 1:07d}.mid").exists():
            made_music.write(songs, first, min(files, first + CHUNK))
    for number in range(NEW):  # of an earlier run
        (songs / f"new-{number}.mid").unlink(missing_ok=True)
    begun = subprocess.Popen(_words(songs, out, jobs), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    while begun.poll() is None and _parts(out) < files // 2 // 64:
        time.sleep(0.5)
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    time.sleep(1)  # its workers see that it is gone
    rows = {
        "killed after": _parts(out) * 64,
        "resumed": _run(songs, out, jobs),
        "again": _run(songs, out, jobs),
    }
    for number in range(NEW):
        (songs / f"new-{number}.mid").write_bytes(made_music.song(10_000_000 + number))
    rows["ten new"] = _run(songs, out, jobs)
    click.echo(json.dumps(rows, indent=1))


def _parts(out: Path) -> int:
    folder = out / ".index" / "parts"
    return sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0


def _words(songs: Path, out: Path, jobs: int) -> list[str]:
    words = ["--folder", str(songs), "--once", str(out), "--jobs", str(jobs)]
    return [sys.executable, "-m", "benchmarks.corpus_scale", *words]


def _run(songs: Path, out: Path, jobs: int) -> dict[str, float]:
    done = subprocess.run(_words(songs, out, jobs), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def prepare_once(songs: Path, out: Path, jobs: int) -> None:
    """Prepare once and print seconds, files read before and at all, and the largest memory."""
    from model.music.grid import Grid  # noqa: PLC0415 - only this part needs numpy
    from trainer.corpus.meta import PrepareOptions  # noqa: PLC0415 - as above
    from trainer.corpus.prepare import prepare  # noqa: PLC0415 - as above

    begun = time.perf_counter()
    report = prepare([songs], out, PrepareOptions(Grid(), jobs=jobs))
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    click.echo(
        json.dumps(
            {
                "seconds": round(time.perf_counter() - begun, 1),
                "cpu_seconds": round(own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime, 1),
                "read": report.read,
                "before": report.resumed,
                "own_mb": own.ru_maxrss // 1024,
                "worker_mb": workers.ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
