"""When a cycle of JACK is, for whoever is called late in it."""

import random

import pytest

from live.devices.jack.cycles import JackCycles
from live.timing.timeline import Nanos
from tests.fakes import masters
from tests.fakes.followed import followed

RATE, PERIOD = 48_000, 64
FRAME = 1e9 / RATE
WRAP = 1 << 32


class Server:
    """JACK's frames, and the host time at which somebody is called in a cycle."""

    sample_rate, period_frames, alive = RATE, PERIOD, True

    def __init__(self, *, first: int = 0, period: int = PERIOD) -> None:
        self.period_frames = period
        self._first, self._start, self.nanos = first, 0, 0
        self.dead = False

    def call(self, due: int, late: float) -> None:
        """Go on to the cycle that a moment lies in, and call late."""
        self._start = round(due / FRAME) // self.period_frames * self.period_frames
        self.nanos = round(self._start * FRAME + late)

    def frame(self) -> int:
        return 0 if self.dead else (self._first + self._start) % WRAP

    def close(self) -> None: ...


def stamped(due: list[int], *, period: int, late_nanos: float, raw: bool = False) -> list[int]:
    """Return the stamps of clocks that a busy system is late for, by so much on the mean."""
    server, chance = Server(period=period, first=WRAP - 48_000 * 20), random.Random(3)
    cycles, stamps = JackCycles(server, lambda: server.nanos), []
    for moment in due:
        server.call(moment, chance.expovariate(1.0) * late_nanos)
        stamps.append(server.nanos if raw else cycles.middle())
    return stamps


@pytest.mark.parametrize("period", [64, 256, 1024])
def test_one_instrument_follows_another_s_clock_on_its_place_however_late_it_is_called(period: int) -> None:
    due = masters.sent(120.0, 240)
    found = followed(due, stamped(due, period=period, late_nanos=1_500_000))
    apart = sorted(abs(one.late_ms) for one in found if one.beat >= 16)
    assert apart[int(0.99 * len(apart))] < max(0.2, 0.1 * period * FRAME / 1e6)
    called = followed(due, sorted(stamped(due, period=period, late_nanos=1_500_000, raw=True)))
    late = [abs(one.late_ms) for one in called if one.beat >= 16]
    assert sum(late) / len(late) > 0.7  # what there is to be mended


def test_of_a_dead_server_it_tells_the_moment_of_the_call() -> None:
    server = Server()
    server.call(5_000_000, 100)
    server.dead = True
    assert JackCycles(server, lambda: server.nanos).middle() == server.nanos


def test_an_output_on_the_same_server_tells_when_a_frame_is() -> None:
    class Output:
        def moment(self, frame: float) -> Nanos | None:
            return None if frame < 4_832 else Nanos(int(frame) * 1_000)

    server, output = Server(), Output()
    cycles = JackCycles(server, lambda: server.nanos, lambda: output)
    server.call(round(4_736 * FRAME), 0)
    assert cycles.middle() == pytest.approx(4_768 * FRAME, abs=1)  # that has seen no cycle yet
    server.call(round(4_800 * FRAME), 900_000)
    assert cycles.middle() == 4_832_000
