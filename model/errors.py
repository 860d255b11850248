"""Everything that the model package raises for a user's or a file's fault.

ModelError
├── ConfigError      a model's configuration names something unknown or impossible; exit 2
├── CheckpointError  a checkpoint is missing, damaged or not one of ours
│   └── UnknownModelError  no shipped model has that name; exit 2
├── MidiFileError    a MIDI file is missing, damaged or holds nothing to play
└── SoundError       FluidSynth or its soundfont is missing or broken, or a .wav cannot be written
"""

import difflib
from collections.abc import Iterable


class ModelError(Exception):
    """A fault that is told in one plain sentence."""

    exit_code = 1


class ConfigError(ModelError):
    """A configuration names something unknown, or numbers that do not fit together."""

    exit_code = 2


class CheckpointError(ModelError):
    """A checkpoint is missing, damaged, or not one of ours."""


class UnknownModelError(CheckpointError):
    """No shipped model has that name."""

    exit_code = 2


class MidiFileError(ModelError):
    """A MIDI file that is missing, damaged or holds nothing to play."""


class SoundError(ModelError):
    """FluidSynth or its soundfont is missing or broken, or a .wav cannot be written."""


def nearest(given: str, known: Iterable[str]) -> str:
    """Return what is allowed and the nearest match, as the end of a sentence."""
    names = sorted(known)
    match = difflib.get_close_matches(given.lower(), [name.lower() for name in names], 1, 0.5)
    actual = next((name for name in names if match and name.lower() == match[0]), None)
    hint = f"; did you mean '{actual}'?" if actual else ""
    return f"there is: {', '.join(names) if names else 'none'}{hint}"
