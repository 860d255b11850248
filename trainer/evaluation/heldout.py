"""The phrases that `evaluate` measures on: those of a prepared split, or of a folder of MIDI files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from model.codecs.registry import corpus_of
from model.files import missing
from model.music.grid import Grid
from model.music.phrase import Phrase
from model.playing.player import Player
from model.writing.wish import GRID as WRITTEN
from trainer.corpus import meta
from trainer.corpus.meta import PrepareOptions
from trainer.corpus.pieces import FOLDER, Pieces, load_pieces
from trainer.corpus.prepare import prepare
from trainer.corpus.reading.sources import SPLITS
from trainer.data.dataset import load
from trainer.errors import OperationError, RequestError
from trainer.evaluation.samples import Songs
from trainer.evaluation.two_sample import Ints
from trainer.run.checkpoints import context_bars_of, parameters_in, path_of

TRAINING = "train"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a model is measured on.

    Attributes:
        phrases: on the grid of its answers.
        contexts: what came before each of them, where the model takes context bars and the data hold them.
        whole: both in one, on the whole grid of the model; the phrases themselves where it takes none;
            None where the data do not tell.
        seen: as many phrases of the training split, where the data have one and a model takes no context: no
            prior that was fitted to them is to be told from the others less than they are.
        songs: int [phrases], which song each is of; None where each is one of its own.
        pieces: the split's, where the data hold any on the writer's grid.
    """

    phrases: list[Phrase]
    contexts: list[Phrase] | None = None
    whole: list[Phrase] | None = None
    seen: Songs | None = None
    songs: Ints | None = None
    pieces: Pieces | None = None

    def first(self, count: int) -> "HeldOut":
        """Return the first ones alone."""
        contexts, whole = (None if part is None else part[:count] for part in (self.contexts, self.whole))
        seen = self.seen and Songs(self.seen.phrases[:count], self.seen.songs[:count])
        songs = None if self.songs is None else self.songs[:count]
        return HeldOut(self.phrases[:count], contexts, whole, seen, songs, self.pieces)


