"""The drums codec: nine classes of a drum kit, each hit with a velocity and a micro-offset.

Keeps the class, velocity and micro-offset (to a hundredth of a step) of every hit; of two hits of one class
on one step the louder.  Lengths are not kept: every hit is one step long.  The nine classes, and a hit with
a velocity and an offset for each, are those of Gillick et al. 2019, "Learning to groove with inverse sequence
transformations", section 3.

Any note is a hit.  The percussion keys of General MIDI and of Roland's kits have their classes; a key that
is none of these is moved by octaves into 36..47 first, the octave of bass drum, snare, hats and toms, so
that the ends of a keyboard play the kit too.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import OFFSET, ONSET, PITCH, VELOCITY, ZERO, Arrays, Heads, Levels, Table
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS

CLASSES = ("kick", "snare", "closed hat", "open hat", "low tom", "mid tom", "high tom", "crash", "ride")
KEYS = (36, 38, 42, 46, 43, 47, 50, 49, 51)
"""The General MIDI key that each class sounds as."""

PERCUSSION: dict[str, tuple[int, ...]] = {
    "kick": (35, 36),
    # side stick, clap, both snares, claves, castanets, and what General MIDI 2 has below the kit
    "snare": (37, 38, 39, 40, 75, 85, *range(27, 35)),
    # closed and pedal hat (22: its edge on Roland's kits), and what is shaken or scraped briefly
    "closed hat": (22, 42, 44, 54, 69, 70, 71, 73, 78, 80, 82, 83),
    # open hat (26: its edge), and what rings or is scraped for longer
    "open hat": (26, 46, 72, 74, 79, 81),
    # floor toms (58: the third tom's rim on Roland's kits, where General MIDI has a vibraslap), low drums
    "low tom": (41, 43, 58, 64, 86, 87),
    "mid tom": (45, 47, 61, 63, 66, 77),
    "high tom": (48, 50, 60, 62, 65, 76),
    "crash": (49, 52, 55, 57, 84),
    "ride": (51, 53, 56, 59, 67, 68),
}
LOWEST = 36  # of the octave that other keys move into
UNLIKELY = -4.0  # logit of one chance in fifty-five
STRAIGHT = 0.055  # of a step: offsets none of which is larger are a network's unrest, not a drummer's feel
EVEN = 2.0 / 127  # standard deviation of velocities, likewise


def _classes() -> NDArray[np.int64]:
    """Return the class of each of the 128 keys."""
    known = {key: number for number, name in enumerate(CLASSES) for key in PERCUSSION[name]}
    octave = [known[LOWEST + pitch] for pitch in range(12)]
    return np.array([known.get(key, octave[key % 12]) for key in range(128)], dtype=np.int64)


CLASS_OF_KEY = _classes()
"""int64 [128]: which of `CLASSES` a key plays."""


class DrumsCodec:
    """Drum phrases on one grid.

    Array: `drums` float32 [B, steps, 3, 9]: hit 0 or 1, its velocity 0..1, its offset -0.5..0.5 of a step
    (both 0 where there is no hit).  Heads, each [steps, 9]: `hit` logits, `drum_velocity` 0..1, `drum_offset`
    -0.5..0.5.
    """

    kind: ClassVar[str] = "drums"

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    def pack(self, table: Table, rows: NDArray[np.int64], count: int) -> Arrays:
        """Return the hits of `count` phrases; see `Codec.pack`."""
        drums = np.zeros((count, self.grid.steps, 3, len(CLASSES)), dtype=np.float32)
        order = np.argsort(table[:, VELOCITY], kind="stable")  # of two of one class and step the louder stays
        ordered, row = table[order], rows[order]
        place = row, ordered[:, ONSET].astype(np.int64)
        kind = CLASS_OF_KEY[ordered[:, PITCH]]
        drums[(*place, 0, kind)] = 1
        drums[(*place, 1, kind)] = ordered[:, VELOCITY] / np.float32(127)
        drums[(*place, 2, kind)] = ordered[:, OFFSET] / np.float32(100)
        return {"drums": drums}

    def unpack(self, arrays: Arrays, row: int) -> Phrase:
        """Return the phrase that the array holds in one row."""
        hit, velocity, offset = np.moveaxis(arrays["drums"][row], 1, 0)
        return self._spell(hit > 0.5, velocity, offset)

    def named(self, phrase: Phrase) -> Phrase:
        """Return a phrase's notes as hits of the kit; see `Codec.named`."""
        return Phrase.of(
            phrase.grid,
            (
                note._replace(pitch=KEYS[CLASS_OF_KEY[note.pitch]], length=1, track=DRUMS, release=0.0)
                for note in phrase.notes
            ),
        )

    def heads(self) -> dict[str, tuple[int, ...]]:
        """Return the heads' shapes."""
        shape = (self.grid.steps, len(CLASSES))
        return {"hit": shape, "drum_velocity": shape, "drum_offset": shape}

    def noise(self, rng: np.random.Generator) -> Arrays:
        """Draw logistic noise for hits."""
        return {"hit": rng.logistic(size=(self.grid.steps, len(CLASSES))).astype(np.float32)}

    def read(
        self, heads: Heads, *, temperature: float = 0.0, noise: Arrays | None = None, levels: Levels = ZERO
    ) -> Phrase:
        """Return the phrase that the heads spell; `levels` may hold the logit `hit` to pass.

        Sampled, the level fades as the temperature rises, since at 1 the heads' own chances are meant; hits
        less likely than `UNLIKELY` are not played.  A phrase all of whose hits are next to the grid is on it,
        and velocities that are next to each other are one: what a machine played stays a machine's.
        """
        hit = heads["hit"] - max(0.0, 1.0 - temperature) * levels.get("hit", 0.0)
        if temperature > 0 and noise is not None:
            hit = np.where(hit > UNLIKELY, hit + np.float32(temperature) * noise["hit"], hit)
        return self._spell(hit > 0, *_steadied(hit > 0, heads["drum_velocity"], heads["drum_offset"]))

    def _spell(
        self, hit: NDArray[np.bool_], velocity: NDArray[np.float32], offset: NDArray[np.float32]
    ) -> Phrase:
        """Turn hits, velocities and offsets, each [steps, 9], into notes of one step."""
        steps, kinds = np.nonzero(hit[:, BY_KEY])
        kinds = BY_KEY[kinds]
        levels = np.clip(np.rint(velocity[steps, kinds] * 127), 1, 127).astype(int)
        micro = np.clip(np.rint(offset[steps, kinds] * 100), -50, 50).astype(int)
        columns = (steps.tolist(), kinds.tolist(), levels.tolist(), micro.tolist())
        return Phrase(
            self.grid,
            tuple(
                Note(step, KEYS[kind], level, 1, away / 100, DRUMS)
                for step, kind, level, away in zip(*columns, strict=True)
            ),
        )


def _steadied(
    hit: NDArray[np.bool_], velocity: NDArray[np.float32], offset: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return velocities and offsets [steps, 9], without a network's unrest where it is all there is."""
    if not hit.any():
        return velocity, offset
    if np.abs(offset[hit]).max() <= STRAIGHT:
        offset = np.zeros_like(offset)
    loud = velocity[hit]
    if loud.std() < EVEN:
        velocity = np.full_like(velocity, loud.mean())
    return velocity, offset


BY_KEY = np.argsort(KEYS)
"""int64 [9]: the classes in the order of their keys, as the notes of a phrase are."""
