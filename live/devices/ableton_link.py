"""Ableton Link: a session whose members share tempo, bar lines, and start and stop, on one network.

Wraps the library `link` of the extra of that name, which is imported when a session is opened.
Threads: one.  Realtime: the library takes a lock that it holds for microseconds.
"""

import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from live.errors import UsageError
from live.timing.timeline import Nanos

LIBRARY = "link"
NEEDED = ("captureAppSessionState", "commitAppSessionState", "clock", "numPeers")
CLOSE_READINGS_NANOS = 20_000  # between two looks at our clock; so well is the library's known beside it
MOST_READINGS = 5


class LinkState(NamedTuple):
    """A session at a moment.

    Attributes:
        tempo_bpm: 20..999.
        beat: that is reached, of this member's count; its place in the bar is the same for all.
        playing: whether its members play, as far as they tell each other.
        since: when that changed last.
        peers: number of other members.
    """

    tempo_bpm: float
    beat: float
    playing: bool
    since: Nanos
    peers: int


class LinkSession:
    """This program's membership in a session.

    Args:
        library_link: the library's object.
        nanos: the host's clock.
    """

    def __init__(self, library_link: Any, nanos: Callable[[], int] = time.monotonic_ns) -> None:  # noqa: ANN401  it has no types
        self._link, self._nanos = library_link, nanos
        self._clock = library_link.clock()
        self._link.startStopSyncEnabled = True
        self._link.enabled = True

    def state(self, now: Nanos, quantum: int) -> LinkState:
        """Return the session at a moment; the quantum is the length of a bar in beats."""
        ahead = self._ahead()
        state = self._link.captureAppSessionState()
        return LinkState(
            state.tempo(),
            state.beatAtTime(_micros(now, ahead), float(quantum)),
            state.isPlaying(),
            Nanos(state.timeForIsPlaying() * 1000 - ahead),
            self._link.numPeers(),
        )

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> None:
        """Give every member another tempo."""
        self._change(lambda state, micros: state.setTempo(tempo_bpm, micros), now)

    def start(self, moment: Nanos, quantum: int) -> None:
        """Let every member play: from beat 0, at the moment or with peers on the next bar line after it."""
        self._change(
            lambda state, micros: state.setIsPlayingAndRequestBeatAtTime(True, micros, 0.0, float(quantum)),
            moment,
        )

    def stop(self, now: Nanos) -> None:
        """Let every member stop."""
        self._change(lambda state, micros: state.setIsPlaying(False, micros), now)

    def request_beat(self, beat: float, now: Nanos, quantum: int) -> None:
        """Count so that this is beat; with peers, the nearest count that keeps the bar lines."""
        self._change(lambda state, micros: state.requestBeatAtTime(beat, micros, float(quantum)), now)

    def close(self) -> None:
        """Leave the session; safe to call twice."""
        self._link.enabled = False

    def _change(self, change: Callable[[Any, int], object], moment: Nanos) -> None:
        micros = _micros(moment, self._ahead())
        state = self._link.captureAppSessionState()
        change(state, micros)
        self._link.commitAppSessionState(state)

    def _ahead(self) -> int:
        """Return how far the library's clock is ahead of the host's, in nanoseconds: it drifts."""
        best, ahead = 1 << 62, 0
        for _ in range(MOST_READINGS):
            before = self._nanos()
            micros = self._clock.micros()
            after = self._nanos()
            if after - before < best:
                best, ahead = after - before, micros * 1000 - (before + after) // 2
            if best < CLOSE_READINGS_NANOS:
                break
        return ahead


def _micros(moment: Nanos, ahead: int) -> int:
    return round((moment + ahead) / 1000)


def check_installed() -> None:
    """Raise UsageError where the library is not installed."""
    if importlib.util.find_spec(LIBRARY) is None:
        raise UsageError(
            "the clock 'link' needs the extra of that name, and it is not installed: "
            "pip install 'twobar[link]'"
        )


def open_session(tempo_bpm: float) -> LinkSession:
    """Join the session on this network, or begin one at a tempo.

    Raises:
        UsageError: the library is not installed, or is another of the same name.
    """
    check_installed()
    try:
        made = importlib.import_module(LIBRARY).Link(tempo_bpm)
    except (ImportError, AttributeError, TypeError) as reason:
        raise UsageError(f"the clock 'link': the library of that extra cannot be used: {reason}") from None
    if missing := [name for name in NEEDED if not hasattr(made, name)]:
        raise UsageError(f"the clock 'link': another library of that name is installed, without {missing[0]}")
    return LinkSession(made)
