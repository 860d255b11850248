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
    """A fault, in one plain sentence."""

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


def sentence(error: Exception) -> str:
    """Return an exception, whoever raised it, as one plain line."""
    text = " ".join(str(error).split())
    return text or type(error).__name__


def nearest(wanted: str, known: Iterable[str]) -> str:
    """Return what is allowed and the nearest match, as the end of a sentence."""
    names = sorted(known)
    return f"there is: {', '.join(names) if names else 'none'}{did_you_mean(wanted, names)}"


def did_you_mean(wanted: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the known name nearest to a wanted one, whatever its case, or ""."""
    near = closest(wanted, known)
    return f"; did you mean '{near}'?" if near else ""


def closest(wanted: str, known: Iterable[str], *, cutoff: float = 0.5) -> str:
    """Return the known name nearest to a wanted one, whatever its case, or "" where none is near."""
    by_lower = {name.lower(): name for name in known}
    match = difflib.get_close_matches(wanted.lower(), by_lower, 1, cutoff)
    return by_lower[match[0]] if match else ""
