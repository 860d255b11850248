"""Which surface belongs to which codec.

Tested in tests/model/networks/surfaces/test_base.py.
"""

from collections.abc import Callable

from model.config import ModelConfig, known
from model.music.grid import Grid
from model.networks.surfaces.base import Surface
from model.networks.surfaces.drums import DrumsSurface
from model.networks.surfaces.melody import MelodySurface
from model.networks.surfaces.multitrack import MultitrackSurface
from model.networks.surfaces.poly import PolySurface, RollSurface, TimedPolySurface

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
