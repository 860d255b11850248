"""The dialogue with the model: when to encode what she played, when to decode which cell again.

At most one decode is under way; what changed meanwhile is asked for when it returns, so the newest
always wins and nothing piles up.  Threads: engine only.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from live.ipc.messages import Accompany, Decode, Decoded, Encode, Encoded, Ready
from live.jam.accompaniment import Band
from live.jam.capture import Capture
from live.jam.parts import one_voice, tracks_of
from live.jam.path import Anchor, Base, Origin, PathState
from live.jam.plan import Cell, Plan
from live.jam.requests import ANCHOR, FOUND, PLAYED, Owed, Requests
from live.timing.timeline import Tick, bar_of, step_at_or_after, tick_of_bar
from model.latent.geometry import Latent, Vector
from model.music.grid import Grid
from model.music.phrase import Note, Phrase


class Answers:
    """Fills the plan's cells from what she played, the path and the knobs.

    Args:
        plan: where the answers are laid.
        capture: what she played.
        requests: writes what is asked of the model.
        ask: sends a request to the model; False when there is none.
        log: (kind, fields) for the event log.
        notice: (level, text) for the human.
        publish: tells OSC subscribers where the latent is.
        remember: called before her phrase takes the place of what was there.
        horizon_bars: how many bars ahead must be planned.

    """

    def __init__(
        self,
        plan: Plan,
        capture: Capture,
        requests: Requests,
        *,
        ask: Callable[[Encode | Decode | Accompany], bool],
        log: Callable[..., None],
        notice: Callable[[str, str], None],
        publish: Callable[..., None],
        remember: Callable[[], None],
        horizon_bars: int,
    ) -> None:
        """Start without a model and without a phrase."""
        self.state = PathState()
        self.missed_bars, self.decode_ms = 0, 0.0
        self.here: tuple[float, float] | None = None
        self.hers: tuple[float, float] | None = None
        self.requests = requests
        self._plan, self._capture = plan, capture
        self._ask, self._log, self._notice = ask, log, notice
        self._publish, self._remember = publish, remember
        self._horizon_bars = horizon_bars
        self._ident = 0
        self._decoding: tuple[Decode, Base] | None = None
        self._encoding: dict[int, Owed] = {}
        self._owed: list[Owed] = []
        self._closed = 0
        self._bar = -1
        self._band = Band(plan, capture, requests, ask=ask, hears=self._hears)
        self._last_good: Phrase | None = None
        self._rest_until = 0
        self._bases = 0

    @staticmethod
    def load() -> None:
        """Load numpy, if nothing of it was used yet."""
        np.empty(0)

    @property
    def model(self) -> Ready | None:
        """Return the model that plays, None before the first."""
        return self.requests.model

    @property
    def grid(self) -> Grid:
        """Return the grid of the model that plays."""
        return self._plan.grid

    def cell_of(self, now: Tick) -> int:
        """Return the index of the cell that a tick lies in."""
        return self._plan.cell_of(now)

    @property
    def waiting(self) -> bool:
        """Tell whether the model owes an answer."""
        return self._decoding is not None or bool(self._encoding)

    # -- the model comes and goes ----------------------------------------------------------------

    def set_model(self, ready: Ready, now: Tick) -> None:
        """Play with this model; latents of other weights are looked for again from their phrases."""
        grid = Grid(ready.bars, ready.beats_per_bar, ready.steps_per_beat)
        same = self.model is not None and self.model.ident == ready.ident
        owed = [*self._owed, *self._encoding.values()]
        self.requests.set_model(ready)
        self._decoding, self._owed = None, []
        self._encoding.clear()
        self._plan.tracks, self._plan.one_voice = tracks_of(ready.codec), one_voice(ready.codec)
        if not same:
            self.here = self.hers = None
            self._find_again(grid, now)
            if grid != self._plan.grid:
                self._plan.clear()
                self._plan.grid = grid
                self._last_good, self._rest_until = None, 0
                self._closed, self._bar = self._plan.cell_of(now), bar_of(grid, now) - 1
                self._band.restart(self._closed)
        for phrase, cell, why in owed:
            if phrase.grid == grid:
                self._encode(phrase, cell, why)
        self._spoil(self._plan.cell_of(now))

    def _find_again(self, grid: Grid, now: Tick) -> None:
        """Ask the new weights where base and anchors lie; vectors of the old ones mean nothing to them."""
        old, self.state = self.state, replace(self.state, base=None, anchors={})
        sounding = self.sounding(now)
        for cell in self._plan.cells.values():
            cell.base = cell.xy = None  # its notes play on
        if old.base is not None:
            phrase = old.base.phrase or (sounding.phrase if sounding else None)
            if phrase is not None and phrase.grid == grid:
                self._encode(phrase, 0, FOUND)
        lost = [name for name, anchor in old.anchors.items() if anchor.phrase.grid != grid]
        if lost:
            self._notice(
                "warning", f"anchor {', '.join(lost)} does not fit this model's bars: it is empty now"
            )
        for name, anchor in old.anchors.items():
            if anchor.phrase.grid == grid:
                self._encode(anchor.phrase, 0, f"{ANCHOR}{name}")

    def lose_model(self) -> None:
        """Go on without: bars repeat until it is back, and what it owed is asked for again then."""
        self._decoding = None
        self._owed += self._encoding.values()
        self._encoding.clear()
        for cell in self._plan.cells.values():
            cell.stale = True

    # -- what others change -----------------------------------------------------------------------

    def set_mode(self, mode: str, now: Tick) -> None:
        """Change the mode from the next step on."""
        self.state.mode = mode
        self.set_turns(now)

    def set_turns(self, now: Tick) -> None:
        """Let each cell from the present one on speak or be silent, as the mode has it."""
        current = self._plan.cell_of(now)
        for index, cell in self._plan.cells.items():
            if index >= current and cell.speaks != self._speaks(index):
                cell.speaks = not cell.speaks
                self._plan.lay(cell, self._next_step(now), not_before=now)
        self._spoil(current)

    def knobs_changed(self, now: Tick) -> None:
        """Decode everything from the next step on again: a knob that shapes it has moved."""
        self._spoil(self._plan.cell_of(now))

    def rest(self, now: Tick) -> None:
        """Be silent for the rest of this phrase, at least for a bar, and come in on the next one."""
        line = tick_of_bar(self.grid, bar_of(self.grid, now) + 2)
        self._rest_until = -(-line // self.grid.ticks)
        self.set_turns(now)

    def restart(self) -> None:
        """Start at bar 0 again: nothing is planned, the latent stays."""
        self._plan.clear()
        self._capture.clear()
        self._closed, self._bar, self._rest_until = 0, -1, 0
        self._band.restart()
        self._decoding = None
        self._encoding = {ident: owed for ident, owed in self._encoding.items() if owed.why != PLAYED}
        self._owed = [owed for owed in self._owed if owed.why != PLAYED]

    # -- as musical time goes by -----------------------------------------------------------------

    def advance(self, now: Tick, *, present: Tick) -> None:
        """Do all that is due: close a window, cross a bar line, plan ahead, ask.

        Args:
            now: the tick up to which messages leave.
            present: the tick that she hears and plays at; before `now` by the output's latency.

        """
        self._band.advance(present)
        closing = self._plan.cell_of(Tick(present + self._half_step()))
        if closing > self._closed:
            self._closed = closing
            self._close(closing, present)
        self._extend(Tick(max(now, 0)))  # before bar 0 too: it must not begin on a stale phrase
        if now >= 0:
            self._cross_bars(now)
        self._ask_next(now)

    def next_tick(self, now: Tick, *, present: Tick) -> Tick:
        """Return the next tick, on the scale of `now`, at which `advance` has something to do."""
        grid = self.grid
        line = tick_of_bar(grid, bar_of(grid, now) + 1)
        close = Tick((self._closed + 1) * grid.ticks - self._half_step() + now - present)
        band = self._band.next_tick(now, present=present)
        return min(tick for tick in (line, close, band) if tick is not None and tick > now)

    def _half_step(self) -> int:
        return self.grid.ticks_per_step // 2

    def _close(self, cell: int, now: Tick) -> None:
        """Take what was played in the phrase before a cell, if the mode listens to it."""
        if not self._hears(cell):
            return
        phrase = self._capture.phrase(self.grid, self._plan.first_bar(cell - 1), now)
        if len(phrase):
            self._encode(phrase, cell, PLAYED)

    def _hears(self, cell: int) -> bool:
        """Tell whether what she plays before a cell is to be its base."""
        answering = self.state.mode == "answer" and cell % 2 == 0
        return self._listens() and not answering and cell >= 1

    def _listens(self) -> bool:
        return self.state.mode in ("follow", "answer") and not self.state.frozen

    def _speaks(self, index: int) -> bool:
        return index >= self._rest_until and (self.state.mode != "answer" or index % 2 == 1)

    def _extend(self, now: Tick) -> None:
        """Make sure that there is a cell for every bar up to the horizon."""
        current = self._plan.cell_of(now)
        last = self._plan.cell_of(Tick(now + self._horizon_bars * self.grid.ticks_per_bar))
        for index in range(current, last + 1):
            if index in self._plan.cells:
                continue
            cell = Cell(index, speaks=self._speaks(index), base=self.state.base)
            if self._last_good is not None and cell.base is not None:
                cell.phrase, cell.origin = self._last_good, "repeated"
            self._plan.cells[index] = cell
            self._plan.lay(cell, index * self.grid.steps, not_before=now)
        self._plan.forget_before(current)

    def _cross_bars(self, now: Tick) -> None:
        bar = bar_of(self.grid, now)
        if bar == self._bar:
            return
        self._bar = bar
        cell = self._plan.cells[self._plan.cell_of(now)]
        origin = cell.origin if cell.speaks and cell.phrase is not None else "silent"
        self._log("plan", bar=bar, origin=origin)
        self.here = cell.xy or self.here
        if cell.speaks and self._missed(cell):
            self.missed_bars += 1
            if cell.phrase is not None:
                self._notice("warning", f"bar {bar + 1} was not there in time: the last good one again")

    def _missed(self, cell: Cell) -> bool:
        """Tell whether a bar of a cell begins without what it was to play."""
        owed = [*self._encoding.values(), *self._owed]
        if any(late.why == PLAYED and late.cell == cell.index for late in owed):
            return True
        if cell.base is None:
            return False
        return cell.origin != "decoded" or (cell.base.origin == "played" and cell.source is not cell.base)

    # -- requests and replies --------------------------------------------------------------------

    def _encode(self, phrase: Phrase, cell: int, why: str) -> None:
        self._ident += 1
        parts = self.requests.parts if why == PLAYED else []
        request = Encode(self._ident, self._plan.first_bar(cell), [*phrase.notes], why, parts)
        owed = Owed(phrase, cell, why)
        if self._ask(request):
            self._encoding[self._ident] = owed
            return
        if why == PLAYED:  # only her last phrase is worth an answer when the model is back
            self._owed = [older for older in self._owed if older.why != PLAYED]
        self._owed.append(owed)

    def encoded(self, reply: Encoded, now: Tick) -> str:
        """Take a phrase's place as the base from its cell on, or as an anchor; returns why it was asked."""
        asked = self._encoding.pop(reply.ident, None)
        if asked is None or self.model is None:
            return ""
        self._log("encode", ident=reply.ident, ms=reply.ms, why=asked.why)
        latent = self.requests.latent_of(reply.z, reply.attributes)
        if asked.why.startswith(ANCHOR):
            self.state.anchors[asked.why.removeprefix(ANCHOR)] = Anchor(latent, asked.phrase, reply.xy)
        elif asked.why == FOUND or self._listens():
            if asked.why == PLAYED:
                self._remember()
            self._bases += 1
            self.hers = reply.xy if self.requests.latent else None
            first = max(self._plan.cell_of(now), reply.bar // self.grid.bars)
            self.set_base(Base(latent, "played", asked.phrase, self._bases), first)
        self._ask_next(now)
        return asked.why

    def set_base(self, base: Base | None, first: int) -> None:
        """Let every cell from the first on sound another base."""
        self.state.base = base
        for index, cell in self._plan.cells.items():
            if index >= first:
                cell.base, cell.stale = base, True
                if base is None:
                    cell.phrase, cell.origin = None, "silent"
                    self._plan.lay(cell, index * self.grid.steps, not_before=Tick(0))

    def _spoil(self, first: int) -> None:
        for index, cell in self._plan.cells.items():
            if index >= first:
                cell.stale = True

    def _ask_next(self, now: Tick) -> None:
        """Ask for the first stale cell, unless an answer is on its way."""
        if self._decoding is not None or self.model is None:
            return
        current = self._plan.cell_of(now)
        for index in sorted(self._plan.cells):
            cell = self._plan.cells[index]
            if index >= current and cell.stale and cell.speaks and cell.base is not None:
                self._decode(cell, cell.base, now)
                return

    def _decode(self, cell: Cell, base: Base, now: Tick) -> None:
        fixed = max(0, min(self.grid.steps, self._next_step(now) - cell.index * self.grid.steps))
        previous = self._plan.cells.get(cell.index - 1)
        self._ident += 1
        request = self.requests.decode(
            self._ident,
            cell,
            base,
            bar=self._plan.first_bar(cell.index),
            mode=self.state.mode,
            before=previous.phrase if previous and previous.speaks and previous.source is base else None,
            prefix=self._plan.prefix(cell.index, fixed),
            fixed=fixed,
        )
        if self._ask(request):
            cell.stale = False
            self._decoding = (request, base)

    def decoded(self, reply: Decoded, now: Tick) -> None:
        """Swap a decoded phrase in at the next step, and ask for what is still stale."""
        if self._decoding is None or self._decoding[0].ident != reply.ident:
            return  # of before the model was lost or the transport started anew
        asked, base = self._decoding
        index = asked.bar // self.grid.bars
        self._decoding, self.decode_ms = None, reply.ms
        self._log("decode", ident=reply.ident, bar=reply.bar, ms=reply.ms, why=asked.why)
        cell = self._plan.cells.get(index)
        if cell is not None and cell.base is not None and index >= self._plan.cell_of(now):
            phrase = Phrase(self.grid, tuple(map(Note._make, reply.notes)))  # the model's own: in order
            self._last_good = phrase
            step = max(self._next_step(now), index * self.grid.steps)
            fixed = step - index * self.grid.steps
            cell.phrase, cell.origin = phrase, "decoded"
            if fixed:
                heard = Phrase.of(self.grid, self._plan.prefix(index, fixed))
                cell.phrase = heard.spliced(fixed, phrase)
            cell.source = base
            self._plan.lay(cell, step, not_before=now)
            if self.requests.latent:
                cell.xy = reply.xy
                if index == self._plan.cell_of(now):
                    self.here = reply.xy
                    self._publish("latent", *asked.z)
        self._ask_next(now)

    def failed(self, ident: int | None, now: Tick) -> None:
        """Give up a request that the model could not do; its cell keeps what it has."""
        if self._decoding is not None and self._decoding[0].ident == ident:
            self._decoding = None
        self._encoding.pop(ident or 0, None)
        self._ask_next(now)

    def _next_step(self, now: Tick) -> int:
        """Return the first step of the whole piece that has not begun."""
        return step_at_or_after(self.grid, now + 1)

    def sounding(self, now: Tick) -> Cell | None:
        """Return the cell of the present tick, if it is planned."""
        return self._plan.cells.get(self._plan.cell_of(now))

    def moved(self, base: Base, now: Tick) -> Vector:
        """Return where stray and drift have taken a base at the present tick."""
        return self.requests.moved(base, self._plan.cell_of(now), self.state.mode)

    def go(self, latent: Latent, origin: Origin, now: Tick, *, phrase: Phrase | None = None) -> None:
        """Sound another latent from the next step on."""
        self.set_base(Base(latent, origin, phrase, self._bases), self._plan.cell_of(now))
