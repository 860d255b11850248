"""The harmony of the moment: which chord sounds now, and which ones are to come.

It is that of the chords that were set; else, where a phrase is recognised, that of the phrase as it was
played before; else what the performer's notes say, beat by beat.  A beat is opened half a step before its
line, so that what is foreseen sounds on it; what is played then may say otherwise, from the next step on.
Owns: the chord of each step so far, and what has sounded in the last beats.  Threads: engine only.
Tested in tests/live/jam/band/test_band.py.
"""

from collections import deque
from collections.abc import Mapping

from live.jam.band.foresight import CERTAIN, SILENT_TRUST, Foresight
from live.jam.band.loops import NOTHING, Foreseen, Loops
from live.jam.band.register import Register
from live.jam.input.capture import Capture
from live.jam.latent.path import PathHistory
from live.jam.sequencing.cell import Cell
from live.jam.sequencing.plan import Plan
from live.settings.schema import AS_PLAYED, AUTO, OFF
from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick, nearest_step
from model.edits.reharmonise import SILENT, Harmony
from model.errors import ConfigError
from model.music.chord_finding import (
    GUESS,
    BeatSound,
    ChordFilter,
    colour,
    in_blues,
    plain,
    tells,
    triad_index,
    weigh,
)
from model.music.harmony import Chord, chord_name, key_named
from model.music.key import BLUES, Key, blues_of, key_of, nearest_key
from model.music.phrase import Note
from model.music.progression import Progression, read_progression
from model.music.tracks import MELODY

KEY_EVERY = 2  # beats, as often as it is looked for
KEY_BEATS = 8  # from whose notes that key is found
MEMORY_BEATS = 8  # that must tell a chord for one to be said
SWITCH = 3.0  # times as likely must another chord be to be taken within a beat
SETTLED = 2  # steps of a beat from which its chord stays: what passes then is no change of harmony
FOLLOWED = 0.55  # trust from which what is foreseen is played ahead
RESTS = 2  # beats after which a line that the performer has stopped is answered
LEAVING_BEATS, LEAVING_NOTES, LEAVING = 2, 3, 0.4  # beats, notes in them, share of them outside of a key
ATONAL, ATONAL_BEATS = 8, 5  # pitch classes in so many beats, the open one too, that are of no key
NEW = 1.0  # beats that a note just struck is taken to last


