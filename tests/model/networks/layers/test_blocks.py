"""Layers that encoders and decoders share: what their gradients are made of."""

import torch

from model.networks.layers.blocks import Attention


def test_gradients_of_query_key_and_value_are_laid_together_once() -> None:
    """A tensor of zeros for each of the three, and their sum, would be a hundredth of a step of `keys`."""
    out = Attention(8, 2)(torch.randn(3, 4, 8))
    seen, waiting = set(), [out.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [before for before, _ in node.next_functions]
    names = {type(node).__name__ for node in seen}
    assert "UnbindBackward0" in names
    assert "SelectBackward0" not in names
