"""Snapshots: what the dashboards are shown, drawn a piece at a time while nothing waits.

A dashboard gets one whole Snapshot, then what has changed.  Between two pieces the engine's loop may do
anything else, so that no note and no key waits for the screen.
Owns: who watches, what was shown last, and the bars of the roll as they were drawn.  Threads: engine only.
"""

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any, NamedTuple

import msgspec

from live.ipc.link import Link
from live.ipc.snapshot import (
    AnchorView,
    BarView,
    ControllerView,
    KnobView,
    LatenessView,
    LessonView,
    ModelView,
    NoteRow,
    PortView,
    Snapshot,
    Speaker,
    TouchView,
    difference,
)
from live.jam.jam import Jam
from live.settings.knobs import ANCHORS, ATTRIBUTE_KNOBS, KNOBS, LATENT_KNOBS, PART_KNOBS
from live.settings.schema import AUTO
from live.timing.timeline import Nanos, Tick
from model.music.metre import name_of
from model.music.tracks import MELODY, TRACKS

BARS_BEHIND, BARS_AHEAD = 2, 4
PIECE_NANOS = 300_000  # no piece is begun so short before something is due
IDLE_NANOS = 1_000_000_000
LATENESS_NANOS = 500_000_000  # percentiles are worked out so often


class Surroundings(NamedTuple):
    """What is shown and is not the jam's, as `Snapshot` has it: ports, the take's path, what hands do."""

    ports: list[PortView]
    recording: str
    priority: str
    mapping: str
    controllers: list[ControllerView]
    mapping_names: list[str]
    demo: bool = False
    touched: TouchView | None = None
    lesson: LessonView | None = None


class DrawnBar(NamedTuple):
    """A bar of the roll, and the state of the jam that it was drawn in."""

    state: object
    view: BarView


class Snapshots:
    """Draws a jam for dashboards, at most so many times a second; one that does not keep up misses some.

    Args:
        around: tells what is not the jam's.
        per_second: 1..15.

    Attributes:
        watchers: links to dashboards.
    """

    def __init__(self, jam: Jam, around: Callable[[], Surroundings], *, per_second: int) -> None:
        self.watchers: list[Link[Any]] = []
        self._jam, self._around = jam, around
        self._period = 1_000_000_000 // per_second
        self._begun = 0
        self._drawing: Iterator[bool] | None = None
        self._shown: Snapshot | None = None
        self._behind: list[Link[Any]] = []  # watchers that need a whole snapshot
        self._bars: dict[int, DrawnBar] = {}
        self._lateness = LatenessView()
        self._lateness_nanos = 0

    def watch(self, link: "Link[Any]") -> None:
        """Show everything to one more dashboard, then what changes."""
        self.watchers.append(link)
        self._behind.append(link)

    def leave(self, link: "Link[Any]") -> None:
        """Show nothing more to a dashboard."""
        self.watchers.remove(link)
        if not self.watchers:
            self._drawing = None
        self._behind = [other for other in self._behind if other is not link]

    def show(self, now: Nanos, soonest: int, *, waiting: bool = False) -> int:
        """Draw the next piece if it is time for one; what waits, or is due at the soonest moment, goes first.

        Returns the moment to come back.
        """
        if not self.watchers:
            return now + IDLE_NANOS
        if self._drawing is None and now - self._begun < self._period:
            return self._begun + self._period
        overdue = now - self._begun > 2 * self._period
        if (waiting or soonest - now < PIECE_NANOS) and not overdue:
            return max(now, soonest)
        if self._drawing is None:
            self._begun = now
            self._drawing = self._pieces(now)
        try:
            more = next(self._drawing, False)
        except Exception:
            self._drawing, self._behind = None, [*self.watchers]  # what they were shown is not known
            raise
        if more:
            return now
        self._drawing = None
        return self._begun + self._period

    # -- drawing ---------------------------------------------------------------------------------

    def _pieces(self, now: Nanos) -> Iterator[bool]:
        """Draw and send; yields between pieces of about a tenth of a millisecond."""
        before = dict(self._bars)
        for bar in self._roll(now):
            self._draw(bar, now)
            if self._bars.get(bar) is not before.get(bar):
                yield True
        snapshot = self._snapshot(now)
        yield True
        last, self._shown = self._shown, snapshot
        update = None if last is None else difference(last, snapshot)
        behind, self._behind = self._behind, []
        for link in tuple(self.watchers):
            yield True
            message = snapshot if update is None or link in behind else update
            if not link.send(message, droppable=True):
                self._behind.append(link)

    def _snapshot(self, now: Nanos) -> Snapshot:
        jam, before, around = self._jam, self._shown, self._around()
        lines = jam.plan.lines
        dialogue, model, state = jam.dialogue, jam.requests.model, jam.history.state
        speaker: Speaker = ""
        speaker_until = 0
        if jam.transport.running:
            speaker, speaker_until = jam.turns.speaker(jam.tick(now))
        if now - self._lateness_nanos >= LATENESS_NANOS:
            self._lateness_nanos = now
            self._lateness = LatenessView(*jam.sender.lateness.recent())
        return Snapshot(
            nanos=now,
            state=jam.state(now),
            tempo_bpm=jam.listening.tempo_bpm(now),
            tick=jam.tick(now),
            beats_per_bar=lines.grid.beats_per_bar,
            metre=name_of(lines.grid),
            ticks_per_beat=lines.grid.ticks_per_beat,
            bar_zero=lines.tick_of_bar(0),
            mode=state.mode,
            frozen=state.frozen,
            thru=jam.performer.thru.on,
            model=ModelView(
                name=jam.model_choice.shown,
                state=jam.model_choice.state,
                detail=jam.model_choice.detail,
                latent_size=model.latent_size if model else 0,
                decode_ms=jam.decoding.decode_ms,
            ),
            knobs=knob_views(jam, before.knobs if before else []),
            anchors=[
                AnchorView(name, state.anchors[name].xy if name in state.anchors else None)
                for name in ANCHORS
            ],
            bars=[self._bars[bar].view for bar in self._roll(now) if bar in self._bars],
            here=jam.decoding.here,
            performer_xy=dialogue.performer_xy,
            origin=state.base.origin if state.base else "",
            lateness=self._lateness,
            missed_bars=dialogue.bars.missed,
            dropped_notes=jam.sender.dropped_notes,
            held_keys=jam.performer.down(),
            notices=list(jam.notices.lines),
            map_points=model.map_points if model else [],
            muted=[TRACKS[track] for track in sorted(jam.plan.silent)],
            solo=jam.mixer.mutes.solo,
            metronome=jam.sender.metronome.on,
            key=dialogue.key if jam.requests.key == AUTO else jam.requests.key,
            key_locked=jam.requests.key != AUTO,
            chord=jam.band.harmony.shown if jam.transport.running else "",
            next_chord=jam.band.harmony.coming if jam.transport.running else "",
            clock=jam.leader.shown(now) if jam.leader is not None else "",
            speaker=speaker,
            speaker_until=speaker_until,
            phrase_bars=lines.period_bars,
            loop_bars=state.loop_bars,
            recognised=dialogue.recognised,
            scenes=jam.scenery.views() if jam.scenery is not None else [],
            scene=jam.scenery.called if jam.scenery is not None else 0,
            song=jam.scenery.song(jam.tick(now)) if jam.scenery is not None else None,
            **around._asdict(),
        )

    # -- the roll --------------------------------------------------------------------------------

    def _roll(self, now: Nanos) -> range:
        """Return the bars from two behind to four ahead, as far as there is something to show."""
        if not self._jam.transport.running:
            return range(0)
        lines = self._jam.plan.lines  # before them there was another metre, whose bars had another size
        current = lines.bar_of(self._jam.tick(now))
        return range(max(lines.bar, current - BARS_BEHIND), max(lines.bar, current) + BARS_AHEAD)

    def _draw(self, bar: int, now: Nanos) -> None:
        """Draw a bar of the roll, unless nothing in it has changed; bars that have gone by are forgotten."""
        jam = self._jam
        lines, tick = jam.plan.lines, jam.tick(now)
        past = bar < lines.bar_of(tick)
        performed = performed_rows(jam, bar, tick)
        state = (jam.run, lines, past, 0 if past else jam.plan.version)
        drawn = self._bars.get(bar)
        if drawn is None or drawn.state != state:
            first = self._roll(now).start
            self._bars = {known: one for known, one in self._bars.items() if known >= first}
            origin, rows = jam.plan.bar_rows(bar)
            view = BarView(bar, origin, sounded_rows(jam, bar) if past else rows, performed)
            self._bars[bar] = DrawnBar(state, view)
        elif drawn.view.performed != performed:
            self._bars[bar] = DrawnBar(state, msgspec.structs.replace(drawn.view, performed=performed))


