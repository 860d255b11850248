"""Notices: lines for the human, shown on the dashboard, logged, and told to OSC subscribers.

Owns: the last few lines.  Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/latent/test_gestures.py.
"""

from collections import deque

from live.ipc.snapshot import Notice, NoticeLevel
from live.jam.protocols import Output
from live.timing.timeline import Nanos
from model.files import readable

MOST_NOTICES = 8
AGAIN_NANOS = 2_000_000_000


class Notices:
    """Takes lines, each dated by the moment that the engine's turn began.

    Attributes:
        lines: the last few, oldest first.
        now: the present moment.
    """

    def __init__(self, output: Output) -> None:
        self.lines: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self.now = Nanos(0)
        self._output = output
        self._standing: set[str] = set()  # states that a line has told of, and none that they are over

    def add(self, level: NoticeLevel, text: str, *, about: str = "") -> None:
        """Show and log a line, see `Notice`; the same line again at once is not repeated."""
        if not text:
            self.end(about)
            return
        text = readable(text)
        if about:
            self._standing.add(about)
        last = self.lines[-1] if self.lines else None
        if last is not None and last.text == text and self.now - last.nanos < AGAIN_NANOS:
            return
        self.lines.append(Notice(self.now, level, text, about))
        self._output.log("notice", nanos=self.now, level=level, text=text)
        self._output.publish("notice", text)

    def end(self, about: str, text: str = "") -> None:
        """Let the line about a state go from the screens, where there is one: it is over, say so or not."""
        if about not in self._standing:
            return
        if text:
            self.add("info", text, about=about)
        else:
            self.lines.append(Notice(self.now, "info", "", about))
        self._standing.discard(about)
