"""The writer's network in torch, as it is trained: `model.writing.transformer` with gradients.

Tested in tests/trainer/writing/test_network.py.
"""

from dataclasses import fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.writing import tokens as t
from model.writing.notes_around import CLASSES, PARTS, RHYTHM, TURN
from model.writing.transformer import NORM, shapes, turns
from model.writing.wish import STEPS
from trainer.writing.examples import Examples

NEVER = -1e9
LOSSES = t.TOKEN_COLUMNS
"""What is told apart in a loss: nats of each column."""


class WriterNetwork(nn.Module):
    """Examples to the nats of what was chosen; parameters as `model.writing.transformer.shapes` says."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.width, self.depth, self.heads = width, depth, heads
        self.held = nn.ParameterDict()
        for name, shape in shapes(width, depth).items():
            if name in ("heads", "keys"):
                continue
            value = torch.ones(shape)
            if name.endswith(".bias"):
                value = torch.zeros(shape)
            elif "norm" not in name:
                value = torch.randn(shape) * _spread(name, shape, depth)
            self.held[name.replace(".", "/")] = nn.Parameter(value)
        self.angles = torch.from_numpy(turns(width // heads))

    def at(self, name: str) -> Tensor:
        """Return a tensor by its name in the writer's file."""
        found: Tensor = self.held[name.replace(".", "/")]
        return found

    def forward(self, batch: Examples) -> tuple[Tensor, Tensor]:
        """Return the nats of each column, [6], and how many choices each sums up, [6]."""
        of = {field.name: torch.from_numpy(value) for field in fields(batch)
              if isinstance(value := getattr(batch, field.name), np.ndarray)}  # fmt: skip
        x = self._entering(batch, of)
        turn = self._turn(of["times"])
        for index in range(self.depth):
            x = self._block(x, str(index), turn)
        rows, places = of["choosing"].unbind(1)
        chosen = x[rows, places]
        onset = self._onset(chosen, of)
        nats = [F.cross_entropy(onset, of["onset"], reduction="sum")]
        notes, where = of["notes"], of["going_on"]
        rows, places = rows[where], places[where]
        x = self._look(x, rows, places, of, turn)
        tracks = self._head(t.TRACK, x).masked_fill(~of["wanted"], NEVER)
        nats.append(F.cross_entropy(tracks, notes[:, t.TRACK], reduction="sum"))
        x = x + self.at("token.track")[notes[:, t.TRACK]]
        varied = of["varied"]
        counts = [len(chosen), *([len(notes)] * 3), *([int(varied.sum())] * 2)]
        for place, column in enumerate(t.REFERENCED):
            odds = self._values(column, self._head(column, x), of["references"][:, :, place], of["here"])
            each = F.cross_entropy(odds, notes[:, column], reduction="none")
            nats.append((each * varied).sum() if column in (t.VELOCITY, t.OFFSET) else each.sum())
            x = x + self.at(f"token.{t.TOKEN_COLUMNS[column]}")[notes[:, column]]
        return torch.stack(nats), torch.tensor(counts)

    def matrices(self) -> list[nn.Parameter]:
        """Return the weights between hidden layers."""
        inner = ("mix", "out", "up", "down", "query")
        return [
            weight
            for name, weight in self.held.items()
            if name.rpartition("/")[2] in inner and weight.shape[1] % self.width == 0
            and weight.shape[0] % self.width == 0
        ]  # fmt: skip

    def tensors(self, keys: NDArray[np.float32]) -> dict[str, NDArray[np.float16]]:
        """Return the weights as a writer's file has them, float16.

        Args:
            keys: [kinds, 12], see `model.writing.transformer.Transformer`.
        """
        found = {"heads": np.array([self.heads], dtype=np.float16), "keys": keys.astype(np.float16)}
        for name, value in self.held.items():
            found[name.replace("/", ".")] = value.detach().cpu().to(torch.float16).numpy()
        return found

    def _entering(self, batch: Examples, of: dict[str, Tensor]) -> Tensor:
        """Return what tokens enter the blocks as, [B, L, width]."""
        types, tokens = of["types"], of["tokens"]
        x = F.embedding(types.clamp(min=0), self.at("token.type")) + self.at("token.kind")[int(batch.kind)]
        is_note = ((types == t.FIXED) | (types == t.NEW)).unsqueeze(-1)
        notes = sum(
            F.embedding(tokens[..., column], self.at(f"token.{name}"))
            for column, name in enumerate(t.TOKEN_COLUMNS)
        )
        x = x + notes * is_note
        place, ending, first, last = of["conditions"].unbind(1)
        begin = (
            self.at("begin.place")[place]
            + self.at("begin.ending")[ending]
            + self.at("begin.first")[first]
            + self.at("begin.last")[last]
            + of["tracks"] @ self.at("begin.track")
        )
        rows, places = of["begins"].unbind(1)
        x = x.index_put((rows, places), begin, accumulate=True)
        left = self.at("left")[torch.arange(PARTS), of["left"]].sum(1)
        rows, places = of["choosing"].unbind(1)
        return x.index_put((rows, places), left, accumulate=True)

    def _block(self, x: Tensor, name: str, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Map tokens [B, L, width]."""
        mixed = F.linear(self._normed(x, f"{name}.norm1"), self.at(f"{name}.mix"))
        query, key, value = mixed.reshape(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        joined = _attention(_rotated(query, turn), _rotated(key, turn), value)
        x = x + F.linear(joined, self.at(f"{name}.out"))
        return self._fed(x, name)

    def _look(
        self, x: Tensor, rows: Tensor, places: Tensor, of: dict[str, Tensor], turn: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Return what is seen from the chosen notes' steps, [m, width]."""
        onset = of["notes"][:, t.ONSET]
        entering = x[rows, places] + self.at("next.onset")[onset] + F.linear(of["here"], self.at("next.here"))
        key, value = (
            F.linear(self._normed(x, "seen.norm"), self.at("seen.mix"))
            .reshape(*x.shape[:2], 2, self.heads, -1)
            .permute(2, 0, 3, 1, 4)
        )
        queries = F.linear(self._normed(entering, "look.norm"), self.at("look.query"))
        turned = self._turn(of["ahead"])
        queries = _rotated(
            queries.reshape(len(rows), self.heads, -1), (turned[0][:, None], turned[1][:, None])
        )
        laid = queries.new_zeros(*x.shape[:2], self.heads, queries.shape[-1])
        laid = laid.index_put((rows, places), queries).transpose(1, 2)
        joined = _attention(laid, _rotated(key, turn), value)[rows, places]
        return self._fed(entering + F.linear(joined, self.at("look.out")), "look")

    def _fed(self, x: Tensor, name: str) -> Tensor:
        inner = F.relu(F.linear(self._normed(x, f"{name}.norm2"), self.at(f"{name}.up")))
        return x + F.linear(inner * inner, self.at(f"{name}.down"))

    def _head(self, column: int, x: Tensor) -> Tensor:
        name = t.TOKEN_COLUMNS[column]
        inner = F.relu(F.linear(self._normed(x, f"{name}.norm"), self.at(f"{name}.up")))
        return F.linear(inner, self.at(f"{name}.out"), self.at(f"{name}.bias"))

    def _onset(self, x: Tensor, of: dict[str, Tensor]) -> Tensor:
        """Return the odds of onsets, as `model.writing.odds.onset_odds` does."""
        numbers, size = self._head(t.ONSET, x), t.SIZES[t.ONSET]
        away = torch.arange(STEPS) - of["previous"][:, None]
        far = numbers[:, size : 2 * size].gather(1, away.clamp(0, STEPS))
        marks = torch.einsum("nf,nfs->ns", numbers[:, 2 * size : 2 * size + RHYTHM], of["rhythm"])
        odds = (numbers[:, :STEPS] + far + marks).masked_fill(away < 0, NEVER)
        return torch.cat((odds, numbers[:, STEPS:size]), dim=1)

    def _values(self, column: int, numbers: Tensor, references: Tensor, here: Tensor) -> Tensor:
        """Return the odds of a column's values, as `model.writing.odds.value_odds` does."""
        size, reach = t.SIZES[column], t.REACH[t.REFERENCED.index(column)]
        width, values = 2 * reach + 1, torch.arange(size)
        away = (values - references[:, :, None]).clamp(-reach, reach) + reach
        far = numbers[:, size : size + t.SOURCES * width].reshape(-1, t.SOURCES, width).gather(2, away)
        odds = numbers[:, :size] + (far * (references != t.NONE)[:, :, None]).sum(1)
        if column == t.PITCH:
            first = 3 * PARTS
            sounds = here[:, first : first + PARTS * CLASSES].reshape(-1, PARTS, CLASSES)
            weights = numbers[:, -PARTS * CLASSES :].reshape(-1, PARTS, CLASSES)
            fits = torch.einsum("npk,npck->nc", weights, sounds[:, :, torch.from_numpy(TURN)])
            odds = odds + fits[:, values % CLASSES]
        return odds

    def _normed(self, x: Tensor, name: str) -> Tensor:
        normed: Tensor = F.rms_norm(x, (self.width,), self.at(name), NORM)
        return normed

    def _turn(self, times: Tensor) -> tuple[Tensor, Tensor]:
        turned = times.unsqueeze(-1) * self.angles
        return turned.cos(), turned.sin()


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return what each token sees of itself and those before it: [B, heads, L, size] -> [B, L, width]."""
    length = query.shape[2]
    weights = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    ahead = torch.full((length, length), NEVER).triu(1)
    return (torch.softmax(weights + ahead, dim=-1) @ value).transpose(1, 2).flatten(2)


def _rotated(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the pairs (first half, second half) of vectors [..., size]."""
    cos, sin = turn
    if x.ndim == 4:  # [B, heads, L, size]
        cos, sin = cos[:, None], sin[:, None]
    one, other = x.chunk(2, dim=-1)
    return torch.cat((one * cos - other * sin, one * sin + other * cos), dim=-1)


def _spread(name: str, shape: tuple[int, ...], depth: int) -> float:
    """Return the standard deviation that a tensor begins with."""
    if name.startswith(("token.", "begin.", "next.onset")) or name == "left":
        return 0.1
    last = name.rpartition(".")[2]
    if name.endswith(".out") and len(shape) == 2 and shape[0] != shape[1]:
        return 0.02  # odds begin even
    spread = float(shape[-1] ** -0.5)
    return spread / (2 * (depth + 1)) ** 0.5 if last in ("out", "down") else spread
