"""Many phrases asked of a player at once, where it computes several together; else one after another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from model.latent.geometry import Latent
from model.music.phrase import Phrase
from model.playing.player import Player

PORTION = 64  # phrases between two signs of life
Asked = tuple[Latent, Mapping[str, float]]
T = TypeVar("T")


def portions(items: Sequence[T]) -> Iterator[tuple[int, Sequence[T]]]:
    """Yield how many there have been after a portion, and the portion."""
    for begin in range(0, len(items), PORTION):
        portion = items[begin : begin + PORTION]
        yield begin + len(portion), portion


def encoded(player: Player, phrases: Sequence[Phrase]) -> list[Latent]:
    """Return what `Player.encode` gives of each phrase."""
    return _each(player, "encode_all", player.encode, phrases)


def posteriors(player: Player, phrases: Sequence[Phrase]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return mean and log-variance of z of each phrase, float32 [d]; none of a player without a posterior."""
    one = getattr(player, "posterior", None)
    found = _each(player, "posterior_all", one, phrases) if one is not None else []
    return [(np.asarray(mean, np.float32), np.asarray(logvar, np.float32)) for mean, logvar in found]


def decoded(player: Player, asked: Sequence[Asked]) -> list[Phrase]:
    """Return what `Player.decode` gives of each latent with its turns, at temperature 0."""
    return _each(player, "decode_all", lambda one: player.decode(one[0], turns=one[1]), asked)


def at_rest(
    player: Player, latents: Sequence[Latent], report: Callable[[int, int], None] | None = None
) -> list[Phrase]:
    """Return the phrase at each latent; tells how many there are of how many, if someone asks."""
    found: list[Phrase] = []
    for done, portion in portions(latents):
        found += decoded(player, [(latent, {}) for latent in portion])
        if report is not None:
            report(done, len(latents))
    return found


def unmended(player: Player, asked: Sequence[Asked]) -> list[Phrase] | None:
    """Return what a network itself answers to turns; None where the player does not say."""
    one = getattr(player, "unmended", None)
    return None if one is None else _each(player, "unmended_all", lambda it: one(*it), asked)


def _each(player: Player, together: str, one: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Ask for all items by a method that the player may have, else for each."""
    many = getattr(player, together, None)
    return [one(item) for item in items] if many is None else many(items)
