"""From what was read of the files to the splits: songs joined and put on their sides, phrases told apart.

A file's number is its place by name among those that gave phrases; all that is known of files and songs here
are arrays of a few bytes each, and windows are looked at a part of files at a time.

Tested in tests/trainer/corpus/test_prepare.py.
"""

import shutil
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.corpus.dedup import TURN, Buckets, bits_for, new_windows, shared
from trainer.corpus.index import Index, Stretch
from trainer.corpus.part_file import FIELDS_OF_PIECES, PartFile
from trainer.corpus.pieces import FOLDER as PIECES_FOLDER
from trainer.corpus.pieces import PieceWriter
from trainer.corpus.reading.read_midi import CODECS, PIECES
from trainer.corpus.reading.sources import SPLITS
from trainer.corpus.shards import About, SplitWriter
from trainer.corpus.splits import COMMON, Sides, Unions, alike, fill_sides, place_of, side_of, split_songs

PARTS = "parts"
OPEN = 4  # parts that are held open
NOT_GIVEN = "not given"


class Assembly:
    """Puts the files of an index on their sides, and writes their phrases.

    Args:
        index: files numbered, see `Index.give_numbers`.
        first: number of the first file that is new; 0 where all are.
    """

    def __init__(self, index: Index, *, seed: int, first: int) -> None:
        self._index = index
        self._seed = seed
        self._first = first
        self._parts: OrderedDict[int, PartFile] = OrderedDict()
        self._songs = np.zeros(0, dtype=np.int32)
        self._sides: Sides = np.zeros(0, dtype=np.int8)
        self._styles = np.zeros(0, dtype=np.int32)

    def run(self, out: Path) -> None:
        """Write the arrays into a folder, or behind those that are there where the files before stay.

        Raises:
            OSError: the disk refuses, or a part is damaged.
        """
        if not self._first:
            for name in ("grams", *CODECS):
                shutil.rmtree(self._index.folder / name, ignore_errors=True)
            self._index.remember("bits", str(bits_for(self._index.count("number IS NOT NULL"))))
        self._find_songs()
        self._find_styles()
        for codec in CODECS:
            self._write(codec, out / codec)
        self._write_pieces(out / PIECES_FOLDER)
        rows = enumerate(zip(self._songs, self._sides, strict=True), start=self._first)
        self._index.settle((int(song), SPLITS[side], number) for number, (song, side) in rows)

    def _buckets(self, name: str) -> Buckets:
        return Buckets(self._index.folder / name, int(self._index.fact("bits")))

    def _part(self, number: int) -> PartFile:
        if number not in self._parts:
            self._parts[number] = PartFile(part_path(self._index.folder, number))
            if len(self._parts) > OPEN:
                self._parts.popitem(last=False)
        self._parts.move_to_end(number)
        return self._parts[number]

    def _runs(self) -> Iterator[tuple[PartFile, Stretch, NDArray[np.int64]]]:
        """Yield stretches of files, their part, and their places among the new files."""
        for run in self._index.runs(self._first):
            yield self._part(run.part), run, np.array(run.numbers) - self._first

    def _find_songs(self) -> None:
        """Join files to songs, and put each song on its side."""
        index, first = self._index, self._first
        grams = self._buckets("grams")
        for part, run, places in self._runs():
            hashes, sizes = part.fingerprints(run.first, len(run.numbers))
            grams.add(hashes, np.zeros_like(hashes), np.repeat(places + first, sizes))
        if first:
            self._come_to([*self._alike(grams)])
            return
        files = index.count("number IS NOT NULL")
        joined = Unions(files)
        clustered = np.zeros(files, dtype=bool)
        before = ("", 0)
        for cluster, number in index.clusters():
            if cluster == before[0]:
                joined.join([(number, before[1])])
            clustered[number] = True
            before = (cluster, number)
        joined.join(pair for pair in self._alike(grams) if not (clustered[pair[0]] and clustered[pair[1]]))
        self._songs = joined.songs()
        self._split()

    def _alike(self, grams: Buckets) -> Iterator[tuple[int, int]]:
        """Yield the pairs of files that are one song and not both known before."""
        new = (row[0] for row in self._index.column("grams", self._first))
        sizes = np.concatenate((np.zeros(self._first, dtype=np.int32), np.fromiter(new, dtype=np.int32)))
        for one, other, count in shared(grams, COMMON, first=self._first):
            for number in np.unique(one[one < self._first]).tolist():
                (sizes[number],) = self._index.about(number, "grams")
            yield from alike(one, other, count, sizes)

    def _split(self) -> None:
        """Put every song on its side: the manifest's for a file, else by the first of its files' names."""
        count = int(self._songs.max()) + 1 if len(self._songs) else 0
        files_of = np.bincount(self._songs, minlength=count)
        names: dict[int, str] = {}  # of songs of several files alone
        places = np.full(count, np.nan)
        stated = np.full(len(self._songs), -1, dtype=np.int8)
        for number, (name, split) in enumerate(
            self._index.column("CASE WHEN cluster != '' THEN cluster ELSE name END, split")
        ):
            song = int(self._songs[number])
            if split:
                stated[number] = SPLITS.index(split)
            elif song not in names or name < names[song]:  # the same, whatever else is read
                places[song] = place_of(name, self._seed)
                if files_of[song] > 1:
                    names[song] = name
        sides = split_songs(places)
        for codec in CODECS:
            holding = np.zeros(count, dtype=bool)
            for part, run, files in self._runs():
                _, sizes = part.windows(codec, run.first, len(run.numbers), ())
                holds = files[(sizes > 0) & (stated[files] < 0)]
                holding[self._songs[holds]] = True
            fill_sides(sides, places, holding)
        self._sides = np.where(stated >= 0, stated, sides[self._songs]).astype(np.int8)

    def _come_to(self, pairs: list[tuple[int, int]]) -> None:
        """Let new files come to the songs that are there, which stay on their sides, or be their own."""
        first = self._first
        joined = Unions(self._index.count("number IS NOT NULL"))
        joined.join(sorted((max(pair), min(pair)) for pair in pairs))
        following = self._index.songs()
        known: dict[int, tuple[int, int]] = {}
        for pair in pairs:
            for old in (number for number in pair if number < first):
                song, side = self._index.about(old, "song, side")
                root = joined.root(old)
                known[root] = min(known.get(root, (song, SPLITS.index(side))), (song, SPLITS.index(side)))
        songs, sides = [], []
        for number, (name,) in enumerate(self._index.column("name", first), start=first):
            root = joined.root(number)
            if root not in known:
                known[root] = (following, side_of(place_of(name, self._seed)))
                following += 1
            song, side = known[root]
            songs.append(song)
            sides.append(side)
        self._songs = np.array(songs, dtype=np.int32)
        self._sides = np.array(sides, dtype=np.int8)

    def _find_styles(self) -> None:
        """Number the styles: those that there were as they were, new ones behind them."""
        before = self._index.styles() if self._first else []
        rest = sorted(set(self._index.tally("style", f"number >= {self._first}")) - set(before))
        numbers = {name: number for number, name in enumerate((*before, *rest))}
        self._index.keep_styles([*before, *rest])
        self._styles = np.fromiter(
            (numbers[row[0]] for row in self._index.column("style", self._first)), dtype=np.int32
        )

    def _write(self, codec: str, folder: Path) -> None:
        """Write the phrases of a codec: distinct ones, none on two sides even after transposition."""
        met = self._buckets(codec)
        name = f"windows {codec}"
        begin = int(self._index.fact(name, "0")) if self._first else 0
        count = begin
        for part, run, files in self._runs():
            windows, sizes = part.windows(codec, run.first, len(run.numbers), ("exact", "shape", "aside"))
            turn = np.repeat(self._sides[files], sizes).astype(np.int64)
            number = np.arange(count, count + len(turn))
            count += len(turn)
            may = ~(windows.aside & (turn > 0))
            met.add(windows.shape[may], windows.exact[may], (turn << TURN | number)[may])
        new = np.zeros(count - begin, dtype=bool)
        new_windows(met, new, first=begin)
        self._index.remember(name, str(count))
        place = 0
        with ExitStack() as stack:
            writers = [
                stack.enter_context(SplitWriter(folder / split, more=bool(self._first))) for split in SPLITS
            ]
            for part, run, files in self._runs():
                windows, sizes = part.windows(codec, run.first, len(run.numbers), ("notes", "counts"))
                of = np.repeat(np.arange(len(files)), sizes)
                chosen = new[place : place + len(of)]
                place += len(of)
                varied = part.varied(run.first, len(files))[:, CODECS.index(codec)]
                about = About(self._songs[files][of], varied[of], self._styles[files][of])
                for side, writer in enumerate(writers):
                    writer.add(windows, chosen & (self._sides[files][of] == side), about)

    def _write_pieces(self, folder: Path) -> None:
        """Write how pieces go on; those aside are learned from, never measured on."""
        writers = [PieceWriter(folder / split, more=bool(self._first)) for split in SPLITS]
        for kind, name in enumerate(PIECES):  # outside: the order is the files', whatever parts they lie in
            for part, run, files in self._runs():
                windows, sizes = part.windows(name, run.first, len(run.numbers), FIELDS_OF_PIECES)
                if not len(windows.counts):
                    continue
                of = np.repeat(np.arange(len(files)), sizes)
                side = self._sides[files][of]
                windows.lines = _apart(windows.lines, sizes)
                varied = part.varied(run.first, len(files))[:, kind][of]
                for number, writer in enumerate(writers):
                    learned = (side == number) & ((number == 0) | ~windows.aside)
                    writer.add(windows, learned, kind=kind, song=self._songs[files][of], varied=varied)
        for writer in writers:
            writer.close()


def _apart(lines: NDArray[np.int32], sizes: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return lines that are numbered from 0 in each file so that no two files share one."""
    some = sizes > 0
    starts = (np.cumsum(sizes) - sizes)[some]
    most = np.maximum.reduceat(lines, starts).astype(np.int64) + 1
    return np.asarray(lines + np.repeat(np.cumsum(most) - most, sizes[some]), dtype=np.int32)


def part_path(folder: Path, number: int) -> Path:
    """Return the file of a part."""
    return folder / PARTS / f"{number:07d}.part"