def performed_rows(jam: Jam, bar: int, now: Tick) -> list[NoteRow]:
    """Return what the performer played in a bar; keys that are down sound until now."""
    start, end = jam.plan.lines.tick_of_bar(bar), jam.plan.lines.tick_of_bar(bar + 1)
    if start > now:
        return []
    return [
        (note.start - start, (note.end or now) - note.start, note.pitch, note.velocity, MELODY)
        for note in jam.capture.between(start, min(end, Tick(now + 1)), now)
    ]


def sounded_rows(jam: Jam, bar: int) -> list[NoteRow]:
    """Return what sounded in a bar that is over."""
    start, end = jam.plan.lines.tick_of_bar(bar), jam.plan.lines.tick_of_bar(bar + 1)
    since = takewhile(lambda note: note[0] >= start, reversed(jam.sender.sounded))
    return [
        (tick - start, off - tick, pitch, velocity, track)
        for tick, off, pitch, velocity, track in since
        if tick < end
    ][::-1]


def knob_views(jam: Jam, before: list[KnobView]) -> list[KnobView]:
    """Return every knob with its value and the place of hardware that waits; unchanged ones as before."""
    waiting = jam.performer.bindings.waiting() if jam.performer.bindings else {}
    model = jam.requests.model
    heeded = ATTRIBUTE_KNOBS if model is None else model.knobs
    latent = model is None or model.latent_size > 0
    parts = {TRACKS[track] for track in jam.plan.tracks}
    views = before or [
        KnobView(spec.name, spec.rest, spec.low, spec.high, spec.rest, spec.text) for spec in KNOBS.values()
    ]
    changed = []
    for before_view in views:
        view, name = before_view, before_view.name
        available = latent if name in LATENT_KNOBS else name not in ATTRIBUTE_KNOBS or name in heeded
        if name in PART_KNOBS:
            available = len(parts) > 1 and PART_KNOBS[name] in parts
        value, place = jam.knobs[name], waiting.get(name)
        if (view.value, view.waiting, view.available) != (value, place, available):
            view = msgspec.structs.replace(view, value=value, waiting=place, available=available)
        changed.append(view)
    return changed
