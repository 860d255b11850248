"""MIDI time code leads the jam: it starts, stops and jumps with a recorder, a video or a workstation.

Time code tells seconds and no beats: those are counted in the tempo that is set here, from the beginning of
the music on, which lies at a time of the code.
Owns: which second of the code is which beat.  Threads: engine only.  Realtime: yes.
"""

import math

from live.jam.jam import Jam
from live.jam.leaders.sources import ANY, Sources
from live.jam.leaders.timeline_follower import TimelineFollower
from live.timing.midi_bytes import QUARTER_FRAME, SYSTEM_EXCLUSIVE, Received
from live.timing.midi_clock.time_code import START_OF_CODE, CodePlace, TimeCodeIn, TimeOfCode
from live.timing.timeline import FASTEST_BPM, SLOWEST_BPM, Nanos, Tick, Timeline
from model.music.grid import TICKS_PER_BEAT

NOTICES = "MIDI time code"  # what they are about
JUMP_SECONDS = 0.5  # so far off, the code was moved
SOON_SECONDS = 1.0  # before the music begins the transport counts in
JUST_NANOS = 250_000_000  # a beginning so shortly ago is still begun with
MIDNIGHT = TimeOfCode(24, 0, 0, 0)  # after which the code begins anew
ALONE_NANOS = 5_000_000_000  # in which code must come for what an engine before this one left running


