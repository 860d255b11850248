"""`latent.note_transformer` as it is fitted: the network that writes phrases by notes, and its batches.

Tested in tests/trainer/latent/test_prior.py.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.codecs.base import COLUMNS, ONSET, PITCH, TRACK, Codec, table_of
from model.latent.note_transformer import LOWEST, NAMES, ORDER, sizes
from model.latent.part_context import CLASSES, HERE, INTERVALS, PARTS, TURN, PartContext
from model.latent.references import NONE, references_of
from model.music.grid import Grid
from model.music.tracks import DRUMS, TRACKS
from model.networks.layers.causal import CausalBlocks
from trainer.data.augment import LIMITS, Ints, shifts
from trainer.data.dataset import Phrases

REACH = (-6, 5)
MOVED = 0.5  # share of the phrases that are transposed
SORTED = 2048  # phrases that are put in the order of their lengths at once
PACKED = 512
ENSEMBLE = "multitrack"
"""The codec whose phrases have several tracks."""

Halves = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class NoteBatch:
    """Some phrases.

    Attributes:
        notes: int64 [B, L, 6], choices of each column; zeros behind a phrase's last note.
        references: int64 [B, L + 1, 2, 6], see `model.latent.references`, of each note and of the end.
        counts: int64 [B], notes of each.
        moved: int64 [B], the transposition of each, in semitones above the lowest.
        rhythm: float32 [notes, parts, steps], see `latent.part_context`, for the notes of all phrases in
        their
            order; None of phrases of one track.
        here: float32 [notes, ...], likewise.
    """

    notes: Tensor
    references: Tensor
    counts: Tensor
    moved: Tensor
    rhythm: Tensor | None = None
    here: Tensor | None = None

    def to(self, device: torch.device) -> "NoteBatch":
        """Return it on a device."""
        parts = (self.notes, self.references, self.counts, self.moved)
        beside = (None if part is None else part.to(device) for part in (self.rhythm, self.here))
        return NoteBatch(*(part.to(device) for part in parts), *beside)


class NoteNetwork(nn.Module):
    """Notes to the odds of the next one's numbers."""

    def __init__(
        self,
        grid: Grid,
        constant: Ints,
        chosen: tuple[int, ...],
        *,
        longest: int,
        width: int,
        depth: int,
        heads: int,
        dropout: float,
    ) -> None:
        """Make the network.

        Args:
            grid: of the phrases.
            constant: int64 [6], what a column holds that is not chosen.
            chosen: columns that are, in their order.
            longest: notes that a phrase can have.
            width: of the tokens.
            depth: blocks.
            heads: of the attention; they divide the width.
            dropout: share of what enters and leaves the blocks.
        """
        super().__init__()
        self.constant, self.chosen = constant, chosen
        self.choices = [sizes(grid)[column] for column in chosen]
        self.choices[0] += 1
        self.embeddings = nn.ModuleList(nn.Embedding(count, width) for count in self.choices)
        self.moves = nn.Embedding(REACH[1] - REACH[0] + 1, width)
        self.place = nn.Embedding(longest + 1, width)
        for table in (*self.embeddings, self.moves, self.place):
            assert isinstance(table, nn.Embedding)
            nn.init.normal_(table.weight, std=0.1)
        self.blocks = CausalBlocks(width, heads, depth)
        self.dropout = nn.Dropout(dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in chosen)
        self.ups = nn.ModuleList(nn.Linear(width, width) for _ in chosen)
        self.outs = nn.ModuleList(nn.Linear(width, 5 * count - 2) for count in self.choices)
        self.several = TRACK in chosen
        if self.several:
            self.strikes = nn.Linear(width, PARTS)
            self.intervals = nn.Linear(width, INTERVALS)
            self.here = nn.Linear(HERE, width)
            for layer in (self.strikes, self.intervals, self.here):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, batch: NoteBatch) -> Tensor:
        """Return the negative log likelihood of a batch in nats a column, [chosen columns]."""
        notes, counts = batch.notes, batch.counts
        known = [
            embedding(notes[..., column])
            for embedding, column in zip(self.embeddings, self.chosen, strict=True)
        ]
        x = torch.cat((self.moves(batch.moved)[:, None], torch.stack(known).sum(0)), dim=1)
        x = self.dropout(x + self.place.weight[: x.shape[1]])
        x = self.dropout(self.blocks(x))
        place = torch.arange(x.shape[1], device=x.device)
        within = place <= counts[:, None]
        first = self.chosen[0]
        wanted = torch.where(place == counts[:, None], self.choices[0] - 1, F.pad(notes[..., first], (0, 1)))[
            within
        ]
        references = batch.references[within]
        odds = self.odds(0, x[within], references[..., first])
        if first == TRACK:
            odds = odds.masked_fill(_over(notes[..., TRACK])[within], -1e9)
        losses = [F.cross_entropy(_late(odds, first, references), wanted, reduction="sum")]
        real = within[:, 1:]
        x, picked, references = x[:, :-1][real], notes[real], batch.references[:, :-1][real]
        for number, column in enumerate(self.chosen):
            if number:
                odds = self.odds(number, x, references[..., column], *self.beside(column, batch, picked))
                odds = _late(odds, column, references)
                losses.append(F.cross_entropy(odds, picked[:, column], reduction="sum"))
            x = x + self.embeddings[number](picked[:, column])
            if column == ONSET and self.several and batch.here is not None:
                x = x + self.here(batch.here)
        return torch.stack(losses)

    def beside(self, column: int, batch: NoteBatch, picked: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Return the rhythm beside notes where onsets are chosen, what sounds there where pitches are."""
        if not self.several or batch.here is None:
            return None, None
        if column == ONSET:
            return batch.rhythm, None
        return None, batch.here * (picked[:, TRACK, None] != DRUMS) if column == PITCH else None

    def odds(
        self,
        number: int,
        x: Tensor,
        references: Tensor,
        rhythm: Tensor | None = None,
        here: Tensor | None = None,
    ) -> Tensor:
        """Return the log odds of a column's choices, [n, choices], as `model.latent.note_transformer` does.

        Args:
            number: of the column among those that are chosen.
            x: float [n, width].
            references: int64 [n, 2].
            rhythm: float [n, parts, steps], for onsets.
            here: float [n, `model.latent.part_context.HERE`], for pitches.
        """
        choices = self.choices[number]
        inner = F.relu(self.ups[number](self.norms[number](x)))
        every: Tensor = self.outs[number](inner).float()
        odds, border = every[:, :choices], 3 * choices - 1
        places = torch.arange(choices, device=x.device)
        for far, reference in zip(
            (every[:, choices:border], every[:, border:]), references.unbind(1), strict=True
        ):
            distance_odds = far.gather(1, places - reference.clamp(0, choices - 1)[:, None] + choices - 1)
            odds = odds + distance_odds * (reference != NONE)[:, None]
        if rhythm is not None:
            odds = odds + torch.einsum("np,nps->ns", self.strikes(inner).float(), rhythm)
        if here is not None:
            sounds = here[:, PARTS:].reshape(-1, PARTS, CLASSES)[:, :, torch.from_numpy(TURN)]
            weights = self.intervals(inner).float().reshape(-1, PARTS, CLASSES)
            classes = torch.einsum("npk,npck->nc", weights, sounds)
            odds = odds + classes[:, places % CLASSES]
        return odds

    def matrices(self) -> list[nn.Parameter]:
        """Return the weights between hidden layers."""
        inner = (*self.blocks.parameters(), *self.ups.parameters())
        return [weight for weight in inner if weight.ndim == 2]

    def tensors(self) -> Halves:
        """Return the weights, float16, named as those of `NoteTransformer`, for phrases as they are."""
        state = self.state_dict()
        return {
            "heads": np.array([self.blocks.heads], dtype=np.float16),
            "constant": self.constant.astype(np.float16),
            "begin": _half(state["moves.weight"][-REACH[0]]),
            **{target: _half(state[here]) for here, target in self._names().items()},
        }

    def take_over(self, tensors: Mapping[str, NDArray[Any]]) -> bool:
        """Begin with weights that `tensors` gave; tell whether they fit, for else nothing is done.

        The phrases of the other may be shorter.  What it knew of transposed ones is not among its weights.
        """
        state, held = self.state_dict(), self.tensors()
        places = len(held["place.weight"]) - len(tensors.get("place.weight", ()))
        same = places >= 0 and all(
            name == "place.weight" or (name in tensors and tensors[name].shape == value.shape)
            for name, value in held.items()
        )
        fixed = [column for column in ORDER if column not in self.chosen]
        if not same or held["heads"] != tensors["heads"]:
            return False
        if (held["constant"][fixed] != tensors["constant"][fixed]).any():
            return False
        for here, target in self._names().items():
            value = torch.from_numpy(tensors[target].astype(np.float32))
            state[here][: len(value)] = value
        state["moves.weight"][:] = torch.from_numpy(tensors["begin"].astype(np.float32))
        return True

    def _names(self) -> dict[str, str]:
        """Return by the names of the weights here those in `NoteTransformer`."""
        named = [NAMES[column] for column in self.chosen]
        found = {}
        for name in self.state_dict():
            kind, *rest = name.split(".")
            if kind == "blocks":
                found[name] = ".".join(part for part in rest[1:] if part != "attention")
            elif kind == "embeddings":
                found[name] = f"{named[int(rest[0])]}.weight"
            elif kind in ("norms", "ups", "outs"):
                found[name] = f"{named[int(rest[0])]}.{kind[:-1]}.{rest[1]}"
            elif kind != "moves":
                found[name] = name
        return found


def _late(odds: Tensor, column: int, references: Tensor) -> Tensor:
    """Return odds [n, choices]; of onsets, those before the one before it in its track are ruled out."""
    if column != ONSET:
        return odds
    early = torch.arange(odds.shape[1], device=odds.device) < references[:, :1, ONSET]
    return odds.masked_fill(early, -1e9)


def _over(tracks: Tensor) -> Tensor:
    """Return the tracks that have been left before each note and the end, bool [B, L + 1, tracks + 1]."""
    each = F.one_hot(tracks, len(TRACKS) + 1)
    known = F.pad(each.cumsum(1) > 0, (0, 0, 1, 0))
    return known & (F.pad(each, (0, 0, 1, 0)) == 0)


def _half(value: Tensor) -> NDArray[np.float16]:
    out: NDArray[np.float16] = value.detach().cpu().to(torch.float16).numpy()
    return out


@dataclass(frozen=True, slots=True)
class EncodedNotes:
    """Phrases as a codec holds them, none of them empty.

    Attributes:
        phrases: their notes ordered by track, onset and falling pitch, the columns holding choices: values
            less `model.latent.note_transformer.LOWEST`.
        references: of the notes, int16 [N, 2, 6].
        ends: of the phrases' ends, int16 [phrases, 2, 6].
        grid: of the phrases.
    """

    phrases: Phrases
    references: NDArray[np.int16]
    ends: NDArray[np.int16]
    grid: Grid

    def __len__(self) -> int:
        """Count the phrases."""
        return len(self.phrases)


def encode_notes(codec: Codec, phrases: Phrases, chosen: Ints, go_on: Callable[[], bool]) -> EncodedNotes:
    """Return phrases as a codec holds them.

    Args:
        codec: of the phrases.
        phrases: a split.
        chosen: which of them, in which order.
        go_on: asked before some more are taken; the first ones are in any case.
    """
    tables: list[NDArray[np.int16]] = []
    references: list[NDArray[np.int16]] = []
    for part in np.array_split(chosen, max(1, -(-len(chosen) // PACKED))):
        if tables and not go_on():
            break
        arrays = codec.pack(*phrases.gather(part), len(part))
        for row in range(len(part)):
            table = table_of(codec.unpack(arrays, row))
            if len(table):
                order = np.lexsort((-table[:, PITCH], table[:, ONSET], table[:, TRACK]))
                tables.append((table[order] - LOWEST).astype(np.int16))
        references += references_of(tables[len(references) :], codec.grid)
    notes = np.concatenate([np.zeros((0, len(COLUMNS)), dtype=np.int16), *tables])
    starts = np.cumsum([0, *map(len, tables)], dtype=np.int64)
    none = np.zeros((0, 2, len(COLUMNS)), dtype=np.int16)
    encoded = Phrases(notes, starts, np.zeros(len(tables), dtype=np.int32))
    return EncodedNotes(
        encoded,
        np.concatenate([none, *(t[:-1] for t in references)]),
        np.concatenate([none, *(t[-1:] for t in references)]),
        codec.grid,
    )


def varying(music: EncodedNotes) -> tuple[Ints, tuple[int, ...]]:
    """Return what each column holds, int64 [6], and those that hold several values, in their order."""
    notes = music.phrases.notes.astype(np.int64)
    several = (notes != notes[0]).any(0)
    return notes[0], tuple(column for column in ORDER if several[column] or column == ONSET)


def batches(
    music: EncodedNotes, codec: str, size: int, rng: np.random.Generator, *, moved: float = MOVED
) -> Iterator[NoteBatch]:
    """Yield batches of phrases of like lengths, of about `size` notes with what fills them up, once through.

    Args:
        music: the phrases.
        codec: by whose limits they are transposed; drums are not.
        size: in notes.
        rng: of the order and the transpositions.
        moved: share of the phrases that is transposed.
    """
    order = rng.permutation(len(music))
    lengths = np.diff(music.phrases.starts)
    for part in np.array_split(order, max(1, len(order) // SORTED)):
        groups: list[list[int]] = [[]]
        for index in part[np.argsort(lengths[part], kind="stable")].tolist():
            if groups[-1] and (len(groups[-1]) + 1) * (lengths[index] + 1) > size:
                groups.append([])
            groups[-1].append(index)
        for number in rng.permutation(len(groups)).tolist():
            if groups[number]:
                yield batch(music, codec, np.array(groups[number]), rng, moved=moved)


def batch(
    music: EncodedNotes, codec: str, chosen: Ints, rng: np.random.Generator, *, moved: float
) -> NoteBatch:
    """Return the chosen phrases side by side, the tracks of each in an order of chance."""
    table, rows = music.phrases.gather(chosen)
    count, counts = len(chosen), np.diff(music.phrases.starts)[chosen]
    starts = np.cumsum(counts) - counts
    place = np.arange(len(rows)) - starts[rows]
    chosen_references = music.references[music.phrases.starts[chosen][rows] + place]
    ends = music.ends[chosen]
    several = codec == ENSEMBLE
    if several:
        turns = rng.permuted(np.tile(np.arange(len(TRACKS)), (count, 1)), axis=1)
        order = np.lexsort((place, turns[rows, table[:, TRACK]], rows))
        table, chosen_references = table[order], chosen_references[order]
        chosen_references[1:, 0, TRACK] = table[:-1, TRACK]
        chosen_references[starts, 0, TRACK] = NONE
        ends[:, 0, TRACK] = table[starts + counts - 1, TRACK]
    semitones = np.zeros(count, dtype=np.int64)
    if codec in LIMITS and moved:
        keyed = table[:, TRACK] != DRUMS
        limits = LIMITS[codec]
        semitones = shifts([(table[keyed, PITCH], rows[keyed])], count, reach=REACH, limits=limits, rng=rng)
        semitones *= rng.random(count) < moved
        away = (semitones[rows] * keyed).astype(np.int16)
        table[:, PITCH] += away
        chosen_references[:, :, PITCH] += away[:, None] * (chosen_references[:, :, PITCH] != NONE)
    notes = np.zeros((count, counts.max(), len(COLUMNS)), dtype=np.int64)
    notes[rows, place] = table
    references = np.zeros((count, counts.max() + 1, 2, len(COLUMNS)), dtype=np.int64)
    references[rows, place] = chosen_references
    references[np.arange(count), counts] = ends
    tensors = [torch.from_numpy(part) for part in (notes, references, counts, semitones - REACH[0])]
    if not several:
        return NoteBatch(tensors[0], tensors[1], tensors[2], tensors[3])
    earlier = (turns[rows] < turns[rows, table[:, TRACK]][:, None]).astype(np.float32)
    beside, choices = PartContext(count, music.grid), table.astype(np.int64)
    beside.add(rows, choices)
    here = beside.here(rows, earlier, choices[:, ONSET])
    parts = (*tensors, torch.from_numpy(beside.rhythm(rows, earlier)), torch.from_numpy(here))
    return NoteBatch(*parts)
