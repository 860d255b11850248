"""What an encoder promises."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Encoder(nn.Module, ABC):
    """Base of the encoders.

    Attributes:
        tokens: summaries of a phrase: 1 of the whole, one for each beat, or several for each beat in the
            beats' order.
        width: of a summary.
        rolls: whether it reads the head's `rolled` arrays, [B, S, channels], instead of its features.
    """

    tokens: int
    width: int
    rolls: bool = False

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return summaries [B, tokens, width] of the features of all steps, [B, S, F]."""
