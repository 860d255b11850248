"""A jam's state put into a JamMemory, and taken from one by the engine that comes after a crash.

Threads: engine only.
Tested in tests/live/engine/test_engine.py.
"""

from typing import cast

from live.ipc.memory import AnchorMemory, BaseMemory, JamMemory, TimelineMemory
from live.jam.jam import Jam
from live.jam.path import Anchor, Base, BaseOrigin, PathState
from live.settings.knobs import KNOBS
from live.timing.timeline import Nanos, Tick, Timeline


def remembered(jam: Jam, *, started: bool, demo: bool) -> JamMemory:
    """Return what of a jam must outlive its engine."""
    state, model = jam.history.state, jam.requests.model
    base, transport = state.base, jam.transport
    line = transport.timeline if transport.running else None
    return JamMemory(
        knobs=dict(jam.knobs),
        mode=state.mode,
        frozen=state.frozen,
        thru=jam.performer.thru,
        muted=sorted(jam.plan.muted),
        conditions=dict(jam.requests.conditions),
        model=jam.wanted_model,
        model_ident=model.ident if model else "",
        metre=jam.dialogue.metre,
        lines=jam.plan.lines,
        base=_base_memory(base) if base is not None else None,
        anchors={
            name: AnchorMemory(anchor.place, anchor.phrase, anchor.xy)
            for name, anchor in state.anchors.items()
        },
        timeline=TimelineMemory(line.origin_tick, line.origin_nanos, line.tempo_bpm) if line else None,
        started=started,
        demo=demo,
        listening=jam.listening.waits,
        turn=state.turn,
        vary_set=jam.vary_set,
    )


def _base_memory(base: Base) -> BaseMemory:
    return BaseMemory(base.place, base.origin, base.number, base.phrase)


def _base(memory: BaseMemory) -> Base:
    return Base(memory.place, cast("BaseOrigin", memory.origin), memory.phrase, memory.number)


def restore(jam: Jam, memory: JamMemory, now: Nanos) -> None:
    """Let a jam that has just begun go on as another one was: on its timeline, with its knobs and base."""
    jam.stop(now)
    jam.dialogue.restart()
    timeline = None
    base = None if memory.base is None else _base(memory.base)
    anchors = {
        name: Anchor(anchor.place, anchor.phrase, anchor.xy) for name, anchor in memory.anchors.items()
    }
    jam.knobs.update({name: value for name, value in memory.knobs.items() if name in KNOBS})
    jam.requests.conditions.clear()
    jam.requests.conditions.update(memory.conditions)
    jam.performer.thru = memory.thru
    jam.plan.muted = frozenset(memory.muted)
    jam.plan.lines, jam.dialogue.metre = memory.lines, memory.metre
    jam.history.state = PathState(base, anchors, memory.mode, memory.frozen, memory.turn)
    jam.vary_set = memory.vary_set
    jam.transport.set_tempo(memory.knobs["tempo"], now)
    if memory.timeline is not None:
        tick, nanos = Tick(memory.timeline.origin_tick), Nanos(memory.timeline.origin_nanos)
        timeline = Timeline(tick, nanos, memory.timeline.tempo_bpm)
    jam.resume(timeline, now, model=memory.model, model_ident=memory.model_ident)
    if memory.listening:
        jam.listening.wait(jam.quarters_per_bar)
