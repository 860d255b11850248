"""`prepare`: folders of MIDI files to memory-mapped phrases, split by song.

OUT/{melody,poly,drums,multitrack}/{train,validation,test}/ holds notes.npy int16 [N, 6] (onset step, pitch,
velocity, length in steps, micro-offset in hundredths of a step, track), starts.npy int64 [phrases + 1],
songs.npy int32 [phrases], velocities.npy bool [phrases] (the song's velocities vary) and styles.npy int32
[phrases].  OUT/pieces/ holds how pieces go on, see `trainer.corpus.pieces`.  OUT/meta.json tells the
grid, the counts, the styles' names and the licences, OUT/report.json what was skipped and why.  meta.json is
written last: where it is, all is there.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from model.files import all_readable, atomic_write
from model.music.grid import Grid
from trainer.corpus import meta
from trainer.corpus.dedup import HashIndex, new_windows
from trainer.corpus.pieces import FOLDER as PIECES_FOLDER
from trainer.corpus.pieces import PieceWriter
from trainer.corpus.read_midi import CODECS, PIECES, Reading
from trainer.corpus.shards import ARRAYS, SplitWriter, load_part, save_part, whole
from trainer.corpus.sources import SPLITS, Source, discover
from trainer.corpus.splits import fill_sides, join_songs, split_songs
from trainer.errors import MISSING, EmptyCorpusError, OperationError, RequestError

FORMAT = 5
BATCH = 64
PARTS = ".parts"


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """What prepare was asked for.

    Attributes:
        grid: of the phrases.
        licences: permissive or all (of files that a manifest names).
        metres: own, or all: bars of the grid laid over music in other metres too, for the train split alone.
        seed: of the split.
        jobs: reading processes.

    """

    grid: Grid
    licences: str = "permissive"
    metres: str = "own"
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What prepare did.

    Attributes:
        phrases: counts by codec and split.
        read: files that gave phrases.
        skipped: (name, reason) of the other files.
        resumed: files that an interrupted run had read already.

    """

    phrases: dict[str, dict[str, int]]
    read: int
    skipped: list[tuple[str, str]]
    resumed: int


