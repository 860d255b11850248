"""Everything that the trainer raises for a user's fault or the world's.

TrainerError
├── UsageError    the user asked for something that is not there; exit 2
└── FailureError  what was asked for is right, but could not be done; exit 1
    └── EmptyCorpusError  nothing was left to learn from
"""

from collections.abc import Iterable

from model.errors import nearest

MISSING = "{} is not installed; the trainer needs it: pip install 'twobar[trainer]'"
"""What is said where a library of the trainer extra is not there."""


class TrainerError(Exception):
    """A fault that is told in one plain sentence."""

    exit_code = 1


class UsageError(TrainerError):
    """Wrong use: what, where, what is allowed."""

    exit_code = 2


class FailureError(TrainerError):
    """Right use, but the world did not play along."""


class EmptyCorpusError(FailureError):
    """No phrase came out of the folders that were given."""


def unknown(what: str, given: str, known: Iterable[str], *, where: str = "") -> UsageError:
    """Build the sentence for a name that is not known: what there is, and the nearest match."""
    place = f" in {where}" if where else ""
    return UsageError(f"unknown {what} '{given}'{place}; {nearest(given, known)}")
