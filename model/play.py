"""Play a checkpoint: the `Player` of `model.player`, on ONNX Runtime, or on torch for want of graphs.

Importing this module and playing a checkpoint with graphs loads no torch.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from model.attributes import measure
from model.checkpoint import Checkpoint, read
from model.closed_loop import steer
from model.codecs.base import Arrays, build, pack_phrase
from model.errors import CheckpointError
from model.latent import Latent, Vector
from model.phrase import Phrase
from model.player import Card, Player
from model.runtime import Runtime, open_runtime

WEIGHTS = Path(__file__).parent / "weights"


def shipped() -> list[str]:
    """Return the names of the models that come with twobar."""
    return sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))


def load(name_or_path: str) -> Player:
    """Open a shipped model by name, or a checkpoint by path.

    Raises:
        CheckpointError: there is no such model, or its file cannot be used; one sentence.

    """
    known = shipped()
    if name_or_path in known:
        return open_player(WEIGHTS / f"{name_or_path}.safetensors")
    path = Path(name_or_path)
    if path.suffix == ".safetensors" or path.is_file():
        return open_player(path)
    near = difflib.get_close_matches(name_or_path.lower(), known, 1, 0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise CheckpointError(f"unknown model '{name_or_path}'; there is: {', '.join(known) or 'none'}{hint}")


def open_player(path: Path) -> "CheckpointPlayer":
    """Open a checkpoint file.

    Raises:
        CheckpointError: the file cannot be used; one sentence.

    """
    checkpoint = read(path)
    return CheckpointPlayer(checkpoint, open_runtime(checkpoint, path))


class CheckpointPlayer:
    """One loaded checkpoint.  Threads: one at a time."""

    def __init__(self, checkpoint: Checkpoint, runtime: Runtime) -> None:
        """Tie a checkpoint to what computes it."""
        config = checkpoint.config
        self._checkpoint, self._runtime = checkpoint, runtime
        self._codec = build(config.codec, config.grid.build())
        mono = config.codec == "melody"
        knobs = tuple(name for name in checkpoint.calibration.names if not (mono and name == "polyphony"))
        latent = checkpoint.latent
        self.card = Card(
            name=config.name,
            ident=checkpoint.ident,
            codec=config.codec,
            grid=self._codec.grid,
            latent_size=config.bottleneck.size,
            knobs=knobs,
            scale=latent.scale,
            map_points=tuple((float(x), float(y)) for x, y in latent.points),
            runtime=runtime.name,
        )

    def encode(self, phrase: Phrase) -> Latent:
        """Return the posterior mean of a phrase, with the attributes of what the codec holds of it.

        Raises:
            ValueError: the phrase lies on another grid.

        """
        if phrase.grid != self.card.grid:
            raise ValueError("a phrase on another grid cannot be encoded")
        arrays = pack_phrase(self._codec, phrase)
        z = self._runtime.encode(arrays)[0]
        return Latent(self.card.ident, z, measure(self._codec.unpack(arrays, 0)))

    def posterior(self, phrase: Phrase) -> tuple[Vector, Vector]:
        """Return mean and log-variance of q(z given the phrase), each float32 [d].

        Raises:
            ValueError: the phrase lies on another grid.

        """
        if phrase.grid != self.card.grid:
            raise ValueError("a phrase on another grid cannot be encoded")
        mean, logvar = self._runtime.posterior(pack_phrase(self._codec, phrase))
        return mean[0], logvar[0]

    def decode(
        self,
        latent: Latent,
        *,
        turns: Mapping[str, float],
        temperature: float = 0.0,
        seed: int = 0,
        prefix: Phrase | None = None,
        prefix_steps: int = 0,
    ) -> Phrase:
        """Return the phrase at a latent, with its attributes turned; see `model.player.Player.decode`.

        Raises:
            ValueError: the latent is another model's, or a turn names no attribute.

        """
        if latent.model != self.card.ident:
            raise ValueError("a latent of another model cannot be decoded")
        for name in turns:
            if name not in self._checkpoint.calibration.names:
                raise ValueError(f"unknown attribute '{name}'; there is: {', '.join(self.card.knobs)}")
        noise = self._codec.noise(np.random.default_rng(seed)) if temperature > 0 else None
        asked = {n: max(-1.0, min(1.0, t)) for n, t in turns.items() if t and n in self.card.knobs}

        def answers(changes: Sequence[Mapping[str, float]]) -> list[Phrase]:
            return self._answers(latent.z, changes, temperature, noise)

        phrase = answers([{}])[0]
        if asked and phrase.notes:
            phrase = steer(
                phrase,
                asked,
                calibration=self._checkpoint.calibration,
                learned=self._checkpoint.config.knobs,
                decode=answers,
            )
        if prefix is not None and prefix_steps > 0:
            phrase = self._after(prefix, prefix_steps, phrase)
        return phrase

    def place(self, latent: Latent) -> tuple[float, float]:
        """Return a latent's place on the 2-D map, each coordinate -1..1."""
        held = self._checkpoint.latent
        x, y = np.clip(held.axes @ (latent.z - held.mean), -1.0, 1.0).tolist()
        return x, y

    def _answers(
        self, z: Vector, changes: Sequence[Mapping[str, float]], temperature: float, noise: Arrays | None
    ) -> list[Phrase]:
        """Decode one latent under several wanted changes of attributes, in standard deviations."""
        knobs = self._checkpoint.config.knobs
        change = np.zeros((len(changes), max(len(knobs), 1)), dtype=np.float32)
        for row, wanted in enumerate(changes):
            for column, name in enumerate(knobs):
                change[row, column] = wanted.get(name, 0.0)
        heads = self._runtime.decode(np.repeat(z[None], len(changes), axis=0), change)
        return [
            self._codec.read(
                {name: value[row] for name, value in heads.items()},
                temperature=temperature,
                noise=noise,
                levels=self._checkpoint.levels,
            )
            for row in range(len(changes))
        ]

    def _after(self, prefix: Phrase, steps: int, phrase: Phrase) -> Phrase:
        """Return what has sounded up to a step and the phrase from there on.

        A key that still sounds is cut where the phrase strikes it again; in one voice it ends at the next
        onset of any key.
        """
        joined = prefix.spliced(steps, phrase)
        if self._checkpoint.config.codec != "melody":
            return joined
        later = [note.onset for note in joined.notes if note.onset >= steps]
        if not later:
            return joined
        notes = (
            note._replace(length=min(note.length, later[0] - note.onset)) if note.onset < steps else note
            for note in joined.notes
        )
        return Phrase.of(joined.grid, notes)
