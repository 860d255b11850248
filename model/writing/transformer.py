"""The writer's network in numpy: tokens to what the next note's numbers hang on.

A causal Transformer whose attention knows how many steps lie between two notes (rotary embedding, Su et al.
2021, "RoFormer", section 3.2, turned by musical time instead of by place in the sequence).  Its last block
looks once more when the next note's onset is chosen, from that step: what lay a bar before it, what lies
beside it.  `trainer.writing.network` trains the same in torch.

Tested in tests/model/writing/test_transformer.py.
"""

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.writing.notes_around import HERE, PARTS, RHYTHM
from model.writing.tokens import (
    BUCKETS,
    ONSET,
    PITCH,
    PLACES,
    REACH,
    REFERENCED,
    SIZES,
    SOURCES,
    TOKEN_COLUMNS,
    Floats,
    Ints,
)
from model.writing.wish import STEPS, Kind

NORM = 1e-5
FEED = 4  # width of the layer between, for each of the tokens' width
SHORTEST, OCTAVE = 3.0, 2.0  # periods of the attention's rotation: steps, and pairs to a doubling


def shapes(width: int, depth: int) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of each tensor of a writer; see `Transformer`."""
    found: dict[str, tuple[int, ...]] = {"heads": (1,), "keys": (len(Kind), 12)}
    found |= {f"token.{name}": (size, width) for name, size in zip(TOKEN_COLUMNS, SIZES, strict=True)}
    found |= {
        "token.type": (3, width),
        "token.kind": (len(Kind), width),
        "begin.place": (PLACES, width),
        "begin.ending": (2, width),
        "begin.track": (PARTS, width),
        "begin.first": (STEPS, width),
        "begin.last": (STEPS + 1, width),
        "left": (PARTS, len(BUCKETS) + 1, width),
        "next.onset": (STEPS, width),
        "next.here": (width, HERE),
        "look.norm": (width,),
        "look.query": (width, width),
        "seen.norm": (width,),
        "seen.mix": (2 * width, width),
    }
    for block in (*map(str, range(depth)), "look"):
        if block != "look":
            found |= {f"{block}.norm1": (width,), f"{block}.mix": (3 * width, width)}
        found |= {
            f"{block}.out": (width, width),
            f"{block}.norm2": (width,),
            f"{block}.up": (FEED * width, width),
            f"{block}.down": (width, FEED * width),
        }
    for column, name in enumerate(TOKEN_COLUMNS):
        found |= {
            f"{name}.norm": (width,),
            f"{name}.up": (width, width),
            f"{name}.out": (outputs(column), width),
            f"{name}.bias": (outputs(column),),
        }
    return found


def outputs(column: int) -> int:
    """Return how many numbers a column's odds are made of."""
    if column == ONSET:
        return SIZES[ONSET] + SIZES[ONSET] + RHYTHM
    if column not in REFERENCED:
        return SIZES[column]
    fits = PARTS * 12 if column == PITCH else 0
    return SIZES[column] + SOURCES * (2 * REACH[REFERENCED.index(column)] + 1) + fits


