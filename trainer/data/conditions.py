"""The conditions of training phrases: chords and the like measured in their arrays, styles from their labels.

Tested in tests/trainer/data/test_batches.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import Arrays
from model.codecs.conditions import estimated, without
from model.config import ModelConfig
from model.errors import nearest
from trainer.data.augment import Ints
from trainer.data.dataset import Phrases
from trainer.errors import RequestError


@dataclass(frozen=True, slots=True)
class ConditionMaker:
    """Makes conditions of phrases.

    Attributes:
        model: whose conditions.
        places: int64 [styles of the folder], the place of each among the model's, -1 where it has none.
    """

    model: ModelConfig
    places: Ints

    @classmethod
    def of(cls, model: ModelConfig, styles: Sequence[str]) -> "ConditionMaker":
        """Tie a model to the styles that a prepared folder counts through.

        Raises:
            RequestError: the folder knows none of the model's styles.
        """
        known = list(model.styles)
        if known and not set(known) & set(styles):
            raise RequestError(
                f"model.styles: the prepared phrases have none of {', '.join(known)}; "
                f"{nearest(known[0], styles)}"
            )
        places = [known.index(name) if name in known else -1 for name in styles]
        return cls(model, np.array(places, dtype=np.int64))

    def about(
        self,
        arrays: Arrays,
        phrases: Phrases,
        chosen: Ints,
        *,
        share: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> NDArray[np.float32] | None:
        """Return the condition of packed phrases, [B, beats, width]; None of a model without conditions.

        Args:
            arrays: packed, as they are learned (transposed and so on).
            phrases: where they come from.
            chosen: which of them, [B].
            share: of the phrases from which a condition is withheld.
            rng: what draws that.
        """
        if not self.model.conditions:
            return None
        labels = None
        if "style" in self.model.conditions and phrases.styles is not None:
            labels = self.places[phrases.styles[chosen]]
        condition = estimated(self.model, arrays, labels)
        return without(condition, self.model, share, rng) if share and rng is not None else condition
