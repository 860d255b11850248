"""`prepare`: folders of MIDI files to memory-mapped phrases, split by song.

OUT/{melody,poly,drums,multitrack}/{train,validation,test}/ holds notes.npy int16 [N, 6] (onset step, pitch,
velocity, length in steps, micro-offset in hundredths of a step, track), starts.npy int64 [phrases + 1],
songs.npy int32 [phrases], velocities.npy bool [phrases] (the song's velocities vary) and styles.npy int32
[phrases].  OUT/pieces/ holds how pieces go on, see `trainer.corpus.pieces`.  OUT/meta.json tells the
grid, the counts, the styles' names and the licences, OUT/report.json what was skipped and why.  meta.json is
written last: where it is, all is there.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from model.files import all_readable, atomic_write, missing
from model.midi.file import MAX_BYTES
from model.music.grid import Grid
from trainer.corpus import meta
from trainer.corpus.assemble import NOT_GIVEN, PARTS, Assembly, part_path
from trainer.corpus.dedup import bits_for
from trainer.corpus.index import Index
from trainer.corpus.meta import PrepareOptions, Report
from trainer.corpus.part_file import whole
from trainer.corpus.pieces import FOLDER as PIECES_FOLDER
from trainer.corpus.reading.read_midi import CODECS
from trainer.corpus.reading.sources import SPLITS, Source, contents, none_of, scan, told_by
from trainer.corpus.shards import ARRAYS, pieces_of
from trainer.errors import MISSING, EmptyCorpusError, OperationError, RequestError

FORMAT = 6
BATCH = 64  # files that a process reads at a time
INDEX = ".index"
MANY = 2_000
"""Files from which those that come later are put beside the others, not all of them anew."""


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
    folders = list(folders)
    for folder in folders:
        if not folder.exists():
            raise RequestError(missing("the MIDI folder", folder))
    if out.exists() and not out.is_dir():
        raise RequestError(f"'{out}' is a file; --out needs a folder")
    ours = (out / meta.NAME).exists() or (out / INDEX).exists() or (out / ".parts").exists()
    for codec in CODECS:
        if not ours and (out / codec).exists():
            raise RequestError(f"'{out / codec}' was not made by prepare; --out needs another folder")
    _check_same(out, options)
    known = json.dumps([FORMAT, _fields(options.grid), options.metres, options.metre])
    existed = out.exists()
    try:
        with Index(out / INDEX, known) as index:
            return _prepare(folders, index, out, options, progress)
    except (EmptyCorpusError, RequestError):
        if not (out / meta.NAME).exists():
            shutil.rmtree(out / INDEX, ignore_errors=True)
        with suppress(OSError):  # something else lies in it
            if not existed:
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
        "--assume-metre": options.metre or "none",
    }


def _fields(grid: Grid) -> dict[str, int]:
    """Return a grid as `model.config.GridConfig` has it."""
    return {"bars": grid.bars, "beats_per_bar": grid.beats_per_bar, "steps_per_beat": grid.steps_per_beat}


def _prepare(
    folders: list[Path],
    index: Index,
    out: Path,
    options: PrepareOptions,
    progress: Callable[[int, int], None],
) -> Report:
    """Read what is new into parts, then write the splits, or what is new of them."""
    shutil.rmtree(out / ".parts", ignore_errors=True)  # of versions before
    described = json.dumps([told_by(folders), options.licences])
    as_before = index.as_before if index.fact("told") == described else none_of
    index.see(scan(folders, licences=options.licences, known=index.known, as_before=as_before))
    index.remember("told", "")  # broken off, the next time all are compared
    others = index.compare()
    index.remember("told", described)
    for number in index.parts_in_use():
        if not whole(part_path(index.folder, number)):
            index.lose(number)
            others = True
    files = index.count() - index.count("part IS NULL AND refused != ''")
    left = index.count("refused = '' AND part IS NULL AND reason IS NULL")
    resumed = done = files - left
    progress(done, files)
    (index.folder / PARTS).mkdir(exist_ok=True)
    for count in _read_all(index, left, options):
        done += count
        progress(done, files)
    numbered = index.count("number IS NOT NULL")
    added = index.count("part IS NOT NULL AND number IS NULL")
    behind = (
        not others
        and index.fact("whole") == _flags_text(options)
        and (out / meta.NAME).exists()
        and numbered >= MANY
        and bits_for(numbered) <= int(index.fact("bits", "-9")) + 2  # what is known lies in too few buckets
        and not index.count("number IS NULL AND part IS NOT NULL AND (cluster != '' OR split != '')")
    )
    if not (behind and not added):
        _assemble(index, out, options, behind=behind)
    _tidy(index)
    return _describe(index, out, options, resumed)


def _flags_text(options: PrepareOptions) -> str:
    return json.dumps(_flags(options))


def _assemble(index: Index, out: Path, options: PrepareOptions, *, behind: bool) -> None:
    """Write the splits anew, or what is new behind what they hold; broken off, the next time is anew."""
    index.remember("whole", "")
    first = index.give_numbers(anew=not behind)
    if not index.count("number IS NOT NULL"):
        raise EmptyCorpusError(_empty(index, options.grid))
    if behind:
        Assembly(index, seed=options.seed, first=first).run(out)
    else:
        building = out / ".building"
        shutil.rmtree(building, ignore_errors=True)
        Assembly(index, seed=options.seed, first=first).run(building)
        (out / meta.NAME).unlink(missing_ok=True)
        for name in (*CODECS, PIECES_FOLDER):
            shutil.rmtree(out / name, ignore_errors=True)
            (building / name).replace(out / name)
        shutil.rmtree(building, ignore_errors=True)
    index.remember("whole", _flags_text(options))


def _tidy(index: Index) -> None:
    """Throw away parts in which no file lies any more."""
    used = {part_path(index.folder, number) for number in index.parts_in_use()}
    for path in (index.folder / PARTS).iterdir():
        if path not in used:
            path.unlink(missing_ok=True)


def _read_all(index: Index, left: int, options: PrepareOptions) -> Iterator[int]:
    """Read what is to be read, a part for each few files; yield how many were."""
    from trainer.corpus.pool import Chunk, Item, results  # noqa: PLC0415 - nothing to read, nothing to start

    if not left:
        return
    size = max(1, min(BATCH, -(-left // (2 * options.jobs))))
    places: dict[int, list[bytes]] = {}
    broken: dict[Path, str] = {}

    def chunk(taken: list[tuple[bytes, Item]]) -> Chunk:
        number = index.next_part()
        places[number] = [place for place, _ in taken]
        return Chunk(number, [item for _, item in taken], part_path(index.folder, number))

    def chunks() -> Iterator[Chunk]:
        taken: list[tuple[bytes, Item]] = []
        for each in _items(index, broken):
            taken.append(each)
            if len(taken) == size:
                yield chunk(taken)
                taken = []
        if taken:
            yield chunk(taken)

    jobs = min(options.jobs, -(-left // size))
    for (number, _, _), found in results(
        chunks(), options.grid, jobs=jobs, metres=options.metres, metre=options.metre
    ):
        index.read(
            [
                (place, None if one.spot is None else number, one.spot, one.grams, one.reason, one.note)
                for place, one in zip(places.pop(number), found, strict=True)
            ]
        )
        yield len(found)
    for archive in index.unread_archives():
        index.refuse(archive, broken.get(archive, "the archive does not hold it any more"))


def _items(index: Index, broken: dict[Path, str]) -> Iterator[tuple[bytes, Any]]:
    """Yield the files to read, those of archives with what they hold; say which archives are broken."""
    yield from index.unread_files()
    for archive in index.unread_archives():

        def wanted(member: str, archive: Path = archive) -> bool:
            return index.is_unread(Source(archive, "", member=member).place)

        try:
            for member, data in contents(archive, wanted, MAX_BYTES):
                place = Source(archive, "", member=member).place
                if data is None:
                    index.read([(place, None, None, 0, f"larger than {MAX_BYTES // 1_000_000} MB", "")])
                else:
                    yield place, data
        except Exception as error:  # noqa: BLE001 - a stranger's archive must not end the run
            broken[archive] = f"the archive cannot be read: {type(error).__name__}: {error}"[:160]


def _describe(index: Index, out: Path, options: PrepareOptions, resumed: int) -> Report:
    """Write report.json and meta.json, and return what they say."""
    phrases, songs = _counts(out, index.songs())
    read, licences = index.count("part IS NOT NULL"), index.tally("licence", "part IS NOT NULL")
    kinds: Counter[str] = Counter()
    examples: dict[str, tuple[str, str]] = {}
    for name, reason in index.left_out():
        kind = reason.split(":")[0]
        kinds[kind] += 1
        examples.setdefault(kind, (name, reason))
    notes = index.tally("note", "part IS NOT NULL AND note != ''")
    report = {"read": read, "skipped": kinds.total(), "reasons": dict(kinds.most_common()), "assumed": notes}
    lists = {
        "files": ({"file": name, "reason": reason} for name, reason in index.left_out()),
        "assumptions": ({"file": name, "assumed": note} for name, note in index.noted()),
    }
    _write_long(out / "report.json", report, lists)
    description = {
        "format": FORMAT,
        "grid": _fields(options.grid),
        "arrays": ARRAYS,
        "licences": options.licences,
        "metres": options.metres,
        "metre": options.metre,
        "seed": options.seed,
        "phrases": phrases,
        "songs": songs,
        "styles": index.styles(),
        "files": {"read": read, "skipped": kinds.total()},
        "sources": {name or NOT_GIVEN: count for name, count in licences.items()},
    }
    write_json(out / meta.NAME, description)
    skipped = {kind: (count, *examples[kind]) for kind, count in kinds.most_common()}
    return Report(phrases, read, skipped, resumed, notes)


def _counts(out: Path, count: int) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Return how many phrases there are by codec and split, and of how many of the `count` songs."""
    phrases: dict[str, dict[str, int]] = {codec: {} for codec in CODECS}
    songs: dict[str, dict[str, int]] = {codec: {} for codec in CODECS}
    for codec in CODECS:
        for split in SPLITS:
            met = np.zeros(count, dtype=bool)
            phrases[codec][split] = 0
            for numbers in pieces_of(out / codec / split / "songs.npy"):
                met[numbers] = True
                phrases[codec][split] += len(numbers)
            songs[codec][split] = int(np.count_nonzero(met))
    return phrases, songs


def _write_long(path: Path, head: dict[str, Any], lists: Mapping[str, Iterator[dict[str, str]]]) -> None:
    """Write a JSON object whose lists may be longer than memory."""
    with atomic_write(path) as draft, draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(all_readable(head), indent=1, ensure_ascii=False)[:-2])
        for name, rows in lists.items():
            file.write(f',\n "{name}": [')
            for number, row in enumerate(rows):
                file.write(",\n  " if number else "\n  ")
                file.write(json.dumps(all_readable(row), ensure_ascii=False))
            file.write("\n ]")
        file.write("\n}\n")


def _empty(index: Index, grid: Grid) -> str:
    """Say why there is nothing, with the first reason."""
    where = f"{grid.bars} bars of {grid.beats_per_bar}/4"
    files = index.count()
    if not files:
        return "no MIDI file (.mid, .midi) lies in the folders given"
    name, reason = next(index.left_out())
    return f"none of {files} files gave a phrase of {where}; for one, {name}: {reason}"


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - what json takes
    """Write a JSON file so that a reader sees the old one or the whole new one."""
    with atomic_write(path) as draft:
        draft.write_text(
            json.dumps(all_readable(value), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