def turns(size: int) -> Floats:
    """Return the angles a step of the rotary embedding of heads of a size, float32 [size / 2]."""
    periods = SHORTEST * OCTAVE ** (np.arange(size // 2) / 2)
    return np.asarray(2 * np.pi / periods, dtype=np.float32)


class Transformer:
    """The weights, and what they make of tokens.

    `heads` is a number, `keys` how often music of each kind is in the key signature of the major key on each
    pitch class: shares, 0 or more.  Other tensors are as `shapes` names them: embeddings [values, width],
    layers [out, in].  Norms divide by the root mean square (Zhang and Sennrich 2019, "Root mean square layer
    normalization").
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Take the tensors.

        Raises:
            KeyError: one is missing.
            ValueError: one has another shape than it should.
        """
        self.width = len(tensors["look.norm"])
        self.depth = sum(name.endswith(".mix") for name in tensors) - 1
        self.heads = int(tensors["heads"][0])
        wanted = shapes(self.width, self.depth)
        for name, shape in wanted.items():
            if tensors[name].shape != shape:
                raise ValueError(f"the writer's tensor {name} is {tensors[name].shape}, not {shape}")
        if self.heads < 1 or self.width % (2 * self.heads):
            raise ValueError(f"{self.heads} heads do not divide {self.width} numbers by an even size")
        held = {name: np.asarray(tensors[name], dtype=np.float32) for name in wanted}
        self.embeddings = [held[f"token.{name}"] for name in TOKEN_COLUMNS]
        self.held = held
        self.size = self.width // self.heads
        steps = np.arange(-STEPS, 16 * STEPS)[:, None] * turns(self.size)
        self._cos, self._sin = np.cos(steps), np.sin(steps)
        # layers as they are multiplied, each with the norm before it in it
        scale = np.float32(self.size**-0.5)
        self._mix: list[Floats] = []
        self._out: list[Floats] = []
        self._up: list[Floats] = []
        self._down: list[Floats] = []
        for index in range(self.depth):
            mix = (held[f"{index}.mix"] * held[f"{index}.norm1"]).T.copy()
            mix[:, : self.width] *= scale
            self._mix.append(mix)
            self._keep(str(index))
        self._keep("look")
        self._query = np.ascontiguousarray((held["look.query"] * held["look.norm"]).T * scale)
        self._seen = np.ascontiguousarray((held["seen.mix"] * held["seen.norm"]).T)
        self._here = np.ascontiguousarray(held["next.here"].T)
        self._head_up = [
            np.ascontiguousarray((held[f"{name}.up"] * held[f"{name}.norm"]).T) for name in TOKEN_COLUMNS
        ]
        self._head_out = [np.ascontiguousarray(held[f"{name}.out"].T) for name in TOKEN_COLUMNS]
        self._head_bias = [held[f"{name}.bias"] for name in TOKEN_COLUMNS]

    def _keep(self, block: str) -> None:
        held = self.held
        self._out.append(np.ascontiguousarray(held[f"{block}.out"].T))
        self._up.append(np.ascontiguousarray((held[f"{block}.up"] * held[f"{block}.norm2"]).T))
        self._down.append(np.ascontiguousarray(held[f"{block}.down"].T))

    def known(self, tokens: Ints, kinds: Ints, types: Ints) -> Floats:
        """Return what notes enter the blocks as, [..., width], of tokens [..., 6]."""
        x = self.held["token.type"][types] + self.held["token.kind"][kinds]
        for column, table in enumerate(self.embeddings):
            x = x + table[tokens[..., column]]
        out: Floats = x
        return out

    def begin(
        self, kind: int, place: int, *, ending: bool, tracks: list[int], span: tuple[int, int]
    ) -> Floats:
        """Return what the token before the new notes enters as, [width], without what is left to write."""
        held = self.held
        out: Floats = (
            held["token.type"][1]
            + held["token.kind"][kind]
            + held["begin.place"][place]
            + held["begin.ending"][int(ending)]
            + held["begin.track"][tracks].sum(0)
            + held["begin.first"][span[0]]
            + held["begin.last"][span[1]]
        )
        return out

    def left(self, counts: Ints) -> Floats:
        """Return what is added for the notes left to write, classes int64 [n, 4] -> [n, width]."""
        table = self.held["left"]
        out: Floats = table[np.arange(PARTS), counts].sum(1)
        return out

    def prefix(self, x: Floats, times: Ints, memory: "AttentionMemory") -> Floats:
        """Map several tokens of each row [B, L, width] at steps [B, L]; all go into the memory.

        Rows shorter than L have anything behind their end.  Tokens that the memory holds already are those of
        rows of equal length.
        """
        rows, length, width = x.shape
        turn = self._turn(times)
        before = memory.begin(length)
        ahead = np.triu(np.full((length, before + length), -1e9, dtype=np.float32), 1 + before)
        for index in range(self.depth):
            mixed = (_normed(x) @ self._mix[index]).reshape(rows, length, 3, self.heads, self.size)
            query, key, value = (mixed[:, :, part].swapaxes(1, 2) for part in range(3))
            query = _rotated(query, turn)
            keys, values = memory.add(index, _rotated(key, turn), value)
            weights = _softmax(query @ keys.swapaxes(-1, -2) + ahead)
            joined: Floats = (weights @ values).swapaxes(1, 2).reshape(rows, length, width)
            x = x + joined @ self._out[index]
            x = self._fed(x, index)
        mixed = (_normed(x) @ self._seen).reshape(rows, length, 2, self.heads, self.size)
        memory.add(self.depth, _rotated(mixed[:, :, 0].swapaxes(1, 2), turn), mixed[:, :, 1].swapaxes(1, 2))
        return x

    def step(self, x: Floats, times: Ints, memory: "AttentionMemory") -> Floats:
        """Map one token more of each row, [B, width] at steps [B]; it goes into the memory."""
        rows = len(x)
        cos, sin = self._turn(times)
        turn = cos[:, None], sin[:, None]
        memory.begin(1)
        for index in range(self.depth):
            mixed = (_normed(x) @ self._mix[index]).reshape(rows, 3 * self.heads, self.size)
            turned = _rotated(mixed[:, : 2 * self.heads], turn)
            keys, values = memory.add(index, turned[:, self.heads :, None], mixed[:, 2 * self.heads :, None])
            x = x + self._seeing(turned[:, : self.heads], keys, values, memory) @ self._out[index]
            x = self._fed(x, index)
        mixed = (_normed(x) @ self._seen).reshape(rows, 2 * self.heads, self.size)
        memory.add(
            self.depth, _rotated(mixed[:, : self.heads], turn)[:, :, None], mixed[:, self.heads :, None]
        )
        return x

    def look(self, x: Floats, onsets: Ints, times: Ints, here: Floats, memory: "AttentionMemory") -> Floats:
        """Map rows [B, width] once more, given the next note's onset and what is there."""
        entering = x + self.held["next.onset"][onsets] + here @ self._here
        query = (_normed(entering) @ self._query).reshape(len(x), self.heads, self.size)
        cos, sin = self._turn(times)
        query = _rotated(query, (cos[:, None], sin[:, None]))
        keys, values = memory.seen(self.depth)
        return self._fed(entering + self._seeing(query, keys, values, memory) @ self._out[-1], self.depth)

    def look_all(
        self,
        x: Floats,
        onsets: Ints,
        times: Ints,
        here: Floats,
        *,
        looked_at: tuple[Floats, Floats],
        until: Ints,
    ) -> Floats:
        """Map several tokens of one row as `look` does.

        Args:
            x: [n, width].
            onsets: [n], of the notes that follow.
            times: [n], their steps.
            here: [n, HERE].
            looked_at: keys and values of the row's tokens, each [heads, L, size].
            until: [n], how many of them each sees.
        """
        entering = x + self.held["next.onset"][onsets] + here @ self._here
        query = (_normed(entering) @ self._query).reshape(len(x), self.heads, self.size).swapaxes(0, 1)
        query = _rotated(query, self._turn(times))
        keys, values = looked_at
        weights = query @ keys.swapaxes(-1, -2)
        weights = _softmax(np.where(np.arange(keys.shape[1]) < until[:, None], weights, np.float32(-1e9)))
        joined: Floats = (weights @ values).swapaxes(0, 1).reshape(len(x), self.width)
        return self._fed(entering + joined @ self._out[-1], self.depth)

    def head(self, column: int, x: Floats) -> Floats:
        """Return a column's numbers, [B, outputs(column)]."""
        inner = np.maximum(_normed(x) @ self._head_up[column], 0.0)
        out: Floats = inner @ self._head_out[column] + self._head_bias[column]
        return out

    def _seeing(self, query: Floats, keys: Floats, values: Floats, memory: "AttentionMemory") -> Floats:
        """Return what queries [B, heads, size] see, [B, width]."""
        weights = (keys @ query[..., None])[..., 0]
        if memory.hidden is not None:
            weights = weights + memory.hidden[:, None, : weights.shape[-1]]
        weights = _softmax(weights)
        out: Floats = (weights[:, :, None] @ values).reshape(len(query), self.width)
        return out

    def _fed(self, x: Floats, block: int) -> Floats:
        inner = np.maximum(_normed(x) @ self._up[block], 0.0)
        out: Floats = x + (inner * inner) @ self._down[block]
        return out

    def _turn(self, times: Ints) -> tuple[Floats, Floats]:
        return self._cos[times + STEPS], self._sin[times + STEPS]


class AttentionMemory:
    """Keys and values of the tokens so far, and which of them each row may see.

    Attributes:
        hidden: float32 [B, L], 0 or far below it; None where every row sees all.
    """

    def __init__(self, network: Transformer, lengths: Ints, room: int) -> None:
        longest = int(lengths.max())
        shape = (network.depth + 1, 2, len(lengths), network.heads, longest + room, network.size)
        self._all = np.zeros(shape, dtype=np.float32)
        self._tokens, self._new = 0, 0
        self.hidden: Floats | None = None
        if (lengths != longest).any():
            inside = np.arange(longest + room) < lengths[:, None]
            inside[:, longest:] = True
            self.hidden = np.where(inside, np.float32(0), np.float32(-1e9))

    def begin(self, count: int) -> int:
        """Take so many tokens more of each row; return how many there were."""
        before, self._new = self._tokens, count
        self._tokens += count
        return before

    def add(self, block: int, key: Floats, value: Floats) -> tuple[Floats, Floats]:
        """Put a block's keys and values of these tokens, [B, heads, n, size]; return all of both."""
        first = self._tokens - self._new
        self._all[block, 0, :, :, first : self._tokens] = key
        self._all[block, 1, :, :, first : self._tokens] = value
        return self.seen(block)

    def repeated(self, rows: int, room: int) -> "AttentionMemory":
        """Return a memory of so many rows, each as the one here, with room for more tokens."""
        depth, both, _, heads, _, size = self._all.shape
        found = copy(self)
        found._all = np.zeros((depth, both, rows, heads, self._tokens + room, size), dtype=np.float32)  # noqa: SLF001
        found._all[..., : self._tokens, :] = self._all[..., : self._tokens, :]  # noqa: SLF001
        return found

    def seen(self, block: int) -> tuple[Floats, Floats]:
        """Return a block's keys and values."""
        return self._all[block, 0, :, :, : self._tokens], self._all[block, 1, :, :, : self._tokens]

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget all rows but some."""
        self._all = self._all[:, :, rows]
        if self.hidden is not None:
            self.hidden = self.hidden[rows]


def _normed(x: Floats) -> Floats:
    square = np.einsum("...i,...i->...", x, x)[..., None] * np.float32(1 / x.shape[-1])
    out: Floats = x / np.sqrt(square + np.float32(NORM))
    return out


def _softmax(x: Floats) -> Floats:
    weights = np.exp(x - x.max(-1, keepdims=True))
    out: Floats = weights / weights.sum(-1, keepdims=True)
    return out


def _rotated(x: Floats, turn: tuple[Floats, Floats]) -> Floats:
    """Turn the pairs (first half, second half) of vectors [..., size] by angles."""
    cos, sin = turn
    half = x.shape[-1] // 2
    one, other = x[..., :half], x[..., half:]
    if cos.ndim == 3 and x.ndim == 4:  # [B, L, half] beside [B, heads, L, half]
        cos, sin = cos[:, None], sin[:, None]
    return np.concatenate((one * cos - other * sin, one * sin + other * cos), axis=-1)
