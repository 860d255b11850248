"""What a model is shown of a phrase, and what it holds of it, in one metre.

Tested in tests/model/playing/test_checkpoint_player.py.
"""

from model.codecs.base import Arrays, pack_phrase
from model.codecs.keyboard import melody_of
from model.music.grid import Grid
from model.music.metre import cut, padded
from model.music.phrase import Phrase
from model.playing.inference.network import Network


class Packing:
    """Packs phrases for a network."""

    def __init__(self, network: Network, grid: Grid) -> None:
        self._network, self.grid = network, grid

    def packed(self, phrase: Phrase) -> Arrays:
        """Pack what the codec is shown of a phrase on the answers' grid.

        Where its metre is another, silence lies behind its bars.
        """
        if phrase.grid != self.grid:
            raise ValueError("a phrase on another grid cannot be encoded")
        return pack_phrase(self._network.codec, padded(self.shown(phrase), self._network.codec.grid))

    def held(self, arrays: Arrays) -> Phrase:
        """Return what the codec holds of a packed phrase."""
        return cut(self._network.codec.unpack(arrays, 0), self.grid)

    def shown(self, phrase: Phrase) -> Phrase:
        """Return a keyboard's phrase divided: all of its parts, or its melody for a codec of one line."""
        if self._network.divide is not None and self._network.config.codec == "melody":
            return melody_of(phrase, self._network.divide)
        return self.in_parts(phrase)

    def in_parts(self, phrase: Phrase) -> Phrase:
        """Return a keyboard's phrase divided among the parts, for a codec that has several."""
        return (
            self._network.divide(phrase)
            if self._network.divide is not None and self._network.config.codec == "multitrack"
            else phrase
        )
