"""The band in play: its chords followed, its cells arranged anew as they change, what clashes ended.

Owns: what was said of the chords last, and which of the performer's keys it has made room for.
Threads: engine only.
"""

from collections.abc import Mapping
from functools import partial

from live.jam.band.arranger import Arranger
from live.jam.band.harmony import ChordsInPlay
from live.jam.input.capture import Capture
from live.jam.latent.path import PathHistory
from live.jam.protocols import Output
from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick
from model.edits.reharmonise import HARMONIC, holds
from model.music.harmony import Chord


class Band:
    """Plays under the performer.

    Args:
        conditions: that answers are held to, by name.
        knobs: present values by name; read, never written.

    Attributes:
        harmony: which chord sounds, and which ones are to come.
    """

    def __init__(
        self,
        plan: Plan,
        capture: Capture,
        history: PathHistory,
        conditions: Mapping[str, str],
        *,
        knobs: Mapping[str, float],
        seed: int,
        output: Output,
    ) -> None:
        self.harmony = ChordsInPlay(plan, capture, history, conditions)
        self._plan, self._capture, self._output = plan, capture, output
        self._strikes = 0
        self._said = ""
        self._arranger = Arranger(plan, self.harmony, knobs, seed)
        plan.arrange = self._arranger.arranged

    def advance(self, now: Tick, *, present: Tick) -> None:
        """Follow the chords; where they have changed, what is to come of the band is laid anew.

        Args:
            now: the tick up to which messages leave.
            present: the tick that the performer hears and plays at.
        """
        harmony, plan = self.harmony, self._plan
        if harmony.advance(now, present=present) and any(map(self._arranger.lays, plan.cells.values())):
            self.relay(now)
        if self._capture.strikes != self._strikes:
            self._strikes = self._capture.strikes
            self._make_room(now)
        if harmony.shown != self._said:
            self._said = harmony.shown
            self._output.publish("chord", harmony.shown or "none")

    def _make_room(self, now: Tick) -> None:
        """End what of the band sounds a semitone beside a key that is held."""
        plan = self._plan
        step = plan.next_step(now)
        cell = plan.cells.get(plan.lines.cell_of_step(step)[0])
        held = {note.pitch % 12 for note in self._capture.down()}
        if cell is None or not cell.band or not held:
            return
        beside = {(pitch + away) % 12 for pitch in held for away in (1, 11)} - held
        plan.end_sounding(
            cell.band & HARMONIC, plan.lines.tick_of_step(step), lambda pitch: pitch % 12 in beside
        )

    def relay(self, now: Tick) -> None:
        """Lay what is to come anew, and end what of the band sounds beside the chord that begins."""
        plan = self._plan
        step = plan.next_step(now)
        index, onset = plan.lines.cell_of_step(step)
        cell = plan.cells.get(index)
        if cell is not None:  # those behind it are laid anew as they begin
            plan.lay(cell, step, not_before=now)
        chord = self.harmony.steps(index)[onset] if cell is not None else None
        if cell is None or not isinstance(chord, Chord):
            return
        for track in (cell.band | self._arranger.follows(cell, onset)) & HARMONIC:
            beside = partial(_beside, chord, track)
            plan.end_sounding((track,), plan.lines.tick_of_step(step), beside)

    def next_tick(self, now: Tick) -> Tick:
        """Return the next tick at which a chord may change by itself."""
        return self.harmony.next_tick(now)

    def restart(self) -> None:
        """Start at bar 0 again."""
        self.harmony.restart()
        self._arranger.restart()

    def fill(self, now: Tick) -> None:
        """Let the drums fill up to the next bar line; raises UsageError where there are none."""
        self._arranger.fill(now)
        self.relay_all(now)

    def relay_all(self, now: Tick) -> None:
        """Lay all that is to come anew: more than chords has changed."""
        self._plan.lay_all(self._plan.next_step(now), not_before=now)

    def pause(self, now: Tick) -> None:
        """Let everything rest up to the next bar line, and come in again on the one."""
        plan = self._plan
        first, _ = self._arranger.pause(now)
        self.relay_all(now)
        plan.end_all(plan.lines.tick_of_step(first))


def _beside(chord: Chord, track: int, pitch: int) -> bool:
    """Tell whether a note of a track may not sound on under a chord."""
    return not holds(pitch, chord, track)
