"""How long phrases are, which bars repeat, and in which metre: asked for, and told to the performer.

Owns: nothing; the dialogue has the bar lines that are coming.  Threads: engine only.
"""

from live.errors import UsageError
from live.jam.dialogue import Dialogue
from live.jam.latent.path import PathHistory
from live.jam.notices import Notices
from live.jam.protocols import Output
from live.jam.sequencing.sender import Sender
from live.timing.bar_lines import BarLines
from live.timing.timeline import Nanos
from live.timing.transport import Transport
from model.music.metre import name_of


class Lengths:
    """Changes phrases, loops and metres of a jam, from a bar line on."""

    def __init__(
        self,
        dialogue: Dialogue,
        history: PathHistory,
        transport: Transport,
        sender: Sender,
        *,
        output: Output,
        notices: Notices,
    ) -> None:
        self._dialogue, self._history = dialogue, history
        self._transport, self._sender = transport, sender
        self._output, self._notices = output, notices

    def set(self, phrase_bars: int, loop_bars: int, now: Nanos, *, record: bool = False) -> BarLines:
        """Take up other phrases, or let others repeat, from a bar line on; see `Dialogue.set_length`."""
        lines = self._dialogue.set_length(phrase_bars, loop_bars, self._sender.sent_to(now), record=record)
        if not self._transport.running:
            self._dialogue.restart()
        return lines

    def set_phrase(self, bars: int, now: Nanos) -> None:
        """Take up so many bars as one phrase, 0 for as many as the model's have; raises UsageError."""
        lines = self.set(bars, self._history.state.loop_bars, now)
        self._mark(f"phrase {bars or 'auto'}", now)
        bars = bars or lines.period_bars
        since = f", from bar {lines.bar + 1} on" if self._dialogue.coming is not None else ""
        self._notices.add("info", f"phrases of {bars} bar{'s' * (bars > 1)}{since}")

    def loop(self, bars: int, now: Nanos) -> None:
        """Let the last bars repeat from the next bar line on, or let go; raises UsageError."""
        state = self._history.state
        if not bars or bars == state.loop_bars:
            if state.loop_bars:
                self.set(state.phrase_bars, 0, now)
                self._mark("loop off", now)
                self._notices.add("info", "the loop is let go")
            return
        if not self._transport.running:
            raise UsageError("loop does nothing now: the music stands still")
        lines = self.set(state.phrase_bars, bars, now, record=True)
        self._mark(f"loop {bars}", now)
        self._notices.add("info", f"a loop of {bars} bar{'s' * (bars > 1)}, from bar {lines.bar + 1} on")

    def set_metre(self, metre: str, now: Nanos) -> None:
        """Play in another metre from the next bar line on, or from the next start; raises UsageError."""
        lines = self._dialogue.set_metre(metre, self._sender.sent_to(now))
        name = name_of(lines.grid)
        self._mark(f"metre {name}", now)
        if not self._transport.running:
            self._dialogue.restart()
        if self._dialogue.coming is not None:
            self._notices.add("info", f"{name} from bar {lines.bar + 1} on")
        else:
            self._notices.add("info", f"metre {name}")

    def _mark(self, text: str, now: Nanos) -> None:
        self._output.marker(self._transport.tick(now), text)
