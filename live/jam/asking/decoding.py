"""Cells decoded again, one after another, the newest wish always first.

At most one decode is under way; what changed meanwhile is asked for when it returns, so nothing piles up.
However fast knobs are turned, a cell that begins soon and has no answer comes first, and nothing is asked
for which the answer to a phrase that closes would have to wait.
Owns: what is under way, where what sounds lies on the map, and what was said of the answers.
Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/asking/test_answers_ahead.py.
"""

from live.ipc.jam_memory import Base
from live.ipc.messages import Decode, Decoded
from live.jam.asking.requests import Requests
from live.jam.asking.searches import Searches
from live.jam.latent.path import PathHistory, heaviest
from live.jam.notices import Notices
from live.jam.protocols import Output
from live.jam.sequencing.cell import Cell
from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT
from model.music.harmony import chord_of
from model.music.phrase import Phrase

SOON_TICKS = 2 * TICKS_PER_BEAT
MOST_RESERVED_TICKS = TICKS_PER_BEAT // 2
MARGIN = 1.25
FADING = 31 / 32  # by which a decode that took long is forgotten with each other one


class Decoding:
    """Fills the plan's cells.

    Args:
        output: takes the requests, the log's lines and what OSC subscribers are told.

    Attributes:
        here: place of what sounds on the map, each -1..1; None before the first answer.
        decode_ms: what the last decode cost.
        recombined: answers whose phrase was varied without the learned writer.
        closes: where the next phrase closes; None where nobody listens to it.
    """

    def __init__(
        self,
        plan: Plan,
        requests: Requests,
        searches: Searches,
        history: PathHistory,
        *,
        output: Output,
        notices: Notices,
    ) -> None:
        self.here: tuple[float, float] | None = None
        self.decode_ms = 0.0
        self.recombined = 0
        self.closes: Tick | None = None
        self._plan, self._requests, self._searches, self._history = plan, requests, searches, history
        self._output, self._notices = output, notices
        self._asked: tuple[Decode, Base, Cell, Tick] | None = None
        self._silent = False
        self._longest_ticks = 0.0

    @property
    def waiting(self) -> bool:
        """Whether the model owes an answer."""
        return self._asked is not None

    def forget(self) -> None:
        """Heed no answer to what is under way."""
        self._asked = None

    def ask_next(self, now: Tick) -> None:
        """Ask for the first stale cell, unless an answer is on its way."""
        if self._asked is not None or self._requests.model is None:
            return
        if not self._requests.takes(self._plan.grid):  # another metre is about to begin
            return
        if self._searches.owes_played or (self.closes is not None and now >= self.closes - self._reserve()):
            return
        plan = self._plan
        first: Cell | None = None
        for index in sorted(plan.cells):
            cell = plan.cells[index]
            if not cell.stale or cell.sounds == "nothing" or cell.base is None:
                continue
            if self._fixed(index, now) == plan.grid.steps:
                continue
            soon = plan.lines.tick_of_cell(index) - now <= SOON_TICKS
            if first is None or (soon and cell.source is not cell.base):
                first = cell
        if first is not None and first.base is not None:
            self._ask(first, first.base, now)

    def _reserve(self) -> int:
        """Return the ticks before a phrase closes in which nothing is asked: they are what a decode takes."""
        return min(MOST_RESERVED_TICKS, round(MARGIN * self._longest_ticks))

    def _fixed(self, index: int, now: Tick) -> int:
        """Return how many steps of a cell cannot change any more."""
        begun = self._plan.next_step(now) - self._plan.lines.step_of_cell(index)
        return max(0, min(self._plan.grid.steps, begun))

    def _ask(self, cell: Cell, base: Base, now: Tick) -> None:
        plan = self._plan
        fixed = self._fixed(cell.index, now)
        previous = plan.cells.get(cell.index - 1)
        request = self._requests.decode(
            cell,
            base,
            bar=plan.first_bar(cell.index),
            grid=plan.grid,
            state=self._history.state,
            before=previous.phrase if previous and previous.speaks and previous.source is base else None,
            prefix=plan.prefix(cell.index, fixed),
            fixed=fixed,
            begins_ticks=max(0, plan.lines.tick_of_cell(cell.index) - now),
            ends_ticks=plan.lines.tick_of_cell(cell.index + 1) - now,
        )
        if self._output.ask(request):
            cell.stale = False
            self._asked = (request, base, cell, now)

    def decoded(self, reply: Decoded, now: Tick) -> None:
        """Swap a decoded phrase in at the next step, and ask for what is still stale."""
        if self._asked is None or self._asked[0].ident != reply.ident:
            return  # of before the model was lost or the transport started anew
        (request, base, cell, asked), self._asked = self._asked, None
        self.decode_ms = reply.ms
        self._longest_ticks = max(now - asked, FADING * self._longest_ticks)
        self._output.log("decode", ident=reply.ident, bar=request.bar, ms=reply.ms, why=base.origin)
        current = self._plan.cell_of(now)
        if self._plan.cells.get(cell.index) is cell and cell.base is not None and cell.index >= current:
            cell.source = base
            phrase = Phrase(self._plan.grid, tuple(reply.notes))  # the model's: in order
            self._plan.fill(
                cell,
                phrase,
                now,
                chordal=reply.chordal,
                band=request.band,
                written=map(chord_of, reply.written),
                harmony=map(chord_of, reply.harmony or heaviest(base.place).chords),
            )
            cell.awaits = reply.vary == "awaited"
            self._tell_of_silence(phrase, base)
            self._tell_of_recombining(reply)
            if self._requests.has_latent:
                cell.point, cell.xy = reply.point, reply.xy
                if cell.index == current:
                    self.here = reply.xy
                    self._output.publish("latent", *reply.point.z)
        self.ask_next(now)

    def rewritten(self, now: Tick) -> None:
        """Ask again for what awaited a variation."""
        for cell in self._plan.cells.values():
            if cell.awaits:
                cell.awaits, cell.stale = False, True
        self.ask_next(now)

    def failed(self, ident: int) -> None:
        """Give up a request that the model could not do; its cell stays as it is."""
        if self._asked is not None and self._asked[0].ident == ident:
            self._asked = None

    def _tell_of_recombining(self, reply: Decoded) -> None:
        """Count phrases that no writer varied, and say it once."""
        if reply.vary != "recombined":
            return
        if not self.recombined:
            self._notices.add(
                "info", "vary has no writer for this: it makes its variations of your own notes alone"
            )
        self.recombined += 1

    def _tell_of_silence(self, phrase: Phrase, base: Base) -> None:
        """Say once that the model answers music with nothing."""
        silent = not phrase.notes and (base.phrase is None or bool(base.phrase.notes))
        if silent and not self._silent:
            none = "the model answers with no notes at all: play, or turn a knob back"
            self._notices.add("warning", none, about="silence")
        elif not silent:
            self._notices.end("silence")
        self._silent = silent
