"""Listening: in mode *listen* the performer's playing starts the transport and leads it.

While it waits, it keeps what is played, so that the phrases that the beat was found in are captured as if
the transport had run all the time; what the instrument plays itself never comes here.
Owns: the beat follower, what was played while it waited, and whether the tempo then is the performer's.
Threads: engine only.
"""

from collections import deque
from typing import NamedTuple

from live.jam.input.capture import Capture, Key
from live.settings.knobs import KNOBS
from live.worker.listening.beat_follower import BeatFollower
from live.timing.timeline import Nanos, Timeline
from live.timing.transport import Transport
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.metre import name_of

MOST_WAITING = 1024  # note-ons and note-offs


class Touch(NamedTuple):
    """A key pressed, or let go with velocity 0, before there was a timeline."""

    nanos: Nanos
    key: Key
    velocity: int


class Listening:
    """Feeds the performer's onsets to a beat follower, and says what timeline they imply.

    Attributes:
        waits: whether the transport is to start when a beat is found.
    """

    def __init__(self, capture: Capture, transport: Transport) -> None:
        self.waits = False
        self._capture, self._transport = capture, transport
        self._follower: BeatFollower | None = None
        self._quarters = 0
        self._chosen = transport.tempo_bpm != KNOBS["tempo"].rest  # whether somebody set that tempo
        self._touches: deque[Touch] = deque(maxlen=MOST_WAITING)
        self._news = False

    def unable(self, grid: Grid) -> str:
        """Return why no beat can be found in a grid's metre, as a sentence, or ""."""
        if grid.ticks_per_bar % TICKS_PER_BEAT:
            return f"listen finds metres of whole quarters; {name_of(grid)} keeps to the click"
        return ""

    def wait(self, grid: Grid) -> None:
        """Wait for somebody to play in a grid's metre, one of whole quarters, near its tempo."""
        self.waits, self._news = True, False
        self._quarters = grid.ticks_per_bar // TICKS_PER_BEAT
        self._touches.clear()
        self._follower = BeatFollower(
            beats_per_bar=self._quarters, tempo_bpm=self._transport.tempo_bpm, chosen=self._chosen
        )

    @property
    def active(self) -> bool:
        """Tell whether anyone is followed, or waited for."""
        return self._follower is not None

    def end(self) -> None:
        """Follow nobody any more; the transport stays as it is."""
        self.waits, self._news, self._follower = False, False, None
        self._touches.clear()

    def expect(self, tempo_bpm: float) -> None:
        """Expect about this tempo, that the performer has set, of whoever has not begun to play."""
        self._chosen = True
        if self._follower is not None:
            self._follower.expect(tempo_bpm)

    def played(self, key: Key, velocity: int, nanos: Nanos) -> None:
        """Take a key that the performer has pressed, or let go with velocity 0."""
        if self._follower is None:
            return
        if self.waits:
            self._touches.append(Touch(nanos, key, velocity))
        if velocity:
            self._news |= self._follower.onset(nanos, key[2], velocity)

    @property
    def due(self) -> Nanos | None:
        """When `advance` has something to do; None until somebody plays."""
        return None if self._follower is None else self._follower.due

    def advance(self, now: Nanos, grid: Grid) -> Timeline | None:
        """Work out what has been played up to now; returns a timeline if it says a new one.

        Args:
            now: the present moment.
            grid: of the music that is played; another metre is listened for anew.
        """
        if self.unable(grid):
            self._follower = None
        elif self._follower is None or grid.ticks_per_bar // TICKS_PER_BEAT != self._quarters:
            if self._transport.running:
                self._join(grid)
            elif self.waits:
                self.wait(grid)
        follower = self._follower
        if follower is None:
            return None
        learned = follower.advance(now) or self._news
        self._news = False
        return follower.found.timeline if learned and follower.found is not None else None

    def _join(self, grid: Grid) -> None:
        """Follow a performer who plays to a transport that runs."""
        self._quarters = grid.ticks_per_bar // TICKS_PER_BEAT
        self._follower = BeatFollower(beats_per_bar=self._quarters, tempo_bpm=self._transport.tempo_bpm)
        self._follower.join(self._transport.timeline)

    def hand_over(self) -> None:
        """Capture what was played while it waited, in ticks of the transport that has started."""
        self.waits, self._chosen = False, False
        timeline = self._transport.timeline
        for nanos, key, velocity in self._touches:
            if velocity:
                self._capture.on(key, velocity, timeline.tick(nanos))
            else:
                self._capture.off(key, timeline.tick(nanos))
        self._touches.clear()
