"""How much memory a step of training takes, counted before a device has to find out.

Weights, gradients and the optimiser's two moments are counted by their sizes; what the backward pass needs
is what autograd keeps (each storage once), watched on a small batch and laid out for a large one.  What a
device takes beside that (its own libraries, workspaces, the allocator's gaps) is not in it: leave a margin.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainer.objectives.base import MODEL, Batch, Moment, Objective

MOMENTS = 2  # that Adam keeps of every weight, float32


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a step.

    Attributes:
        weights: of all networks, float32.
        trained: their gradients and the optimisers' moments.
        kept: by the backward pass of the largest round, a phrase.

    """

    weights: int
    trained: int
    kept: int

    def total(self, batch: int) -> int:
        """Return the bytes of a step on a batch of phrases."""
        return self.weights + self.trained + self.kept * batch


def measure(objective: Objective, batch: Batch, moment: Moment, *, kind: torch.dtype) -> Memory:
    """Count the memory of a step on the device that the networks are on.

    Args:
        objective: with its network.
        batch: a few phrases.
        moment: of the run; roles that do not learn then are not counted.
        kind: float32, or what products are computed in.

    """
    networks: dict[str, nn.Module] = {MODEL: objective.net, **dict(objective.networks.items())}
    parameters = [parameter for network in networks.values() for parameter in network.parameters()]
    weights = sum(parameter.numel() * parameter.element_size() for parameter in parameters)
    own = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    device = parameters[0].device.type
    largest = 0
    for role in dict.fromkeys(objective.rounds(moment)):
        for other, network in networks.items():
            network.requires_grad_(other == role)
        kept: dict[int, int] = {}

        def keep(tensor: Tensor, kept: dict[int, int] = kept) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with (
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
            torch.autocast(device, dtype=kind, enabled=kind != torch.float32),
        ):
            objective.loss(role, batch, moment)
        largest = max(largest, sum(kept.values()))
    for network in networks.values():
        network.requires_grad_(True)
    return Memory(weights, (1 + MOMENTS) * weights, largest // len(batch))
