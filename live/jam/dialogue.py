"""The dialogue with the model: the performer's phrases go to it as they close, and cells come back in time.

Owns: which windows are closed, the metre that is wanted and the one that is coming,
and whether a loop waits to be recorded.
Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_trouble.py.
"""

from dataclasses import replace
from typing import Literal

from msgspec import structs

from live.errors import UsageError
from live.ipc.jam_memory import Anchor, Base
from live.ipc.messages import Encoded, Ready
from live.ipc.places import Point
from live.jam.asking.accompaniment import Accompaniment
from live.jam.asking.answers_ahead import AnswersAhead
from live.jam.asking.asked_ahead import AskedAhead
from live.jam.asking.decoding import Decoding
from live.jam.asking.pick_ups import PickUps
from live.jam.asking.played_phrases import PlayedPhrases
from live.jam.asking.requests import Reason, Requests, Search
from live.jam.asking.searches import Searches
from live.jam.asking.stored_places import StoredPlaces
from live.jam.asking.variations_ahead import VariationsAhead
from live.jam.band.loops import Loops
from live.jam.band.recognition import Recognition
from live.jam.entered_bars import EnteredBars
from live.jam.input.capture import Capture
from live.jam.latent.path import PathHistory, heaviest
from live.jam.notices import Notices
from live.jam.parts.parts import one_voice, tracks_of
from live.jam.protocols import Output
from live.jam.sequencing.periods import Periods
from live.jam.sequencing.plan import Plan
from live.jam.sequencing.ties import Ties
from live.jam.turn_taking import TurnTaking
from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick
from model.music.harmony import chord_number, chord_of
from model.music.metre import AUTO, name_of
from model.music.phrase import Phrase


