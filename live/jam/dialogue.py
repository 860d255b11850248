"""The dialogue with the model: when to encode what was played, when to decode which cell again.

At most one decode is under way; what changed meanwhile is asked for when it returns, so the newest
always wins and nothing piles up.
Owns: what the model has been asked and not yet answered, which windows are closed, where the latent is.
Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_trouble.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from msgspec import structs

from live.errors import UsageError
from live.ipc.messages import Decode, Decoded, Encoded, Moved, Place, Point, Ready
from live.ipc.snapshot import Speaker
from live.jam.asking.accompaniment import Accompaniment
from live.jam.asking.foresight import Foresight
from live.jam.asking.requests import Reason, Requests, Search
from live.jam.band.loops import Loops
from live.jam.input.capture import Capture, PlayedNote
from live.jam.notices import Notices
from live.jam.parts import one_voice, tracks_of
from live.jam.path import Anchor, Base, BaseOrigin, PathHistory, heaviest, points
from live.jam.protocols import Output
from live.jam.sequencing.plan import Cell, Plan, Sounds
from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.harmony import chord_number, chord_of
from model.music.metre import AUTO, name_of
from model.music.phrase import Note, Phrase


def held_on(notes: Iterable[Note], longer: Mapping[tuple[int, int], float], grid: Grid) -> tuple[Note, ...]:
    """Return a phrase's notes, those that end with it as long as they were held.

    Args:
        notes: of the phrase.
        longer: (pitch, velocity) of those that were held on -> steps that they sounded.
        grid: of the phrase.

    """
    return tuple(
        note._replace(release=round(longer[note.pitch, note.velocity] - note.length, 3))
        if (note.pitch, note.velocity) in longer and note.onset + note.length >= grid.steps
        else note
        for note in notes
    )


MOST_POINTS = 4  # in an anchor; what would hold more is stored as the point that sounds


class Expected(NamedTuple):
    """Places that are taken up with the next model, and the weights that they belong to."""

    base: Base | None
    anchors: Mapping[str, Anchor]
    ident: str


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
        metre: name of the one that is wanted.

    Attributes:
        metre: name of the metre that is wanted; "auto" is the model's own.
        here: place of what sounds on the map, each -1..1; None before the first answer.
        performer_xy: the same of what the performer played last.
        key: that the performer's last phrase was in, as "F# minor"; empty for none.
        loops: learn what the performer has played; None where nobody does.
        missed_bars: that began without what they were to play.
        decode_ms: what the last decode cost.
        recombined: answers whose phrase was varied without the learned writer.
        bases: how many there were.

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
        metre: str = AUTO,
    ) -> None:
        """Start without a model and without a phrase."""
        self.here: tuple[float, float] | None = None
        self.performer_xy: tuple[float, float] | None = None
        self.key = ""
        self.loops: Loops | None = None
        self.missed_bars, self.decode_ms = 0, 0.0
        self.recombined = 0
        self._plan, self._capture = plan, capture
        self._requests, self._history = requests, history
        self._output, self._notices = output, notices
        self._horizon_bars = horizon_bars
        self.metre = metre
        self._coming: BarLines | None = None  # those of another metre, that have not begun
        self._open: BarLines | None = None  # those before the present ones, whose last phrase is not closed
        self._ident = ""  # of the weights that the places belong to
        self._expected: Expected | None = None
        self._decoding: tuple[Decode, Base, Cell] | None = None
        self._encoding: dict[int, Search] = {}
        self._unasked: list[Search] = []
        self._closed = 0
        self._bar = -1
        self._rest_until = Tick(0)
        self.bases = 0
        self._silent = False
        self._tied: tuple[int, list[PlayedNote]] = 0, []  # a base's number; what sounded on at its end
        self._foresight = Foresight(plan, requests, ask=output.ask, search=self._played_before)
        self._accompaniment = Accompaniment(
            plan, capture, requests, ask=output.ask, listens=self._listens_before
        )

    @property
    def coming(self) -> BarLines | None:
        """The bar lines of a metre that has not begun yet."""
        return self._coming

    @property
    def waiting(self) -> bool:
        """Tell whether the model owes an answer."""
        return self._decoding is not None or bool(self._encoding)

    @property
    def ident(self) -> str:
        """Names the weights that the base and the anchors belong to; empty before any."""
        return self._ident

    # -- the model comes and goes ----------------------------------------------------------------

    def set_model(self, ready: Ready, now: Tick) -> None:
        """Play with this model; places of other weights are looked for again from their phrases.

        Where it has other bars in the present metre, or does not play the metre, all is planned anew.
        """
        plan = self._plan
        unasked, first = [*self._unasked, *self._encoding.values()], self._requests.model is None
        self._requests.model = ready
        self._decoding, self._unasked = None, []
        self._encoding.clear()
        plan.tracks, plan.one_voice = tracks_of(ready.codec), one_voice(ready.codec)
        expected, self._expected = self._expected, None
        if expected is not None:
            self._history.state.base, self._history.state.anchors = expected.base, dict(expected.anchors)
            self._ident = expected.ident
        before, self._ident = self._ident, ready.ident
        if before != ready.ident:
            if first and before:
                self._notices.add("info", "what was stored with other weights of the model is found again")
            self.here = self.performer_xy = None
            self._find_again(now)
        elif expected is not None:
            for cell in plan.cells.values():
                cell.base = cell.xy = cell.point = None  # of the model before; its notes play on
            if expected.base is not None:
                self.set_base(expected.base, plan.cell_of(now))
        self._change_grid(now)
        for search in unasked:
            if self._requests.takes(search.phrase.grid):
                self._encode(search)
        self.set_turns(now)

    def _change_grid(self, now: Tick) -> None:
        """Plan on the grid that the model has in the wanted metre, or in its own if it does not play that."""
        plan, self._coming = self._plan, None
        try:
            grid = self._requests.grid_in(self.metre)
        except UsageError as error:
            self._notices.add("warning", f"{error}; it plays on in its own metre")
            self.metre = AUTO
            grid = self._requests.own
        if grid == plan.grid:
            return
        if name_of(grid) != name_of(plan.grid):
            self._coming = plan.lines.changed(grid, now + self._half_step())
        if not self._requests.takes(plan.grid):
            plan.clear()
            plan.last_good = None
        if self._coming is None:
            plan.lines, self._rest_until = replace(plan.lines, grid=grid), Tick(0)
            self._closed, self._bar = plan.cell_of(now), plan.lines.bar_of(now) - 1
            self._accompaniment.restart(self._closed)
            self._foresight.restart(self._closed)

    def _find_again(self, now: Tick) -> None:
        """Ask the new weights where base and anchors lie; vectors of the old ones mean nothing to them."""
        old = self._history.state
        self._history.state = replace(old, base=None, anchors={})
        sounding = self.sounding(now)
        for cell in self._plan.cells.values():
            cell.base = cell.xy = cell.point = None  # its notes play on
        if old.base is not None:
            phrase = old.base.phrase or (sounding.phrase if sounding else None)
            if phrase is not None and self._requests.takes(phrase.grid):
                self._encode(Search(phrase, 0, Reason.FOUND_AGAIN))
        takes = self._requests.takes
        lost = [name for name, anchor in old.anchors.items() if not takes(anchor.phrase.grid)]
        if lost:
            self._notices.add(
                "warning", f"anchor {', '.join(lost)} does not fit this model's bars: it is empty now"
            )
        for name, anchor in old.anchors.items():
            if takes(anchor.phrase.grid):
                self._encode(Search(anchor.phrase, 0, Reason.ANCHOR, name))

    def expect(self, base: Base | None, anchors: Mapping[str, Anchor], ident: str) -> None:
        """Take places up with the next model that comes, those of the weights `ident` as they are."""
        self._expected = Expected(base, anchors, ident)

    def expect_no_more(self, now: Tick) -> None:
        """Take places that were expected with another model up with the present one: it stays."""
        expected, self._expected = self._expected, None
        if expected is not None:
            self.put_anchors(dict(expected.anchors), expected.ident)
            self.put_base(expected.base, expected.ident, now)

    def put_anchors(self, anchors: Mapping[str, Anchor | None], ident: str) -> None:
        """Set anchors, or with None empty them; those of other weights are looked for from their phrases."""
        for name, anchor in anchors.items():
            if anchor is not None and ident == self._ident:
                self._history.state.anchors[name] = anchor
                continue
            self._history.state.anchors.pop(name, None)
            if anchor is not None and self._requests.takes(anchor.phrase.grid):
                self._encode(Search(anchor.phrase, 0, Reason.ANCHOR, name))

    def put_base(self, base: Base | None, ident: str, now: Tick) -> None:
        """Sound a base from the next step on; one of other weights is looked for from its phrase."""
        if base is None or ident == self._ident:
            self.set_base(base, self._plan.cell_of(now))
        elif base.phrase is not None and self._requests.takes(base.phrase.grid):
            self._encode(Search(base.phrase, 0, Reason.FOUND_AGAIN))

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
        self._plan.set_sounds(self._sounds, now)
        self._plan.mark_stale(now)

    def rest(self, now: Tick) -> None:
        """Be silent for the rest of this phrase, at least for a bar, and come in on the next one."""
        lines = self._plan.lines
        self._rest_until = lines.tick_of_bar(lines.bar_of(now) + 2)
        self.set_turns(now)

    def set_metre(self, metre: str, now: Tick) -> BarLines:
        """Play in another metre from the next bar line on.

        Returns:
            The bar lines from there on.

        Raises:
            UsageError: there is no such metre, or the model does not play it.

        """
        self._requests.grid_in(metre)
        self.metre = metre
        self._change_grid(now)
        return self._coming or self._plan.lines

    def restart(self) -> None:
        """Start at bar 0 again, in the metre that is wanted: nothing is planned, the latent stays."""
        self._plan.clear()
        self._plan.lines = BarLines((self._coming or self._plan.lines).grid)
        self._coming = self._open = None
        self._capture.clear()
        self._closed, self._bar, self._rest_until = 0, -1, Tick(0)
        self._accompaniment.restart()
        self._foresight.restart()
        self._decoding, self._tied = None, (0, [])
        self._encoding = {
            ident: search for ident, search in self._encoding.items() if search.reason is not Reason.PLAYED
        }
        self._unasked = [search for search in self._unasked if search.reason is not Reason.PLAYED]

    def resume(self, model_ident: str, now: Tick) -> None:
        """Go on from a tick, with a state whose places belong to a model, which may still be to come."""
        self._ident = model_ident
        self._closed, self._bar = self._plan.cell_of(now), self._plan.lines.bar_of(now) - 1
        self._accompaniment.restart(self._closed)
        self._foresight.restart(self._closed)
        base, model = self._history.state.base, self._requests.model
        self.bases = max(self.bases, base.number if base else 0)
        if model is not None:
            self.set_model(model, now)

    def go(self, place: Place, origin: BaseOrigin, now: Tick, *, phrase: Phrase | None = None) -> None:
        """Sound another place from the next step on."""
        self.set_base(Base(place, origin, phrase, self.bases), self._plan.cell_of(now))

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
        self._foresight.advance(present)
        self._end_ties(present)
        closing = self._plan.cell_of(Tick(present + self._half_step()))
        if closing > self._closed:
            self._closed = closing
            self._close(self._plan.lines, closing, present)
        if self._coming is not None and now >= self._coming.start - self._half_step():
            self._enter(self._coming)
        if self._open is not None and present >= self._plan.lines.start - self._half_step():
            before, self._open = self._open, None
            self._close(before, before.cell_of(self._plan.lines.start), present)
        start = self._plan.lines.start
        begun = Tick(max(now, start))  # before bar 0 too: it must not begin on a stale phrase
        self._plan.extend(begun, self._horizon_bars, base=self._history.state.base, sounds=self._sounds)
        if now >= start:
            self._cross_bars(now)
        self.ask_next(now)

    def _enter(self, lines: BarLines) -> None:
        """Plan from a bar line on in another metre, half a step ahead: its first bar is there in time."""
        plan, before = self._plan, self._plan.lines
        good = plan.last_good
        plan.enter(lines, None if good is None else self._requests.relaid(good, lines.grid))
        ending = before.cell_of(lines.start)
        whole = before.tick_of_cell(ending) == lines.start
        self._open = before if whole and self._closed < ending else None
        self._coming = self._decoding = None
        self._closed, self._bar = lines.cell, lines.bar - 1
        self._accompaniment.restart(lines.cell)
        self._foresight.restart(lines.cell)
        self._output.metre(lines.start, lines.grid)

    def next_tick(self, now: Tick, *, present: Tick) -> Tick:
        """Return the next tick, on the scale of `now`, at which `advance` has something to do."""
        lines, half = self._plan.lines, self._half_step()
        line = lines.tick_of_bar(lines.bar_of(now) + 1)
        coming: list[Tick | int | None] = [line, lines.tick_of_cell(self._closed + 1) - half + now - present]
        coming.append(self._accompaniment.next_tick(now, present=present))
        coming.append(self._foresight.next_tick(now, present=present))
        if self._coming is not None:
            coming.append(self._coming.start - half)
        if self._open is not None:
            coming.append(lines.start - half + now - present)
        return Tick(min(tick for tick in coming if tick is not None and tick > now))

    def _half_step(self) -> int:
        return self._plan.grid.ticks_per_step // 2

    def _close(self, lines: BarLines, cell: int, now: Tick) -> None:
        """Take what was played in the phrase before a cell, if the mode listens to it."""
        search = self._played_in(lines, cell, now)
        if search is not None:
            self._encode(search)

    def _played_before(self, cell: int, now: Tick) -> Search | None:
        """Return what has been played in the phrase before a cell by a tick."""
        return self._played_in(self._plan.lines, cell, now)

    def _played_in(self, lines: BarLines, cell: int, now: Tick) -> Search | None:
        """Return what was played in the phrase before a cell; None for nothing, or where nobody listens."""
        if not (self._listens_in(lines, cell) and self._requests.takes(lines.grid)):
            return None
        grid, zero, half = lines.grid, lines.tick_of_cell(cell - 1), self._half_step()
        phrase = self._capture.phrase(grid, zero, now)
        if not len(phrase):
            return None
        first, last = Tick(zero - self._pick_up(lines, cell - 1)), Tick(zero + grid.ticks - half)
        struck = self._capture.struck(first, last, zero, Tick(zero + grid.ticks))
        sounding = self._capture.still_sounding(first, last)
        return Search(phrase, cell, Reason.PLAYED, "", struck, self._requests.tick_nanos, sounding)

    def _end_ties(self, now: Tick) -> None:
        """Let the notes that were held beyond their phrase sound as long as they were held."""
        (number, tied), base = self._tied, self._history.state.base
        next_close = self._plan.lines.tick_of_cell(self._closed + 1)
        if not tied or (self._capture.is_sounding(tied) and now < next_close):
            return
        self._tied = 0, []
        if base is None or base.number != number or base.phrase is None or not isinstance(base.place, Point):
            return  # something else sounds meanwhile
        grid = base.phrase.grid
        longer = {
            (note.pitch, note.velocity): (end - note.start) / grid.ticks_per_step
            for note in tied
            for end in (self._capture.end_of(note) or now,)
        }
        phrase = held_on(base.phrase.notes, longer, grid)
        played = held_on(base.place.played, longer, grid)
        place = structs.replace(base.place, played=[*played], grid=grid)
        longer_base = Base(place, base.origin, Phrase(grid, phrase), base.number)
        self._history.state.base = longer_base
        self._plan.replace_base(base, longer_base, self._plan.cell_of(now))

    def _pick_up(self, lines: BarLines, cell: int) -> int:
        """Return how long before a cell its first notes may lie, in ticks: a beat where none took them."""
        taken = self._listens_in(lines, cell)
        return self._half_step() if taken else TICKS_PER_BEAT

    def speaker(self, now: Tick) -> tuple[Speaker, Tick]:
        """Return whose turn it is, and the tick at which it ends or the performer's phrase closes."""
        lines = self._plan.lines
        cell = lines.cell_of(now)
        taken_up = self._listens_in(lines, cell + 1)
        return "performer" if taken_up else "instrument", lines.tick_of_cell(cell + 1)

    def _listens_before(self, cell: int) -> bool:
        """Tell whether what is played before a cell is to be its base."""
        return self._listens_in(self._plan.lines, cell)

    def _listens_in(self, lines: BarLines, cell: int) -> bool:
        answering = self._history.state.mode == "answer" and cell % 2 == 0
        return self._listens() and not answering and cell > lines.cell

    def _listens(self) -> bool:
        return self._history.state.mode in ("follow", "answer", "listen") and not self._history.state.frozen

    def _sounds(self, index: int) -> Sounds:
        """Return what of a cell is heard: in the performer's turn the band goes on, if there is one."""
        if self._plan.lines.tick_of_cell(index) < self._rest_until:
            return "nothing"
        if self._history.state.mode != "answer" or index % 2 == 1:
            return "all"
        return "band" if self._requests.parts else "nothing"

    def _cross_bars(self, now: Tick) -> None:
        bar = self._plan.lines.bar_of(now)
        if bar == self._bar:
            return
        self._bar = bar
        cell = self._plan.cells[self._plan.cell_of(now)]
        origin = cell.origin if cell.sounds != "nothing" and cell.phrase is not None else "silent"
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
        grid = search.phrase.grid
        phrase = Phrase(grid, tuple(reply.notes)) if reply.notes else search.phrase
        played = reply.played or [*phrase.notes]
        lies = played if self._requests.has_latent else []
        place = Point(reply.z, reply.attributes, lies, grid, reply.band, reply.chords)
        if search.reason is Reason.ANCHOR:
            self._history.state.anchors[search.anchor] = Anchor(place, phrase, reply.xy)
        elif search.reason is Reason.FOUND_AGAIN or self._listens():
            if search.reason is Reason.PLAYED:
                self._history.remember_base(self._notices.now)
                self._requests.swing = reply.swing
                if self.loops is not None:
                    chords = self.loops.learn(search.cell - 1, phrase, [*map(chord_of, reply.chords)])
                    place = structs.replace(place, chords=[*map(chord_number, chords)])
                if reply.key != self.key:
                    self.key = reply.key
                    self._output.publish("key", reply.key or "none")
            self.bases += 1
            self.performer_xy = reply.xy if self._requests.has_latent else None
            first = max(self._plan.cell_of(now), search.cell)
            self.set_base(Base(place, "played", phrase, self.bases), first)
            self._tied = self.bases, [*search.sounding]
        self.ask_next(now)
        return search

    def ask_next(self, now: Tick) -> None:
        """Ask for the first stale cell, unless an answer is on its way."""
        if self._decoding is not None or self._requests.model is None:
            return
        if not self._requests.takes(self._plan.grid):  # another metre is about to begin
            return
        current = self._plan.cell_of(now)
        for index in sorted(self._plan.cells):
            cell = self._plan.cells[index]
            if index >= current and cell.stale and cell.sounds != "nothing" and cell.base is not None:
                self._decode(cell, cell.base, now)
                return

    def _decode(self, cell: Cell, base: Base, now: Tick) -> None:
        plan = self._plan
        begun = plan.next_step(now) - plan.lines.step_of_cell(cell.index)
        fixed = max(0, min(plan.grid.steps, begun))
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
            self._plan.fill(
                cell,
                phrase,
                now,
                chordal=reply.chordal,
                band=request.band,
                written=map(chord_of, reply.written),
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
            self._notices.add("warning", "the model answers with no notes at all: play, or turn a knob back")
        self._silent = silent

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
        place = self._requests.moved(base, self._plan.cell_of(now), self._history.state)
        drifting = isinstance(place, Moved) and place.drifting  # whose walk is of its time, not of its cell
        if drifting or points(place) > MOST_POINTS:
            place = cell.point if cell is not None and cell.point is not None else heaviest(place)
        return Anchor(place, phrase, self.here or (0.0, 0.0))
