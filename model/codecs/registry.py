"""Which codec a configuration names.

Tested in tests/model/codecs/test_base.py.
"""

from model.codecs.base import Codec
from model.codecs.drums import DrumsCodec
from model.codecs.melody import MelodyCodec
from model.codecs.multitrack import MultitrackCodec
from model.codecs.poly import PolyCodec, RollCodec
from model.errors import ConfigError, nearest
from model.music.grid import Grid

CODECS: dict[str, type[DrumsCodec | MelodyCodec | MultitrackCodec | PolyCodec]] = {
    "melody": MelodyCodec,
    "poly": PolyCodec,
    "roll": RollCodec,
    "drums": DrumsCodec,
    "multitrack": MultitrackCodec,
}

CORPORA = {"roll": "poly"}
"""Whose prepared phrases a codec learns from, where it is not its own."""


def corpus_of(codec: str) -> str:
    """Return the name under which `twobar-train prepare` lays the phrases of a codec."""
    return CORPORA.get(codec, codec)


def build(kind: str, grid: Grid, *, timed: bool = True) -> Codec:
    """Return the codec of that name on a grid.

    Args:
        kind: its name.
        grid: of its phrases.
        timed: whether keys are packed with their micro-offsets; models without `timing` do not read them.

    Raises:
        ConfigError: there is no such codec.
    """
    if kind not in CODECS:
        raise ConfigError(f"unknown codec '{kind}'; {nearest(kind, CODECS)}")
    codec = CODECS[kind](grid)
    for part in codec.parts.values() if isinstance(codec, MultitrackCodec) else (codec,):
        if isinstance(part, PolyCodec):
            part.timed = timed
    return codec
