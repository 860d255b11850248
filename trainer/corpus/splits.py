"""Which files are one song, and which side of the split a song lies on."""

import hashlib
from pathlib import Path

from trainer.corpus.dedup import HashIndex
from trainer.corpus.read_midi import Reading
from trainer.corpus.shards import load_part
from trainer.corpus.sources import Source

SHARED = 0.25  # share of the shorter fingerprint from which two files are versions of one song
FEWEST = 3  # pieces of a fingerprint that they share at least
COMMON = 40  # files from which a piece is a commonplace (scales, repeated notes) and joins nothing
TEST = 0.05
VALIDATION = 0.05


def place_of(name: str, seed: int) -> float:
    """Return a song's place on 0..1 by its name: the same wherever it is asked."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64


def split_songs(names: dict[int, str], seed: int) -> dict[int, str]:
    """Return train (90 %), validation or test (5 % each) for each song.

    A song's side depends on its name and the seed alone, unless a side would stay empty: three songs or
    more fill all three.
    """
    places = sorted((place_of(name, seed), song) for song, name in names.items())
    few = 1 if len(places) >= 3 else 0
    test = max(few, sum(place < TEST for place, _ in places))
    held_out = max(test + few, sum(place < TEST + VALIDATION for place, _ in places))
    return {
        song: "test" if rank < test else "validation" if rank < held_out else "train"
        for rank, (_, song) in enumerate(places)
    }


def fill_sides(sides: dict[int, str], names: dict[int, str], seed: int) -> None:
    """Let test and validation have one of these songs each, where there are three or more; in place.

    Args:
        sides: side of each song.
        names: of the songs that hold phrases of one codec.
        seed: of the draw.

    """
    if len(names) < 3:
        return
    for side in ("test", "validation"):
        if all(sides[song] != side for song in names):
            spare = [song for song in names if sides[song] == "train"]
            if len(spare) > 1:
                sides[min(spare, key=lambda song: place_of(names[song], seed))] = side


def join_songs(sources: list[Source], parts: list[Path]) -> list[int]:
    """Return the song, numbered from 0, of each source.

    Files of one cluster of a manifest are one song.  Files without one are joined by what they share: two
    with a quarter of the shorter one's melody in common, in any key and at any bar, are one.
    """
    parent = list(range(len(sources)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first: dict[str, int] = {}
    for number, source in enumerate(sources):
        if source.cluster:
            parent[root(number)] = root(first.setdefault(source.cluster, number))
    if not all(source.cluster for source in sources):
        for one, other in _alike(parts):
            if not (sources[one].cluster and sources[other].cluster):
                parent[root(one)] = root(other)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(number), len(numbers)) for number in range(len(sources))]


def _alike(parts: list[Path]) -> list[tuple[int, int]]:
    """Return the pairs of files whose fingerprints share enough."""
    sizes: list[int] = []
    with HashIndex(parts[0].with_name("fingerprints")) as pieces:
        for part in parts:
            for reading in load_part(part, ()):
                held = reading.fingerprint.tolist() if isinstance(reading, Reading) else []
                pieces.add(held, len(sizes))
                sizes.append(len(held))
        return [
            (one, other)
            for one, other, count in pieces.shared(COMMON)
            if count >= min(FEWEST, sizes[one], sizes[other])
            and count >= SHARED * min(sizes[one], sizes[other])
        ]
