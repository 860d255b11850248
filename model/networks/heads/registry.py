"""Which head belongs to which codec.

Tested in tests/model/networks/heads/test_base.py.
"""

from collections.abc import Callable

from model.config import ModelConfig, known
from model.music.grid import Grid
from model.networks.heads.base import Head
from model.networks.heads.drums import DrumsHead
from model.networks.heads.melody import MelodyHead
from model.networks.heads.multitrack import MultitrackHead
from model.networks.heads.poly import PolyHead, RollHead, TimedPolyHead

HEADS: dict[str, Callable[[Grid], Head]] = {
    "melody": MelodyHead,
    "poly": PolyHead,
    "roll": RollHead,
    "drums": DrumsHead,
    "multitrack": MultitrackHead,
}


def build_head(config: ModelConfig) -> Head:
    """Return the head of the configuration's codec.

    Raises:
        ConfigError: there is no such codec.
    """
    known("model", "codec", config.codec, HEADS)
    if config.timing:
        return TimedPolyHead(config.grid.build())
    return HEADS[config.codec](config.grid.build())
