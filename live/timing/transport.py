"""The transport: stopped, count-in or playing; the only owner of the current Timeline.

Threads: engine only.
"""

from collections import deque
from typing import Literal

from live.timing.timeline import FASTEST_BPM, SLOWEST_BPM, Nanos, Tick, Timeline, whole_nanos_per_beat
from model.music.grid import TICKS_PER_BEAT

State = Literal["stopped", "count-in", "playing"]

TAP_TIMEOUT_NANOS = 2_000_000_000
TAPS_AVERAGED = 4
FOLLOW_BEATS = 1.0  # in which the transport comes to where a follower has its place
MOST_BEND = 1.5  # by which its tempo differs from the follower's at most meanwhile


class Transport:
    """Starts at bar 0, stops, changes tempo without a jump, learns it from taps."""

    def __init__(self, *, tempo_bpm: float) -> None:
        self._tempo_bpm = tempo_bpm
        self._timeline: Timeline | None = None
        self._rest = Tick(0)
        self._taps: deque[Nanos] = deque(maxlen=TAPS_AVERAGED + 1)

    @property
    def tempo_bpm(self) -> float:
        """Return the tempo, also of a stopped transport."""
        return self._tempo_bpm

    @property
    def running(self) -> bool:
        """Tell whether ticks go by."""
        return self._timeline is not None

    @property
    def timeline(self) -> Timeline:
        """Return the current timeline; only a running transport has one."""
        assert self._timeline is not None
        return self._timeline

    def state(self, now: Nanos) -> State:
        """Return the state; the count-in is what lies before tick 0."""
        if self._timeline is None:
            return "stopped"
        return "playing" if self._timeline.tick(now) >= 0 else "count-in"

    def tick(self, now: Nanos) -> Tick:
        """Return the present tick (where it stopped, when stopped)."""
        return self._timeline.tick(now) if self._timeline else self._rest

    def beats(self, now: Nanos) -> float:
        """Return where a running transport is, in quarter notes, between two ticks too."""
        line = self.timeline
        return (line.origin_tick + (now - line.origin_nanos) / line.nanos_per_tick) / TICKS_PER_BEAT

    def start(self, now: Nanos, *, count_in_ticks: int = 0) -> None:
        """Run from tick 0, or from the count-in's first tick, at this moment."""
        self._timeline = Timeline(Tick(-count_in_ticks), now, self._tempo_bpm)

    def resume(self, timeline: Timeline) -> None:
        """Run on a timeline that began before."""
        self._timeline, self._tempo_bpm = timeline, timeline.tempo_bpm

    def stop(self, now: Nanos) -> None:
        """Stop where it is."""
        self._rest = self.tick(now)
        self._timeline = None

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> None:
        """Go on at another tempo from the present tick.

        Raises:
            ValueError: the tempo is out of range.
        """
        whole_nanos_per_beat(tempo_bpm)
        if self._timeline:
            self._timeline = self._timeline.at_tempo(tempo_bpm, self._timeline.tick(now))
        self._tempo_bpm = tempo_bpm

    def follow(self, target: Timeline, now: Nanos, *, beats: float = FOLLOW_BEATS) -> None:
        """Come to another timeline's place within some beats, faster or slower: no tick is left out.

        Called again and again, as a follower learns more, it converges; once both agree, it has the
        target's tempo.

        Args:
            target: where the music is at, and how fast it goes.
            now: the present moment.
            beats: of the target's, in which its place is reached, where the bend allows.
        """
        if self._timeline is None:
            self._tempo_bpm = target.tempo_bpm
            return
        here = self._timeline.tick(now)
        at = self._timeline.nanos(here)
        reach = round(beats * TICKS_PER_BEAT) * target.nanos_per_tick
        ahead = (at + reach - target.origin_nanos) / target.nanos_per_tick + target.origin_tick
        bent = (ahead - here) / (beats * TICKS_PER_BEAT)  # tempo in target's tempi
        tempo_bpm = target.tempo_bpm * min(MOST_BEND, max(1 / MOST_BEND, bent))
        tempo_bpm = min(FASTEST_BPM, max(SLOWEST_BPM, tempo_bpm))
        self._timeline = Timeline(here, at, tempo_bpm)
        self._tempo_bpm = target.tempo_bpm

    def tap(self, now: Nanos) -> float | None:
        """Take a tap; returns the tempo of the last few, or None after the first."""
        if self._taps and now - self._taps[-1] > TAP_TIMEOUT_NANOS:
            self._taps.clear()
        self._taps.append(now)
        if len(self._taps) < 2:
            return None
        beat_nanos = (self._taps[-1] - self._taps[0]) / (len(self._taps) - 1)
        return 60e9 / beat_nanos if beat_nanos > 0 else None