class ChordsInPlay:
    """Follows the harmony.

    Args:
        conditions: by name, those of `chords` and `key` among them; read, never written.

    Attributes:
        shown: name of the present chord; empty for none.
        coming: name of the one after it, where that is known; else empty.
        meanwhile: the step from which the performer plays in the present cell; None where all is silent.
        loops: phrases that were played.
        register: where the performer plays, and how loud.
    """

    def __init__(
        self, plan: Plan, capture: Capture, history: PathHistory, conditions: Mapping[str, str]
    ) -> None:
        self.shown = self.coming = ""
        self.meanwhile: int | None = None
        self.loops = Loops(plan.grid)
        self._foresight = Foresight(plan, capture, history, self.loops)
        self.key: Key | None = None
        self._plan, self._capture, self._history = plan, capture, history
        self._conditions = conditions
        self.register = Register(capture)
        self._lead: Progression | None = None
        self._restart(plan.lines)

    @property
    def lead(self) -> Progression | None:
        """The chords that were set."""
        text = self._conditions.get("chords", AUTO)
        if text == AUTO:
            self._lead = None
        elif self._lead is None or self._lead.text != text:
            try:
                self._lead = read_progression(text)
            except ConfigError:  # refused where it was set
                self._lead = None
        return self._lead

    def restart(self) -> None:
        """Start at bar 0 again: what was played is forgotten, not what was remembered of it."""
        self._restart(self._plan.lines)

    def _restart(self, lines: BarLines) -> None:
        self._lines = lines
        self._following = ChordFilter()
        self._beat: int | None = None  # the open one, counted as cells count
        self._strikes = -1
        self._sounded: deque[BeatSound] = deque(maxlen=MEMORY_BEATS)
        self._steps: dict[int, Harmony] = {}  # of the whole piece -> its chord
        self._present: Harmony = None
        self._foresight.restart(lines)
        self._laid: object = None
        self._left_at = self._left_first = 0  # a key, the last time and the first of several in a row
        self._since = 0  # what was played before does not tell the key: one was left then
        self.meanwhile = None

    def _heed_grid(self) -> None:
        """Begin anew where the plan has entered another metre since the last beat was opened."""
        if self._plan.grid != self._lines.grid:
            self._restart(self._plan.lines)

    # -- as musical time goes by -----------------------------------------------------------------

    def next_tick(self, now: Tick) -> Tick:
        """Return the next tick at which a beat is opened."""
        half = self._plan.grid.ticks_per_step // 2
        return Tick(self._plan.lines.next_beat(now + half) - half)

    def advance(self, now: Tick, *, present: Tick) -> bool:
        """Open the beat that begins, and take what was played; tells whether any chord is another now.

        Args:
            now: the tick up to which messages leave.
            present: the tick that the performer hears and plays at.
        """
        plan = self._plan
        if plan.lines != self._lines:
            self._restart(plan.lines)
        grid = plan.grid
        opening = now + grid.ticks_per_step // 2 - plan.lines.start
        beat = opening // grid.ticks_per_beat + plan.lines.cell * grid.beats
        opened = self._beat is None or beat > self._beat
        strikes = self._capture.strikes
        if not opened and strikes == self._strikes and not self._foresight.answer_came(beat // grid.beats):
            return False
        if opened:
            self._open(beat)
        if strikes != self._strikes or opened:
            self._strikes = strikes
            self._hear(present)
        step = self._first_step(beat) if opened else max(plan.next_step(now), self._first_step(beat))
        return self._choose(beat, step, opened=opened)

    def _open(self, beat: int) -> None:
        """Open a beat."""
        grid = self._plan.grid
        self._beat = beat
        self._foresight.forget()
        if beat % KEY_EVERY == 0 or self.key is None or self._left():
            self.key = self._key()
        rests = 2 * grid.beats if self._history.state.mode == "answer" else RESTS
        begins = beat % grid.beats == 0
        now = Tick(self._tick(beat))
        self.register.listen(now, beat=grid.ticks_per_beat, rests=rests, begins=begins)
        expected = self.foreseen(beat // grid.beats)
        chord = expected.chords[beat % grid.beats] if expected.chords else None
        self._following.begin(
            self.key,
            beat % grid.beats_per_bar,
            grid.beats_per_bar,
            foreseen=chord,
            trust=expected.trust if chord is not None else 0.0,
        )
        self._sounded.append(BeatSound((0.0,) * 12, None, beat % grid.beats_per_bar))
        first = self._first_step(beat) - 2 * grid.steps
        for step in [step for step in self._steps if step < first]:
            del self._steps[step]

    def _hear(self, present: Tick) -> None:
        """Take what the open beat has sounded so far."""
        assert self._beat is not None
        grid, size = self._plan.grid, self._plan.grid.ticks_per_beat
        start = self._tick(self._beat)
        notes = []
        for note in self._capture.lately(Tick(start - 8 * size)):
            if note.end is not None and note.end <= start and note.start < start - grid.ticks_per_step:
                continue  # it is over
            step, _ = nearest_step(grid, note.start - self._lines.start)
            begun = self._lines.start + step * grid.ticks_per_step
            end = note.end if note.end is not None else present + round(NEW * size)
            notes.append(((begun - start) / size, (max(end, begun + 1) - start) / size, note.pitch))
        beat = weigh(notes, 0.0, 1.0, self._beat % grid.beats_per_bar)
        self._sounded[-1] = beat
        self._foresight.forget()
        if any(beat.weights):
            self._following.hear(beat)

    def _choose(self, beat: int, step: int, *, opened: bool) -> bool:
        """Take the chord of the open beat from a step on; tells whether it or what is to come is another."""
        grid = self._plan.grid
        start = self._first_step(beat)
        settled = not opened and step >= start + SETTLED and self.lead is None
        stays = settled and isinstance(self._present, Chord)
        chord = self._present if stays else self._chord(beat, opened=opened)
        for one in range(start, step):
            self._steps.setdefault(one, self._present)
        for one in range(step, start + grid.steps_per_beat):
            self._steps[one] = chord
        self._present = chord
        self._show(beat)
        cell = beat // grid.beats
        if not self._foresight.played(cell):
            self.meanwhile = None
        elif self.meanwhile is None:
            self.meanwhile = step
        register = self.register.lowest, self.register.middle, self.register.level
        laid = (chord, self.meanwhile, register, self.beats(cell), self.beats(cell + 1))
        changed, self._laid = laid != self._laid, laid
        return changed

    def _chord(self, beat: int, *, opened: bool) -> Harmony:
        grid = self._plan.grid
        if self.lead is not None:
            return self._led(beat)
        expected = self.foreseen(beat // grid.beats)
        chord = expected.chords[beat % grid.beats] if expected.chords else None
        if chord is not None and expected.trust >= CERTAIN:
            return chord
        if not any(any(one.weights) for one in self._sounded) and chord is None:
            return None
        if self._atonal():
            return None
        best, odds = self._following.chord
        before = self._present
        if not opened and isinstance(before, Chord) and odds < SWITCH * self._following.odds(before):
            return before
        if chord is not None and triad_index(chord) == triad_index(best):
            return chord
        if isinstance(before, Chord) and triad_index(before) == triad_index(best) and opened:
            best = before
        return in_blues(colour(best, [self._sounded[-1]]), self.key)

    def _atonal(self) -> bool:
        """Tell whether what is played is in no key at all."""
        assert self._beat is not None
        beats = 1 + (self._tick(self._beat) - self._since) // self._plan.grid.ticks_per_beat
        last = [*self._sounded][-max(1, min(ATONAL_BEATS, beats)) :]
        classes = {pitch for one in last for pitch, weight in enumerate(one.weights) if weight}
        return len(classes) >= ATONAL and plain(last[-1]) is None

    def _led(self, beat: int) -> Harmony:
        """Return the chord of a beat by what was set."""
        assert self.lead is not None
        lines, grid = self._lines, self._plan.grid
        bar, within = divmod(beat - lines.cell * grid.beats, grid.beats_per_bar)
        return self.lead.beats(lines.bar + bar, 1, grid.beats_per_bar)[within] or SILENT

    def _key(self) -> Key | None:
        """Return the key that helps with chords: the one that is held, else that of the last bars."""
        wanted = self._conditions.get("key", AUTO)
        if wanted not in (AUTO, OFF, AS_PLAYED):
            try:
                return key_named(wanted)
            except ConfigError:
                pass
        assert self._beat is not None
        size = self._plan.grid.ticks_per_step
        start = max(self._since, self._tick(self._beat) - KEY_BEATS * self._plan.grid.ticks_per_beat)
        notes = [
            Note(0, note.pitch, note.velocity, max(1, ((note.end or note.start + size) - note.start) // size))
            for note in self._capture.lately(Tick(start))
            if note.start >= self._since
        ]
        recent = notes[len(notes) // 2 :]  # counted twice: what was played last says most
        blues = blues_of(recent) or blues_of(notes)
        if blues is not None:
            return blues
        last = self._left()
        if last:
            self._leave(self._tick(self._beat))
            return nearest_key(last)
        return key_of([*notes, *recent], self.key, clear=GUESS)

    def _leave(self, now: int) -> None:
        """Take it that a key has been left; who leaves one after the other is in none."""
        beat = self._plan.grid.ticks_per_beat
        if now - self._left_at > LEAVING_BEATS * beat:
            self._left_first = now
        self._left_at = now
        if now - self._left_first <= LEAVING_BEATS * beat:
            self._since = now - LEAVING_BEATS * beat

    def _left(self) -> list[Note]:
        """Return the notes of the last beats if they have left the key, which then is found in them alone."""
        if self.key is None or self._beat is None:
            return []
        size = self._plan.grid.ticks_per_beat
        start = self._tick(self._beat) - LEAVING_BEATS * size
        last = [note.pitch for note in self._capture.lately(Tick(start)) if note.start >= start]
        scale = self.key.scale
        outside = sum(pitch % 12 not in scale for pitch in last)
        if len(last) < LEAVING_NOTES or outside < LEAVING * len(last):
            return []
        return [Note(0, pitch, 90, 1) for pitch in last]

    # -- what is to come -------------------------------------------------------------------------

    def foreseen(self, cell: int) -> Foreseen:
        """Return what is expected of a cell."""
        self._heed_grid()
        return self._foresight.of(cell, self._beat, self.key)

    def beats(self, cell: int) -> tuple[Harmony, ...]:
        """Return the chord of each beat of a cell that is not over, as far as it is known or foreseen."""
        self._heed_grid()
        grid = self._plan.grid
        first = cell * grid.beats
        if self.lead is not None:
            return tuple(self._led(first + beat) for beat in range(grid.beats))
        if self._beat is None:
            return (None,) * grid.beats
        expected = self.foreseen(cell)
        ahead = bool(expected.chords) and expected.trust >= FOLLOWED
        return tuple(
            expected.chords[beat]
            if ahead and first + beat > self._beat and expected.chords[beat] is not None
            else self._present
            for beat in range(grid.beats)
        )

    def low(self, cell: Cell) -> int | None:
        """Return the lowest key of the performer's line where it lies low while a cell sounds; else None."""
        state = self._history.state
        answers = state.mode == "answer" and cell.speaks
        if answers or state.frozen or state.loop_bars or state.mode not in ("follow", "answer", "listen"):
            return None
        return self.register.lowest

    def steps(self, cell: int) -> list[Harmony]:
        """Return the chord of each step of a cell: as it sounded, sounds, and is to sound."""
        self._heed_grid()
        grid = self._plan.grid
        first, size = self._lines.step_of_cell(cell), grid.steps_per_beat
        coming = self.beats(cell)
        return [self._steps.get(first + step, coming[step // size]) for step in range(grid.steps)]

    def avoided(self, cell: int) -> list[frozenset[int]]:
        """Return, for each step of a cell, the pitch classes that the performer and the answer play there."""
        self._heed_grid()
        grid = self._plan.grid
        size = grid.steps_per_beat
        third: frozenset[int] = frozenset()
        if self.key is not None and self.key.mode == BLUES:  # its minor third is the line's own
            third = frozenset(((self.key.tonic + 3) % 12,))
        found: list[frozenset[int]] = [third] * grid.steps
        expected = self.foreseen(cell) if self._beat is not None else NOTHING
        if expected.trust >= SILENT_TRUST and expected.rows:
            for beat in range(grid.beats):
                classes = third | frozenset(pitch for step, pitch in expected.rows if step // size == beat)
                found[beat * size : (beat + 1) * size] = [classes] * size
        sounds = self._plan.cells.get(cell)
        if sounds is not None and sounds.speaks and sounds.phrase is not None:
            for note in sounds.phrase.part(*({MELODY} - sounds.band - self._plan.silent)).notes:
                for step in range(note.onset, note.onset + note.length):
                    found[step] |= {note.pitch % 12}
        if self._beat is not None and self._beat // grid.beats == cell:
            held = frozenset(note.pitch % 12 for note in self._capture.down())
            first = self._beat % grid.beats * size
            found[first : first + size] = [classes | held for classes in found[first : first + size]]
        return found

    # -- for the human ---------------------------------------------------------------------------

    def _show(self, beat: int) -> None:
        """Name the present chord and the next one; nothing where too little is heard to say one."""
        grid = self._plan.grid
        named = self.lead is not None or tells(self._sounded, self._certain_key())
        self.shown = self._name(self._present) if named else ""
        self.coming = ""
        if not self.shown:
            return
        for ahead in range(1, grid.beats + 1):
            cell, within = divmod(beat + ahead, grid.beats)
            expected = self.foreseen(cell)
            if self.lead is None and (not expected.chords or expected.trust < FOLLOWED):
                return
            name = self._name(self.beats(cell)[within])
            if name and name != self.shown:
                self.coming = name
                return

    def _certain_key(self) -> Key | None:
        """Return the key only where what is sounding fits it well."""
        return None if self._atonal() else self.key

    def _name(self, chord: Harmony) -> str:
        if isinstance(chord, Chord):
            return chord_name(chord, self.key)
        return "N" if chord == SILENT else ""

    # -- where things lie ------------------------------------------------------------------------

    def _tick(self, beat: int) -> int:
        lines, grid = self._lines, self._plan.grid
        return lines.start + (beat - lines.cell * grid.beats) * grid.ticks_per_beat

    def _first_step(self, beat: int) -> int:
        lines, grid = self._lines, self._plan.grid
        return lines.step + (beat - lines.cell * grid.beats) * grid.steps_per_beat
