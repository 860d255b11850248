"""The engine's heartbeat as the supervisor hears it: whether the engine's loop turns, and who has called it.

Only time in which the supervisor itself ran is counted, so that a suspended machine has no dead engine.
Threads: `beat` and `closing` any, `stands` the watchdog's.
"""

WATCH_SECONDS = 0.1
STANDING_SECONDS = 0.9  # longest without a beat beside 24 busy loops, of ordinary priority: .68
OPENING_SECONDS = 20.0  # to the first beat: a soundfont from a slow disk, a sound server that is busy
CLOSING_SECONDS = 15.0  # a long take on a slow disk
ASKED_SECONDS = 4.0  # an engine that still opens its ports heeds an end when it has


class Heart:
    """One engine's heartbeat.

    Attributes:
        begun: whether it has beaten: the engine plays, its ports are open.
        peers: ports of others that were connected to its virtual output at the last beat,
        sources: and to its virtual input.
        lived_seconds: since its first beat.
    """

    def __init__(self) -> None:
        self.begun, self.peers, self.sources = False, list[str](), list[str]()
        self._beats = self._counted = 0
        self._closing = self._closed = False
        self._looked: float | None = None
        self.lived_seconds = self._still = self._lonely = 0.0
        self._worker = True

    def beat(self, *, worker: bool, peers: list[str], sources: list[str]) -> None:
        """Take a beat, with what it tells; see `live.ipc.messages.Beat`."""
        self.begun = True
        self._worker, self.peers, self.sources = worker, peers, sources
        self._beats += 1

    def closing(self) -> None:
        """Expect no more beats: the engine writes down what it has."""
        self._closing = True

    @property
    def still_seconds(self) -> float:
        """Return for how long no beat has come."""
        return self._still

    @property
    def lonely_seconds(self) -> float:
        """Return for how long it has beaten without a model process."""
        return self._lonely

    def consoled(self) -> None:
        """Count from now on again for how long there is no model process."""
        self._lonely = 0.0

    def stands(self, now: float, *, ending: bool) -> bool:
        """Tell whether the engine stands still; called every `WATCH_SECONDS` or so.

        Args:
            now: seconds of a clock that only goes forward.
            ending: whether the engine was asked to end.
        """
        went_by = min(now - self._looked, 2 * WATCH_SECONDS) if self._looked is not None else 0.0
        self._looked = now
        self.lived_seconds += went_by if self.begun else 0.0
        self._lonely = 0.0 if self._worker else self._lonely + went_by
        if self._beats != self._counted or self._closing != self._closed:
            self._counted, self._closed, self._still = self._beats, self._closing, 0.0
            return False
        self._still += went_by
        return self._still > self._patience(ending=ending)

    def _patience(self, *, ending: bool) -> float:
        if self._closing:
            return CLOSING_SECONDS
        if self.begun:
            return STANDING_SECONDS
        return ASKED_SECONDS if ending else OPENING_SECONDS
