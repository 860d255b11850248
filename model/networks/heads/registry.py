"""Which surface belongs to which codec.

Tested in tests/model/networks/heads/test_base.py.
"""

from collections.abc import Callable

from model.config import ModelConfig, known
from model.music.grid import Grid
from model.networks.heads.base import Surface
from model.networks.heads.drums import DrumsSurface
from model.networks.heads.melody import MelodySurface
from model.networks.heads.multitrack import MultitrackSurface
from model.networks.heads.poly import PolySurface, RollSurface, TimedPolySurface

SURFACES: dict[str, Callable[[Grid], Surface]] = {
    "melody": MelodySurface,
    "poly": PolySurface,
    "roll": RollSurface,
    "drums": DrumsSurface,
    "multitrack": MultitrackSurface,
}


def build_surface(config: ModelConfig) -> Surface:
    """Return the surface of the configuration's codec.

    Raises:
        ConfigError: there is no such codec.
    """
    known("model", "codec", config.codec, SURFACES)
    if config.timing:
        return TimedPolySurface(config.grid.build())
    return SURFACES[config.codec](config.grid.build())
