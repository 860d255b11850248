"""Which codec a configuration names.

Tested in tests/model/codecs/test_base.py.
"""

from model.codecs.base import Codec
from model.codecs.drums import DrumsCodec
from model.codecs.melody import MelodyCodec
from model.codecs.multitrack import MultitrackCodec
from model.codecs.poly import PolyCodec
from model.errors import ConfigError, nearest
from model.music.grid import Grid

CODECS: dict[str, type[DrumsCodec | MelodyCodec | MultitrackCodec | PolyCodec]] = {
    "melody": MelodyCodec,
    "poly": PolyCodec,
    "drums": DrumsCodec,
    "multitrack": MultitrackCodec,
}


def build(kind: str, grid: Grid) -> Codec:
    """Return the codec of that name on a grid.

    Raises:
        ConfigError: there is no such codec.

    """
    if kind not in CODECS:
        raise ConfigError(f"unknown codec '{kind}'; {nearest(kind, CODECS)}")
    return CODECS[kind](grid)