class Dialogue:
    """Takes phrases when their windows close, lets the plan reach ahead, and asks for what it lacks.

    Args:
        horizon_bars: how many bars ahead must be planned.
        metre: name of the one that is wanted.

    Attributes:
        metre: name of the metre that is wanted; "auto" is the model's own.
        coming: the bar lines of a metre that has not begun yet.
        performer_xy: place on the map of what the performer played last, each -1..1.
        key: that the performer's last phrase was in, as "F# minor"; empty for none.
        loops: learn what the performer has played; None where nobody does.
        bars: as they begin.
    """

    def __init__(
        self,
        plan: Plan,
        capture: Capture,
        turns: TurnTaking,
        requests: Requests,
        history: PathHistory,
        *,
        periods: Periods,
        searches: Searches,
        places: StoredPlaces,
        decoding: Decoding,
        output: Output,
        notices: Notices,
        horizon_bars: int,
        metre: str = AUTO,
    ) -> None:
        self.metre = metre
        self.coming: BarLines | None = None
        self.performer_xy: tuple[float, float] | None = None
        self.key = ""
        self.loops: Loops | None = None
        self.bars = EnteredBars(plan, searches, output=output, notices=notices)
        self._plan, self._turns, self._requests, self._history = plan, turns, requests, history
        self._periods, self._searches, self._places, self._decoding = periods, searches, places, decoding
        self._output, self._notices = output, notices
        self._horizon_bars = horizon_bars
        self._open: BarLines | None = None  # those before the present ones, whose last phrase is not closed
        self._loop: Literal["asked", "entered"] | None = None  # that is not recorded yet
        self._closed = 0
        self._played = PlayedPhrases(plan, capture, turns, requests)
        self._ties = Ties(capture, periods)
        self._recognition = Recognition(history, output)
        self._capture = capture
        self._answers_ahead = AnswersAhead(plan, self._played, turns, requests, searches)
        self._ahead: tuple[AskedAhead, ...] = (
            Accompaniment(plan, capture, periods, requests, turns, output=output),
            PickUps(plan, self._played, turns, searches),
            VariationsAhead(plan, requests, self._played, output=output),
            self._answers_ahead,
        )

    @property
    def recognised(self) -> str:
        """Name of the anchor that the performer's last phrase was; "" for none."""
        return self._recognition.shown

    @property
    def waiting(self) -> bool:
        """Tell whether the model owes an answer."""
        return self._decoding.waiting or self._searches.waiting

    # -- the model comes and goes ----------------------------------------------------------------

    def set_model(self, ready: Ready, now: Tick) -> None:
        """Play with this model; places of other weights are looked for again from their phrases.

        Where it has other bars in the present metre, they begin where a cell ends; where it takes no phrases
        of the present ones, all is planned anew.
        """
        plan = self._plan
        unasked, first = self._searches.take_all(), self._requests.model is None
        self._requests.model = ready
        self._decoding.forget()
        plan.tracks, plan.one_voice = tracks_of(ready.codec), one_voice(ready.codec)
        if self._places.set_weights(ready.ident, now, first=first):
            self._decoding.here = self.performer_xy = None
        self._change_grid(now)
        for search in unasked:
            self._searches.ask(search)
        self._turns.changed(now)

    def _change_grid(self, now: Tick) -> None:
        """Plan on the grid that the model has in the wanted metre, or in its own if it does not play that."""
        plan, state, self.coming = self._plan, self._history.state, None
        try:
            grid = self._requests.grid_in(self.metre, self._bars)
        except UsageError as error:
            self._notices.add("warning", f"{error}; it plays on in its own metre and phrases")
            self.metre, state.phrase_bars, state.loop_bars = AUTO, 0, 0
            grid = self._requests.model_grid
        period, another = self._requests.period_in(grid, self._bars), name_of(grid) != name_of(plan.grid)
        if (grid, period) == (plan.grid, plan.lines.period) and self._loop is None:
            return
        taken = self._requests.takes(plan.grid)
        if another or taken:
            whole = not another and self._loop is None
            after = now + self._plan.half_step
            self.coming = plan.lines.changed(grid, after, period=period, whole=whole)
        if not taken:
            plan.clear()
            plan.last_good = None
        if self.coming is None:
            plan.lines = replace(plan.lines, grid=grid, period=period)
            self._loop = None
            self._periods.restart()
            self._turns.restart()
            self._go_on_from(now)

    @property
    def _bars(self) -> int:
        """Bars that are taken up as one phrase; 0 for the model's own."""
        state = self._history.state
        return state.loop_bars or state.phrase_bars

    def _go_on_from(self, now: Tick) -> None:
        """Take what is played from the present cell on, and ask ahead from there."""
        self._closed = self._plan.cell_of(now)
        lines = self._plan.lines
        bar = lines.bar_of(now)
        self.bars.restart(bar, amid=lines.tick_of_bar(bar) < now)
        self._restart_ahead(self._closed)

    def _restart_ahead(self, cell: int = 0) -> None:
        """Ask ahead from a cell on."""
        for ahead in self._ahead:
            ahead.restart(cell)

    def lose_model(self) -> None:
        """Go on without: bars repeat until it is back, and what it owed is asked for again then."""
        self._decoding.forget()
        self._searches.lose_model()
        for cell in self._plan.cells.values():
            cell.stale = True

    # -- what others change -----------------------------------------------------------------------

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
        return self.coming or self._plan.lines

    def set_length(self, phrase_bars: int, loop_bars: int, now: Tick, *, record: bool = False) -> BarLines:
        """Take up so many bars as one phrase, or let so many repeat: from the end of a cell on.

        Args:
            phrase_bars: 0 for as many as the model's have.
            loop_bars: 0 for no loop.
            now: the present tick.
            record: whether what repeats is what was played before the next bar line, and from there on.

        Returns:
            The bar lines from there on.

        Raises:
            UsageError: the model takes no such phrases.
        """
        self._requests.grid_in(self.metre, loop_bars or phrase_bars)
        state = self._history.state
        state.phrase_bars, state.loop_bars = phrase_bars, loop_bars
        self._loop = "asked" if record else None
        self._change_grid(now)
        self._turns.changed(now)
        return self.coming or self._plan.lines

    def restart(self) -> None:
        """Start at bar 0 again, in the metre that is wanted: nothing is planned, the latent stays."""
        good, lines = self._plan.last_good, self.coming or self._plan.lines
        self._plan.clear()
        self._plan.lines = BarLines(lines.grid, period=lines.period)
        if good is not None and good.grid != lines.grid:
            self._plan.last_good = self._requests.relaid(good, lines.grid)
        self.coming = self._open = self._loop = None
        self._periods.restart()
        self._recognition.restart()
        self._capture.clear()
        self._turns.restart()
        self._closed = 0
        self.bars.restart()
        self._restart_ahead()
        self._decoding.forget()
        self._ties.hold(0, ())
        self._searches.forget_played()

    def resume(self, model_ident: str, now: Tick) -> None:
        """Go on from a tick, with a state whose places belong to a model, which may still be to come."""
        self._places.resume(model_ident)
        self._go_on_from(now)
        model = self._requests.model
        if model is not None:
            self.set_model(model, now)

    # -- as musical time goes by -----------------------------------------------------------------

    def advance(self, now: Tick, *, present: Tick) -> None:
        """Do all that is due: close a window, cross a bar line, plan ahead, ask.

        Args:
            now: the tick up to which messages leave.
            present: the tick that the performer hears and plays at; before `now` by the output's latency.
        """
        for ahead in self._ahead:
            ahead.advance(present)
        self._ties.advance(present, self._plan.lines.tick_of_cell(self._closed + 1))
        self._periods.advance(self._plan.cell_of(now))
        if not self._turns.listens and not self._history.state.loop_bars:
            self._periods.drop(self._plan.cell_of(now))
        closing = self._plan.cell_of(Tick(present + self._plan.half_step))
        if closing > self._closed:
            self._closed = closing
            self._close(self._plan.lines, closing)
        if self.coming is not None and now >= self.coming.start - self._plan.half_step:
            self._enter(self.coming)
        if self._open is not None and present >= self._plan.lines.start - self._plan.half_step:
            before, self._open = self._open, None
            self._close(before, before.cell_of(self._plan.lines.start))
        if self._loop == "entered" and present >= self._plan.lines.start - self._plan.half_step:
            self._record_loop()
        start = self._plan.lines.start
        begun = Tick(max(now, start))  # before bar 0 too: it must not begin on a stale phrase
        self._plan.extend(begun, self._horizon_bars, base_of=self._periods.base_of, sounds=self._turns.sounds)
        if now >= start and (cell := self.bars.enter(now)) is not None:
            self._decoding.here = cell.xy or self._decoding.here
            self._answers_ahead.was_late |= self.bars.late(cell)
        listens = self._turns.listens_before(self._plan.lines, self._closed + 1)
        self._decoding.closes = self._closing(now, present) if listens else None
        self._decoding.ask_next(now)

    def _enter(self, lines: BarLines) -> None:
        """Plan from a bar line on in another metre, half a step ahead: its first bar is there in time."""
        plan, before = self._plan, self._plan.lines
        good = plan.last_good
        plan.enter(lines, None if good is None else self._requests.relaid(good, lines.grid))
        ending = before.cell_of(lines.start)
        whole = before.tick_of_cell(ending) == lines.start
        self._open = before if whole and self._closed < ending else None
        self.coming = None
        self._decoding.forget()
        self._closed = lines.cell
        self.bars.restart(lines.bar)
        self._restart_ahead(lines.cell)
        if self._loop is not None:
            self._open, self._loop = None, "entered"
            self._periods.restart()
        self._periods.enter(lines)
        if name_of(lines.grid) != name_of(before.grid):
            self._output.metre(lines.start, lines.grid)

    def _record_loop(self) -> None:
        """Take what was played in the last bars as what repeats; nothing leaves what sounds."""
        self._loop = None
        searches = self._played.last(self._plan.lines)
        if not searches:
            self._notices.add("info", "nothing was played in those bars: what sounds repeats")
        for search in searches:
            self._searches.ask(search)

    def next_tick(self, now: Tick, *, present: Tick) -> Tick:
        """Return the next tick, on the scale of `now`, at which `advance` has something to do."""
        lines, half = self._plan.lines, self._plan.half_step
        line = lines.tick_of_bar(lines.bar_of(now) + 1)
        coming: list[Tick | int | None] = [line, self._closing(now, present)]
        coming += [ahead.next_tick(now, present=present) for ahead in self._ahead]
        if self.coming is not None:
            coming.append(self.coming.start - half)
        if self._open is not None or self._loop == "entered":
            coming.append(lines.start - half + now - present)
        return Tick(min(tick for tick in coming if tick is not None and tick > now))

    def _closing(self, now: Tick, present: Tick) -> Tick:
        """Return the tick, on the scale of `now`, at which the next phrase closes."""
        plan = self._plan
        return Tick(plan.lines.tick_of_cell(self._closed + 1) - plan.half_step + now - present)

    def _close(self, lines: BarLines, cell: int) -> None:
        """Take what was played in the phrase before a cell, if the mode listens to it."""
        search = self._played.before(lines, cell)
        if search is not None and lines is not self._plan.lines:  # it sounds on the present ones
            search = search._replace(cell=self._plan.lines.cell + search.place)
        if search is not None:
            self._searches.ask(self._recognised(search))
        elif self._turns.rejoins(lines, cell):
            base = self._periods.base_of(cell)
            if base is not None and base.phrase is not None:
                self._searches.ask(Search(base.phrase, cell, Reason.BAND))

    def _recognised(self, search: Search) -> Search:
        """Return a phrase that was played with what belongs to it where it is an anchor's."""
        found = self._recognition.hear(search.phrase)
        if found is None:
            return search
        band = [note for note in found.place.played if note.track in found.place.band]
        fits = self._requests.recalls_band and found.place.grid == search.phrase.grid
        return search._replace(anchor=found.name, band=band if fits else ())

    # -- answers ---------------------------------------------------------------------------------

    def encoded(self, reply: Encoded, now: Tick) -> Search | None:
        """Take a phrase's place as the base from its cell on, or as an anchor; returns what was searched."""
        search = self._searches.answered(reply.ident)
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
        elif search.reason is Reason.BEGUN:
            if self._turns.listens and self._closed < search.cell:
                self._places.bases += 1
                self._periods.begin(Base(place, "begun", phrase, self._places.bases), search.cell)
        elif search.reason is Reason.BAND:
            self._join(search, place, now)
        elif search.reason is not Reason.PLAYED or self._turns.listens:
            if search.was_played:
                self._requests.swing = reply.swing
                if self.loops is not None:
                    cell = search.cell - search.period
                    chords = self.loops.learn(cell, phrase, [*map(chord_of, self._chords(search, reply))])
                    place = structs.replace(place, chords=[*map(chord_number, chords)])
                if reply.key != self.key:
                    self.key = reply.key
                    self._output.publish("key", reply.key or "none")
            self._places.bases += 1
            self.performer_xy = reply.xy if self._requests.has_latent else None
            base = Base(place, "played", phrase, self._places.bases)
            if search.was_played:
                self._periods.take(base, search.part, now, nanos=self._notices.now)
            else:
                self._periods.put_part(base, search.part, now)
            self._ties.hold(self._places.bases, search.sounding)
        self._decoding.ask_next(now)
        return search

    def _join(self, search: Search, place: Point, now: Tick) -> None:
        """Let what sounds on in a cell have its new band from there on, where it still sounds then."""
        base = self._periods.base_of(search.cell)
        if base is not None and base.phrase is search.phrase and self._plan.cell_of(now) <= search.cell:
            place = structs.replace(place, chords=heaviest(base.place).chords)
            self._periods.put((structs.replace(base, place=place),), search.cell)

    def _chords(self, search: Search, reply: Encoded) -> list[int]:
        """Return the chords of a phrase that was played: an anchor's, if it is one that brings them back."""
        anchor = self._history.state.anchors.get(search.anchor)
        if anchor is None or not self._requests.recalls_band:
            return reply.chords
        known = heaviest(anchor.place).chords
        return known if len(known) == len(reply.chords) and any(one >= 0 for one in known) else reply.chords

    def failed(self, ident: int, now: Tick) -> None:
        """Give up a request that the model could not do."""
        self._decoding.failed(ident)
        self._searches.answered(ident)
        self._decoding.ask_next(now)