def held_out(
    player: Player,
    checkpoint: str,
    data: Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> HeldOut:
    """Return what a checkpoint is measured on; arguments and errors as `phrases_for`.

    A model that continues context bars is measured on data of its whole grid, or of its answers' grid: then
    nobody knows what came before them.
    """
    context_bars, grid = context_bars_of(path_of(checkpoint)), player.card.grid
    if not context_bars:
        held = songs_on(player.card.codec, grid, data, split=split, limit=limit, seed=seed, jobs=jobs)
        seen = None if split == TRAINING else _seen(player, data, len(held.phrases), seed)
        pieces = None
        if grid == WRITTEN and (data / FOLDER / split).is_dir():
            pieces = load_pieces(data, split)
        return HeldOut([*held.phrases], None, [*held.phrases], seen, held.songs, pieces)
    whole_grid = Grid(grid.bars + context_bars, grid.beats_per_bar, grid.steps_per_beat)
    description = meta.read(data)
    if description is not None and description.grid == grid:
        held = songs_on(player.card.codec, grid, data, split=split, limit=limit, seed=seed)
        return HeldOut([*held.phrases], songs=held.songs)
    held = songs_on(player.card.codec, whole_grid, data, split=split, limit=limit, seed=seed, jobs=jobs)
    whole = [*held.phrases]
    size = context_bars * grid.steps_per_bar
    before = Grid(context_bars, grid.beats_per_bar, grid.steps_per_beat)
    contexts = [_part(phrase, 0, before) for phrase in whole]
    return HeldOut([_part(phrase, size, grid) for phrase in whole], contexts, whole, None, held.songs)


def _seen(player: Player, data: Path, count: int, seed: int) -> Songs | None:
    """Return training phrases, drawn by the seed; None where the folder holds none."""
    card = player.card
    if not (data / corpus_of(card.codec) / TRAINING).is_dir():  # MIDI files, or one split alone
        return None
    train = load(data, card.codec, TRAINING, may_be_empty=True)
    order = np.random.default_rng(seed).permutation(len(train))[:count]
    found = [train.phrase(index, card.grid) for index in order.tolist()]
    return Songs(found, train.songs[order].astype(np.int64)) if found else None


def _part(phrase: Phrase, begin: int, grid: Grid) -> Phrase:
    """Return the part of a phrase that begins at a step, on a grid of its own."""
    end = begin + grid.steps
    inside = (note for note in phrase.notes if begin <= note.onset < end)
    cut = (
        note._replace(onset=note.onset - begin, length=min(note.length, end - note.onset)) for note in inside
    )
    return Phrase.of(grid, cut)


def phrases_for(
    player: Player, data: Path, *, split: str, limit: int | None, seed: int, jobs: int = 1
) -> list[Phrase]:
    """Return held-out phrases for a player, drawn by the seed where there are more than the limit.

    Args:
        player: tells codec and grid.
        data: a folder that `prepare` wrote, or any folder of MIDI files: then all that it holds is used.
        split: train, validation or test, of a prepared folder.
        limit: phrases at most; None for all.
        seed: of the draw.
        jobs: processes that read MIDI files.

    Raises:
        RequestError: the folder does not exist, or was prepared for another grid or codec.
        OperationError: there is no phrase in it.
    """
    card = player.card
    return phrases_on(card.codec, card.grid, data, split=split, limit=limit, seed=seed, jobs=jobs)


def phrases_on(
    codec: str, grid: Grid, data: Path, *, split: str, limit: int | None, seed: int, jobs: int = 1
) -> list[Phrase]:
    """Return phrases of a codec on a grid; the rest as `phrases_for`."""
    return [*songs_on(codec, grid, data, split=split, limit=limit, seed=seed, jobs=jobs).phrases]


def songs_on(
    codec: str, grid: Grid, data: Path, *, split: str, limit: int | None, seed: int, jobs: int = 1
) -> Songs:
    """Return phrases of a codec on a grid and which songs they are of; the rest as `phrases_for`."""
    if not data.is_dir():
        raise RequestError(missing("the data folder", data))
    if meta.read(data) is not None:
        return _prepared(data, codec, grid, [split], limit=limit, seed=seed)
    with TemporaryDirectory(prefix="twobar-") as folder:
        prepare([data], Path(folder), PrepareOptions(grid, licences="all", jobs=jobs))
        return _prepared(Path(folder), codec, grid, SPLITS, limit=limit, seed=seed)


def _prepared(
    folder: Path, codec: str, grid: Grid, splits: Sequence[str], *, limit: int | None, seed: int
) -> Songs:
    """Read phrases of some splits of a prepared folder."""
    description = meta.read(folder)
    if description is not None and description.grid != grid:
        raise RequestError(
            f"'{folder}' was prepared for {_words(description.grid)}, the checkpoint needs {_words(grid)}"
        )
    if not (folder / corpus_of(codec)).is_dir():
        raise RequestError(f"'{folder}' holds no phrases for the codec '{codec}'")
    held = [load(folder, codec, split, may_be_empty=True) for split in splits]
    rows = [(part, index) for part in held for index in range(len(part))]
    if not rows:
        others = (split for split in SPLITS if split not in splits)
        counts = ((split, len(load(folder, codec, split, may_be_empty=True))) for split in others)
        instead = (
            ", ".join(f"{split} has {count}" for split, count in counts if count) or "no other split has any"
        )
        raise OperationError(f"'{folder}' holds no {codec} phrase in {' or '.join(splits)}: {instead}")
    order = np.random.default_rng(seed).permutation(len(rows))[: limit or len(rows)]
    chosen = [rows[index] for index in order.tolist()]
    songs = np.array([part.songs[index] for part, index in chosen], dtype=np.int64)
    return Songs([part.phrase(index, grid) for part, index in chosen], songs)


def _words(grid: Grid) -> str:
    """Say a grid in words."""
    return f"{grid.bars} bars of {grid.beats_per_bar} beats in {grid.steps_per_beat} steps"


def parameters_of(player: Player, checkpoint: str) -> int | None:
    """Return the number of weights: what the player says, or what its safetensors file holds."""
    said = getattr(player, "parameters", None)
    if isinstance(said, int):
        return said
    return parameters_in(path_of(checkpoint))


def over_songs(songs: Ints) -> list[int]:
    """Return the places of phrases of songs, int [n]: the first one of each song, then the second of each."""
    turns: Counter[int] = Counter()
    ranks = []
    for place, song in enumerate(songs.tolist()):
        turns[song] += 1
        ranks.append((turns[song], place))
    return [place for _, place in sorted(ranks)]
