"""Snapshots: an immutable picture of a jam for the dashboard.  Threads: engine only."""

from live.ipc.messages import (
    AnchorView,
    BarView,
    KnobView,
    LatenessView,
    ModelView,
    NoteRow,
    PortView,
    Snapshot,
)
from live.jam.jam import Jam
from live.settings.knobs import ANCHORS, ATTRIBUTE_KNOBS, KNOBS, LATENT_KNOBS
from live.timing.timeline import Nanos, Tick, bar_of, tick_of_bar
from model.music.tracks import MELODY, TRACKS

BARS_BEHIND, BARS_AHEAD = 2, 4


def lateness(values: list[int]) -> LatenessView:
    """Return percentiles, in microseconds, of latenesses in nanoseconds."""
    if not values:
        return LatenessView()
    ordered = sorted(values)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e3

    return LatenessView(count=len(ordered), p50=at(0.5), p99=at(0.99), worst=ordered[-1] / 1e3)


def knob_views(jam: Jam) -> list[KnobView]:
    """Return every knob with its value and the place of hardware that waits."""
    waiting = jam.mapper.waiting() if jam.mapper else {}
    model = jam.answers.model
    heeded = set(model.knobs) if model else set(ATTRIBUTE_KNOBS)
    latent = model is None or model.latent_size > 0
    views = []
    for spec in KNOBS.values():
        available = spec.name not in ATTRIBUTE_KNOBS or spec.name in heeded
        if spec.name in LATENT_KNOBS:
            available = latent
        views.append(
            KnobView(
                name=spec.name,
                value=jam.controls.values[spec.name],
                low=spec.low,
                high=spec.high,
                rest=spec.rest,
                text=spec.text,
                waiting=waiting.get(spec.name),
                available=available,
            )
        )
    return views


def bar_views(jam: Jam, now: Tick) -> list[BarView]:
    """Return the bars from two behind to four ahead, as far as there is something to show."""
    if not jam.transport.running:
        return []
    grid = jam.plan.grid
    current = bar_of(grid, now)
    first = max(0, current - BARS_BEHIND)
    zero = tick_of_bar(grid, first)
    played = jam.capture.between(zero, Tick(now + 1), now)
    views = []
    for bar in range(first, max(0, current) + BARS_AHEAD):
        start, end = tick_of_bar(grid, bar), tick_of_bar(grid, bar + 1)
        hers: list[NoteRow] = [
            (note.start - start, (note.end or now) - note.start, note.pitch, note.velocity, MELODY)
            for note in played
            if start <= note.start < end
        ]
        origin, rows = jam.plan.bar_rows(bar)
        if bar < current:
            rows = [
                (tick - start, off - tick, pitch, velocity, track)
                for tick, off, pitch, velocity, track in jam.heard
                if start <= tick < end
            ]
        views.append(BarView(bar, origin, rows, hers))
    return views


def picture(
    jam: Jam, now: Nanos, *, ports: list[PortView], recording: str, priority: str, mapping: str
) -> Snapshot:
    """Return what the dashboard shows now."""
    tick = jam.tick(now)
    answers, model = jam.answers, jam.answers.model
    anchors = answers.state.anchors
    base = answers.state.base
    return Snapshot(
        nanos=now,
        state=jam.transport.state(now),
        tempo_bpm=jam.transport.tempo_bpm,
        tick=tick,
        beats_per_bar=jam.plan.grid.beats_per_bar,
        mode=answers.state.mode,
        frozen=answers.state.frozen,
        thru=jam.hands.thru,
        model=ModelView(
            name=jam.loading,
            state=jam.model_state,
            detail=jam.model_detail,
            latent_size=model.latent_size if model else 0,
            decode_ms=answers.decode_ms,
        ),
        ports=ports,
        knobs=knob_views(jam),
        anchors=[AnchorView(name, anchors[name].xy if name in anchors else None) for name in ANCHORS],
        bars=bar_views(jam, tick),
        here=answers.here,
        hers=answers.hers,
        origin=base.origin if base else "",
        lateness=lateness(list(jam.lateness_nanos)),
        missed_bars=answers.missed_bars,
        dropped_notes=jam.dropped_notes,
        held_keys=jam.hands.down(),
        recording=recording,
        priority=priority,
        mapping=mapping,
        notices=list(jam.notices),
        map_points=model.map_points if model else [],
        muted=[TRACKS[track] for track in sorted(jam.plan.silent)],
    )
