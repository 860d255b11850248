"""Recurrent layers that run over whole sequences or one step, with one and the same weights.

A sequence goes through torch's own fast layers; a step is written out in plain products, which a traced
graph holds as they are.

Tested in tests/model/networks/decoders/test_base.py.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

KINDS: dict[str, type[nn.RNN | nn.GRU | nn.LSTM]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def run(
    net: nn.RNN | nn.GRU | nn.LSTM, x: Tensor, state: Tensor | tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Any]:
    """Return outputs [B, S, ...] and the last state of torch's recurrent layers over x [B, S, inputs].

    On a processor in float32, under autocast too: oneDNN has an LSTM of bfloat16 on a few of them only.
    """
    found: tuple[Tensor, Any]
    if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        found = net(x, state)
        return found
    with torch.autocast("cpu", enabled=False):
        if isinstance(state, tuple):
            found = net(x.float(), tuple(part.float() for part in state))
        else:
            found = net(x.float(), None if state is None else state.float())
    return found


class Cells(nn.Module):
    """`depth` layers of tanh units (Elman 1990), GRU (Cho et al. 2014) or LSTM (Hochreiter et al. 1997).

    A state is one tensor [B, depth, size]: the layers' outputs, for an LSTM with their cells behind them.
    """

    def __init__(self, kind: str, inputs: int, width: int, depth: int) -> None:
        """Make the layers; `kind` is rnn, gru or lstm."""
        super().__init__()
        self.kind, self.inputs, self.width, self.depth = kind, inputs, width, depth
        self.size = 2 * width if kind == "lstm" else width
        self.net = KINDS[kind](inputs, width, depth, batch_first=True)

    def sequence(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return outputs [B, S, width] of inputs [B, S, inputs], and the state after the last."""
        first = state.transpose(0, 1).contiguous()
        if self.kind == "lstm":
            hidden, cell = (part.contiguous() for part in first.chunk(2, dim=-1))
            out, (hidden, cell) = run(self.net, x, (hidden, cell))
            return out, torch.cat((hidden, cell), dim=-1).transpose(0, 1)
        out, hidden = run(self.net, x, first)
        return out, hidden.transpose(0, 1)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return one step's output [B, width] of inputs [B, inputs], and the state after it."""
        states = []
        for layer in range(self.depth):
            now = self._layer(layer, x, state[:, layer])
            states.append(now)
            x = now[:, : self.width]
        return x, torch.stack(states, dim=1)

    def _layer(self, layer: int, x: Tensor, state: Tensor) -> Tensor:
        """Return one layer's next state [B, size]."""
        net, hidden = self.net, state[:, : self.width]
        read = F.linear(x, getattr(net, f"weight_ih_l{layer}"), getattr(net, f"bias_ih_l{layer}"))
        recurrent = F.linear(hidden, getattr(net, f"weight_hh_l{layer}"), getattr(net, f"bias_hh_l{layer}"))
        if self.kind == "rnn":
            return torch.tanh(read + recurrent)
        if self.kind == "gru":
            reset_read, update_read, new_read = read.chunk(3, dim=-1)
            reset_recurrent, update_recurrent, new_recurrent = recurrent.chunk(3, dim=-1)
            update = torch.sigmoid(update_read + update_recurrent)
            new = torch.tanh(new_read + torch.sigmoid(reset_read + reset_recurrent) * new_recurrent)
            return new + update * (hidden - new)
        enter, forget, new, leave = (read + recurrent).chunk(4, dim=-1)
        cell = torch.sigmoid(forget) * state[:, self.width :] + torch.sigmoid(enter) * torch.tanh(new)
        return torch.cat((torch.sigmoid(leave) * torch.tanh(cell), cell), dim=-1)
