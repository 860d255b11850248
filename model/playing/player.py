"""What plays a checkpoint: Phrase -> Latent -> Phrase, whatever network stands behind it.

Tested in tests/model/playing/test_checkpoint_player.py.
"""

from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from model.codecs.keyboard import Division
from model.codecs.sampling import ARGMAX, Sampling
from model.latent.geometry import Latent, Vector
from model.music.grid import Grid
from model.music.phrase import Phrase


@dataclass(frozen=True, slots=True)
class Card:
    """What others must know of a loaded checkpoint.

    Attributes:
        name: of the model, as shown.
        ident: names these very weights (a hash), so that latents of other weights are refused.
        codec: melody, poly, roll, drums or multitrack.
        grid: bars, metre and steps of the phrases that it reads and answers.
        latent_size: d; 0 when it has no latent: it continues phrases, and every z is of size 0.
        knobs: attribute knobs that it heeds.
        scale: float32 [d], standard deviation of each latent dimension over the training data.
        map_points: known phrases on the 2-D map, each coordinate -1..1.
        runtime: "onnxruntime" or "torch cpu|cuda|mps".
        conditions: what its answers can be held to, of `chords`, `key` and `style`.
        styles: labels that the condition `style` takes.
        accompanies: whether it can write the parts that a phrase lacks.
        encodes: whether a phrase's z is its encoder's; else it is one of many draws (`phrase_bank`).
        metres: names of those that it plays, see `model.music.metre`; the grid has one of them.
    """

    name: str
    ident: str
    codec: str
    grid: Grid
    latent_size: int
    knobs: tuple[str, ...]
    scale: Vector
    map_points: tuple[tuple[float, float], ...]
    runtime: str
    conditions: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    accompanies: bool = False
    encodes: bool = True
    metres: tuple[str, ...] = ("4/4",)


class Player(Protocol):
    """A loaded model, ready to answer."""

    card: Card
    divide: Division | None
    """How a keyboard's notes are divided among the parts before they are packed, for a codec of one line or
    of several parts; None leaves that to the codec, as training does."""

    candidates: int
    """Of how many answers of the network to a turned knob the nearest is taken, 1..256; 0 fits it to what
    computes."""

    @property
    def fault(self) -> str:
        """Why a card was given up, in a sentence; "" while what computes is what was chosen."""

    def on_grid(self, grid: Grid) -> "Player":
        """Return the same model, with the same latents, for phrases of another metre.

        Args:
            grid: one that `model.music.metre.grid_in` gives for the model's own, or that itself.

        Raises:
            ValueError: the model does not play it.
        """

    def encode(self, phrase: Phrase) -> Latent:
        """Return the posterior mean of a phrase, with its measured attributes.

        Deterministic.  What the codec cannot hold (a chord for the melody codec) is left out.  Without a
        latent z is of size 0; of a generator that nothing encodes it is the point that sounds most like it.
        """

    def seek(self, phrase: Phrase) -> Latent:
        """Return what `encode` does, at the point near there that gives the phrase back best.

        For who has time: it asks the network some eighty times, where it answers at once.
        """

    def decode(
        self,
        latent: Latent,
        *,
        turns: Mapping[str, float],
        sampling: Sampling = ARGMAX,
        prefix: Phrase | None = None,
        prefix_steps: int = 0,
        condition: Mapping[str, str] | None = None,
    ) -> Phrase:
        """Return the phrase at a latent, with its attributes turned.

        Args:
            latent: z, and the raw attributes of the unmoved phrase.
            turns: bipolar knobs by attribute name, -1..1; 0 leaves the attribute where the latent
                has it, 1 (-1) brings it to the 98th (2nd) percentile of the training data, or by a
                standard deviation where the phrase lies beyond that already, equal turns changing
                the measured attribute equally.
            sampling: how notes are drawn; the same arguments give the same notes.
            prefix: what of this phrase has already sounded: onsets before prefix_steps.
            prefix_steps: steps that cannot change; the answer's notes before it equal the prefix.
            condition: what the answer shall keep to, by the names of `card.conditions`, as read by
                `codecs.conditions`; what is left away, and what the model does not know, is left out.
        """

    def continuation(
        self,
        context: Phrase,
        *,
        turns: Mapping[str, float] | None = None,
        sampling: Sampling = ARGMAX,
        prefix: Phrase | None = None,
        prefix_steps: int = 0,
        condition: Mapping[str, str] | None = None,
    ) -> Phrase:
        """Return a phrase that goes on where the context ends.

        A model without a latent hears the context's last bars, as many as it was taught with; one with a
        latent answers with its decode of the context.

        Args:
            context: what was played, of the model's metre; any number of bars.
            turns: as in `decode`, about what the model continues with by itself.
            sampling: as in `decode`.
            prefix: as in `decode`, of the answer.
            prefix_steps: as in `decode`, of the answer.
            condition: as in `decode`, of the answer; a key that is left away is that of the context.
        """

    def prior(self, count: int, seed: int = 0) -> list[Latent]:
        """Draw latents from the model's prior; the same seed gives the same.  They carry no attributes."""

    def accompany(
        self,
        phrase: Phrase,
        parts: Collection[int],
        *,
        seed: int = 0,
        keep: Phrase | None = None,
        tries: Iterable[object] = range(1),
    ) -> Generator[None, None, Phrase]:
        """Write the parts that a phrase lacks; yields after each note, returns all of it.

        What the phrase has stays as the codec holds it.  Written is what the prior finds likely beside it,
        the first of some tries that is not unusual in music, else the least unusual one; the same arguments
        give the same notes.  A model that does not accompany, or has nothing to go by,
        gives the phrase back.

        Args:
            phrase: on the model's grid; a keyboard's notes are divided as `divide` says.
            parts: tracks that may be written.
            seed: of the choices.
            keep: parts written before, a groove say, that stay as they are where the phrase lacks them.
            tries: an item for each there may be, at least one; see `model.music.accompaniment.unusual`.
        """

    def place(self, latent: Latent) -> tuple[float, float]:
        """Return a latent's place on the 2-D map, each coordinate -1..1."""

    def carried(self, latent: Latent, x: float, y: float) -> Latent:
        """Return the nearest latent whose place on the map is x, y; without a map the same one."""
