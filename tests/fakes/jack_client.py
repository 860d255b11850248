"""A client of JACK, its server and the time, without any: cycles go by when they are asked to."""

import bisect
from collections.abc import Callable, Iterator

import pytest

from live.devices.jack import port

RATE, PERIOD = 48_000, 64
FRAME = 1e9 / RATE
WRAP = 1 << 32


class FakeClient:
    """Stands for a `live.devices.jack.port.JackClient`.

    Attributes:
        first: frame at which the coming cycle begins; `moment` tells when.
        left: (frame, message) of what was written.
        rooms: for how many messages there is room in the coming cycles.
        coming: (frame, message) of what is to be read, in their order.
        cables: (source, destination) of the connected ports.
        used: whom it calls; None while it rests.
    """

    samplerate = RATE

    def __init__(self, *, frame: int = 0, period: int = PERIOD) -> None:
        self.first = self.begun = frame
        self.blocksize = period
        self.nanos = 1_000_000_000
        self.written: list[tuple[int, bytes]] = []
        self.left: list[tuple[int, bytes]] = []
        self.rooms: list[int] = []
        self.room = 1_000
        self.coming: list[tuple[int, bytes]] = []
        self.alive = True
        self.used: Callable[[int], None] | None = None
        self.cables: set[tuple[str, str]] = set()

    def __call__(self, name: str, port: str, _direction: str) -> "FakeClient":
        self.port_name = f"{name}:{port}"
        return self

    def use(self, called: Callable[[int], None]) -> None:
        self.used = called

    def rest(self) -> None:
        self.used = None

    def abandon(self) -> None:
        self.alive, self.used = False, None

    def join(self, source: str, destination: str) -> None:
        self.cables.add((source, destination))

    def frame(self) -> int:
        return self.first % WRAP

    def buffer(self, _frames: int) -> int:
        return 0

    def clear(self, _buffer: int) -> None:
        self.written, self.room = [], self.rooms.pop(0) if self.rooms else 1_000

    def write(self, _buffer: int, place: int, data: bytes) -> bool:
        if not self.room:
            return False
        self.room -= 1
        assert 0 <= place < self.blocksize
        assert not self.written or self.written[-1][0] <= place
        self.written.append((place, data))
        return True

    def read(self, _buffer: int) -> Iterator[tuple[int, bytes]]:
        first = bisect.bisect_left(self.coming, (self.first,))
        for frame, data in self.coming[
            first : bisect.bisect_left(self.coming, (self.first + self.blocksize,))
        ]:
            yield frame - self.first, data

    def cycle(self, *, late: int = 0, calls: int = 1) -> None:
        """Begin a cycle, some nanoseconds late, and call for it, and for some before that were too late."""
        self.nanos = self.moment(self.first) + late
        for _ in range(calls):
            if self.used is not None:
                self.used(self.blocksize)
        self.left += [(self.first + place, data) for place, data in self.written]
        self.written = []
        self.first += self.blocksize

    def moment(self, frame: float) -> int:
        return round(1_000_000_000 + (frame - self.begun) * FRAME)

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Be the client of the next port that is opened."""
        monkeypatch.setattr(port, "resting_or_new", self)
        monkeypatch.setattr(port, "silence_jack", lambda: None)
