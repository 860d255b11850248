"""The plan: which notes each coming bar will play, and where they came from.

Music is planned in cells, whole phrases on the grid of the present metre; the bar lines tell where each
starts.  What is planned can be replaced until it is sent.
Owns: the cells and what they have played, how steps become ticks, which parts are muted.
Threads: engine only.
"""

from collections.abc import Callable, Iterable
from typing import Literal

from live.ipc.jam_memory import Base
from live.ipc.snapshot import NoteRow
from live.jam.sequencing.cell import BarOrigin, Cell, Laying, Sounds
from live.jam.sequencing.scheduler import QueuedRow, Scheduler
from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick
from model.edits.reharmonise import HARMONIC
from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.phrase import Note, Phrase, resized
from model.music.tracks import MELODY


class Plan:
    """Cells from the one that sounds to the horizon, laid into the scheduler.

    Attributes:
        lines: where cells, bars and steps lie.
        laying: how they are laid.
        tracks: the parts that the model plays.
        one_voice: of them, those in which a note ends where the next one starts.
        muted: parts that are left out, where the model plays several.
        cells: by index.
        played: notes that have left, by cell.
        last_good: the last phrase that was decoded, which repeats where none comes in time.
        arrange: tells what of a cell's phrase is heard from one of its steps on; None leaves it as it is.
        version: grows whenever what is planned has changed.
    """

    def __init__(self, scheduler: Scheduler, *, grid: Grid, period: int = 1) -> None:
        self._scheduler = scheduler
        self._sent: dict[int, set[tuple[int, int]]] = {}  # step -> (channel, pitch)
        self.lines = BarLines(grid, period=period)
        self.laying = Laying()
        self.tracks: tuple[int, ...] = (MELODY,)
        self.one_voice: frozenset[int] = frozenset()
        self.muted: frozenset[int] = frozenset()
        self.cells: dict[int, Cell] = {}
        self.played: dict[int, list[Note]] = {}
        self.last_good: Phrase | None = None
        self.arrange: Callable[[Cell, int], Phrase | None] | None = None
        self._last_cell: Cell | None = None
        self.version = 0

    @property
    def grid(self) -> Grid:
        """The grid of the cells."""
        return self.lines.grid

    def enter(self, lines: BarLines, last_good: Phrase | None) -> None:
        """Plan anew from a bar line on, in another metre; what is queued before it is played yet.

        Args:
            lines: of that metre; steps are counted on.
            last_good: the last good phrase, as that metre has it.
        """
        if self.cells:
            self._scheduler.drop_notes(lines.step, self.lines.step_of_cell(max(self.cells) + 1))
        self.version += 1
        self.cells.clear()
        self.played.clear()
        self._sent.clear()
        self.lines, self.last_good = lines, last_good

    def clear(self) -> None:
        """Forget every cell and what is queued of them."""
        self.version += 1
        self._scheduler.drop_all_notes()
        self.cells.clear()
        self.played.clear()
        self._sent.clear()

    def cell_of(self, tick: Tick) -> int:
        """Return the index of the cell that a tick lies in."""
        return self.lines.cell_of(tick)

    def sounding(self, now: Tick) -> Cell | None:
        """Return the cell of the present tick, if it is planned."""
        return self.cells.get(self.cell_of(now))

    @property
    def half_step(self) -> int:
        """Half a step of the grid, in ticks: so long before its place a note may lie."""
        return self.grid.ticks_per_step // 2

    def forget_places(self) -> None:
        """Let cells know no place of another model's any more; their notes play on."""
        for cell in self.cells.values():
            cell.base = cell.xy = cell.point = None

    def first_bar(self, index: int) -> int:
        """Return the bar on which a cell starts."""
        return self.lines.bar_of_cell(index)

    def next_step(self, now: Tick) -> int:
        """Return the first step of the whole piece that has not begun."""
        return self.lines.step_at_or_after(now + 1)

    # -- what each cell is to play -----------------------------------------------------------------

    def extend(
        self, now: Tick, bars: int, *, base_of: Callable[[int], Base | None], sounds: Callable[[int], Sounds]
    ) -> None:
        """Make sure that there is a cell for every bar from a tick on, some bars ahead."""
        current = self.cell_of(now)
        for index in range(current, self.cell_of(Tick(now + bars * self.grid.ticks_per_bar)) + 1):
            if index in self.cells:
                continue
            base = base_of(index)
            cell = Cell(index, sounds(index), base=base)
            if self.last_good is not None and base is not None:
                cell.phrase, cell.origin = self.last_good, "repeated"
                if self._last_cell is not None:
                    cell.chordal, cell.band = self._last_cell.chordal, self._last_cell.band
                    cell.written = self._of_this_grid(self._last_cell.written)
                    cell.harmony = self._of_this_grid(self._last_cell.harmony)
            self.cells[index] = cell
            self.lay(cell, self.lines.step_of_cell(index), not_before=now)
        self._forget_before(current)

    def mark_stale(self, now: Tick) -> None:
        """Let everything from a tick's cell on be decoded again."""
        current = self.cell_of(now)
        for index, cell in self.cells.items():
            cell.stale |= index >= current

    def set_bases(self, base_of: Callable[[int], Base | None], first: int) -> None:
        """Let every cell from the first on sound another base, where it has another."""
        for index, cell in self.cells.items():
            base = base_of(index)
            if index >= first and (cell.base is not base or base is None):
                cell.base, cell.stale = base, True
                if base is None:
                    cell.phrase, cell.origin = None, "silent"
                    self.lay(cell, self.lines.step_of_cell(index), not_before=Tick(0))

    def put_back(self, before: Cell) -> None:
        """Let a cell that has not begun sound what it was to sound before, until it is decoded again."""
        before.stale = True
        self.cells[before.index] = before
        self.lay(before, self.lines.step_of_cell(before.index), not_before=Tick(0))

    def replace_base(self, old: Base, new: Base, first: int) -> None:
        """Let the cells from the first on that sound a base sound it as it is by now, and no others."""
        for index, cell in self.cells.items():
            if index >= first and cell.base is old:
                cell.base, cell.stale = new, True
                if cell.source is old:
                    cell.source = new

    def set_sounds(self, sounds: Callable[[int], Sounds], now: Tick) -> None:
        """Let each cell from the present one on be heard so far."""
        current = self.cell_of(now)
        for index, cell in self.cells.items():
            if index >= current and cell.sounds != sounds(index):
                cell.sounds = sounds(index)
                self.lay(cell, self.next_step(now), not_before=now)

    def fill(
        self,
        cell: Cell,
        phrase: Phrase,
        now: Tick,
        *,
        chordal: Iterable[int] = (),
        band: Iterable[int] = (),
        written: Iterable[Chord | None] = (),
        harmony: Iterable[Chord | None] = (),
    ) -> None:
        """Let a cell play a decoded phrase from the next step on; what of it has begun stays as it was."""
        self.last_good, self._last_cell = phrase, cell
        cell.chordal, cell.band = frozenset(chordal), frozenset(band)
        cell.written, cell.harmony = self._of_this_grid(tuple(written)), self._of_this_grid(tuple(harmony))
        start = self.lines.step_of_cell(cell.index)
        step = max(self.next_step(now), start)
        fixed = step - start
        cell.phrase, cell.origin = phrase, "decoded"
        if fixed:
            begun = Phrase.of(self.grid, self.prefix(cell.index, fixed))
            cell.phrase = begun.spliced(fixed, phrase)
        self.lay(cell, step, not_before=now)

    def _of_this_grid(self, chords: tuple[Chord | None, ...]) -> tuple[Chord | None, ...]:
        """Return the chords of a cell's beats; none where they are those of another metre's phrase."""
        return chords if len(chords) in (0, self.grid.beats) else (None,) * self.grid.beats

    def _forget_before(self, index: int) -> None:
        """Drop cells older than the one before the index."""
        for known in [known for known in self.cells if known < index - 1]:
            del self.cells[known]
        for known in [known for known in self.played if known < index - 1]:
            del self.played[known]
        for step in [step for step in self._sent if step < self.lines.step_of_cell(index - 1)]:
            del self._sent[step]

    def sent(self, step: int, note: Note) -> None:
        """Remember that a note-on has left: it is not laid again, and is part of what was played.

        Args:
            step: of the whole piece; one of a metre before this one is past caring for.
            note: its onset is not read, and what of its length lies behind the cell is cut.
        """
        if step < self.lines.step:
            return
        index, onset = self.lines.cell_of_step(step)
        self._sent.setdefault(step, set()).add((self.laying.channels[note.track], note.pitch))
        length = min(note.length, self.grid.steps - onset)
        self.played.setdefault(index, []).append(resized(note, length)._replace(onset=onset))

    def prefix(self, index: int, steps: int) -> list[Note]:
        """Return the notes of a cell before its step: played, or behind their step and still to come.

        Chords, bass and the band are as they were written, whatever chords they were laid under.
        """
        known = [note for note in self.played.get(index, []) if note.onset < steps]
        cell = self.cells.get(index)
        start, size = self.lines.step_of_cell(index), self.grid.ticks_per_step
        for queued in self._scheduler.queued():
            if start <= queued.step < start + steps:
                onset = queued.step - start
                length = max(1, round((queued.end - queued.tick) / size))
                fits = min(length, self.grid.steps - onset)
                known.append(
                    Note(
                        onset,
                        queued.pitch,
                        queued.velocity,
                        fits,
                        queued.offset,
                        queued.track,
                        queued.displacement,
                    )
                )
        if cell is None or cell.phrase is None:
            return known
        laid = cell.band | HARMONIC
        pattern = [note for note in cell.phrase.notes if note.track in laid and note.onset < steps]
        return [note for note in known if note.track not in laid] + pattern

    def lay(self, cell: Cell, from_step: int, *, not_before: Tick) -> None:
        """Queue a cell's notes from a step of the whole piece on, in place of what was queued there.

        Other cells' notes stay.  What sounds across the step ends where it was to end, or where its key
        is struck again; a track of one voice ends it at its next note.  `not_before` is the present tick:
        a note whose offset would put it earlier starts now.
        """
        self.version += 1
        grid = self.grid
        start = self.lines.step_of_cell(cell.index)
        cut = max(from_step, start)
        self._scheduler.drop_notes(cut, start + grid.steps)
        before, cell.sounding = cell.sounding, cell.phrase
        if cell.phrase is None or cell.sounds == "nothing":
            return
        phrase = cell.sounding = cell.phrase if self.arrange is None else self.arrange(cell, cut - start)
        if phrase is None:
            return
        if cell.sounds == "band":
            phrase = cell.sounding = phrase.part(*cell.band)
        if before is not None and cut > start and phrase is not cell.phrase:  # what has begun is as it was
            begun = tuple(note for note in before.notes if note.onset < cut - start)
            cell.sounding = Phrase(grid, begun + phrase.from_step(cut - start))
        zero = self.lines.tick_of_cell(cell.index)
        notes = phrase.from_step(cut - start)
        single = self.one_voice - cell.chordal
        times = self.laying.times(notes, grid, single=single)
        silent = self.silent
        rows: list[QueuedRow] = []
        for note, (on, off) in zip(notes, times, strict=True):
            onset, pitch, velocity, _, offset, track, displacement, _ = note
            if track in silent:
                continue
            step, channel = start + onset, self.laying.channels[track]
            if step in self._sent and (channel, pitch) in self._sent[step]:
                continue
            if zero + on < (not_before if displacement < 0 else not_before - grid.ticks_per_step):
                continue  # its moment has gone: of a grace note, a pick-up, or a clock that stood still
            tick = Tick(max(zero + on, not_before))
            rows.append((tick, Tick(zero + off), step, channel, pitch, velocity, track, offset, displacement))
        self._scheduler.add(rows)
        if single:
            self._end_at_next(single)

    def _end_at_next(self, single: frozenset[int]) -> None:
        """Let what sounds on the channel of a track of one voice end at that track's next note."""
        used = [self.laying.channels[track] for track in self.tracks]
        first: dict[int, Tick] = {}
        for queued in self._scheduler.queued():
            if queued.track in single and used.count(queued.channel) == 1:
                first.setdefault(queued.channel, queued.tick)
        self._scheduler.shorten(lambda channel, _: first.get(channel))

    def end_sounding(self, tracks: Iterable[int], tick: Tick, ends: Callable[[int], bool]) -> None:
        """Let what sounds of tracks that have a channel of their own end at a tick, where its key must."""
        used = [self.laying.channels[track] for track in self.tracks]
        channels = {self.laying.channels[track] for track in tracks}
        self._scheduler.shorten(
            lambda channel, pitch: (
                tick if channel in channels and used.count(channel) == 1 and ends(pitch) else None
            )
        )

    def end_all(self, tick: Tick) -> None:
        """Let everything that sounds beyond a tick end there."""
        channels = {self.laying.channels[track] for track in self.tracks}
        self._scheduler.shorten(lambda channel, _: tick if channel in channels else None)

    @property
    def silent(self) -> frozenset[int]:
        """The parts that are not heard: the muted ones of several; a single part is never muted."""
        return self.muted.intersection(self.tracks) if len(self.tracks) > 1 else frozenset()

    def mute(self, muted: frozenset[int], from_step: int, *, now: Tick) -> None:
        """Leave these parts out, and no others, from a step on; what sounds alone on its channel ends now."""
        self.muted = muted
        used = [self.laying.channels[track] for track in self.tracks]
        ended = {self.laying.channels[track] for track in self.silent}
        self._scheduler.shorten(
            lambda channel, _: now if channel in ended and used.count(channel) == 1 else None
        )
        self.lay_all(from_step, not_before=now)

    def lay_all(self, from_step: int, *, not_before: Tick) -> None:
        """Queue every cell again from a step on: how they are laid has changed."""
        for index in sorted(self.cells):
            if self.lines.step_of_cell(index + 1) > from_step:
                self.lay(self.cells[index], from_step, not_before=not_before)

    def bar_rows(self, bar: int) -> tuple[BarOrigin | Literal[""], list[NoteRow]]:
        """Return a bar's origin and its notes as the dashboard takes them."""
        index = self.cell_of(self.lines.tick_of_bar(bar))
        within = bar - self.first_bar(index)
        cell = self.cells.get(index)
        if cell is None:
            return "", []
        steps = self.grid.steps_per_bar
        low, high = within * steps, (within + 1) * steps
        shown = (
            (cell.sounding or cell.phrase) if cell.phrase is not None and cell.sounds != "nothing" else None
        )
        if shown is None:
            return "silent", []
        start, silent = Tick(within * self.grid.ticks_per_bar), self.silent
        notes = tuple(note for note in shown.notes if low <= note.onset < high and note.track not in silent)
        rows: list[NoteRow] = [
            (max(0, on - start), off - on, note.pitch, note.velocity, note.track)
            for note, (on, off) in zip(notes, self.laying.times(notes, self.grid), strict=True)
        ]
        return cell.origin, rows
