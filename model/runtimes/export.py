"""ONNX graphs of a model, without their weights: the checkpoint's tensors stay the only copy of them.

`encode` makes z of arrays.  A decoder that writes all at once is `decode`, z to heads.  One that goes step by
step is `start`, z to the state, and `step`, which is fed the last step's arrays and the chance, draws the
next and gives the state after it: the whole draw is in the graph, so that whoever runs it needs no torch.

Tested in tests/model/runtimes/test_onnx.py.
"""

import io
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from model.checkpoint import Graph
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import ARGMAX
from model.music.phrase import Phrase
from model.networks.heads.base import Chance
from model.networks.vae import VAE
from model.runtimes.base import DRAWN, LAST, NEXT, STATE

OPSET = 17
CHANCE = ("noise", "temperature", "top_k", "top_p")


class EncodeGraph(nn.Module):
    """The codec's arrays, in order, to mean and log-variance of z."""

    def __init__(self, net: VAE) -> None:
        super().__init__()
        self.net = net

    def forward(self, *arrays: Tensor) -> tuple[Tensor, Tensor]:
        """Return both, each [B, d]."""
        return self.net.encode(dict(zip(self.net.head.inputs, arrays, strict=True)))


class DecodeGraph(nn.Module):
    """z, change and perhaps condition to the codec's heads, in order."""

    def __init__(self, net: VAE) -> None:
        super().__init__()
        self.net = net

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return the heads, each [B, ...]."""
        heads = self.net.decode(z, change, condition)
        return tuple(heads[name] for name in self.net.head.outputs)


class StartGraph(nn.Module):
    """z, change and perhaps condition to the state before the first step, in order."""

    def __init__(self, net: VAE) -> None:
        super().__init__()
        self.net = net

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return the state's tensors, each [B, ...]."""
        return tuple(self.net.begin(z, change, condition).values())


class StepGraph(nn.Module):
    """State, last arrays and chance to drawn arrays and the next state."""

    def __init__(self, net: VAE, names: list[str]) -> None:
        """Wrap the network; `names` are the state's."""
        super().__init__()
        self.net, self.names = net, names

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return drawn arrays, each [B, 1, ...], then the state's tensors."""
        state, rest = dict(zip(self.names, tensors, strict=False)), tensors[len(self.names) :]
        arrays = self.net.head.inputs
        last, chance = dict(zip(arrays, rest, strict=False)), Chance(*rest[len(arrays) :])
        drawn, after = self.net.advance(state, last, chance)
        return (*(drawn[name] for name in arrays), *(after[name] for name in self.names))


def graphs(net: VAE) -> dict[str, Graph]:
    """Return a model's graphs; they name their weights but do not hold them.

    The names are those of the network's parameters.  B is free in all.
    """
    net = net.cpu().float().eval()
    found = {}
    if net.config.encoder.kind != "none":
        codec = build(net.config.codec, net.config.grid.build())
        arrays = pack_phrase(codec, Phrase(codec.grid))
        inputs = tuple(torch.from_numpy(np.repeat(arrays[name], 2, axis=0)) for name in net.head.inputs)
        found["encode"] = _trace(EncodeGraph(net), inputs, list(net.head.inputs), ["z", "logvar"])
    sizes = net.sizes
    wanted = [torch.zeros(2, sizes.latent), torch.zeros(2, max(sizes.knobs, 1))]
    if sizes.condition_width:
        wanted.append(torch.zeros(2, sizes.grid.beats, sizes.condition_width))
    names = ["z", "change", "condition"][: len(wanted)]
    if not net.autoregressive:
        found["decode"] = _trace(DecodeGraph(net), tuple(wanted), names, list(net.head.outputs))
        return found
    with torch.no_grad():
        state = net.begin(wanted[0], wanted[1], wanted[2] if sizes.condition_width else None)
        last = net.head.blank(2, torch.device("cpu"))
        chance = Chance.of(ARGMAX, torch.full((2, net.head.chances), 0.5))
        _, after = net.advance(state, last, chance)
    state_names = list(state)
    grown = {
        name: {
            0: "batch",
            **{i: f"{name}.{i}" for i in range(1, state[name].ndim) if _grows(state, after, name, i)},
        }
        for name in state_names
    }
    found["start"] = _trace(
        StartGraph(net),
        tuple(wanted),
        names,
        [NEXT + name for name in state_names],
        axes={NEXT + name: value for name, value in grown.items()},
    )
    arrays_in = net.head.inputs
    found["step"] = _trace(
        StepGraph(net, state_names),
        (*after.values(), *(last[name] for name in arrays_in), *chance),
        [*(STATE + name for name in state_names), *(LAST + name for name in arrays_in), *CHANCE],
        [*(DRAWN + name for name in arrays_in), *(NEXT + name for name in state_names)],
        axes={
            **{STATE + name: value for name, value in grown.items()},
            **{NEXT + name: value for name, value in grown.items()},
            **{name: {} for name in CHANCE[1:]},
        },
    )
    return found


def _grows(state: dict[str, Tensor], after: dict[str, Tensor], name: str, dimension: int) -> bool:
    """Say whether a dimension of the state is not the same after a step."""
    return state[name].shape[dimension] != after[name].shape[dimension]


def _trace(
    graph: nn.Module,
    inputs: tuple[Tensor, ...],
    names: list[str],
    outputs: list[str],
    axes: dict[str, dict[int, str]] | None = None,
) -> Graph:
    """Trace a graph and take its weights out; `axes` names free dimensions, by default the first of each."""
    import onnx  # noqa: PLC0415 - only training needs it, and it is an extra

    held = io.BytesIO()
    with warnings.catch_warnings():
        # the exporter of old (`dynamo` off) is the one that needs nothing beside torch and onnx
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            inputs,
            held,  # type: ignore[arg-type]  # torch takes a file as well as a path
            input_names=names,
            output_names=outputs,
            dynamic_axes={name: (axes or {}).get(name, {0: "batch"}) for name in (*names, *outputs)},
            opset_version=OPSET,
            dynamo=False,
            do_constant_folding=False,
        )
    found = onnx.load_from_string(held.getvalue())
    for weight in found.graph.initializer:
        shape = list(weight.dims)
        name = weight.name.removeprefix("net.")
        _rename(found.graph, weight.name, name)
        weight.Clear()
        weight.name, weight.data_type = name, onnx.TensorProto.FLOAT
        weight.dims.extend(shape)
        weight.data_location = onnx.TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", "weights"
    found.ClearField("metadata_props")
    return Graph(found.SerializeToString(), tuple(weight.name for weight in found.graph.initializer))


def _rename(graph: object, old: str, new: str) -> None:
    """Rename a value wherever a node reads it."""
    for node in graph.node:  # type: ignore[attr-defined]  # onnx publishes no usable stubs
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new
