"""The command palette: every key and every action by name, found by typing a part of it."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple, Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from live.dashboard import keys
from live.dashboard.screen_state import ScreenState
from live.ipc.commands import action
from live.ipc.snapshot import Snapshot
from live.settings.knobs import ACTIONS, KNOBS, takes

BEST = 1e6
"""The score of what is typed in full."""


class Entry(NamedTuple):
    """A line of the palette.

    Attributes:
        name: that is typed and shown.
        tip: one sentence.
        run: Textual's name of an action of the App.
    """

    name: str
    tip: str
    run: str


def entries() -> Iterator[Entry]:
    """Return every key, then the actions that have none, then the knobs."""
    for key in keys.KEYS:
        label = keys.key_label(key.keys.split(",")[0])
        run = key.action if isinstance(key.action, str) else f"command('{key.ident}')"
        yield Entry(key.text, f"{label}: {key.tip}", run)
    keyed = [key.action for key in keys.KEYS]
    for name, words in ACTIONS.items():
        for word in words or ("",):
            if action(name, word, source=keys.SOURCE) not in keyed:
                text = f"{name} {word}".strip()
                yield Entry(text, "no key has it", f"named('{name}', '{word}')")
    for spec in KNOBS.values():
        yield Entry(f"{spec.name} to rest", spec.text, f"rest_of('{spec.name}')")


def mapping_entries(snapshot: Snapshot | None) -> Iterator[Entry]:
    """Return every mapping that a controller may have, for each that is plugged in."""
    if snapshot is None:
        return
    for controller in snapshot.controllers:
        for name in ("auto", *snapshot.mapping_names):
            if name != controller.mapping:
                text = f"mapping {name} for {controller.port}"
                yield Entry(
                    text, f"instead of {controller.mapping}", f"mapping({name!r}, {controller.port!r})"
                )


def spelt_out(query: str) -> Entry | None:
    """Return what was typed where it is an action that no list can hold, as `scene 2 over 4 bars`."""
    text = " ".join(query.split())
    name, _, word = text.partition(" ")
    if name not in ACTIONS or word in ACTIONS[name] or not takes(name, word):
        return None
    return Entry(text, "no key has it", f"named('{name}', '{word}')")


class Showing(Protocol):
    """An App that shows snapshots."""

    shown: ScreenState


class Palette(Provider):
    """Offers the entries to Textual's command palette."""

    def _entries(self) -> Iterator[Entry]:
        yield from entries()
        yield from mapping_entries(cast("Showing", self.app).shown.snapshot)

    async def discover(self) -> Hits:
        """Offer everything before a letter is typed."""
        for entry in self._entries():
            yield DiscoveryHit(entry.name, partial(self.app.run_action, entry.run), help=entry.tip)

    async def search(self, query: str) -> Hits:
        """Offer what has the typed letters in their order."""
        if typed := spelt_out(query):
            yield Hit(BEST, typed.name, partial(self.app.run_action, typed.run), help=typed.tip)
        matcher = self.matcher(query)
        for entry in self._entries():
            score = matcher.match(entry.name)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(entry.name),
                    partial(self.app.run_action, entry.run),
                    help=entry.tip,
                )
