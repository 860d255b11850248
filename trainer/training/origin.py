"""What a run was begun with: the data, the settings, the version; in its state and in its checkpoint's card.

A resumed run that goes on with other data would pair edits and places in the epoch with other phrases, so
that it is refused; other settings are taken up, and said.

Tested in tests/trainer/training/test_resume.py.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from model.version import VERSION
from trainer.corpus import meta
from trainer.corpus.hashing import digest
from trainer.data.dataset import Phrases
from trainer.errors import RequestError
from trainer.settings import Settings

ALLOWANCES = frozenset(("fit.minutes", "fit.steps", "fit.interval", "prior.minutes"))
"""Settings that say how long a sitting is: each may have its own."""


class Origin(msgspec.Struct, frozen=True):
    """What a run was begun with.

    Attributes:
        data: fingerprint of the phrases that it learns from, see `digest`; "" unknown.
        phrases: how many they are.
        folder: name of the prepared folder.
        licences: how many files there are under each.
        settings: `[fit]` and `[prior]`, by section.key.
        version: of twobar.
        date: of the beginning, ISO 8601 in UTC.
        parent: model whose weights it was begun with; "" none.
    """

    data: str = ""
    phrases: int = 0
    folder: str = ""
    licences: dict[str, int] = msgspec.field(default_factory=dict)
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    version: str = VERSION
    date: str = ""
    parent: str = ""


def origin_of(configuration: Settings, train: Phrases, folder: Path) -> Origin:
    """Return what a run begins with.

    Args:
        configuration: of the run.
        train: phrases that it learns from.
        folder: that they were prepared in.
    """
    found = meta.read(folder)
    flat: dict[str, Any] = {}
    for section in ("fit", "prior"):
        _flatten(msgspec.to_builtins(getattr(configuration, section)), section, flat)
    return Origin(
        digest(train.starts, train.songs, train.notes),
        len(train),
        folder.resolve().name,
        found.sources if found else {},
        flat,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def check_same(before: Origin, now: Origin, *, run: Path) -> list[str]:
    """Return what a resumed run goes on with in place of what it was begun with, a sentence each.

    Args:
        before: what it was begun with; without data what of a version that did not remember.
        now: what it shall go on with.
        run: its folder.

    Raises:
        RequestError: the data are others.
    """
    if before.data and before.data != now.data:
        was, have = (f"{each.phrases:,} phrases of '{each.folder}'" for each in (before, now))
        raise RequestError(
            f"the run in {run} was begun on {was}, and these are {have}, other ones: resume it with "
            "--data as it was, or begin another with another --out"
        )
    said = []
    if before.data and before.version != now.version:
        said.append(f"begun with twobar {before.version}, it goes on with {now.version}")
    changed = [
        f"{name} {now.settings[name]} (it was {value})"
        for name, value in before.settings.items()
        if name not in ALLOWANCES and now.settings.get(name, value) != value
    ]
    if changed:
        said.append(f"from here on with {', '.join(changed)}")
    return said


def _flatten(tree: Mapping[str, Any], name: str, into: dict[str, Any]) -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            _flatten(value, f"{name}.{key}", into)
        else:
            into[f"{name}.{key}"] = list(value) if isinstance(value, tuple) else value  # as it is read again
