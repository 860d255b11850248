"""FluidSynth through pyfluidsynth: its library, its soundfont, one message into it.

The library is loaded when it is asked for, never before: all but sound works without it.

Tested in tests/live/devices/test_fluidsynth.py, tests/model/midi/test_wav.py.
"""

import contextlib
import ctypes
import importlib.util
import io
import sys
from pathlib import Path
from typing import Any

from model.errors import SoundError

SOUNDFONT_NAME = "TimGM6mb.sf2"

_INSTALL = {
    "linux": "sudo apt-get install libfluidsynth3",
    "darwin": "brew install fluid-synth",
    "win32": "choco install fluidsynth",
}


def install_hint() -> str:
    """Return the command that installs libfluidsynth on this system."""
    return _INSTALL.get(sys.platform, _INSTALL["linux"])


def load_library() -> Any:  # noqa: ANN401 - pyfluidsynth has no types
    """Return the pyfluidsynth module.

    Raises:
        SoundError: libfluidsynth is missing or cannot be loaded.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # under CI=... it prints where it found the library
            import fluidsynth  # noqa: PLC0415 - loads the shared library, which may be missing
    except (ImportError, OSError, AttributeError, TypeError) as reason:
        raise SoundError(
            f"FluidSynth's library is missing, so nothing sounds here ({reason}); get it: {install_hint()}"
        ) from None
    library = fluidsynth._fl  # noqa: SLF001 - pyfluidsynth leaves these calls unwrapped
    library.fluid_synth_channel_pressure.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    library.fluid_synth_key_pressure.argtypes = [ctypes.c_void_p, *[ctypes.c_int] * 3]
    library.fluid_set_log_function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    return fluidsynth


def default_soundfont() -> Path:
    """Return the soundfont that comes with pretty_midi, found without importing it.

    Raises:
        SoundError: it is missing.
    """
    spec = importlib.util.find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations if spec else None) or []:
        path = Path(folder) / SOUNDFONT_NAME
        if path.is_file():
            return path
    raise SoundError(
        f"the soundfont {SOUNDFONT_NAME} is missing; get it: pip install pretty_midi, or name an .sf2"
    )


def check_soundfont(path: Path) -> None:
    """Look at a soundfont's header.

    Raises:
        SoundError: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as reason:
        raise SoundError(f"the soundfont '{path}' cannot be read: {reason.strerror or reason}") from None
    if head[:4] != b"RIFF" or head[8:] not in (b"sfbk", b"DLS "):
        raise SoundError(f"'{path}' is not a soundfont; an .sf2, .sf3 or .dls file is needed")


def send(api: Any, synth: int, data: bytes) -> None:  # noqa: ANN401 - pyfluidsynth has no types
    """Play one whole message now; what FluidSynth has no use for (clock, sysex) is left out.

    Args:
        api: what `load_library` returned.
        synth: FluidSynth's pointer.
        data: of the message.
    """
    kind, channel = data[0] & 0xF0, data[0] & 0x0F
    if kind == 0x90 and data[2]:
        api.fluid_synth_noteon(synth, channel, data[1], data[2])
    elif kind in (0x80, 0x90):
        api.fluid_synth_noteoff(synth, channel, data[1])
    elif kind == 0xB0:
        api.fluid_synth_cc(synth, channel, data[1], data[2])
    elif kind == 0xC0:
        api.fluid_synth_program_change(synth, channel, data[1])
    elif kind == 0xE0:
        api.fluid_synth_pitch_bend(synth, channel, data[1] | data[2] << 7)
    elif kind == 0xD0:
        api._fl.fluid_synth_channel_pressure(synth, channel, data[1])  # noqa: SLF001 - left unwrapped
    elif kind == 0xA0:
        api._fl.fluid_synth_key_pressure(synth, channel, data[1], data[2])  # noqa: SLF001 - likewise
