"""Weights for the draws of a learned prior: what sounds like the data is kept oftener.

A prior that writes note by note (`latent.note_transformer`) still draws phrases that are right from each
note to the next and not as a whole.  A classifier c that tells its draws from music by what is heard in them
(`latent.features`) knows the ratio of their densities, c / (1 - c), and by that ratio of several draws one is
chosen: sampling-importance-resampling (Rubin 1987), with a classifier's ratio as in Grover et al. 2019, "Bias
correction of learned generative models using likelihood-free importance weighting", section 3; for a VAE's
prior as in Aneja et al. 2021, "A contrastive learning approach for training variational autoencoder priors",
section 3.  `trainer.latent.importance` fits it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FOLDER = "weigher/"  # in checkpoints, so it stays
MOST = 16
"""Of how many draws one is kept at most: more sound no more like music to a classifier of other features."""
FARTHEST = 5.0  # standard deviations: what lies farther off counts as that far


class ImportanceWeights:
    """A few small networks that vote on how much more likely a phrase is in music than among the draws.

    Its tensors, all float: `mean` and `scale` [F] of the features; `candidates` [1], how many draws one is
    kept of, `MOST` where it says more; per network i and layer j, `i.j.weight` [out, in] and `i.j.bias`
    [out], ReLU between the layers, the last with one output, log odds.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Take the tensors, names without the folder.

        Raises:
            KeyError: one is missing.
            ValueError: shapes do not fit together.
        """
        self._held: dict[str, Floats] = {n: np.asarray(v, dtype=np.float32) for n, v in tensors.items()}
        self._nets: list[int] = []
        while f"{len(self._nets)}.0.weight" in self._held:
            number, depth = len(self._nets), 0
            while f"{number}.{depth}.weight" in self._held:
                depth += 1
            self._nets.append(depth)
        if not self._nets:
            raise KeyError("0.0.weight")
        self.size = len(self._held["mean"])
        self.candidates = min(MOST, int(self._held["candidates"][0]))
        if self.candidates < 1:
            raise ValueError("it keeps one draw of none")
        self.weigh(np.zeros((1, self.size), dtype=np.float32))  # every name and shape is used once

    def weigh(self, features: Floats) -> Floats:
        """Return log weights [n] of features [n, F].

        Raises:
            ValueError: the features are others than those it was fitted to.
        """
        if features.shape[1:] != (self.size,):
            raise ValueError(f"it weighs {self.size} features, not {features.shape[1]}")
        standardised = (features - self._held["mean"]) / self._held["scale"]
        standardised = np.clip(standardised, -FARTHEST, FARTHEST)
        votes = [self._vote(standardised, number, depth) for number, depth in enumerate(self._nets)]
        out: Floats = np.mean(votes, axis=0, dtype=np.float32)
        return out

    def _vote(self, x: Floats, number: int, depth: int) -> Floats:
        """Return one network's log odds [n]."""
        for layer in range(depth):
            x = x @ self._held[f"{number}.{layer}.weight"].T + self._held[f"{number}.{layer}.bias"]
            if layer < depth - 1:
                x = np.maximum(x, 0.0)
        out: Floats = x[:, 0]
        return out


def importance_weights_in(extras: Mapping[str, NDArray[Any]]) -> ImportanceWeights | None:
    """Return the importance weights among a checkpoint's further tensors, if there is one.

    Raises:
        KeyError: one of its tensors is missing.
        ValueError: they do not fit together.
    """
    tensors = {name.removeprefix(FOLDER): value for name, value in extras.items() if name.startswith(FOLDER)}
    return ImportanceWeights(tensors) if tensors else None
