"""Which chords are to come: those of the answer that sounds, of the phrase that is held, or of a known one.

Owns: what was foreseen since the open beat's last note, and what was played in which cell.
Threads: engine only.
Tested in tests/live/jam/band/test_band.py.
"""

from live.ipc.places import Point
from live.jam.band.loops import NOTHING, Foreseen, Loops, Remembered, Row, rows_of
from live.jam.input.capture import Capture
from live.jam.latent.path import PathHistory, heaviest
from live.jam.sequencing.plan import Plan
from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick
from model.music.chord_finding import beats_of, near, progression
from model.music.harmony import Chord, chord_of
from model.music.key import Key
from model.music.phrase import Phrase
from model.music.tracks import DRUMS

CERTAIN = 1.0  # trust in the chords of a phrase that is held, or of an answer that sounds alone: they stay
SILENT_TRUST = 0.9  # and of one under which the performer rests


class Foresight:
    """Foresees the chords of cells.

    Args:
        loops: phrases that were played.
    """

    def __init__(self, plan: Plan, capture: Capture, history: PathHistory, loops: Loops) -> None:
        self._plan, self._capture, self._history, self._loops = plan, capture, history, loops
        self.restart(plan.lines)

    def restart(self, lines: BarLines) -> None:
        """Begin anew on other bar lines; what is remembered of phrases stays."""
        self._lines = lines
        self._loops.lay_on(lines.grid)
        self._foreseen: dict[int, tuple[Phrase | None, Foreseen]] = {}  # of which answer
        self._answer: tuple[Phrase, Foreseen] | None = None  # the last one, and what it means
        self._rows: dict[int, tuple[int, frozenset[Row]]] = {}  # cell -> strikes, what was played

    def forget(self) -> None:
        """Foresee anew: a beat has begun, or a key was struck."""
        self._foreseen.clear()

    def of(self, cell: int, beat: int | None, key: Key | None) -> Foreseen:
        """Return what is expected of a cell.

        Args:
            cell: of the plan.
            beat: the open one, counted as cells count; None before the first.
            key: that the performer plays in.
        """
        answer = self._answer_of(cell)
        known = self._foreseen.get(cell)
        if known is None or known[0] is not answer:
            found = self._meant(cell, answer, key) if answer is not None else NOTHING
            known = self._foreseen[cell] = answer, found if found.chords else self._foresee(cell, beat)
        return known[1]

    def answer_came(self, cell: int) -> bool:
        """Tell whether a cell sounds an answer by itself whose meaning nobody has asked for yet."""
        answer = self._answer_of(cell)
        return answer is not None and (self._answer is None or answer is not self._answer[0])

    def _answer_of(self, cell: int) -> Phrase | None:
        """Return the answer that a cell sounds while the performer rests; None where there is none."""
        known = self._plan.cells.get(cell)
        if self._history.state.mode != "answer" or known is None or not known.speaks:
            return None
        if known.origin != "decoded" or known.phrase is None or self.played(cell):
            return None
        return known.phrase

    def _meant(self, cell: int, answer: Phrase, key: Key | None) -> Foreseen:
        """Return the chords that an answer's own notes mean, near to those of the phrase that it answers."""
        if self._answer is None or self._answer[0] is not answer:
            band, grid = self._plan.cells[cell].band, self._plan.grid
            notes = [note for note in answer.notes if note.track not in band and note.track != DRUMS]
            beats = [
                near(beat, chord)
                for beat, chord in zip(beats_of(notes, grid), self._remembered(cell), strict=True)
            ]
            chords = progression(beats, key, beats_per_bar=grid.beats_per_bar)
            rows = frozenset(
                (step, note.pitch % 12)
                for note in notes
                for step in range(note.onset, note.onset + note.length)
            )
            self._answer = answer, Foreseen(tuple(chords), CERTAIN, rows) if any(chords) else NOTHING
        return self._answer[1]

    def _remembered(self, cell: int) -> tuple[Chord | None, ...]:
        """Return the chords that the phrase had which a cell's notes come from; None for each unknown one."""
        point, grid = self._point(cell), self._plan.grid
        found = tuple(chord_of(number) for number in point.chords) if point is not None else ()
        return found if len(found) == grid.beats else (None,) * grid.beats

    def _foresee(self, cell: int, beat: int | None) -> Foreseen:
        state, grid = self._history.state, self._plan.grid
        remembered = self._remembered(cell)
        held = state.frozen or state.loop_bars or state.mode not in ("follow", "answer", "listen")
        if any(remembered) and held:
            return Foreseen(remembered, CERTAIN)
        assert beat is not None
        open_cell, over = divmod(beat, grid.beats)
        played = self.played(open_cell)
        steps = (over + 1) * grid.steps_per_beat
        if cell > open_cell:
            return self._loops.beyond(played, steps) if played else NOTHING
        if not played and over and any(remembered):  # the performer rests: what sounds is that phrase
            return Foreseen(remembered, SILENT_TRUST)
        if played:  # of the open beat only what has been struck is known
            steps = max(steps - grid.steps_per_beat, max(step for step, _ in played) + 1)
        found = self._loops.foresee(cell, played, steps, self._anchors())
        if not found.chords and not played:  # the phrase before is still being looked at
            found = self._loops.beyond(self.played(cell - 1), grid.steps)
        return found

    def _point(self, cell: int) -> Point | None:
        """Return the place that a cell's notes come from."""
        known = self._plan.cells.get(cell)
        base = known.base if known is not None and known.base is not None else None
        if base is None:
            base = self._history.state.base_at(self._lines.place_of_cell(cell))
        return heaviest(base.place) if base is not None else None

    def _anchors(self) -> list[Remembered]:
        found = []
        for anchor in self._history.state.anchors.values():
            chords = heaviest(anchor.place).chords
            if len(chords) == self._plan.grid.beats and anchor.phrase.grid == self._plan.grid:
                found.append(Remembered(-1, rows_of(anchor.phrase), tuple(map(chord_of, chords))))
        return found

    def played(self, cell: int) -> frozenset[Row]:
        """Return what has been played in a cell so far."""
        grid = self._plan.grid
        zero = self._lines.tick_of_cell(cell)
        size, steps, strikes = grid.ticks_per_step, grid.steps, self._capture.strikes
        known = self._rows.get(cell)
        if known is not None and known[0] == strikes:
            return known[1]
        first = Tick(zero - size // 2)
        rows = (((note.start - first) // size, note.pitch % 12) for note in self._capture.lately(first))
        found = frozenset(row for row in rows if 0 <= row[0] < steps)
        self._rows = {
            **{one: row for one, row in self._rows.items() if row[0] == strikes},
            cell: (strikes, found),
        }
        return found
