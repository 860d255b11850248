"""ONNX graphs of a model, without their weights: the checkpoint's tensors stay the only copy of them."""

import io
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from model.checkpoint import Graph
from model.codecs.base import build, pack_phrase
from model.phrase import Phrase
from model.vae import VAE

OPSET = 17


class EncodeGraph(nn.Module):
    """The codec's arrays, in order, to mean and log-variance of z."""

    def __init__(self, net: VAE) -> None:
        """Wrap the network."""
        super().__init__()
        self.net = net

    def forward(self, *arrays: Tensor) -> tuple[Tensor, Tensor]:
        """Return both, each [B, d]."""
        return self.net.encode(dict(zip(self.net.surface.inputs, arrays, strict=True)))


class DecodeGraph(nn.Module):
    """z and change to the codec's heads, in order."""

    def __init__(self, net: VAE) -> None:
        """Wrap the network."""
        super().__init__()
        self.net = net

    def forward(self, z: Tensor, change: Tensor) -> tuple[Tensor, ...]:
        """Return the heads, each [B, ...]."""
        heads = self.net.decode(z, change)
        return tuple(heads[name] for name in self.net.surface.outputs)


def graphs(net: VAE) -> dict[str, Graph]:
    """Return `encode` and `decode` as ONNX models that name their weights but do not hold them.

    The names are those of the network's parameters.  B is free in both.
    """
    net = net.cpu().float().eval()
    codec = build(net.config.codec, net.config.grid.build())
    arrays = pack_phrase(codec, Phrase(codec.grid))
    inputs = tuple(torch.from_numpy(np.repeat(arrays[name], 2, axis=0)) for name in net.surface.inputs)
    change = torch.zeros(2, max(len(net.config.knobs), 1))
    z = torch.zeros(2, net.config.bottleneck.size)
    return {
        "encode": _trace(EncodeGraph(net), inputs, list(net.surface.inputs), ["z", "logvar"]),
        "decode": _trace(DecodeGraph(net), (z, change), ["z", "change"], list(net.surface.outputs)),
    }


def _trace(graph: nn.Module, inputs: tuple[Tensor, ...], names: list[str], outputs: list[str]) -> Graph:
    """Trace a graph and take its weights out."""
    import onnx  # noqa: PLC0415 - only training needs it, and it is an extra

    held = io.BytesIO()
    with warnings.catch_warnings():
        # the exporter that is told to be old is the one that needs nothing beside torch and onnx
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            inputs,
            held,  # type: ignore[arg-type]  # torch takes a file as well as a path
            input_names=names,
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in (*names, *outputs)},
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
