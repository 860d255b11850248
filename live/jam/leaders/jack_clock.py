"""JACK's transport leads the jam, and the performer's start and stop lead it.

Where another client says bars, beats and tempo, they are followed; else the jam counts its beats from
second 0 on, in a tempo that is the performer's, and says them to the others.
Owns: which second of the transport is which beat.  Threads: engine only.
"""

import math

from live.devices.jack.timebase import JackTimebase
from live.devices.jack.transport import JackTransport, TransportState
from live.jam.jam import Jam
from live.jam.leaders.timeline_follower import TimelineFollower
from live.timing.tempo_map import TempoMap
from live.timing.timeline import FASTEST_BPM, SLOWEST_BPM, Nanos, Tick, Timeline
from model.music.grid import TICKS_PER_BEAT

LOOK_NANOS = 10_000_000
JUMP_BEATS = 1.0  # so far off, the transport was moved
JUST_BEATS = 0.25  # a beginning so shortly ago is still begun with


class JackClock:
    """A `Leader`: keeps a jam with JACK's transport.

    Args:
        timebase: by which it says its beats to others; None for not at all.
    """

    def __init__(self, jam: Jam, transport: JackTransport, timebase: JackTimebase | None = None) -> None:
        self._jam, self._transport, self._timebase = jam, transport, timebase
        self._said: TempoMap | None = None
        self._follower = TimelineFollower(jam)
        self._rolling = self._placed = False
        self._gone = False
        self._tempo_bpm = jam.transport.tempo_bpm  # where nobody says another
        self._second, self._beat = 0.0, 0.0  # which is which
        self._followed = False  # bars and beats are another client's,
        self._followed_bpm = self._tempo_bpm  # at this tempo
        self._look_nanos = Nanos(0)

    # -- as time goes by ---------------------------------------------------------------------------

    def advance(self, now: Nanos) -> Nanos | None:
        """Look at the transport a hundred times a second."""
        if self._gone:
            return None
        if not self._transport.alive:
            self._gone = True
            self._jam.notices.add("warning", "JACK's transport has gone: the tempo stays")
            return None
        if now >= self._look_nanos:
            self._look_nanos = Nanos(now + LOOK_NANOS)
            self._look(now)
        return self._look_nanos

    def _state(self, now: Nanos) -> TransportState:
        """Return the transport at a moment, with the beats and the tempo of others alone."""
        state = self._transport.state(now)
        if self._timebase is not None and self._timebase.leading:
            return state._replace(beat=None, tempo_bpm=None)
        return state

    def _say(self, now: Nanos) -> None:
        """Let others know of the beats, where they have changed."""
        if self._timebase is None:
            return
        lines = self._jam.plan.lines
        if self._said is not None and lines.start > self._jam.tick(now):
            lines = self._said.lines  # a metre that begins with a later bar line
        tempo_map = TempoMap(self._second, self._beat, self._tempo_bpm, lines)
        if tempo_map != self._said:
            self._said = tempo_map
            self._timebase.say(tempo_map)

    def _look(self, now: Nanos) -> None:
        jam, state = self._jam, self._state(now)
        followed, self._followed = self._followed, state.beat is not None
        if (
            followed and not self._followed and jam.transport.running
        ):  # nobody says them any more: on from here
            self._second, self._beat = state.seconds, jam.tick(now) / TICKS_PER_BEAT
            self._tempo_bpm = self._followed_bpm
        if state.tempo_bpm is not None:
            self._followed_bpm = _within(state.tempo_bpm)
        left = jam.transport.running and not self._placed  # so, by an engine before this one
        if left and state.rolling:
            self._placed = True
            self._second, self._beat = state.seconds, jam.transport.beats(now)
            self._tempo_bpm = jam.transport.tempo_bpm
        self._say(now)
        before, self._rolling = self._rolling, state.rolling
        if not state.rolling:
            if before or left:
                jam.stop(now)
            if state.tempo_bpm is not None and not jam.transport.running:
                self._follower.set_tempo(_within(state.tempo_bpm), now)
            return
        if not before and not jam.transport.running:
            self._begin(state, now)
        elif jam.transport.running:
            self._follow(state, now)

    def _line(self, state: TransportState, now: Nanos) -> Timeline:
        """Return the transport's timeline, from the tick before a moment on."""
        tempo_bpm = state.tempo_bpm or self._tempo_bpm
        beat = state.beat
        if beat is None:
            beat = self._beat + (state.seconds - self._second) * tempo_bpm / 60
        tick = math.floor(beat * TICKS_PER_BEAT)
        moment = Nanos(round(now - (beat - tick / TICKS_PER_BEAT) * 60e9 / tempo_bpm))
        return Timeline(Tick(tick), moment, _within(tempo_bpm))

    def _begin(self, state: TransportState, now: Nanos) -> None:
        """Begin where the transport is; from bar 0 where it has only just begun."""
        self._second, self._beat, self._placed = 0.0, 0.0, True
        line = self._line(state, now)
        if line.origin_tick <= JUST_BEATS * TICKS_PER_BEAT:
            line = Timeline(Tick(0), line.nanos(Tick(0)), line.tempo_bpm)
        self._follower.begin(line, now)

    def _follow(self, state: TransportState, now: Nanos) -> None:
        line = self._line(state, now)
        if abs(line.tick(now) - self._jam.tick(now)) > JUMP_BEATS * TICKS_PER_BEAT:
            self._begin(state, now)
        else:
            self._follower.follow(line, now)

    # -- what the performer wants --------------------------------------------------------------------

    def begin_by_itself(self, now: Nanos) -> None:
        """Join a transport that rolls; start nobody."""
        if self._rolling:
            self._begin(self._state(now), now)
        else:
            self._jam.notices.add("info", "it starts with JACK's transport; `start` starts both")

    def start(self, now: Nanos) -> None:
        """Let everyone on this JACK server start from the beginning."""
        self._jam.stop(now)
        self._rolling = False
        self._transport.start()

    def stop(self, now: Nanos) -> None:
        """Let everyone on this JACK server stop."""
        self._transport.stop()
        self._jam.stop(now)

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> bool:
        """Go on at another tempo, where no client of JACK says one."""
        if self._followed:
            self._jam.notices.add("info", "the tempo comes with JACK's transport: set it where that is led")
            return False
        state = self._transport.state(now)
        self._beat += (state.seconds - self._second) * self._tempo_bpm / 60
        self._second, self._tempo_bpm = state.seconds, tempo_bpm
        return self._jam.set_tempo(tempo_bpm, now)

    def shown(self, _now: Nanos) -> str:
        """Return what the dashboard says of the transport."""
        return "JACK transport LOST" if self._gone else "JACK transport"

    def close(self) -> None:
        """Leave the server."""
        if self._timebase is not None:
            self._timebase.close()
        self._transport.close()


def _within(tempo_bpm: float) -> float:
    """Return a tempo that a transport of ours can have."""
    return min(FASTEST_BPM, max(SLOWEST_BPM, tempo_bpm))
