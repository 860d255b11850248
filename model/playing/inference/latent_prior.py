"""The prior of a checkpoint: which points of the latent space are drawn.

Tested in tests/model/playing/test_checkpoint_player.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import pack_phrase, stacked
from model.codecs.sampling import gumbel_max
from model.latent.features import features
from model.latent.importance import importance_weights_in
from model.latent.note_transformer import TOGETHER, note_transformer_in
from model.music.phrase import Phrase
from model.playing.inference.batch import portions
from model.playing.inference.network import Network
from model.playing.inference.phrase_decoder import PhraseDecoder

FEWER = {"multitrack": 8}
"""Of how many drafts one is kept at most, by codec: more of them sound no more like music."""


class LatentPrior:
    """Draws points.

    Args:
        extras: tensors of the checkpoint, among which a learned prior may be.

    Attributes:
        notes: writes phrases note by note; None where the prior is N(0, I).
    """

    def __init__(self, network: Network, extras: Mapping[str, NDArray[Any]], decoder: PhraseDecoder) -> None:
        """Read what was learned; raises KeyError, ValueError where it is incomplete."""
        self.notes = note_transformer_in(extras, network.codec.grid)
        self._importance = importance_weights_in(extras)
        self._network, self._decoder = network, decoder

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw z [count, d]: of the prior that the checkpoint learned, else of N(0, I)."""
        if self.notes is None or not count:
            return rng.standard_normal((count, self._network.config.latent_size), dtype=np.float32)
        (chance,) = rng.spawn(1)
        each = 1
        if self._importance is not None:
            candidates = self._importance.candidates
            each = min(candidates, FEWER.get(self._network.config.codec, candidates))
        pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        for begin in range(0, count * each, TOGETHER):  # of thousands of drafts not all are held
            written = self.notes.draw(min(TOGETHER, count * each - begin), rng)
            pairs += [self._weighed(written[rows]) for rows in portions(len(written))]
        points, weights = zip(*pairs, strict=True)
        drawn = np.concatenate(points).reshape(count, each, -1)
        if self._importance is None:
            return drawn[:, 0]
        selected = gumbel_max(np.concatenate(weights).reshape(count, each), chance)
        return drawn[np.arange(count), selected]

    def _weighed(self, written: Sequence[Phrase]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return where phrases lie, [n, d], and their log weights, [n] or, where none are learned, [0]."""
        packed = stacked([pack_phrase(self._network.codec, phrase) for phrase in written])
        points = self._network.runtime.encode(packed)
        if self._importance is None:
            return points, np.zeros(0, dtype=np.float32)
        made = self._decoder.at_rest([*points])
        described = np.stack([features(phrase, self._network.config.codec) for phrase in made])
        return points, self._importance.weigh(described)
