"""What the model is asked for: a base, the path, the knobs and the settings, put into a request.

A model without a latent is given a phrase to continue in place of a vector.  Threads: engine only.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from live.errors import UsageError, unknown
from live.ipc.messages import Accompany, Decode, Ready
from live.jam.path import Base, Path
from live.jam.plan import Cell
from live.settings.config import AUTO, Model, check_condition
from live.settings.knobs import ATTRIBUTE_KNOBS
from model.latent.geometry import Latent, Vector
from model.music.phrase import Note, Phrase

DRIFT = "drift"
PLAYED, FOUND, ANCHOR = "played", "found again", "anchor "


class Owed(NamedTuple):
    """A phrase whose place the model was asked for: for which cell, and why."""

    phrase: Phrase
    cell: int
    why: str


class Requests:
    """Writes decodes for the model that plays.

    Args:
        path: stray and drift.
        knobs: present values by name; read, never written.
        seed: of every decode.
        choice: how notes are chosen, and the conditions that answers keep to from the start.

    Attributes:
        model: that plays; None before the first.
        conditions: what answers are to keep to, by name; what is not in it the model estimates.

    """

    def __init__(self, path: Path, *, knobs: Mapping[str, float], seed: int, choice: Model) -> None:
        """Start without a model."""
        self.model: Ready | None = None
        self.conditions = choice.conditions
        self._path, self._knobs, self._seed, self._choice = path, knobs, seed, choice

    @property
    def latent(self) -> bool:
        """Tell whether the model that plays has a latent."""
        return self.model is not None and self.model.latent_size > 0

    def set_model(self, ready: Ready) -> None:
        """Write for this model from now on."""
        self.model = ready
        self._path.set_model(ready.scale)

    @property
    def parts(self) -> list[int]:
        """Return the tracks that join what she plays; none where the model does not accompany."""
        return self._choice.tracks if self.model is not None and self.model.accompanies else []

    def accompany(self, cell: int, played: Phrase, *, bar: int) -> Accompany:
        """Return the request for what goes with a phrase in a cell that begins at a bar."""
        return Accompany(bar, [*played.notes], self.parts, cell, self._seed)

    def latent_of(self, z: list[float], attributes: Mapping[str, float]) -> Latent:
        """Return a vector of the model that plays as a latent."""
        assert self.model is not None
        return Latent(self.model.ident, np.asarray(z, dtype=np.float32), attributes)

    def moved(self, base: Base, cell: int, mode: str) -> Vector:
        """Return where stray and drift have taken a base at a cell; nowhere without a latent."""
        if not self.latent:
            return base.latent.z
        return self._path.moved(base, cell, self._knobs, drifting=mode == DRIFT)

    def decode(
        self,
        ident: int,
        cell: Cell,
        base: Base,
        *,
        bar: int,
        mode: str,
        before: Phrase | None,
        prefix: list[Note],
        fixed: int,
    ) -> Decode:
        """Return the request for a cell's phrase.

        Args:
            ident: comes back with the answer.
            cell: what is to be filled.
            base: where it starts from.
            bar: its first bar.
            mode: the present one.
            before: what is played in the cell before from the same base, None for nothing.
            prefix: notes of the cell that cannot change any more.
            fixed: steps of it that cannot.

        """
        model, knobs = self.model, self._knobs
        assert model is not None
        return Decode(
            ident=ident,
            bar=bar,
            z=self.moved(base, cell.index, mode).tolist(),
            attributes=dict(base.latent.attributes),
            turns={name: knobs[name] for name in ATTRIBUTE_KNOBS if name in model.knobs},
            temperature=knobs["temperature"],
            seed=self._seed + (cell.index if knobs["temperature"] > 0 else 0),
            prefix=[*prefix],
            prefix_steps=fixed,
            why=base.origin,
            context=[] if self.latent else [*self._context(base, mode, before)],
            condition=self._condition(model),
            top_k=self._choice.top_k,
            top_p=self._choice.top_p,
        )

    @staticmethod
    def _context(base: Base, mode: str, before: Phrase | None) -> tuple[Note, ...]:
        """Return what a model without a latent continues: hers, or in drift what it has played."""
        if mode == DRIFT and before is not None and before.notes:
            return before.notes
        return base.phrase.notes if base.phrase is not None else ()

    def _condition(self, model: Ready) -> dict[str, str]:
        """Return what is set of the conditions that the model heeds, but no style that it does not know."""
        return {
            name: value
            for name, value in self.conditions.items()
            if name in model.conditions and not (name == "style" and value not in model.styles)
        }

    # -- for the human ---------------------------------------------------------------------------

    def condition(self, name: str, value: str) -> None:
        """Hold answers to a condition, or let the model estimate it again ("auto").

        Raises:
            UsageError: the model does not heed it or does not know the style, or the text says no such thing.

        """
        model = self.model
        if model is None or not model.conditions:
            raise UsageError(f"the model that plays heeds no {name}, nor any other condition")
        if name not in model.conditions:
            raise unknown("condition", name, model.conditions)
        if name == "style" and value not in (AUTO, *model.styles):
            raise unknown("style", value, [AUTO, *model.styles])
        if not value:
            raise UsageError(f"condition {name} takes a text; '{AUTO}' leaves it to the model")
        if value == AUTO:
            self.conditions.pop(name, None)
        else:
            check_condition(name, value, label=f"condition {name}")
            self.conditions[name] = value

    def remarks(self) -> list[str]:
        """Return a sentence for each thing about the model that she must know."""
        model = self.model
        if model is None:
            return []
        said = []
        if not self.latent:
            said.append(
                f"{model.model} continues your bars and has no latent: morph, xy and stray do nothing, "
                "anchors hold phrases, and drift goes on from what it has played itself"
            )
        style = self.conditions.get("style")
        if style is not None and "style" in model.conditions and style not in model.styles:
            known = ", ".join(sorted(model.styles)) or "none"
            said.append(f"{model.model} does not know the style '{style}'; there is: {known}")
        return said
