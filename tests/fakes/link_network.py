"""A network of fake Ableton Link members: the library's own methods, one session, no sockets."""

import math
from dataclasses import dataclass, field
from types import ModuleType


@dataclass
class FakeTimeline:
    """The session's beats: this one at these microseconds, at a tempo."""

    bpm: float = 120.0
    beat: float = 0.0
    micros: int = 0
    playing: bool = False
    since: int = 0

    def at(self, micros: int) -> float:
        return self.beat + (micros - self.micros) * self.bpm / 60e6


@dataclass
class LinkNetwork:
    """Members that share a session while they are enabled.

    Attributes:
        nanos: the host's clock.
        library_ahead: by how many nanoseconds the library's clock is ahead of it.
    """

    nanos: int = 10**10
    library_ahead: int = 777_000_000
    session: FakeTimeline = field(default_factory=FakeTimeline)
    members: "list[FakeLink]" = field(default_factory=list)

    @property
    def micros(self) -> int:
        return (self.nanos + self.library_ahead) // 1000

    def now(self) -> int:
        return self.nanos


class FakeLink:
    """The library's Link; what it counts differs from the session's beats by a whole number of bars."""

    def __init__(self, network: LinkNetwork, bpm: float = 120.0) -> None:
        self.network = network
        self.alone = FakeTimeline(bpm, 0.0, network.micros)
        self.offset = 0.0
        self.startStopSyncEnabled = False
        self._enabled = False

    @property
    def enabled(self) -> bool:
        return self._enabled

    @enabled.setter
    def enabled(self, on: bool) -> None:
        members = self.network.members
        if on and self not in members:
            if not members:
                self.network.session = FakeTimeline(self.alone.bpm, 0.0, self.network.micros)
            members.append(self)
        elif not on and self in members:
            members.remove(self)
        self._enabled = on

    def numPeers(self) -> int:  # noqa: N802  the library's name
        return len(self.network.members) - 1

    def clock(self) -> "FakeLink":
        return self

    def micros(self) -> int:
        return self.network.micros

    def captureAppSessionState(self) -> "FakeState":  # noqa: N802  the library's name
        return FakeState(self)

    def commitAppSessionState(self, state: "FakeState") -> None:  # noqa: N802  the library's name
        self.network.session = state.line
        self.offset = state.offset


class FakeState:
    """The library's SessionState."""

    def __init__(self, member: FakeLink) -> None:
        line = member.network.session
        self.line = FakeTimeline(line.bpm, line.beat, line.micros, line.playing, line.since)
        self.member, self.offset = member, member.offset

    def tempo(self) -> float:
        return self.line.bpm

    def setTempo(self, bpm: float, micros: int) -> None:  # noqa: N802
        self.line.beat, self.line.micros, self.line.bpm = self.line.at(micros), micros, bpm

    def beatAtTime(self, micros: int, _quantum: float) -> float:  # noqa: N802
        return self.line.at(micros) + self.offset

    def isPlaying(self) -> bool:  # noqa: N802
        return self.line.playing

    def timeForIsPlaying(self) -> int:  # noqa: N802
        return self.line.since

    def setIsPlaying(self, on: bool, micros: int) -> None:  # noqa: N802
        self.line.playing, self.line.since = on, micros

    def requestBeatAtTime(self, beat: float, micros: int, quantum: float) -> None:  # noqa: N802
        here = self.line.at(micros)
        if self.member.numPeers() == 0:
            self.line.beat, self.line.micros, self.offset = beat, micros, 0.0
            return
        wait = (beat - here) % quantum
        self.offset = math.floor(beat - here - wait + 0.5)

    def setIsPlayingAndRequestBeatAtTime(  # noqa: N802
        self, on: bool, micros: int, beat: float, quantum: float
    ) -> None:
        self.setIsPlaying(on, micros)
        self.requestBeatAtTime(beat, micros, quantum)


def library(network: LinkNetwork) -> ModuleType:
    """Return what `import link` would give."""
    module = ModuleType("link")
    module.Link = lambda bpm: FakeLink(network, bpm)  # type: ignore[attr-defined]
    return module
