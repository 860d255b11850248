"""Keyboards for tests: what they send by name of the port, and what of it leaves."""

from collections.abc import Iterable

from live.timing.midi_bytes import Received
from live.timing.timeline import Nanos
from tests.fakes.stage import Stage


def play(stage: Stage, *messages: tuple[str, bytes]) -> None:
    for port, data in messages:
        stage.jam.performer.play(Received(Nanos(stage.nanos), data, port), Nanos(stage.nanos))


def from_hex(lines: Iterable[str]) -> list[tuple[str, bytes]]:
    return [(line[0], bytes.fromhex(line[2:])) for line in lines]


def thru(stage: Stage) -> list[str]:
    """Return what has left since the last time, and forget it."""
    left = [sent.data.hex(" ") for sent in stage.sent]
    stage.sent.clear()
    return left
