"""Ableton Link leads the jam, and the jam leads it: one tempo, one bar line, one start and stop.

Owns: which beat of the session is the jam's tick 0.  Threads: engine only.
"""

import math

from live.devices.ableton_link import LinkSession, LinkState
from live.jam.jam import Jam
from live.jam.leaders.timeline_follower import TimelineFollower
from live.jam.sequencing.sender import START_AHEAD_NANOS
from live.timing.timeline import FASTEST_BPM, NANOS_PER_MINUTE, SLOWEST_BPM, Nanos, Tick, Timeline
from model.music.grid import TICKS_PER_BEAT

LOOK_NANOS = 20_000_000
SAID_AGAIN_NANOS, JUST_NANOS = 100_000_000, 1_000_000_000  # of a stop, where no start was known
JUST_BEATS = 0.25  # a bar that began so shortly ago is still begun with


class AbletonClock:
    """A `Leader`: keeps a jam in a session's time."""

    def __init__(self, jam: Jam, session: LinkSession) -> None:
        self._jam, self._session = jam, session
        self._follower = TimelineFollower(jam)
        self._zero: int | None = None  # beat of the session on tick 0, a bar line
        self._playing: bool | None = None  # what the session said last,
        self._since = Nanos(0)  # and when; a member that joins later is told of no start that was before it
        self._peers = 0
        self._look_nanos = Nanos(0)

    @property
    def _quantum(self) -> int:
        return self._jam.plan.grid.beats_per_bar

    # -- as time goes by ---------------------------------------------------------------------------

    def advance(self, now: Nanos) -> Nanos | None:
        """Look at the session fifty times a second."""
        if now >= self._look_nanos:
            self._look_nanos = Nanos(now + LOOK_NANOS)
            self._look(now)
        return self._look_nanos

    def _look(self, now: Nanos) -> None:
        jam = self._jam
        if self._zero is None and jam.transport.running:  # as an engine before this one left it
            self._session.request_beat(jam.transport.beats(now), now, self._quantum)
        state = self._session.state(now, self._quantum)
        self._tell_of_peers(state)
        before, self._playing = self._playing, state.playing
        again = state.since - self._since > SAID_AGAIN_NANOS and now - state.since < JUST_NANOS
        self._since = state.since
        if before is not None and state.playing and not before:
            self._begin(state, now, since=state.since)
        elif before is not None and not state.playing and (before or again):
            jam.stop(now)
        elif jam.transport.running:
            self._follow(state, now)
        else:
            self._follower.set_tempo(_within(state.tempo_bpm), now)

    def _tell_of_peers(self, state: LinkState) -> None:
        if state.peers != self._peers:
            self._peers = state.peers
            self._jam.notices.add("info", f"Ableton Link: {_others(state.peers)}")

    def _begin(self, state: LinkState, now: Nanos, *, since: Nanos) -> None:
        """Begin at bar 0 on the first bar line of the session after a moment that has not gone by."""
        beat_nanos, quantum = NANOS_PER_MINUTE / state.tempo_bpm, self._quantum
        first = max(state.beat + (since - now) / beat_nanos, state.beat - JUST_BEATS)
        self._zero = math.ceil(first / quantum - 1e-3) * quantum
        moment = Nanos(round(now + (self._zero - state.beat) * beat_nanos))
        self._follower.begin(Timeline(Tick(0), moment, _within(state.tempo_bpm)), now)

    def _follow(self, state: LinkState, now: Nanos) -> None:
        quantum = self._quantum
        ahead = state.beat - self._jam.transport.beats(now)
        if self._zero is None or abs(ahead - self._zero) > quantum / 2:  # other members, other bar lines
            self._zero = round(ahead / quantum) * quantum
        beat = math.floor(state.beat)
        moment = Nanos(round(now - (state.beat - beat) * NANOS_PER_MINUTE / state.tempo_bpm))
        tick = Tick((beat - self._zero) * TICKS_PER_BEAT)
        self._follower.follow(Timeline(tick, moment, _within(state.tempo_bpm)), now)

    # -- what the performer wants --------------------------------------------------------------------

    def begin_by_itself(self, now: Nanos) -> None:
        """Begin when the model is there: on the session's next bar line, without starting anyone else."""
        state = self._session.state(now, self._quantum)
        if state.peers or state.playing:
            self._begin(state, now, since=now)
        else:
            self.start(now)

    def start(self, now: Nanos) -> None:
        """Start, and let the others start."""
        state = self._session.state(now, self._quantum)
        if not state.playing:
            self._session.start(Nanos(now + START_AHEAD_NANOS), self._quantum)
            state = self._session.state(now, self._quantum)
            self._playing = state.playing
            self._begin(state, now, since=state.since)
        else:
            self._begin(state, now, since=now)

    def stop(self, now: Nanos) -> None:
        """Stop, and let the others stop."""
        self._session.stop(now)
        self._playing = False
        self._jam.stop(now)

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> bool:
        """Give the session another tempo."""
        self._session.set_tempo(tempo_bpm, now)
        self._look_nanos = now
        return True

    def shown(self, _now: Nanos) -> str:
        """Return what the dashboard says of the session."""
        return f"Link: {_others(self._peers)}"

    def close(self) -> None:
        """Leave the session."""
        self._session.close()


def _others(peers: int) -> str:
    return "nobody else" if not peers else f"{peers} other{'s' * (peers > 1)}"


def _within(tempo_bpm: float) -> float:
    """Return a tempo that a transport can have; a session's may be up to 999."""
    return min(FASTEST_BPM, max(SLOWEST_BPM, tempo_bpm))
