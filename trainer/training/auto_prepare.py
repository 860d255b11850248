"""What a run learns from, where it is given folders of MIDI files: prepared for its configuration, and kept.

Tested in tests/trainer/training/test_auto_prepare.py.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from model.config import ModelConfig
from model.files import missing
from model.music.grid import Grid
from trainer.corpus import meta
from trainer.corpus.meta import PrepareOptions, Report
from trainer.corpus.prepare import prepare
from trainer.errors import RequestError

FOLDER = "prepared"
METRES = "all"  # more to learn from; what is measured on keeps to the grid's own metre


def folder_for(folders: Sequence[Path], run: Path, grid: Grid) -> Path:
    """Return where folders of MIDI files are prepared for a grid: beside the run, one for all its siblings.

    Args:
        folders: of MIDI files; their places are part of the name, so that two folders never share one.
        run: folder of the run.
        grid: of the phrases.
    """
    places = sorted(str(folder.resolve()) for folder in folders)
    mark = hashlib.blake2b("\n".join(places).encode("utf-8", "surrogateescape"), digest_size=3).hexdigest()
    name = folders[0].resolve().name or "midi"
    size = f"{grid.bars}x{grid.beats_per_bar}x{grid.steps_per_beat}"
    return run.resolve().parent / FOLDER / f"{name}-{mark}-{size}"


def prepare_for(
    model: ModelConfig,
    folders: Sequence[Path],
    run: Path,
    *,
    resume: bool,
    jobs: int,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[Path, Report | None]:
    """Prepare folders of MIDI files as a model needs them.

    Args:
        model: tells the grid.
        folders: of MIDI files.
        run: folder of the run; the prepared folder lies beside it.
        resume: whether the run goes on: then with what was prepared; files that came since wait for another.
        jobs: reading processes.
        progress: called with (files done, files in all).

    Returns:
        The prepared folder, and what was read; None where nothing was.

    Raises:
        TrainerError: as `trainer.corpus.prepare.prepare`.
    """
    for folder in folders:
        if not folder.is_dir():
            if not folder.exists():
                raise RequestError(missing("the MIDI folder", folder))
            raise RequestError(f"the MIDI folder '{folder}' is a file, not a folder")
        if meta.read(folder) is not None:
            raise RequestError(f"'{folder}' is prepared already: give it as --data, not as --midi")
    grid = model.grid.build()
    out = folder_for(folders, run, grid)
    if resume and meta.read(out) is not None:
        return out, None
    out.parent.mkdir(parents=True, exist_ok=True)
    return out, prepare(folders, out, PrepareOptions(grid, metres=METRES, jobs=jobs), progress=progress)
