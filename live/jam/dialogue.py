"""The dialogue with the model: when to encode what was played, when to decode which cell again.

At most one decode is under way; what changed meanwhile is asked for when it returns, so the newest
always wins and nothing piles up.
Owns: what the model has been asked and not yet answered, which windows are closed, where the latent is.
Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_trouble.py.
"""

from dataclasses import replace

from live.ipc.messages import Decode, Decoded, Encoded, Moved, Place, Point, Ready
from live.jam.accompaniment import Accompaniment
from live.jam.capture import Capture
from live.jam.notices import Notices
from live.jam.parts import one_voice, tracks_of
from live.jam.path import Anchor, Base, BaseOrigin, PathHistory, heaviest, points
from live.jam.plan import Cell, Plan
from live.jam.protocols import Output
from live.jam.requests import Reason, Requests, Search
from live.timing.timeline import Tick, bar_of, tick_of_bar
from model.music.grid import Grid
from model.music.phrase import Phrase

MOST_POINTS = 4  # in an anchor; what would hold more is stored as the point that sounds


class Dialogue:
    """Fills the plan's cells from what was played, the path and the knobs.

    Args:
        plan: where the answers are laid.
        capture: what was played.
        requests: writes what is asked of the model.
        history: the base, the anchors and the mode.
        output: takes the requests, the log's lines and what OSC subscribers are told.
        notices: for the human.
        horizon_bars: how many bars ahead must be planned.

    Attributes:
        here: place of what sounds on the map, each -1..1; None before the first answer.
        performer_xy: the same of what the performer played last.
        missed_bars: that began without what they were to play.
        decode_ms: what the last decode cost.

    """

    def __init__(
        self,
        plan: Plan,
        capture: Capture,
        requests: Requests,
        history: PathHistory,
        *,
        output: Output,
        notices: Notices,
        horizon_bars: int,
    ) -> None:
        """Start without a model and without a phrase."""
        self.here: tuple[float, float] | None = None
        self.performer_xy: tuple[float, float] | None = None
        self.missed_bars, self.decode_ms = 0, 0.0
        self._plan, self._capture = plan, capture
        self._requests, self._history = requests, history
        self._output, self._notices = output, notices
        self._horizon_bars = horizon_bars
        self._ident = ""  # of the weights that the places belong to
        self._decoding: tuple[Decode, Base, Cell] | None = None
        self._encoding: dict[int, Search] = {}
        self._unasked: list[Search] = []
        self._closed = 0
        self._bar = -1
        self._rest_until = 0
        self._bases = 0
        self._accompaniment = Accompaniment(
            plan, capture, requests, ask=output.ask, listens=self._listens_before
        )

    @property
    def waiting(self) -> bool:
        """Tell whether the model owes an answer."""
        return self._decoding is not None or bool(self._encoding)

    # -- the model comes and goes ----------------------------------------------------------------

    def set_model(self, ready: Ready, now: Tick) -> None:
        """Play with this model; places of other weights are looked for again from their phrases."""
        plan = self._plan
        grid = Grid(ready.bars, ready.beats_per_bar, ready.steps_per_beat)
        unasked = [*self._unasked, *self._encoding.values()]
        self._requests.model = ready
        self._decoding, self._unasked = None, []
        self._encoding.clear()
        plan.tracks, plan.one_voice = tracks_of(ready.codec), one_voice(ready.codec)
        before, self._ident = self._ident, ready.ident
        if before != ready.ident:
            self.here = self.performer_xy = None
            self._find_again(grid, now)
            if grid != plan.grid:
                plan.clear()
                plan.grid = grid
                plan.last_good, self._rest_until = None, 0
                self._closed, self._bar = plan.cell_of(now), bar_of(grid, now) - 1
                self._accompaniment.restart(self._closed)
        for search in unasked:
            if search.phrase.grid == grid:
                self._encode(search)
        plan.mark_stale(now)

    def _find_again(self, grid: Grid, now: Tick) -> None:
        """Ask the new weights where base and anchors lie; vectors of the old ones mean nothing to them."""
        old = self._history.state
        self._history.state = replace(old, base=None, anchors={})
        sounding = self.sounding(now)
        for cell in self._plan.cells.values():
            cell.base = cell.xy = cell.point = None  # its notes play on
        if old.base is not None:
            phrase = old.base.phrase or (sounding.phrase if sounding else None)
            if phrase is not None and phrase.grid == grid:
                self._encode(Search(phrase, 0, Reason.FOUND_AGAIN))
        lost = [name for name, anchor in old.anchors.items() if anchor.phrase.grid != grid]
        if lost:
            self._notices.add(
                "warning", f"anchor {', '.join(lost)} does not fit this model's bars: it is empty now"
            )
        for name, anchor in old.anchors.items():
            if anchor.phrase.grid == grid:
                self._encode(Search(anchor.phrase, 0, Reason.ANCHOR, name))

    def lose_model(self) -> None:
        """Go on without: bars repeat until it is back, and what it owed is asked for again then."""
        self._decoding = None
        self._unasked += self._encoding.values()
        self._encoding.clear()
        for cell in self._plan.cells.values():
            cell.stale = True

    # -- what others change -----------------------------------------------------------------------

    def set_turns(self, now: Tick) -> None:
        """Let each cell from the present one on speak or be silent, as the mode has it."""
        self._plan.set_speaking(self._speaks, now)
        self._plan.mark_stale(now)

    def rest(self, now: Tick) -> None:
        """Be silent for the rest of this phrase, at least for a bar, and come in on the next one."""
        grid = self._plan.grid
        line = tick_of_bar(grid, bar_of(grid, now) + 2)
        self._rest_until = -(-line // grid.ticks)
        self.set_turns(now)

    def restart(self) -> None:
        """Start at bar 0 again: nothing is planned, the latent stays."""
        self._plan.clear()
        self._capture.clear()
        self._closed, self._bar, self._rest_until = 0, -1, 0
        self._accompaniment.restart()
        self._decoding = None
        self._encoding = {
            ident: search for ident, search in self._encoding.items() if search.reason is not Reason.PLAYED
        }
        self._unasked = [search for search in self._unasked if search.reason is not Reason.PLAYED]

    def resume(self, model_ident: str, now: Tick) -> None:
        """Go on from a tick, with a state whose places belong to a model, which may still be to come."""
        self._ident = model_ident
        self._closed, self._bar = self._plan.cell_of(now), bar_of(self._plan.grid, now) - 1
        self._accompaniment.restart(self._closed)
        base, model = self._history.state.base, self._requests.model
        self._bases = base.number if base else 0
        if model is not None:
            self.set_model(model, now)

    def go(self, place: Place, origin: BaseOrigin, now: Tick, *, phrase: Phrase | None = None) -> None:
        """Sound another place from the next step on."""
        self.set_base(Base(place, origin, phrase, self._bases), self._plan.cell_of(now))

    def set_base(self, base: Base | None, first: int) -> None:
        """Let every cell from the first on sound another base."""
        self._history.state.base = base
        self._plan.set_base(base, first)

    # -- as musical time goes by -----------------------------------------------------------------

    def advance(self, now: Tick, *, present: Tick) -> None:
        """Do all that is due: close a window, cross a bar line, plan ahead, ask.

        Args:
            now: the tick up to which messages leave.
            present: the tick that the performer hears and plays at; before `now` by the output's latency.

        """
        self._accompaniment.advance(present)
        closing = self._plan.cell_of(Tick(present + self._half_step()))
        if closing > self._closed:
            self._closed = closing
            self._close(closing, present)
        begun = Tick(max(now, 0))  # before bar 0 too: it must not begin on a stale phrase
        self._plan.extend(begun, self._horizon_bars, base=self._history.state.base, speaks=self._speaks)
        if now >= 0:
            self._cross_bars(now)
        self.ask_next(now)

    def next_tick(self, now: Tick, *, present: Tick) -> Tick:
        """Return the next tick, on the scale of `now`, at which `advance` has something to do."""
        grid = self._plan.grid
        line = tick_of_bar(grid, bar_of(grid, now) + 1)
        close = Tick((self._closed + 1) * grid.ticks - self._half_step() + now - present)
        join = self._accompaniment.next_tick(now, present=present)
        return min(tick for tick in (line, close, join) if tick is not None and tick > now)

    def _half_step(self) -> int:
        return self._plan.grid.ticks_per_step // 2

    def _close(self, cell: int, now: Tick) -> None:
        """Take what was played in the phrase before a cell, if the mode listens to it."""
        if not self._listens_before(cell):
            return
        phrase = self._capture.phrase(self._plan.grid, self._plan.first_bar(cell - 1), now)
        if len(phrase):
            self._encode(Search(phrase, cell, Reason.PLAYED))

    def _listens_before(self, cell: int) -> bool:
        """Tell whether what is played before a cell is to be its base."""
        answering = self._history.state.mode == "answer" and cell % 2 == 0
        return self._listens() and not answering and cell >= 1

    def _listens(self) -> bool:
        return self._history.state.mode in ("follow", "answer", "listen") and not self._history.state.frozen

    def _speaks(self, index: int) -> bool:
        return index >= self._rest_until and (self._history.state.mode != "answer" or index % 2 == 1)

    def _cross_bars(self, now: Tick) -> None:
        bar = bar_of(self._plan.grid, now)
        if bar == self._bar:
            return
        self._bar = bar
        cell = self._plan.cells[self._plan.cell_of(now)]
        origin = cell.origin if cell.speaks and cell.phrase is not None else "silent"
        self._output.log("plan", bar=bar, origin=origin)
        self.here = cell.xy or self.here
        if cell.speaks and self._missed(cell):
            self.missed_bars += 1
            if cell.phrase is not None:
                self._notices.add("warning", f"bar {bar + 1} was not there in time: the last good one again")

    def _missed(self, cell: Cell) -> bool:
        """Tell whether a bar of a cell begins without what it was to play."""
        waiting = [*self._encoding.values(), *self._unasked]
        if any(search.reason is Reason.PLAYED and search.cell == cell.index for search in waiting):
            return True
        if cell.base is None:
            return False
        return cell.origin != "decoded" or (cell.base.origin == "played" and cell.source is not cell.base)

    def sounding(self, now: Tick) -> Cell | None:
        """Return the cell of the present tick, if it is planned."""
        return self._plan.cells.get(self._plan.cell_of(now))

    # -- requests and replies --------------------------------------------------------------------

    def _encode(self, search: Search) -> None:
        request = self._requests.encode(search)
        if self._output.ask(request):
            self._encoding[request.ident] = search
            return
        if search.reason is Reason.PLAYED:  # only the last phrase is worth an answer when the model is back
            self._unasked = [older for older in self._unasked if older.reason is not Reason.PLAYED]
        self._unasked.append(search)

    def encoded(self, reply: Encoded, now: Tick) -> Search | None:
        """Take a phrase's place as the base from its cell on, or as an anchor; returns what was searched."""
        search = self._encoding.pop(reply.ident, None)
        if search is None or self._requests.model is None:
            return None
        self._output.log("encode", ident=reply.ident, ms=reply.ms, why=search.text)
        place = Point(reply.z, reply.attributes)
        if search.reason is Reason.ANCHOR:
            self._history.state.anchors[search.anchor] = Anchor(place, search.phrase, reply.xy)
        elif search.reason is Reason.FOUND_AGAIN or self._listens():
            if search.reason is Reason.PLAYED:
                self._history.remember()
            self._bases += 1
            self.performer_xy = reply.xy if self._requests.has_latent else None
            first = max(self._plan.cell_of(now), search.cell)
            self.set_base(Base(place, "played", search.phrase, self._bases), first)
        self.ask_next(now)
        return search

    def ask_next(self, now: Tick) -> None:
        """Ask for the first stale cell, unless an answer is on its way."""
        if self._decoding is not None or self._requests.model is None:
            return
        current = self._plan.cell_of(now)
        for index in sorted(self._plan.cells):
            cell = self._plan.cells[index]
            if index >= current and cell.stale and cell.speaks and cell.base is not None:
                self._decode(cell, cell.base, now)
                return

    def _decode(self, cell: Cell, base: Base, now: Tick) -> None:
        plan = self._plan
        fixed = max(0, min(plan.grid.steps, plan.next_step(now) - cell.index * plan.grid.steps))
        previous = plan.cells.get(cell.index - 1)
        request = self._requests.decode(
            cell,
            base,
            bar=plan.first_bar(cell.index),
            mode=self._history.state.mode,
            before=previous.phrase if previous and previous.speaks and previous.source is base else None,
            prefix=plan.prefix(cell.index, fixed),
            fixed=fixed,
        )
        if self._output.ask(request):
            cell.stale = False
            self._decoding = (request, base, cell)

    def decoded(self, reply: Decoded, now: Tick) -> None:
        """Swap a decoded phrase in at the next step, and ask for what is still stale."""
        if self._decoding is None or self._decoding[0].ident != reply.ident:
            return  # of before the model was lost or the transport started anew
        (request, base, cell), self._decoding = self._decoding, None
        self.decode_ms = reply.ms
        self._output.log("decode", ident=reply.ident, bar=request.bar, ms=reply.ms, why=base.origin)
        current = self._plan.cell_of(now)
        if self._plan.cells.get(cell.index) is cell and cell.base is not None and cell.index >= current:
            cell.source = base
            phrase = Phrase(self._plan.grid, tuple(reply.notes))  # the model's: in order
            self._plan.fill(cell, phrase, now)
            if self._requests.has_latent:
                cell.point, cell.xy = reply.point, reply.xy
                if cell.index == current:
                    self.here = reply.xy
                    self._output.publish("latent", *reply.point.z)
        self.ask_next(now)

    def failed(self, ident: int, now: Tick) -> None:
        """Give up a request that the model could not do; its cell stays as it is."""
        if self._decoding is not None and self._decoding[0].ident == ident:
            self._decoding = None
        self._encoding.pop(ident, None)
        self.ask_next(now)

    def stored(self, now: Tick) -> Anchor | None:
        """Return what sounds as an anchor; None when there is nothing yet."""
        cell = self.sounding(now)
        base = cell.base if cell and cell.base else self._history.state.base
        if base is None:
            return None
        phrase = base.phrase or (cell.phrase if cell else None) or Phrase(self._plan.grid)
        place = self._requests.moved(base, self._plan.cell_of(now), self._history.state.mode)
        drifting = isinstance(place, Moved) and place.drifting  # whose walk is of its time, not of its cell
        if drifting or points(place) > MOST_POINTS:
            place = cell.point if cell is not None and cell.point is not None else heaviest(place)
        return Anchor(place, phrase, self.here or (0.0, 0.0))
