"""Everything that live code raises for a user's or a device's fault.

TwobarError
├── UsageError    the user asked for something that does not exist; exit 2
└── FailureError  what was asked for is right, but could not be done; exit 1
    ├── PortError   a MIDI system does not answer, or a port failed
    │   └── PortMissingError  a MIDI port is not there, or vanished: it may come yet
    └── SynthError  FluidSynth or its soundfont is missing or broken

Tested in tests/live/cli/test_group.py.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from model.errors import ModelError, nearest

NO_JACK = "no JACK server answers; start one (jackd -d alsa), or choose another system with --api"


class TwobarError(Exception):
    """A fault that is reported in one plain sentence."""

    exit_code = 1


class UsageError(TwobarError):
    """Wrong use: what, where, what is allowed."""

    exit_code = 2


class FailureError(TwobarError):
    """Right use, but the world did not play along."""


class PortError(FailureError):
    """A MIDI system does not answer, or a port failed."""


class PortMissingError(PortError):
    """A MIDI port is not there, or could not be opened: it is worth waiting for."""


class SynthError(FailureError):
    """FluidSynth or its soundfont is missing or broken."""


def unknown(what: str, name: str, known: Iterable[str], *, where: str = "") -> UsageError:
    """Build the sentence for a name that is not known: what there is, and the nearest match."""
    place = f" in {where}" if where else ""
    return UsageError(f"unknown {what} '{name}'{place}; {nearest(name, known)}")


@contextmanager
def model_faults() -> Iterator[None]:
    """Raise what the model package refuses as one of ours, with the same sentence and exit code."""
    try:
        yield
    except ModelError as error:
        raise (UsageError if error.exit_code == 2 else FailureError)(str(error)) from None