def prepare(
    folders: Iterable[Path],
    out: Path,
    options: PrepareOptions,
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """Read every MIDI file of the folders and write the corpus.

    Interrupted and called again with the same folders and options, it goes on where it was.

    Args:
        folders: searched for MIDI files, with all below them.
        out: folder of the corpus; made, or replaced when all is read where the options are the same.
        options: grid, licences, seed of the split, processes.
        progress: called with (files done, files in all).

    Raises:
        RequestError: a folder does not exist, or OUT is something else or was prepared with other options.
        EmptyCorpusError: no file gave a phrase.
        OperationError: the disk refuses, or symusic is not installed.

    """
    if find_spec("symusic") is None:  # else every file would be called unreadable
        raise OperationError(MISSING.format("symusic"))
    sources, skipped = discover(folders, licences=options.licences)
    if out.exists() and not out.is_dir():
        raise RequestError(f"'{out}' is a file; --out needs a folder")
    ours = (out / meta.NAME).exists() or (out / PARTS).exists()
    for codec in CODECS:
        if not ours and (out / codec).exists():
            raise RequestError(f"'{out / codec}' was not made by prepare; --out needs another folder")
    _check_same(out, options)
    try:
        return _prepare(sources, skipped, out, options, progress)
    except EmptyCorpusError:
        shutil.rmtree(out / PARTS, ignore_errors=True)
        with suppress(OSError):  # something else lies in it
            out.rmdir()
        raise
    except OSError as error:
        raise OperationError(f"the corpus cannot be written to '{out}': {error.strerror or error}") from error


def _check_same(out: Path, options: PrepareOptions) -> None:
    """Refuse a folder that holds a corpus of other options, which this one would replace."""
    try:
        found = meta.read(out)
    except OperationError:
        return  # damaged: to be prepared again
    if found is None:
        return
    before, now = _flags(found), _flags(options)
    other = [name for name, value in before.items() if value != now[name]]
    if other:
        was, wanted = (" ".join(f"{name} {flags[name]}" for name in other) for flags in (before, now))
        raise RequestError(
            f"'{out}' was prepared with {was}, not with {wanted}: give another --out, or delete it"
        )


def _flags(options: meta.Meta | PrepareOptions) -> dict[str, int | str]:
    """Return the options that a corpus depends on, as the command line writes them."""
    return {
        "--bars": options.grid.bars,
        "--beats-per-bar": options.grid.beats_per_bar,
        "--steps-per-beat": options.grid.steps_per_beat,
        "--licences": options.licences,
        "--metres": options.metres,
        "--seed": options.seed,
    }


def _prepare(
    sources: list[Source],
    skipped: list[tuple[str, str]],
    out: Path,
    options: PrepareOptions,
    progress: Callable[[int, int], None],
) -> Report:
    """Read into parts, then assemble the parts."""
    parts = out / PARTS
    parts.mkdir(parents=True, exist_ok=True)
    ready: list[Path] = []
    resumed = 0
    batches = [sources[first : first + BATCH] for first in range(0, len(sources), BATCH)]
    missing: list[tuple[list[Source], Path]] = []
    for batch in batches:
        part = parts / f"{_key(batch, options)}.npz"
        ready.append(part)
        if whole(part):
            resumed += len(batch)
        else:
            missing.append((batch, part))
    done = resumed
    progress(done, len(sources))
    for count in _read_all(missing, options):
        done += count
        progress(done, len(sources))
    songs = join_songs(sources, ready)
    report = _assemble(sources, skipped, ready, songs, out=out, options=options, resumed=resumed)
    shutil.rmtree(parts, ignore_errors=True)
    return report


def _key(batch: list[Source], options: PrepareOptions) -> str:
    """Name a part by what it is made from, so that it is read again when a file changes."""
    seen = []
    for source in batch:
        try:
            stat = source.path.stat()
            seen.append((source.name, stat.st_size, stat.st_mtime_ns))
        except OSError:
            seen.append((source.name, -1, -1))
    text = json.dumps([FORMAT, _fields(options.grid), options.metres, seen])
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _fields(grid: Grid) -> dict[str, int]:
    """Return a grid as `model.config.GridConfig` has it."""
    return {
        "bars": grid.bars,
        "beats_per_bar": grid.beats_per_bar,
        "steps_per_beat": grid.steps_per_beat,
    }


def _read_all(missing: list[tuple[list[Source], Path]], options: PrepareOptions) -> Iterator[int]:
    """Read the batches that have no part yet and save each; yield 1 for every file."""
    from trainer.corpus.pool import outcomes  # noqa: PLC0415 - nothing to read, nothing to start

    waiting: dict[Path, tuple[int, int]] = {}
    results: list[list[Reading | str | None]] = []
    for number, (batch, _) in enumerate(missing):
        results.append([None] * len(batch))
        waiting.update({source.path: (number, place) for place, source in enumerate(batch)})
    left = [len(batch) for batch, _ in missing]
    for path, outcome in outcomes(list(waiting), options.grid, jobs=options.jobs, metres=options.metres):
        number, place = waiting[path]
        results[number][place] = outcome
        left[number] -= 1
        if not left[number]:
            save_part(missing[number][1], [r if r is not None else "not read" for r in results[number]])
            results[number] = []
        yield 1


def _assemble(
    sources: list[Source],
    skipped: list[tuple[str, str]],
    parts: list[Path],
    songs: list[int],
    *,
    out: Path,
    options: PrepareOptions,
    resumed: int,
) -> Report:
    """Write the splits from the parts: distinct phrases, none on two sides even after transposition."""
    splits = _sides(sources, songs, parts, options.seed)
    building = out / ".building"
    shutil.rmtree(building, ignore_errors=True)
    phrases: dict[str, dict[str, int]] = {codec: {} for codec in CODECS}
    songs_of: dict[str, dict[str, int]] = {codec: {} for codec in CODECS}
    reasons: list[tuple[str, str]] = list(skipped)
    licences: Counter[str] = Counter()
    styles = {name: number for number, name in enumerate(sorted({source.style for source in sources}))}
    for codec in CODECS:
        (building / codec).mkdir(parents=True)
        with HashIndex(building / "exact") as exact, HashIndex(building / "shapes") as shapes:
            for turn, split in enumerate(SPLITS):
                with SplitWriter(building / codec / split) as writer:
                    for number, reading in _readings(parts, (codec,)):
                        if splits[number] == split and isinstance(reading, Reading):
                            windows = reading.windows[codec]
                            keep = new_windows(windows, exact, shapes, turn, measured=split != "train")
                            varied, style = reading.varied[codec], styles[sources[number].style]
                            writer.add(windows, keep, songs[number], varied=varied, style=style)
                phrases[codec][split] = writer.phrases
                songs_of[codec][split] = len(writer.songs)
    _write_pieces(parts, splits, songs, building / PIECES_FOLDER)
    read = 0
    for number, reading in _readings(parts, ()):
        if isinstance(reading, str):
            reasons.append((sources[number].name, reading))
        else:
            read += 1
            licences[sources[number].licence or "not given"] += 1
    if not any(count for counts in phrases.values() for count in counts.values()):
        shutil.rmtree(building, ignore_errors=True)
        raise EmptyCorpusError(_empty(len(sources), reasons, options.grid))
    description = {
        "format": FORMAT,
        "grid": _fields(options.grid),
        "arrays": ARRAYS,
        "licences": options.licences,
        "metres": options.metres,
        "seed": options.seed,
        "phrases": phrases,
        "songs": songs_of,
        "styles": list(styles),
        "files": {"read": read, "skipped": len(reasons)},
        "sources": dict(licences.most_common()),
    }
    tally = Counter(reason.split(":")[0] for _, reason in reasons)
    report = {
        "read": read,
        "skipped": len(reasons),
        "reasons": dict(tally.most_common()),
        "files": [{"file": name, "reason": reason} for name, reason in reasons],
    }
    (out / meta.NAME).unlink(missing_ok=True)
    for codec in (*CODECS, PIECES_FOLDER):
        shutil.rmtree(out / codec, ignore_errors=True)
        (building / codec).replace(out / codec)
    shutil.rmtree(building, ignore_errors=True)
    write_json(out / "report.json", report)
    write_json(out / meta.NAME, description)
    return Report(phrases, read, reasons, resumed)


def _write_pieces(parts: list[Path], splits: list[str], songs: list[int], folder: Path) -> None:
    """Write how pieces go on from phrase to phrase; those aside are learned from, never measured on."""
    writers = {split: PieceWriter(folder / split) for split in SPLITS}
    for number, reading in _readings(parts, PIECES):
        if isinstance(reading, str):
            continue
        split = splits[number]
        for codec, name in zip(CODECS, PIECES, strict=True):
            windows = reading.windows[name]
            learned = np.ones(len(windows.counts), dtype=bool) if split == "train" else ~windows.aside
            kind, varied = CODECS.index(codec), reading.varied[codec]
            writers[split].add(windows, learned, kind=kind, song=songs[number], varied=varied)
    for writer in writers.values():
        writer.close()


def _empty(files: int, reasons: list[tuple[str, str]], grid: Grid) -> str:
    """Say why there is nothing, with the first reason."""
    where = f"{grid.bars} bars of {grid.beats_per_bar}/4"
    if not files and not reasons:
        return "no MIDI file (.mid, .midi) lies in the folders given"
    first = f"; for one, {reasons[0][0]}: {reasons[0][1]}" if reasons else ""
    return f"none of {max(files, len(reasons))} files gave a phrase of {where}{first}"


def _readings(parts: list[Path], codecs: Sequence[str] = CODECS) -> Iterator[tuple[int, Reading | str]]:
    """Yield (number of the source, what it gave), one part in memory at a time."""
    number = 0
    for part in parts:
        for reading in load_part(part, codecs):
            yield number, reading
            number += 1


def _sides(sources: list[Source], songs: list[int], parts: list[Path], seed: int) -> list[str]:
    """Return the split of each source: the manifest's, or its song's by name."""
    names: dict[int, str] = {}
    holding: dict[str, set[int]] = {codec: set() for codec in CODECS}
    for number, reading in _readings(parts):
        song, source = songs[number], sources[number]
        if isinstance(reading, Reading) and not source.split:
            name = source.cluster or source.name
            names[song] = min(names.get(song, name), name)  # whatever else is read
            for codec in CODECS:
                if len(reading.windows[codec].exact):
                    holding[codec].add(song)
    sides = split_songs(names, seed)
    for codec in CODECS:
        fill_sides(sides, {song: names[song] for song in holding[codec]}, seed)
    return [source.split or sides.get(song, "train") for source, song in zip(sources, songs, strict=True)]


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - what json takes
    """Write a JSON file so that a reader sees the old one or the whole new one."""
    with atomic_write(path) as draft:
        draft.write_text(
            json.dumps(all_readable(value), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
