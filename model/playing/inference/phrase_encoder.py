"""Phrases to points of the latent space, one by one or many at once.

Tested in tests/model/playing/test_checkpoint_player.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from model.codecs.base import stacked
from model.codecs.sampling import Sampling
from model.latent.geometry import Latent, Vector
from model.music.attributes import measure
from model.music.phrase import Phrase
from model.playing.inference.batch import portions
from model.playing.inference.latent_prior import LatentPrior
from model.playing.inference.network import Network
from model.playing.inference.packing import Packing
from model.playing.inference.phrase_bank import SIZE, PhraseBank
from model.playing.inference.phrase_decoder import PhraseDecoder
from model.playing.inference.point_search import seek

SURE = -30.0  # log-variance of a point that is no distribution


class PhraseEncoder:
    """Encodes in one metre.  Threads: one at a time.

    Args:
        prior: where nothing encodes, a phrase's point is one of its draws.
    """

    def __init__(
        self, network: Network, packing: Packing, prior: LatentPrior, decoder: PhraseDecoder
    ) -> None:
        self._network, self._packing = network, packing
        self._encodes = network.config.encoder.kind != "none"
        self._prior, self._decoder = prior, decoder
        self._bank: PhraseBank | None = None

    def encode_all(self, phrases: Sequence[Phrase]) -> list[Latent]:
        """Return the posterior mean of each phrase, with the attributes of what the codec holds of it.

        Without a latent z is of size 0; where nothing encodes, it is the point of the prior that sounds most
        like the phrase.

        Raises:
            ValueError: a phrase lies on another grid.
        """
        packed = [self._packing.packed(phrase) for phrase in phrases]
        holdings = [self._packing.held(arrays) for arrays in packed]
        points: Iterable[Vector] = map(self._guess, holdings)
        if self._encodes:
            encode = self._network.runtime.encode
            points = (z for rows in portions(len(packed)) for z in encode(stacked(packed[rows])))
        ident = self._network.ident
        return [Latent(ident, z, measure(held)) for z, held in zip(points, holdings, strict=True)]

    def seek(self, phrase: Phrase) -> Latent:
        """Return what `encode_all` does, at the point that gives a phrase back best, see `point_search`.

        Where nothing encodes, or a decoder writes step by step, it is the same point.

        Raises:
            ValueError: the phrase lies on another grid.
        """
        (latent,) = self.encode_all([phrase])
        if not self._encodes or self._network.runtime.stepwise:
            return latent
        encode, packed = self._network.runtime.encode, self._packing.packed
        point = seek(
            self._packing.held(packed(phrase)),
            latent.z,
            encode=lambda answer: encode(packed(answer))[0],
            decode=lambda points: self._decoder.answers_all([(one, {}) for one in points]),
        )
        return replace(latent, z=point)

    def posterior_all(self, phrases: Sequence[Phrase]) -> list[tuple[Vector, Vector]]:
        """Return mean and log-variance of q(z given the phrase) of each phrase, float32 [d] each.

        Raises:
            ValueError: a phrase lies on another grid.
        """
        packed = [self._packing.packed(phrase) for phrase in phrases]
        if not self._encodes:
            points = [self._guess(self._packing.held(arrays)) for arrays in packed]
            return [(z, np.full_like(z, SURE)) for z in points]
        found: list[tuple[Vector, Vector]] = []
        for rows in portions(len(packed)):
            found += zip(*self._network.runtime.posterior(stacked(packed[rows])), strict=True)
        return found

    def _guess(self, held: Phrase) -> Vector:
        """Return the z of a phrase that nothing encodes."""
        if not self._network.config.latent_size:
            return np.zeros(0, dtype=np.float32)
        if self._bank is None:
            points = self._prior.draw(SIZE, np.random.default_rng(0))
            self._bank = PhraseBank(points, lambda z: self._decoder.play(z, {}, Sampling()))
        return self._bank.nearest(held)
