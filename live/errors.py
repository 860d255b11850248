"""Everything that live code raises for a user's or a device's fault.

TwobarError
├── UsageError    the user asked for something that is not there; exit 2
└── FailureError  what was asked for is right, but could not be done; exit 1
    ├── PortError   a MIDI port could not be opened or vanished
    └── SynthError  FluidSynth or its soundfont is missing or broken
"""

import difflib
from collections.abc import Iterable


class TwobarError(Exception):
    """A fault that is told in one plain sentence."""

    exit_code = 1


class UsageError(TwobarError):
    """Wrong use: what, where, what is allowed."""

    exit_code = 2


class FailureError(TwobarError):
    """Right use, but the world did not play along."""


class PortError(FailureError):
    """A MIDI port could not be opened, or vanished."""


class SynthError(FailureError):
    """FluidSynth or its soundfont is missing or broken."""


def unknown(what: str, given: str, known: Iterable[str], *, where: str = "") -> UsageError:
    """Build the sentence for a name that is not known: what there is, and the nearest match."""
    names = sorted(known)
    place = f" in {where}" if where else ""
    listed = ", ".join(names) if names else "none"
    near = difflib.get_close_matches(given.lower(), [name.lower() for name in names], 1, 0.5)
    actual = next((name for name in names if near and name.lower() == near[0]), None)
    hint = f"; did you mean '{actual}'?" if actual else ""
    return UsageError(f"unknown {what} '{given}'{place}; there is: {listed}{hint}")
