"""Everything that the trainer raises for a user's fault or the world's.

TrainerError
├── RequestError    what was asked for does not exist or is not allowed; exit 2
└── OperationError  the request is right, but could not be carried out; exit 1
    └── EmptyCorpusError  nothing was left to learn from

Tested in tests/trainer/commands/test_commands.py.
"""

from collections.abc import Iterable

from model.errors import nearest

MISSING = "{} is not installed; the trainer needs it: pip install 'twobar[trainer]'"
"""The sentence where a library of the trainer extra is missing."""


class TrainerError(Exception):
    """A fault that is reported in one plain sentence."""

    exit_code = 1


class RequestError(TrainerError):
    """Wrong use: what, where, what is allowed."""

    exit_code = 2


class OperationError(TrainerError):
    """Right use, but a file, the disk, the memory or another process refuses."""


class EmptyCorpusError(OperationError):
    """No phrase came out of the folders."""


def unknown(what: str, name: str, known: Iterable[str], *, where: str = "") -> RequestError:
    """Build the sentence for a name that is not known: what is allowed, and the nearest match."""
    place = f" in {where}" if where else ""
    return RequestError(f"unknown {what} '{name}'{place}; {nearest(name, known)}")
