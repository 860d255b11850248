"""Piano rolls as images: what a convolution over time and pitch sees of a head's roll, and writes.

A image is [B, channels, steps, rows]; rows are keys or drums from low to high, so that near rows are
near in pitch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.codecs.drums import CLASSES
from model.codecs.poly import KEYS, RollCodec
from model.errors import ConfigError
from model.networks.sizes import Sizes


@dataclass(frozen=True, slots=True)
class RollImage:
    """How a head's roll and its outputs of one step lie as images.

    Attributes:
        seen: channels of the image that is read.
        rows: of both images.
        flat: numbers of a step's roll behind those of the keys; each fills a channel of its own.
        written: channels of the image that is written.
        before: outputs of a step ahead of the image's, such as a melody's three states.
        after: outputs behind it, such as a melody's velocity.
    """

    seen: int
    rows: int
    written: int
    flat: int = 0
    before: int = 0
    after: int = 0


MELODY = RollImage(seen=3, rows=128, flat=2, written=1, before=3, after=1)
ROLLS = tuple(RollImage(seen=3, rows=rows, written=3) for rows in (KEYS, RollCodec.keys, len(CLASSES)))


def image_of(sizes: Sizes, where: str) -> RollImage:
    """Return how the head of these sizes lies as images.

    Raises:
        ConfigError: it has no single roll.
    """
    for image in (MELODY, *ROLLS):
        if sizes.logits == image.before + image.written * image.rows + image.after:
            return image
    raise ConfigError(f"{where}: kind 'cnn' needs a codec with one roll: melody, poly, roll or drums")


def heights(rows: int, depth: int) -> list[int]:
    """Return the rows of a image before, between and after `depth` layers that halve them, rounded up."""
    found = [rows]
    for _ in range(depth):
        found.append(-(-found[-1] // 2))
    return found


def cut(image: RollImage, roll: Tensor) -> Tensor:
    """Return a head's roll [B, steps, channels] as a image, float [B, seen, steps, rows].

    What belongs to a whole step (a melody's hold, its velocity) fills all rows of a channel.
    """
    steps, rows = roll.shape[1], image.rows
    pitched = (image.seen - image.flat) * rows
    keys = roll[..., :pitched].reshape(-1, steps, image.seen - image.flat, rows).transpose(1, 2)
    if not image.flat:
        return keys
    whole = roll[..., pitched:].transpose(1, 2).unsqueeze(-1).expand(-1, -1, -1, rows)
    return torch.cat((keys, whole), dim=1)