class TimeCodeClock:
    """A `Leader`: keeps a jam with MIDI time code.

    Args:
        begins: time of the code at which bar 1 begins.
        wanted: a part of the name of the port to follow; "auto" is the first on which code comes.
    """

    heeds = frozenset((QUARTER_FRAME, SYSTEM_EXCLUSIVE))

    def __init__(self, jam: Jam, *, begins: TimeOfCode = START_OF_CODE, wanted: str = ANY) -> None:
        self._jam, self._begins = jam, begins
        self._follower = TimelineFollower(jam)
        self._sources = Sources(jam.notices, NOTICES, TimeCodeIn, wanted=wanted)
        self._tempo_bpm = jam.transport.tempo_bpm  # the performer's, while the code has its own speed
        self._anchor: tuple[float, float] | None = None  # a second of the music, and the beat that lies there
        self._refrains = False  # the performer has stopped it: until the code stops, too
        self._alone_until: Nanos | None = None

    # -- what comes in -----------------------------------------------------------------------------

    def received(self, received: Received, now: Nanos) -> None:
        """Take a message that it `heeds`, of whichever port."""
        code = self._sources.of(received.port)
        if code is None:
            return
        code.feed(received.data, received.nanos)
        if received.data[0] == QUARTER_FRAME or self._sources.chosen is None:
            self._sources.choose(received.port, now)
        if code is self._sources.chosen and not self._refrains and code.place is not None:
            self._follow(code.place, now)

    def _seconds(self, place: CodePlace, now: Nanos) -> float:
        """Return the second of the music at a moment; below 0, by half a day at most, before it begins."""
        begins, day = (
            place.rate.frames_before(time) / place.rate.per_second for time in (self._begins, MIDNIGHT)
        )
        return (place.seconds(now) - begins + day / 2) % day - day / 2

    def _line(self, place: CodePlace, now: Nanos) -> Timeline:
        """Return the code's timeline, from the tick before a moment on; negative ticks before the music."""
        assert self._anchor is not None
        second, beat = self._anchor
        beat += (self._seconds(place, now) - second) * self._tempo_bpm / 60
        tempo_bpm = _within(self._tempo_bpm * place.speed)
        tick = math.floor(beat * TICKS_PER_BEAT)
        moment = Nanos(round(now - (beat - tick / TICKS_PER_BEAT) * 60e9 / tempo_bpm))
        return Timeline(Tick(tick), moment, tempo_bpm)

    def _follow(self, place: CodePlace, now: Nanos) -> None:
        jam, second = self._jam, self._seconds(place, now)
        if not jam.transport.running:
            self._begin(place, now)
            return
        if self._anchor is None:  # as an engine before this one left it
            self._anchor = second, jam.transport.beats(now)
            self._tempo_bpm = jam.transport.tempo_bpm / place.speed
        line = self._line(place, now)
        off = abs(line.tick(now) - jam.tick(now)) / TICKS_PER_BEAT * 60 / self._tempo_bpm
        if off > JUMP_SECONDS:
            self._stop(now)
            self._begin(place, now)
        else:
            self._follower.follow(line, now)

    def _begin(self, place: CodePlace, now: Nanos) -> None:
        """Begin where the code is, counted in the present tempo; at most a second before bar 1."""
        if self._seconds(place, now) < -SOON_SECONDS:
            return
        self._anchor, self._tempo_bpm = (0.0, 0.0), self._jam.transport.tempo_bpm
        line = self._line(place, now)
        first = line.nanos(Tick(0))
        if now - first < JUST_NANOS:
            line = Timeline(Tick(0), first, line.tempo_bpm)
        self._jam.notices.end(NOTICES)
        self._follower.begin(line, now)

    # -- as time goes by ---------------------------------------------------------------------------

    def advance(self, now: Nanos) -> Nanos | None:
        """Stop when the code stands still, is wound back or has gone; returns when to look again."""
        code = self._sources.chosen
        if code is not None and not code.lost(now):
            if code.wound:
                self._stand(now)
            return code.goes_silent
        self._refrains = False
        if not self._jam.transport.running:
            self._alone_until = None
        elif self._anchor is not None:
            self._stand(now)
        elif self._alone_until is None:
            self._alone_until = Nanos(now + ALONE_NANOS)
        elif now >= self._alone_until:
            self._stand(now)
        return self._alone_until

    def _stand(self, now: Nanos) -> None:
        """Stop with the code, and say so."""
        self._refrains = False
        if self._jam.transport.running:
            self._stop(now)
            self._jam.notices.add("info", f"{NOTICES} stands still: twobar waits for it", about=NOTICES)

    def _stop(self, now: Nanos) -> None:
        """Stop, at the performer's tempo."""
        self._jam.stop(now)
        if self._anchor is not None:
            self._follower.set_tempo(self._tempo_bpm, now)
        self._anchor = self._alone_until = None

    # -- what the performer wants --------------------------------------------------------------------

    def begin_by_itself(self, _now: Nanos) -> None:
        """Wait for the code to run."""
        if self._sources.chosen is None:
            self._jam.notices.add("info", "it starts when MIDI time code runs", about=NOTICES)

    def start(self, now: Nanos) -> None:
        """Go with the code again, after a stop of the performer's."""
        code = self._sources.chosen
        if code is None or code.lost(now):
            text = "no MIDI time code comes in: start what sends it, or leave out --clock"
            self._jam.notices.add("warning", text, about=NOTICES)
        self._refrains = False

    def stop(self, now: Nanos) -> None:
        """Stop until the performer starts it, or the code, once it has stopped."""
        self._refrains = True
        self._stop(now)

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> bool:
        """Go on at another tempo, from the beat that is being played; the code goes on as it goes."""
        code = self._sources.chosen
        if self._jam.transport.running and self._anchor is not None and code is not None and code.place:
            line, second = self._line(code.place, now), self._seconds(code.place, now)
            beats = line.origin_tick + (now - line.origin_nanos) / line.nanos_per_tick
            self._anchor = second, beats / TICKS_PER_BEAT
            self._tempo_bpm = tempo_bpm / code.place.speed
        return self._jam.set_tempo(tempo_bpm, now)

    def shown(self, now: Nanos) -> str:
        """Return what the dashboard says of the code: where it is, or that it stands still."""
        code = self._sources.chosen
        if code is None:
            return "no MIDI time code yet"
        if code.place is not None and not code.lost(now):
            return f"time code {code.place.text(now)[:8]}"
        return f"time code stands at {code.label[0].text[:8]}" if code.label else "time code stands still"

    def close(self) -> None:
        """Do nothing: nobody knows that the code was followed."""


def _within(tempo_bpm: float) -> float:
    """Return a tempo that a transport can have."""
    return min(FASTEST_BPM, max(SLOWEST_BPM, tempo_bpm))
