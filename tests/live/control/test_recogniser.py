"""The recogniser: every kind of control is told apart, however it is turned or pressed."""

import random
from collections.abc import Callable

import pytest

from live.control.recogniser import WINDOW_NANOS, Recognised, Recogniser
from live.timing.midi_bytes import control, note_off, note_on, program

MS = 1_000_000
Messages = list[tuple[int, bytes]]
"""(ms, bytes), oldest first."""
SEEDS = range(100)


def recognise(messages: Messages, *, presses: int = 1) -> Recognised | None:
    """Feed messages as they come, asking twenty times a second, as the engine does."""
    listening = Recogniser(presses=presses)
    begun = 5_000_000_000
    waiting = list(messages)
    for ms in range(0, 4000, 50):
        while waiting and waiting[0][0] <= ms:
            at, data = waiting.pop(0)
            listening.feed(data, begun + at * MS)
        found = listening.settle(begun + ms * MS)
        if found is not None:
            assert ms * MS <= WINDOW_NANOS + (messages[0][0] + 100) * MS
            return found
    return None


def to_and_fro(rng: random.Random, size: Callable[[], int]) -> list[tuple[int, int]]:
    """Return (ms, change) of a hand that turns right, then left."""
    at, way, changes = rng.randint(0, 300), rng.choice((1, -1)), []
    for _ in range(2):
        for _ in range(rng.randint(4, 14)):
            changes.append((at, way * size()))
            at += rng.randint(12, 60)
        way = -way
        at += rng.randint(20, 200)
    return changes


def pot(rng: random.Random) -> Messages:
    number, sent, fast = rng.randint(0, 127), [], rng.choice((2, 5, 12))
    for at, change in to_and_fro(rng, lambda: rng.randint(1, fast)):
        if 0 <= number + change <= 127:
            number += change
            sent.append((at, control(3, 74, number)))
    return sent or [(0, control(3, 74, number))]


COUNTS: dict[str, Callable[[int], int]] = {
    "twos_complement": lambda step: step % 128,
    "sign_magnitude": lambda step: step if step > 0 else 64 - step,
    "binary_offset": lambda step: 64 + step,
    "offset_16": lambda step: 16 + step,
    "up_down": lambda step: 127 if step > 0 else 0,
}


def encoder(kind: str, rng: random.Random) -> Messages:
    fast = rng.choice((1, 2, 5))
    turned = to_and_fro(rng, lambda: rng.choice((1, 1, rng.randint(1, fast))))
    return [(at, control(3, 74, COUNTS[kind](change))) for at, change in turned]


def presses(rng: random.Random, kind: str, *, number: int = 41) -> Messages:
    at, sent, on = rng.randint(0, 300), Messages(), rng.choice((True, False))
    for _ in range(rng.randint(2, 3)):
        if kind == "toggle":
            sent.append((at, control(3, number, 127 if on else 0)))
            on = not on
        else:
            sent.append((at, control(3, number, 127)))
            if kind == "momentary":
                sent.append((at + rng.randint(40, 180), control(3, number, 0)))
        at += rng.randint(300, 550)
    return sent


def pair(rng: random.Random) -> Messages:
    number, sent, order = rng.randint(0, 16383), Messages(), rng.choice((1, -1))
    for at, change in to_and_fro(rng, lambda: rng.randint(16, 400)):
        number = min(16383, max(0, number + change))
        halves = [control(3, 20, number >> 7), control(3, 52, number & 127)][::order]
        sent += [(at, halves[0]), (at + 1, halves[1])]
    return sent


def nrpn(rng: random.Random) -> Messages:
    number, sent = rng.randint(0, 127), Messages()
    for at, change in to_and_fro(rng, lambda: rng.randint(1, 5)):
        number = min(127, max(0, number + change))
        sent += [(at, control(3, 99, 2)), (at, control(3, 98, 44)), (at, control(3, 6, number))]
    return sent


def nrpn_steps(rng: random.Random) -> Messages:
    sent = [(0, control(3, 99, 2)), (0, control(3, 98, 44))]
    return [*sent, *((at, control(3, 96 if way > 0 else 97, 1)) for at, way in to_and_fro(rng, lambda: 1))]


def share_right(messages: Callable[[random.Random], Messages], wanted: tuple[object, ...]) -> float:
    found = [recognise(messages(random.Random(seed))) for seed in SEEDS]
    return sum(one is not None and one[:5] == wanted for one in found) / len(SEEDS)


@pytest.mark.parametrize("kind", COUNTS)
def test_endless_encoders(kind: str) -> None:
    assert share_right(lambda rng: encoder(kind, rng), ("cc", 74, 3, kind, None)) >= 0.99


def test_pots() -> None:
    assert share_right(pot, ("cc", 74, 3, None, None)) >= 0.99


@pytest.mark.parametrize("kind", ["momentary", "toggle", "trigger"])
def test_buttons(kind: str) -> None:
    assert share_right(lambda rng: presses(rng, kind), ("cc", 41, 3, None, kind)) >= 0.97


def test_pairs_and_parameters() -> None:
    assert share_right(pair, ("cc14", 20, 3, None, None)) == 1.0
    assert share_right(nrpn, ("nrpn", 300, 3, None, None)) == 1.0
    assert share_right(nrpn_steps, ("nrpn", 300, 3, "increment", None)) == 1.0


def test_a_pedal_is_called_one() -> None:
    found = recognise(presses(random.Random(1), "momentary", number=64))
    assert found is not None
    assert found.name == "a pedal"
    assert found.button == "momentary"


def test_what_says_itself_what_it_is() -> None:
    bend = [(20 * n, bytes((0xE2, 0, 64 + n))) for n in range(9)]
    pressure = [(20 * n, bytes((0xD2, 40 + n))) for n in range(9)]
    for messages, wanted in (
        (bend, ("pitch_bend", 0, 3, None, None)),
        (pressure, ("aftertouch", 0, 3, None, None)),
        ([(0, control(3, 0, 1)), (1, control(3, 32, 5)), (2, program(3, 7))], ("program", 7, 3, None, None)),
    ):
        found = recognise(messages)
        assert found is not None
        assert found[:5] == wanted


def test_a_pad_with_its_pressure_is_a_pad() -> None:
    tapped = [(0, note_on(10, 36, 90)), (10, bytes((0xA9, 36, 80))), (90, note_off(10, 36))]
    found = recognise(tapped)
    assert found is not None
    assert found[:5] == ("note", 36, 10, None, None)
    found = recognise([(0, note_on(10, 36, 90)), (400, note_off(10, 36))])
    assert found is not None
    assert found.button == "toggle"


def test_what_a_performer_plays_meanwhile_is_not_what_is_touched() -> None:
    played = [(40 * n, note_on(1, 60 + n, 90)) for n in range(12)]
    assert recognise(played) is None
    found = recognise(sorted([*played, *pot(random.Random(3))]))
    assert found is not None
    assert found.source == "cc"
    held = [(0, note_on(1, 60, 9)), (50, note_off(1, 60))]
    assert recognise(held, presses=2) is None
    again = recognise([*held, (400, note_on(1, 60, 9)), (450, note_off(1, 60))], presses=2)
    assert again is not None
    assert again.source == "note"


def test_registered_parameters_are_no_control() -> None:
    assert recognise([(0, control(1, 101, 0)), (0, control(1, 100, 0)), (0, control(1, 6, 12))]) is None
