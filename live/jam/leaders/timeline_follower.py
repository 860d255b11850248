"""Keeps a jam on a timeline that is not its own, whoever beats it.

Owns: the tempo that was recorded last.  Threads: engine only.  Realtime: yes.
Tested in tests/live/jam/leaders/test_midi_clock.py.
"""

from live.jam.jam import Jam
from live.settings.knobs import KNOBS
from live.timing.timeline import Nanos, Timeline
from model.music.grid import TICKS_PER_BEAT

FOLLOW_BEATS = 0.5  # in which a difference in place is made up for
RECORDED_SHARE = 0.0005  # a tempo that differs by less is not recorded anew


class TimelineFollower:
    """Takes a jam along another's timeline."""

    def __init__(self, jam: Jam) -> None:
        self._jam = jam
        self._beat = -1
        self._recorded = 0.0

    def begin(self, timeline: Timeline, now: Nanos) -> None:
        """Run from the timeline's origin on, silent of what was before."""
        self._jam.begin(timeline, now)
        self._beat, self._recorded = -1, 0.0
        self._record(now)

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> None:
        """Take the tempo of a leader that does not play, for a jam that does not either."""
        self._jam.transport.set_tempo(tempo_bpm, now)
        self._jam.knobs["tempo"] = KNOBS["tempo"].clip(tempo_bpm)

    def follow(self, timeline: Timeline, now: Nanos) -> None:
        """Come to where the timeline is."""
        self._jam.transport.follow(timeline, now, beats=FOLLOW_BEATS)
        self._record(now)

    def _record(self, now: Nanos) -> None:
        """Show the tempo on its knob, and record it once a beat where it has changed."""
        jam = self._jam
        tempo_bpm, beat = jam.transport.tempo_bpm, jam.tick(now) // TICKS_PER_BEAT
        if beat == self._beat or abs(tempo_bpm - self._recorded) <= RECORDED_SHARE * tempo_bpm:
            return
        self._beat = beat
        jam.knobs["tempo"] = KNOBS["tempo"].clip(tempo_bpm)
        if jam.transport.running and self._recorded:  # a beginning records it itself
            jam.output.tempo(jam.tick(now), tempo_bpm)
        jam.output.publish("knob/tempo", jam.knobs["tempo"])
        self._recorded = tempo_bpm
